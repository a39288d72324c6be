//! PayHero's callbacks, the one REST door. A callback is kept before it is acknowledged, and believed never: it only
//! makes us ask. A wrong token looks like any unknown path.

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

/// The largest body that is kept.
const BODY_MAX: usize = 16 * 1024;

/// The routes of the gateway's callbacks, with and without the last slash.
pub fn routes(app: Arc<App>) -> Router {
    Router::new()
        .route("/api/v1/webhooks/payhero/{kind}/{token}", post(receive))
        .route("/api/v1/webhooks/payhero/{kind}/{token}/", post(receive))
        .method_not_allowed_fallback(|| async { StatusCode::NOT_FOUND })
        .with_state(app)
}

async fn receive(State(app): State<Arc<App>>, Path((kind, token)): Path<(String, String)>, request: Request) -> Response {
    let Some(kind) = CallbackKind::parse(&kind) else { return StatusCode::NOT_FOUND.into_response() };
    let Some((isp, payment)) = callback_token::read(&app.config.callback_key, kind, &token) else { return StatusCode::NOT_FOUND.into_response() };
    let source_ip = request.extensions().get::<ConnectInfo<SocketAddr>>().map_or([0, 0, 0, 0].into(), |peer| peer.0.ip());
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
