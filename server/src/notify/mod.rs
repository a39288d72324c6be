//! Text messages and e-mails. Written in the transaction of what they tell of, sent by a job; a provider that is down holds up
//! nothing but its messages.

mod built_in;
pub mod delivery;
mod forget;
pub mod message;
mod queue;
mod render;
mod reseal;
mod retry;
mod send;
mod template;
pub mod text;

pub use forget::{forget, tidy};
pub use message::{Message, State};
pub use queue::{Note, To, queue};
pub use render::Fault;
pub use reseal::reseal;
pub use retry::retry;
pub use send::send;
pub use template::{Channel, Template};
