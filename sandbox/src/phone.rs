//! `/phone`: a page that looks like a phone, for people who try the product. It decides nothing: it shows and uses the control
//! side, and loads nothing from elsewhere.

use std::sync::Arc;

use axum::Router;
use axum::http::header;
use axum::response::{Html, IntoResponse};
use axum::routing::get;

use crate::world::World;

const PAGE: &str = include_str!("phone.html");
/// Only what the page itself holds may run; texts of messages come in by script and as text.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'";

/// The page.
pub(crate) fn routes() -> Router<Arc<World>> {
    Router::new().route("/phone", get(page)).route("/", get(page))
}

async fn page() -> impl IntoResponse {
    ([(header::CONTENT_SECURITY_POLICY, POLICY), (header::CACHE_CONTROL, "no-store")], Html(PAGE))
}
