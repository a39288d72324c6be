//! Paying ISPs their part: where they are paid, when, how much, and what became of it. The only slice that asks the gateway to pay, at
//! most once a settlement, never with a transaction open.

mod amount;
mod candidate;
mod check;
pub mod config;
mod confirm;
#[cfg(test)]
mod model;
pub mod destination;
mod doubt;
mod found;
pub mod left;
mod lost;
mod paid_before;
mod plan;
pub mod pulse;
pub mod report;
mod reserve;
mod resolve;
mod run;
mod schedule;
mod send;
pub mod state;
pub mod statement;
pub mod store;
mod sweep;
pub mod switch;
mod tell;
mod to_payer;
mod verify;
pub mod withdraw;

pub use check::check;
pub use config::Config;
pub use destination::Destination;
pub use found::{take_back_waiting, was_paid_as, was_sent};
pub use left::LeftBecause;
pub use paid_before::found_in_list;
pub use resolve::{Finding, resolve};
pub use run::{Due, Ran, Scope, in_transit, run, why_not_paid};
pub use schedule::Frequency;
pub use send::send;
pub use store::Settlement;
pub use sweep::settlement_sweep;
pub use tell::{Notice, to_owners as tell_owners};
pub use to_payer::{ToPayer, may_refund, set_aside};
pub use verify::{TRIES, confirm, unset, verify};
pub use withdraw::room;
