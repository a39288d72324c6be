//! The door to PayHero, the gateway through which M-Pesa money is collected.
//! It speaks both live API generations and says what an answer proves; it never
//! repeats a call that moves money and never decides what a payment becomes.

mod ask;
mod call;
pub mod callback;
mod collect;
mod failure;
mod fields;
mod outcome;
mod outflows;
mod redact;
mod settings;
#[cfg(test)]
mod stand_in;
mod status;
mod transactions;
mod wallet;
mod withdraw;

use std::fmt;

pub use ask::AskError;
pub use call::Fault;
pub use callback::Callback;
pub use collect::{Accepted, CollectRequest};
pub use failure::{FailureReason, reason};
pub use outcome::{Doubt, Outcome, RefusalKind};
pub use outflows::Outflows;
pub use redact::{redact_body, redact_text};
pub(super) use settings::is_loopback;
pub use settings::{Generation, Settings, SettingsError};
pub use status::{State, StatusAnswer};
pub use transactions::{Page, Place, Recent, TransactionRow};
pub use withdraw::{Recipient, WithdrawRequest, Withdrawn};

/// A PayHero account as one client. Cheap to clone; all clones share their connections.
#[derive(Clone)]
pub struct Payhero {
    /// For calls that may move money: every call has its own connection, so a dead
    /// pooled connection can neither leave a doubt nor make the library send twice.
    once: reqwest::Client,
    /// For questions, which may be repeated and may share connections.
    asking: reqwest::Client,
    /// Scheme, host and path prefix without a last slash and without `/api/v2`.
    root: String,
    route: settings::Route,
    generation: Generation,
    /// The wallet that payouts come from, of the legacy API.
    payout_channel_id: Option<i64>,
    /// The account, of API 2.0.0.
    account_id: Option<i64>,
}

impl Payhero {
    /// Builds the client. Fails with the first setting that cannot work, and when the
    /// process has not installed its TLS provider yet.
    pub fn new(settings: Settings) -> Result<Self, SettingsError> {
        let root = settings.root()?;
        let route = settings.route()?;
        let once = settings.client(&root)?.http1_only().pool_max_idle_per_host(0).build().map_err(|error| SettingsError::Client(call::chain(&error)))?;
        let asking = settings.client(&root)?.build().map_err(|error| SettingsError::Client(call::chain(&error)))?;
        let Settings { generation, payout_channel_id, account_id, .. } = settings;
        Ok(Self { once, asking, root, route, generation, payout_channel_id, account_id })
    }

    /// The generation this client speaks.
    pub fn generation(&self) -> Generation {
        self.generation
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.root)
    }
}

impl fmt::Debug for Payhero {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Payhero").field("root", &self.root).field("generation", &self.generation).finish_non_exhaustive()
    }
}
