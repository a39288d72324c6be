//! A stateful MikroTik router that speaks the true RouterOS binary API over TCP and TLS, for tests and the demo.
//! It decides like a router, from its own rows; it knows nothing of the product that talks to it.

mod account;
mod certificate;
mod codec;
mod connection;
mod dispatch;
mod edit;
mod handle;
mod journal;
mod listening;
mod menu;
mod ppp;
mod print;
mod query;
mod reply;
mod request;
mod router;
mod row;
mod session;
mod snapshot;
mod span;
mod state;
mod switches;
mod system;
mod value;

pub use handle::{RouterHandle, RouterSetup};
