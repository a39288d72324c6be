//! What an ISP sells to its customers at home: plans by the period.

mod period;
pub mod plan;

pub use period::{Period, Unit};
pub use plan::{Plan, PlanDraft};
