//! What an ISP pays Netily for the platform: its plan, until when it is paid, and paying it by prompt.

mod pay;
mod plan;
mod remind;
mod store;

pub use pay::{Ask, paid, pay};
pub use plan::{Cycle, Held, Limits, Order, Plan, order};
pub use remind::subscription_sweep;
pub use store::{begin_trial, get, schedule};
