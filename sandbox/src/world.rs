//! What all stand-ins share: the truth with its journal, the accounts, the routers, and the tasks that act later. It answers
//! no request itself.

use std::collections::{BTreeMap, HashSet};
use std::future::Future;
use std::ops::Deref;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::{PayheroSetup, SmsSetup};
use crate::journal::{self, Journal};
use crate::payhero::behaviour::Behaviour;
use crate::routeros::RouterHandle;
use crate::truth::{Entry, Truth};

/// The shared state of one sandbox.
pub(crate) struct World {
    pub(crate) payhero: PayheroSetup,
    pub(crate) sms: SmsSetup,
    pub(crate) routers: BTreeMap<String, RouterHandle>,
    pub(crate) client: reqwest::Client,
    pub(crate) stopping: CancellationToken,
    /// References that were asked about while the first question gets 404. Forgotten at a restart.
    pub(crate) asked: Mutex<HashSet<String>>,
    /// How many of the newest rows the transactions list does not show under `list_shift`. Forgotten at a restart.
    pub(crate) unlisted: AtomicUsize,
    pub(crate) tasks: TaskTracker,
    kept: Mutex<Kept>,
    changes: watch::Sender<u64>,
}

struct Kept {
    truth: Truth,
    journal: Journal,
}

/// The truth while it is being changed. Each record counts at once and is on disk before the change is over.
pub(crate) struct Draft<'a> {
    truth: &'a mut Truth,
    lines: Vec<u8>,
}

impl Draft<'_> {
    /// Lets one thing have happened.
    pub(crate) fn record(&mut self, entry: Entry) {
        self.lines.extend(journal::line(&entry));
        self.truth.apply(entry);
    }
}

impl Deref for Draft<'_> {
    type Target = Truth;

    fn deref(&self) -> &Truth {
        self.truth
    }
}

impl World {
    /// A world with the truth that the journal gave.
    pub(crate) fn new(
        payhero: PayheroSetup,
        sms: SmsSetup,
        routers: BTreeMap<String, RouterHandle>,
        client: reqwest::Client,
        truth: Truth,
        journal: Journal,
    ) -> Self {
        Self {
            payhero,
            sms,
            routers,
            client,
            stopping: CancellationToken::new(),
            asked: Mutex::default(),
            unlisted: AtomicUsize::new(0),
            tasks: TaskTracker::new(),
            kept: Mutex::new(Kept { truth, journal }),
            changes: watch::Sender::new(0),
        }
    }

    /// Looks at the truth.
    pub(crate) fn look<T>(&self, question: impl FnOnce(&Truth) -> T) -> T {
        question(&self.kept().truth)
    }

    /// Changes the truth; when this returns, the change survives a kill of the process.
    pub(crate) fn change<T>(&self, act: impl FnOnce(&mut Draft<'_>) -> T) -> std::io::Result<T> {
        let answer = {
            let mut kept = self.kept();
            if self.stopping.is_cancelled() {
                // The next process of this folder may be reading the journal already.
                return Err(std::io::Error::other("the sandbox has ended"));
            }
            let Kept { truth, journal } = &mut *kept;
            let mut draft = Draft { truth, lines: Vec::new() };
            let answer = act(&mut draft);
            let lines = draft.lines;
            if lines.is_empty() {
                return Ok(answer);
            }
            journal.append(&lines)?;
            answer
        };
        self.changes.send_modify(|count| *count += 1);
        Ok(answer)
    }

    /// PayHero's switches as they are now.
    pub(crate) fn behaviour(&self) -> Behaviour {
        self.look(|truth| truth.behaviour().clone())
    }

    /// Wakes with each change of the truth.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Runs something later. The sandbox's end drops it where it waits; it is taken up again at the next start.
    pub(crate) fn spawn(self: &Arc<Self>, work: impl Future<Output = ()> + Send + 'static) {
        let stopping = self.stopping.clone();
        self.tasks.spawn(async move {
            let _ended = stopping.run_until_cancelled(work).await;
        });
    }

    /// Leaves a request without an answer for so long, or until the sandbox ends.
    pub(crate) async fn hang(&self, ms: u64) {
        let _ended = self.stopping.run_until_cancelled(tokio::time::sleep(Duration::from_millis(ms))).await;
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
