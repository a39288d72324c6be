//! The answers that are the same for several calls: refusals in PayHero's words, and the misbehaviours on the wire.

use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use serde_json::json;

use crate::world::World;

/// The documented error body, `{"error_code", "error_message", "status_code"}`.
pub(crate) fn refusal(status: StatusCode, code: &str, message: &str) -> Response {
    let body = json!({"error_code": code, "error_message": message, "status_code": status.as_u16()});
    (status, Json(body)).into_response()
}

/// 400 `invalid_argument`: sending the same again is useless.
pub(crate) fn invalid(message: &str) -> Response {
    refusal(StatusCode::BAD_REQUEST, "invalid_argument", message)
}

/// A no under HTTP 200, as several clients have met it.
pub(crate) fn no_with_200(message: &str) -> Response {
    Json(json!({"success": false, "status": "FAILED", "message": message})).into_response()
}

/// 404 of a status question.
pub(crate) fn not_found() -> Response {
    refusal(StatusCode::NOT_FOUND, "not_found", "transaction not found")
}

/// 500, from which nobody can tell what was done.
pub(crate) fn internal() -> Response {
    refusal(StatusCode::INTERNAL_SERVER_ERROR, "internal", "an internal error occurred")
}

/// 429: too many calls. PayHero documents the status as retryable, and no rate.
pub(crate) fn rate_limited(world: &World, message: &str) -> Response {
    let mut answer = refusal(StatusCode::TOO_MANY_REQUESTS, "rate_limited", message);
    answer.headers_mut().insert(header::RETRY_AFTER, world.behaviour().retry_after_s.into());
    answer
}

/// The truth could not be written, so nothing may be said to have happened.
pub(crate) fn broken(fault: &std::io::Error) -> Response {
    tracing::error!(%fault, "the journal cannot be written");
    internal()
}

/// A page where JSON is expected, under HTTP 200.
pub(crate) fn maintenance() -> Response {
    let page = "<!DOCTYPE html><html><head><title>Under maintenance</title></head><body><h1>We'll be back soon</h1></body></html>";
    (StatusCode::OK, Html(page)).into_response()
}

/// Says nothing for as long as `hang_ms`; then, if anybody still listens, what a proxy in front says.
pub(crate) async fn silence(world: &World) -> Response {
    world.hang(world.behaviour().hang_ms).await;
    let headers = [(header::CONTENT_TYPE, "text/html"), (header::CONNECTION, "close")];
    (StatusCode::GATEWAY_TIMEOUT, headers, "<html><body><h1>504 Gateway Time-out</h1></body></html>").into_response()
}
