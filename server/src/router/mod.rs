//! The ISP's routers: registering them, and bringing each to what our rows say it should hold. What a router holds is
//! never believed to be the truth about money or time.

pub mod address;
pub mod apply;
pub mod desired;
pub mod plan;
pub mod ppp;
pub mod readiness;
pub mod register;
pub mod store;
pub mod visit;

pub use register::{NewRouter, register};
pub use store::{Router, allow};
pub use visit::{Visit, check, connect, sessions};
