//! Stand-ins for the outside world of Netily over loopback sockets: PayHero, Africa's Talking, mail and MikroTik routers, in
//! their true wire formats. Each keeps its own truth on disk, knows nothing of the product, and misbehaves on command.

#![forbid(unsafe_code)]

mod clock;
mod config;
mod control;
mod error;
mod journal;
mod mail;
mod msisdn;
pub mod payhero;
mod phone;
mod ports;
pub mod routeros;
mod sms;
mod start;
mod truth;
mod world;

pub use config::{Config, PayheroSetup, RouterSetup, SmsSetup};
pub use error::Error;
pub use mail::{MailBehaviour, MailMode};
pub use sms::{SmsBehaviour, SmsMode};
pub use start::Sandbox;
