//! Who is signed in: the tokens, and their renewal, of which there is one at a time however many calls wait
//! for it. Never talks to the server itself.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use futures::future::{BoxFuture, FutureExt, Shared, ready};
use tonic::Code;

use crate::Error;
use crate::auth::Tokens;
use crate::types::ErrorReason;

/// An access token that lives no longer than this is renewed before it is used.
const AHEAD: Duration = Duration::from_secs(30);

/// A renewal under way; every call that needs it waits for this same one.
pub(crate) type Renewal = Shared<BoxFuture<'static, Result<Tokens, Error>>>;

#[derive(Debug, Default)]
pub(crate) struct Session {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    tokens: Option<Tokens>,
    renewal: Option<Renewal>,
    /// The last new token seemed spent already: this machine's clock is wrong, and only the server can tell.
    clock_is_off: bool,
}

impl Session {
    pub(crate) fn tokens(&self) -> Option<Tokens> {
        self.state().tokens.clone()
    }

    /// Replaces the tokens; a renewal of the ones before comes to nothing.
    pub(crate) fn set(&self, tokens: Option<Tokens>) {
        *self.state() = State { tokens, ..State::default() };
    }

    /// Whether these tokens should be renewed before they are used.
    pub(crate) fn is_due(&self, tokens: &Tokens) -> bool {
        !self.state().clock_is_off && is_spent(tokens, now())
    }

    /// Tokens newer than `used`: those that another call has got meanwhile, or those that `exchange` gets for
    /// the refresh token. The exchange runs to its end even when nobody waits any longer, because an answer
    /// that is lost costs the whole sign-in.
    pub(crate) fn renewed<F, A>(self: &Arc<Self>, used: &Tokens, exchange: F) -> Renewal
    where
        F: FnOnce(String) -> A + Send + 'static,
        A: Future<Output = Result<Tokens, Error>> + Send + 'static,
    {
        let mut state = self.state();
        let settled = match &state.tokens {
            None => Some(Err(Error::signed_out())),
            Some(current) if current.access != used.access => Some(Ok(current.clone())),
            Some(_) => None,
        };
        if let Some(settled) = settled {
            return ready(settled).boxed().shared();
        }
        if let Some(renewal) = &state.renewal {
            return renewal.clone();
        }
        let (session, used) = (Arc::clone(self), used.clone());
        let task = tokio::spawn(async move {
            let outcome = exchange(used.refresh).await;
            session.land(&used.access, outcome)
        });
        let renewal = task.map(|ended| ended.unwrap_or_else(|_| Err(broken()))).boxed().shared();
        state.renewal = Some(renewal.clone());
        renewal
    }

    /// Keeps the outcome, unless somebody signed in or out while it was under way.
    fn land(&self, used_access: &str, outcome: Result<Tokens, Error>) -> Result<Tokens, Error> {
        let mut state = self.state();
        match &state.tokens {
            None => return Err(Error::signed_out()),
            Some(current) if current.access != used_access => return Ok(current.clone()),
            Some(_) => state.renewal = None,
        }
        match &outcome {
            Ok(new) => {
                state.clock_is_off = is_spent(new, now());
                state.tokens = Some(new.clone());
            }
            Err(error) if error.reason == ErrorReason::RefreshTokenInvalid => state.tokens = None,
            Err(_) => {}
        }
        outcome
    }

    /// No code panics while it holds the lock, so a poisoned state is whole.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tokens that do not say when they expire are taken to be good.
fn is_spent(tokens: &Tokens, now: SystemTime) -> bool {
    let expires_at = tokens.access_expires_at.and_then(|at| SystemTime::try_from(at).ok());
    expires_at.is_some_and(|expires_at| expires_at <= now + AHEAD)
}

fn broken() -> Error {
    Error::new(ErrorReason::Internal, Code::Internal, "The renewal of the tokens ended without an outcome.")
}

#[expect(clippy::disallowed_methods, reason = "the one place where the SDK reads this machine's clock")]
pub(crate) fn now() -> SystemTime {
    SystemTime::now()
}
