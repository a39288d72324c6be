//! What operators do: open and stop ISPs, set rates, look at callbacks and at what was done.

mod audit_events;
mod create_isp;
mod isps;
mod replay;
mod reseal;
mod restored;
mod suspend;
mod webhooks;

pub use audit_events::{AuditEvent, list_audit_events};
pub use create_isp::{NewIsp, create_isp};
pub use isps::{Isp, find_isp, list_isps, set_commission_rate};
pub use replay::{Replayed, replay};
pub use reseal::{Resealed, reseal};
pub use restored::{Restored, restored};
pub use suspend::{reactivate_isp, suspend_isp};
pub use webhooks::{Delivery, list_deliveries};
