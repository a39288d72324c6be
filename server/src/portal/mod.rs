//! The captive pages a guest sees before being online, rendered as whole HTML documents that need no script.
//! Decides wording, looks and addresses. Only `handlers` asks the slices and the clock; all else is handed prepared views.

mod chap;
mod color;
mod ends;
mod fields;
pub mod handlers;
pub mod host;
mod lang;
mod links;
mod pages;
mod phone_text;
mod policy;
pub mod routes;
mod texts;
mod view;
mod wording;

pub use color::Color;
pub use fields::Fields;
pub use lang::Lang;
pub use links::{SafeLink, continue_link, safe_link};
pub use pages::{ConnectedPage, ErrorKind, ErrorPage, HowConnected, NotMePage, PlansPage, PurchaseState, ResumePage, StatusPage, refresh_after_seconds};
pub use policy::{FormTarget, content_security_policy};
pub use texts::{FailureReason, FieldError, Notice};
pub use view::{Branding, Device, Frame, PlanCard};
pub use wording::{Day, until};
