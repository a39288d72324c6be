//! The outermost of our layers: gives each call its id, and refuses what is no gRPC or comes from a foreign page. Asks nothing and nobody.

use axum::body::Body;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, StatusCode};
use tracing::Instrument as _;
use uuid::Uuid;

use super::status;
use crate::error::{Error, Reason};
use crate::host;

/// The metadata in which every answer carries the id of its call.
pub const REQUEST_ID: &str = "netily-request-id";

/// The id of a call, made here. It is in the log and in every answer.
#[derive(Clone, Debug)]
pub struct CallId(pub String);

impl CallId {
    /// The id that `front` gave to a request.
    pub fn of(request: &Request) -> CallId {
        request.extensions().get::<CallId>().cloned().unwrap_or_else(CallId::new)
    }

    fn new() -> CallId {
        CallId(Uuid::new_v4().to_string())
    }
}

/// The layer.
pub async fn front(mut request: Request, next: Next) -> Response {
    let id = CallId::new();
    let span = tracing::info_span!("rpc", request_id = %id.0, path = request.uri().path());
    request.extensions_mut().insert(id.clone());
    let mut response = if !is_grpc(request.headers()) {
        (StatusCode::UNSUPPORTED_MEDIA_TYPE, Body::empty()).into_response()
    } else if !host::is_own_origin(request.uri(), request.headers()) {
        status::response(Error::new(Reason::PermissionDenied, "A page of another site may not call this."), &id.0)
    } else {
        status::explained(next.run(request).instrument(span).await, &id.0)
    };
    if let Ok(value) = HeaderValue::from_str(&id.0) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

/// A form of a foreign page cannot send this content type without asking first, and is never allowed to.
fn is_grpc(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(b"application/grpc"))
}
