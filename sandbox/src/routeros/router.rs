//! What all connections of one router share: its state, its line, and a tally of what clients did.
//! The one place where a change is made, journalled and told to listeners, in this order.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use tokio::sync::{broadcast, watch};

use super::account::Account;
use super::dispatch;
use super::reply::Reply;
use super::request::Request;
use super::state::{State, Touched};
use super::switches::Power;

/// Which connections may live: those of the present generation, and they are served while the power is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Line {
    /// See `Power`.
    pub power: Power,
    /// Rises whenever all present connections are to end.
    pub generation: u64,
}

/// What clients did since the stand-in started; it is not kept.
#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct Tally {
    /// Connections that are open.
    pub connections: u64,
    /// Connections turned away because `max-sessions` was reached.
    pub connections_refused: u64,
    /// Logins that were granted.
    pub logins: u64,
    /// Logins that were refused.
    pub logins_refused: u64,
    /// Commands by their full name.
    pub commands: BTreeMap<String, u64>,
}

/// One router.
#[derive(Debug)]
pub(super) struct Router {
    /// Its API account.
    pub account: Account,
    /// See `Line`.
    pub line: watch::Sender<Line>,
    /// Rows that have changed.
    pub touched: broadcast::Sender<Vec<Touched>>,
    state: Mutex<State>,
    tally: Mutex<Tally>,
}

impl Router {
    /// A router with its state.
    pub(super) fn new(account: Account, state: State) -> Self {
        let line = Line { power: state.switches().power, generation: 0 };
        Self { account, line: watch::Sender::new(line), touched: broadcast::Sender::new(1_024), state: Mutex::new(state), tally: Mutex::default() }
    }

    /// Looks at the state.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state. When this returns, the change is in the journal.
    ///
    /// # Errors
    /// What the file system says; the client must get no answer then.
    pub(super) fn act<T>(&self, act: impl FnOnce(&mut State) -> T) -> io::Result<T> {
        let mut state = self.state();
        let outcome = act(&mut state);
        let touched = state.commit()?;
        if !touched.is_empty() {
            // Nobody listening is no fault.
            let _ = self.touched.send(touched);
        }
        Ok(outcome)
    }

    /// Carries out a command. `None` when its answer is to be lost on the way.
    ///
    /// # Errors
    /// As `act`.
    pub(super) fn run(&self, request: &Request) -> io::Result<Option<Vec<Reply>>> {
        self.tally(|tally| *tally.commands.entry(request.command.clone()).or_default() += 1);
        self.act(|state| {
            let replies = dispatch::answer(state, request);
            if dispatch::is_change(request) && state.switches().lose_answers > 0 {
                state.change_device(|device| device.switches.lose_answers -= 1);
                return None;
            }
            Some(replies)
        })
    }

    /// Counts something.
    pub(super) fn tally<T>(&self, count: impl FnOnce(&mut Tally) -> T) -> T {
        count(&mut self.tally.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
