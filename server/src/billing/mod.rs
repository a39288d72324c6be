//! What an ISP sells to its customers at home, and what they pay for it: plans by the period, invoices, recharges, and the account
//! of each customer.

pub mod account;
pub mod extend;
pub mod invoice;
mod period;
pub mod plan;
pub mod settle;
pub mod terms;

pub use period::{Period, Unit, in_kenya};
pub use plan::{Plan, PlanDraft};
pub use terms::Terms;
