//! Connections: a customer's plan on a router. Decides until when one is paid and whether it is on; what money does is `billing`'s,
//! and what is to be paid for it never stands here.

mod paid;
mod store;

pub use paid::{PaidPeriod, cut_off, extend, look_again};
pub use store::{Access, Billing, Connection, Status, Suspended, find, get, live_of, lock};
