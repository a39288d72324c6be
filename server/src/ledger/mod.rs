//! Double entry in cents: + debit, − credit. One writer per act, each posting keyed by what it books, immutable after.
//! Reads no state of payments: who posts has already decided.

mod check;
mod post;
mod repair;
mod report;

pub use check::{Check, Violation, check, check_recent};
pub use post::{Account, EntryKind, PaidFrom, Payout, Posting, credit, fee, payout, post, subscription, withdrawal_fee};
pub use repair::{
    Back, OwnerMovement, PaidByHand, adjustment, adopted_payout, owner_movement, refund, refund_by_hand, reversal, suspense, suspense_release, write_off,
};
pub use report::{Commission, commissions, pending_balance, pending_balances};
