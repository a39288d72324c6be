//! Collecting the money: asks the gateway, and makes of its answers what they mean for the payment, the ledger and what
//! was bought. The only slice that calls the gateway for payments, never with a transaction open.

pub mod callback_token;
mod check;
mod confirm;
mod hint;
mod push;
mod resume;
mod sweep;

pub use check::{check, observation, unreachable};
pub use confirm::{Confirmed, confirm};
pub use hint::{Delivered, Hint, Said, close, receive, said};
pub use push::push;
pub use resume::{ResumeAsk, resume};
pub use sweep::payment_sweep;
