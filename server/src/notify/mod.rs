//! Text messages and e-mails. Written in the transaction of what they tell of, sent by a job; a provider that is down holds up
//! nothing but its messages.

mod queue;
mod send;
mod template;

pub use queue::{Note, To, queue};
pub use send::send;
pub use template::{Channel, Template};
