//! Reads a form that one of our own pages sent. Refuses forms of other pages, other kinds of content and large bodies,
//! before any field is looked at.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::{FromRequest, FromRequestParts as _, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::response::Response;

use super::visit::Visit;
use crate::app::App;
use crate::host;
use crate::portal::{ErrorKind, Fields};

/// Five times what the largest form of ours can hold.
const MAX_BODY: usize = 16 * 1024;

/// A visit that sent a form.
pub struct Sent(pub Visit);

impl FromRequest<Arc<App>> for Sent {
    type Rejection = Response;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let visit = Visit::from_request_parts(&mut parts, app).await?;
        match read(&parts, body).await {
            Ok(fields) => Ok(Sent(visit.sent(&parts, fields))),
            Err(http_status) => Err(visit.answer(Err(ErrorKind::FormRefused { http_status }.into())).await),
        }
    }
}

/// The fields, or the HTTP status that says why there are none.
async fn read(parts: &Parts, body: Body) -> Result<Fields, u16> {
    if !host::is_own_form(&parts.uri, &parts.headers) {
        return Err(403);
    }
    if !is_form(&parts.headers) {
        return Err(415);
    }
    let bytes = to_bytes(body, MAX_BODY).await.map_err(|_| 413u16)?;
    Ok(Fields::parse(&String::from_utf8_lossy(&bytes)))
}

/// `application/x-www-form-urlencoded`, with or without parameters.
fn is_form(headers: &HeaderMap) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = content_type.split(';').next().unwrap_or_default();
    kind.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORM: &str = "application/x-www-form-urlencoded; charset=utf-8";

    async fn sent(headers: &[(&str, &str)], body: &str) -> Result<Fields, u16> {
        let mut request = Request::post("/hotspot/rtr_1");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (parts, body) = request.body(Body::from(body.to_owned())).unwrap().into_parts();
        read(&parts, body).await
    }

    #[tokio::test]
    async fn forms_of_our_own_pages_are_read() {
        for origin in ["null", "http://yellow.localhost:8000"] {
            let fields = sent(&[("host", "yellow.localhost:8000"), ("origin", origin), ("content-type", FORM)], "phone=0712+345678").await;
            assert_eq!(fields.unwrap().get("phone"), Some("0712 345678"));
        }
    }

    #[tokio::test]
    async fn other_pages_other_kinds_and_floods_are_refused() {
        let own = ("host", "yellow.localhost:8000");
        let flood = "a".repeat(MAX_BODY + 1);
        for (headers, body, wanted) in [
            (&[own, ("origin", "http://blue.localhost:8000"), ("content-type", FORM)][..], "", 403),
            (&[own, ("sec-fetch-site", "cross-site"), ("content-type", FORM)], "", 403),
            (&[("origin", "http://yellow.localhost:8000"), ("content-type", FORM)], "", 403),
            (&[own], "", 415),
            (&[own, ("content-type", "application/json")], "{}", 415),
            (&[own, ("content-type", "multipart/form-data; boundary=x")], "", 415),
            (&[own, ("content-type", FORM)], &flood, 413),
        ] {
            assert_eq!(sent(headers, body).await.err(), Some(wanted), "{headers:?}");
        }
    }
}
