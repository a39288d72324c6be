//! What an ISP sells to its customers at home, and what they pay for it: plans by the period, invoices, recharges, and the account
//! of each customer. Every payment comes into the account first, and is used from there.

pub mod account;
pub mod cash_date;
mod change_plan;
mod cycle;
mod end_line;
pub mod export;
mod extend;
pub mod invoice;
mod offline;
mod paid;
pub mod papers;
mod pay;
mod period;
pub mod plan;
mod repair_cash;
mod recover;
pub mod report;
mod run;
pub mod seen;
mod settle;
mod standing;
pub mod statement;
pub mod terms;
mod unused;
mod void;
pub mod withdraw;
mod write_invoice;

pub use change_plan::{Difference, change_plan, preview};
pub use end_line::end_connection;
pub use offline::{Taken, record};
pub use paid::{paid, payment_failed};
pub use pay::{Ask, TOO_MUCH, Target, pay};
pub use period::{Period, Unit};
pub use plan::{Plan, PlanDraft};
pub use recover::recover;
pub use repair_cash::{confirm_offline, void_offline};
pub use run::{look, run, sweep};
pub use settle::settle;
pub use standing::{close_own, decide, leave};
pub use terms::Terms;
pub use unused::unused;
pub use void::void;
pub use withdraw::{Ending, Withdrawal, withdraw};
pub use write_invoice::{Manual, write_invoice};
