//! Double entry in cents: + debit, − credit. One writer per act, each posting keyed by what it books, immutable after.
//! Reads no state of payments: who posts has already decided.

mod check;
mod post;
mod report;

pub use check::{Check, Violation, check, check_recent};
pub use post::{Account, PaidFrom, Payout, Posting, credit, fee, payout, post, subscription};
pub use report::{Commission, commissions, pending_balance, pending_balances};
