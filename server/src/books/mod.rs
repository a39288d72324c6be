//! The books of a month, of the platform and of every ISP: the trial balance, and months that are closed and stay as they are.
//! Everything that Netily books by itself has the date of its doing, so a month that is over changes only by what is dated back: [`check`]
//! is the one place that is asked whether it may be.

mod close;
mod open;
mod trial;

pub use close::{Reopening, SETTLED_AFTER, close, closed, reopen};
pub use open::{Closed, check, first_open, may_date};
pub use trial::{Book, Line, TrialBalance, trial_balance};
