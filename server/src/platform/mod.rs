//! What operators do: open ISPs, set rates, look at callbacks.

mod create_isp;
mod isps;
mod webhooks;

pub use create_isp::{NewIsp, create_isp};
pub use isps::{Isp, find_isp, list_isps, set_commission_rate};
pub use webhooks::{Delivery, list_deliveries};
