//! Netily from Rust.
#![forbid(unsafe_code)]

mod generated;

pub use generated::FILE_DESCRIPTOR_SET;
pub use generated::netily::auth::v1 as auth;
pub use generated::netily::billing::v1 as billing;
pub use generated::netily::hotspot::v1 as hotspot;
pub use generated::netily::isp::v1 as isp;
pub use generated::netily::platform::v1 as platform;
pub use generated::netily::router::v1 as router;
pub use generated::netily::r#type::v1 as types;
