//! The harness of the tests: a real PostgreSQL, the real server and worker, and the stand-ins for the outside, all in one
//! process. Each test has a world of its own, moves its own clock, and ends with the comparison of the books.
//!
//! A test begins with [`World::new`] (jobs run when it says so) or [`World::working`] (a worker runs) and ends with
//! [`World::finish`]; forgetting the end fails the test.
#![forbid(unsafe_code)]

mod books;
mod cluster;
mod configuration;
mod customer;
mod guest;
mod notes;
mod outside;
mod payee;
mod payer;
mod people;
mod sql;
mod wait;
mod wire;
mod web;
mod world;

pub use cluster::TestCluster;
pub use configuration::environment;
pub use customer::{PASSWORD, digits, registration};
pub use guest::{Guest, Plan};
pub use notes::{to_mailbox, to_phone};
pub use payee::PAYEE;
pub use payer::{kes, shillings};
pub use people::Access;
pub use sql::Sql;
pub use wait::{LIMIT, eventually};
pub use web::{Answer, Browser, Page};
pub use wire::Wire;
pub use world::{Builder, World};
