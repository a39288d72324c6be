//! Netily from Rust: types of the whole contract, a client, and the command line `netilyctl`.
//!
//! ```no_run
//! use netily_sdk::types::ErrorReason;
//! use netily_sdk::{Client, hotspot};
//!
//! # async fn example() -> Result<(), netily_sdk::Error> {
//! let client = Client::builder("http://127.0.0.1:8000").tenant("yellow").build()?;
//!
//! // Guests need no sign-in.
//! let router_id = "rtr_0197c5a0-7d1e-7c3a-8a44-3f1f6b2d9e10".to_owned();
//! let page = client.hotspot().list_plans(hotspot::ListPlansRequest { router_id: router_id.clone() }).await?;
//! let bought = client
//!     .hotspot()
//!     .purchase(hotspot::PurchaseRequest {
//!         router_id,
//!         plan_id: page.plans[0].id.clone(),
//!         phone_number: "0712345678".to_owned(),
//!         ..Default::default()
//!     })
//!     .await;
//! match bought {
//!     Ok(answer) => println!("the prompt is on its way: {:?}", answer.purchase),
//!     Err(error) if error.reason == ErrorReason::RateLimited => println!("wait {:?}", error.retry_after),
//!     Err(error) => return Err(error),
//! }
//!
//! // Staff sign in; the access token is renewed by itself from then on.
//! client.sign_in("owner@yellow.example", "correct horse battery staple").await?;
//! let ledger = client.billing().list_commissions(Default::default()).await?;
//! println!("{} lines", ledger.commissions.len());
//! # Ok(())
//! # }
//! ```
//!
//! # What every call does
//! - It carries the tenant (unless the host names it) and the access token (when somebody is signed in).
//! - It has a deadline, 15 s unless set, which the server is told too. Streams have none.
//! - A token that is nearly spent is renewed before the call; one that the server refuses, once after it. However many
//!   calls wait, the tokens are renewed once.
//! - Calls that only read, and calls with a `request_id`, are tried up to three times when the server is away or asks to
//!   come back later, with growing random pauses and within the deadline. An empty `request_id` is filled in.
//! - It fails with an [`Error`], whose `reason` is one of [`types::ErrorReason`].
//!
//! # Features
//! - `cli` (default): the binary `netilyctl`. Libraries switch it off with `default-features = false`.
//! - `tls`: https, by rustls with ring and the root certificates of webpki.
//! - `server`: the service traits, as `hotspot::hotspot_service_server::HotspotService`.
#![forbid(unsafe_code)]

mod builder;
mod call;
mod client;
mod error;
mod generated;
mod money;
mod request_id;
mod retry;
mod session;
mod streaming;
mod watch;

#[cfg(test)]
mod tests;

pub use builder::ClientBuilder;
pub use client::Client;
pub use error::{Error, FieldViolation};
pub use generated::FILE_DESCRIPTOR_SET;
pub use request_id::new_request_id;
pub use streaming::Streaming;

pub use generated::netily::auth::v1 as auth;
pub use generated::netily::billing::v1 as billing;
pub use generated::netily::customer::v1 as customer;
pub use generated::netily::hotspot::v1 as hotspot;
pub use generated::netily::isp::v1 as isp;
pub use generated::netily::notify::v1 as notify;
pub use generated::netily::payout::v1 as payout;
pub use generated::netily::platform::v1 as platform;
pub use generated::netily::router::v1 as router;
pub use generated::netily::selfservice::v1 as selfservice;
pub use generated::netily::r#type::v1 as types;
