//! Connections: a customer's plan on a router. Decides until when one is paid and whether it is on; what money does is `billing`'s,
//! and what is to be paid for it never stands here.

mod create;
mod decide;
mod install;
mod paid;
mod store;
mod sync;
mod tell;

pub use create::{NewConnection, create};
pub use decide::{end, forget, resume, suspend};
pub use install::{Install, install, password, reseal};
pub use paid::{PaidPeriod, come_on, cut_off, extend, look_again, pause, reminded, set_plan, stop_paid_time, unpause};
pub use store::{Access, Billing, Connection, Filter, Status, Suspended, find, get, list, live_of, lock, seen_of};
pub use sync::sync;
pub use tell::customer_changed;
