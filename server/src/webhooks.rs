//! The REST door: what gateways post to us. A callback of PayHero is kept before it is acknowledged, and believed never: it only
//! makes us ask. A report on a text message is believed, and moves nothing but its mark. A wrong token looks like any unknown path.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Path, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;

use crate::app::App;
use crate::collect::callback_token::{self, CallbackKind};
use crate::collect::{self, Hint};
use crate::notify::delivery;

/// The largest body that is kept.
const BODY_MAX: usize = 16 * 1024;

/// The routes of the gateways' callbacks, with and without the last slash.
pub fn routes(app: Arc<App>) -> Router {
    Router::new()
        .route("/api/v1/webhooks/payhero/{kind}/{token}", post(receive))
        .route("/api/v1/webhooks/payhero/{kind}/{token}/", post(receive))
        .route("/api/v1/webhooks/africastalking/delivery/{token}", post(sms_report))
        .route("/api/v1/webhooks/africastalking/delivery/{token}/", post(sms_report))
        .method_not_allowed_fallback(|| async { StatusCode::NOT_FOUND })
        .with_state(app)
}

async fn receive(State(app): State<Arc<App>>, Path((kind, token)): Path<(String, String)>, request: Request) -> Response {
    let Some(kind) = CallbackKind::parse(&kind) else { return StatusCode::NOT_FOUND.into_response() };
    let Some((isp, payment)) = callback_token::read(&app.config.callback_key, kind, &token) else { return StatusCode::NOT_FOUND.into_response() };
    let source_ip = app.config.address_of(request.extensions().get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0), request.headers());
    let Ok(body) = to_bytes(Body::new(request.into_body()), BODY_MAX).await else { return StatusCode::PAYLOAD_TOO_LARGE.into_response() };
    match collect::receive(&app, Hint { kind, isp, payment, body: body.into(), source_ip }).await {
        Ok(_) => StatusCode::OK.into_response(),
        // Never 200 for what is not kept: whoever repeats callbacks shall repeat this one, and else our sweep asks.
        Err(error) => {
            tracing::error!(%payment, %error, "a callback could not be kept");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}

async fn sms_report(State(app): State<Arc<App>>, Path(token): Path<String>, request: Request) -> Response {
    if !delivery::is_token(&app.config.callback_key, &token) {
        return StatusCode::NOT_FOUND.into_response();
    }
    let Ok(body) = to_bytes(Body::new(request.into_body()), BODY_MAX).await else { return StatusCode::PAYLOAD_TOO_LARGE.into_response() };
    // What is no report, or says only that the message is on its way, is none of ours to refuse.
    let Some(report) = delivery::read(&body) else { return StatusCode::OK.into_response() };
    match delivery::report(&app, report).await {
        Ok(()) => StatusCode::OK.into_response(),
        Err(error) => {
            tracing::error!(%error, "a report on a text message could not be kept");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}
