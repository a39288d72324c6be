//! Makes HTTP answers of pages, with the headers that every captive page is sent with.

use askama::Template;
use axum::http::header::{self, HeaderName};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use crate::error::{Error, Result};
use crate::portal::{FormTarget, content_security_policy};

/// The address holds the purchase's id, which is a permission: it goes to nobody, and nothing is kept. A page itself
/// relaxes the referrer to its own origin, so that its forms name where they come from.
const HEADERS: [(HeaderName, HeaderValue); 4] = [
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
];

/// A rendered page. `nonce` is the one in the page.
pub fn page(status: StatusCode, page: &impl Template, nonce: &str, forms: FormTarget) -> Result<Response> {
    let html = page.render().map_err(Error::internal)?;
    let policy = HeaderValue::try_from(content_security_policy(nonce, forms)).map_err(Error::internal)?;
    let kind = HeaderValue::from_static("text/html; charset=utf-8");
    Ok((status, HEADERS, [(header::CONTENT_TYPE, kind), (header::CONTENT_SECURITY_POLICY, policy)], html).into_response())
}

/// After a form: 303 to a path of ours, so that a reload sends nothing twice.
pub fn see_other(path: &str) -> Result<Response> {
    let location = HeaderValue::try_from(path).map_err(Error::internal)?;
    Ok((StatusCode::SEE_OTHER, HEADERS, [(header::LOCATION, location)]).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::portal::{Branding, Device, ErrorKind, ErrorPage, Frame, Lang};

    #[test]
    fn pages_are_neither_kept_nor_framed_nor_guessed() {
        let frame = Frame { lang: Lang::English, nonce: "abc".to_owned(), branding: Branding::unknown(), router_id: None, device: Device::default() };
        let unknown = ErrorPage { frame, kind: ErrorKind::UnknownIsp };
        let answer = page(StatusCode::NOT_FOUND, &unknown, "abc", FormTarget::OwnServer).unwrap();
        for (name, wanted) in [
            ("cache-control", "no-store"),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("x-frame-options", "DENY"),
            ("content-type", "text/html; charset=utf-8"),
        ] {
            assert_eq!(answer.headers()[name], wanted);
        }
        assert!(answer.headers()["content-security-policy"].to_str().unwrap().contains("'nonce-abc'"));
    }

    #[test]
    fn a_way_on_cannot_bring_headers_of_its_own() {
        assert!(see_other("/hotspot/a\r\nSet-Cookie: b=c").is_err());
        assert_eq!(see_other("/hotspot/a?b=c").unwrap().headers()["location"], "/hotspot/a?b=c");
    }
}
