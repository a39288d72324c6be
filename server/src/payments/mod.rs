//! Payments by STK prompt: the state machine, the split, and the rows. Knows nothing of what is bought, and never
//! calls the gateway: `collect` does both.

#[cfg(test)]
mod model;
pub mod contradiction;
pub mod prompts;
pub mod split;
pub mod start;
pub mod state;
pub mod receipt;
pub mod store;

pub use prompts::{Prompt, allow_prompt};
pub use split::{Split, split};
pub use start::{Start, Started, recover, start};
pub use state::{Event, FailureReason, State, next};
pub use store::{Payment, Purpose};
