//! What an ISP sells to its customers at home, and what they pay for it: plans by the period, invoices, recharges, and the account
//! of each customer. Every payment comes into the account first, and is used from there.

pub mod account;
mod change_plan;
mod cycle;
mod extend;
pub mod invoice;
mod offline;
mod paid;
pub mod papers;
mod pay;
mod period;
pub mod plan;
pub mod report;
mod run;
pub mod seen;
mod settle;
pub mod terms;
mod unused;
mod void;
mod write_invoice;

pub use change_plan::{Difference, change_plan, preview};
pub use offline::{Taken, record};
pub use paid::{paid, payment_failed};
pub use pay::{Ask, TOO_MUCH, Target, pay};
pub use period::{Period, Unit};
pub use plan::{Plan, PlanDraft};
pub use run::{look, run, sweep};
pub use settle::settle;
pub use terms::Terms;
pub use unused::unused;
pub use void::void;
pub use write_invoice::{Manual, write_invoice};
