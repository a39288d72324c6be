//! The captive pages over HTTP: each handler reads what it was sent, makes one call, and renders one page.
//! All state is in the address; there are no cookies and no scripts.

mod answer;
mod form;
mod not_me;
mod paper;
mod plans;
mod purchase;
mod refused;
mod resume;
mod status;
mod visit;

use std::sync::Arc;

use axum::Router;
use axum::routing::get;

use super::paths::{NOT_ME, PAPER, PLANS, PURCHASE, RESUME};
use crate::app::App;

/// The captive pages of every ISP. The ISP comes from the host, so this serves all of them.
pub fn routes(app: Arc<App>) -> Router {
    Router::new()
        .route(PLANS, get(plans::show).post(purchase::buy))
        .route(PURCHASE, get(status::show))
        .route(RESUME, get(resume::show).post(resume::find))
        .route(NOT_ME, get(not_me::show).post(not_me::stop))
        .route(PAPER, get(paper::show))
        .with_state(app)
}
