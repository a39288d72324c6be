//! Alerts: what a customer's app has to tell. Written in the transaction of what they tell of, in the customer's language of then.

mod row;
mod text;

pub use row::{Alert, Kind, list, mark_all_read, mark_read, raise, unread};
pub use text::{News, Words};
