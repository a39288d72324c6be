//! The captive pages a guest sees before being online, rendered as whole HTML documents that need no script.
//! Decides wording, looks and addresses. Only `handlers` asks the slices and the clock; all else is handed prepared views.

mod chap;
mod color;
mod ends;
mod fields;
mod handlers;
mod links;
mod pages;
pub mod paths;
mod phone_text;
mod policy;
mod texts;
mod view;
mod wording;

pub use crate::lang::Lang;
pub use color::Color;
pub use fields::Fields;
pub use handlers::routes;
pub use links::{SafeLink, continue_link, safe_link};
pub use pages::{
    ConnectedPage, ErrorKind, ErrorPage, HowConnected, NotMePage, PaperPage, PlansPage, PurchaseState, ResumePage, StatusPage, refresh_after_seconds,
};
pub use policy::{FormTarget, content_security_policy};
pub use texts::{FailureReason, FieldError, Notice};
pub use view::{Branding, Device, Frame, PlanCard};
pub use wording::{Day, until};
