//! Money that goes back to whoever paid: its rows, how Netily and the ISP part it, and what it means for what was bought. Who may do it is
//! decided in `repair`; what the gateway pays is sent by `settlement`.

mod effect;
mod parts;
mod store;

pub use effect::{did_not_arrive, ends, leaves_account, tell_customer};
pub use parts::{Kept, parts};
pub use store::{Kind, New, Refund, explains, find, kept, list, of_request, write};
