//! Which host a request is for, and whether a page of the same host sent it. Pure.

use http::header::{HOST, ORIGIN};
use http::{HeaderMap, Uri};

/// The host and port of a request: `:authority` (HTTP/2) first, then `Host` (HTTP/1.1).
pub fn authority<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> Option<&'a str> {
    match uri.authority() {
        Some(authority) => Some(authority.as_str()),
        None => headers.get(HOST)?.to_str().ok(),
    }
}

/// Whether a browser may send this: a request that names no origin comes from no page, and one that does must come from a page of its own
/// host. `yellow.netily.io` and `blue.netily.io` are one site to a browser, so cookies and forms do not part them.
pub fn is_own_origin(uri: &Uri, headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(ORIGIN) else { return true };
    let origin = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
    match (origin, authority(uri, headers)) {
        (Some((_, theirs)), Some(ours)) => theirs.eq_ignore_ascii_case(ours),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_authority_goes_before_the_host() {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, "blue.localhost".parse().expect("a value"));
        assert_eq!(authority(&Uri::from_static("http://yellow.localhost/x"), &headers), Some("yellow.localhost"));
        assert_eq!(authority(&Uri::from_static("/x"), &headers), Some("blue.localhost"));
        assert_eq!(authority(&Uri::from_static("/x"), &HeaderMap::new()), None);
    }

    #[test]
    fn a_page_of_another_host_is_refused() {
        let uri = Uri::from_static("/x");
        for (origin, own) in [
            (None, true),
            (Some("http://yellow.localhost:8000"), true),
            (Some("https://YELLOW.localhost:8000"), true),
            (Some("http://blue.localhost:8000"), false),
            (Some("http://yellow.localhost"), false),
            (Some("http://yellow.localhost:8000.evil.com"), false),
            (Some("null"), false),
            (Some(""), false),
        ] {
            let mut headers = HeaderMap::from_iter([(HOST, "yellow.localhost:8000".parse().expect("a value"))]);
            if let Some(origin) = origin {
                headers.insert(ORIGIN, origin.parse().expect("a value"));
            }
            assert_eq!(is_own_origin(&uri, &headers), own, "{origin:?}");
        }
    }
}
