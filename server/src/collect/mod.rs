//! Collecting the money: asks the gateway, and makes of its answers what they mean for the payment, the ledger and what
//! was bought. The only slice that calls the gateway for payments, never with a transaction open.

mod book;
pub mod callback_token;
mod check;
mod claim;
mod confirm;
mod failing;
mod hint;
mod join;
pub mod list_walk;
mod push;
mod resume;
mod sweep;

pub use book::Bookings;
pub use check::{Looks, answered, check, named, observation, unreachable};
pub use claim::claim_receipt;
pub use confirm::{Confirmed, confirm, unreadable};
pub use hint::{Delivered, Hint, Inbox, Said, close, receive, said};
pub use join::join_by_amount;
pub use push::{accept, may_have_been_sent, push, sealed_row};
pub use resume::{ResumeAsk, resume};
pub use sweep::payment_sweep;
