//! Comparing what the gateway and our own books say, and what people make of it where they do not agree. Follows money from end to end.

pub mod alarms;
pub mod day;
mod float;
mod ledger;
mod list;
pub mod platform;
mod reversals;
pub mod trace;

pub use alarms::break_sweep;
pub use float::float_sweep;
pub use ledger::{check as check_ledger, ledger_sweep, recent_sweep};
pub use list::list_sweep;
