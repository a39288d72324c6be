//! What the host of a request says: which ISP's subdomain it names, and whether a form comes from our own page. Pure:
//! whether there is such an ISP is for the caller to ask.

use std::net::IpAddr;

use http::header::{HOST, ORIGIN};
use http::uri::Authority;
use http::{HeaderMap, HeaderValue, Uri};

/// Sent by browsers to https and localhost only; no page can forge it.
const FETCH_SITE: &str = "sec-fetch-site";
/// Written by proxies: whom each of them had in front of it, the newest last.
const FORWARDED_FOR: &str = "x-forwarded-for";

/// Host and port that were asked for: `:authority` (HTTP/2) first, then `Host` (HTTP/1.1).
pub fn authority<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> Option<&'a str> {
    let host = || headers.get(HOST)?.to_str().ok();
    uri.authority().map(Authority::as_str).or_else(host)
}

/// The subdomain of an ISP, in small letters: `yellow` of `Yellow.netily.io:8000` below the base domain `netily.io`.
/// `None` for the base domain itself, for deeper subdomains, for addresses and for foreign hosts.
pub fn label(authority: &str, base_domain: &str) -> Option<String> {
    let authority: Authority = authority.parse().ok()?;
    let host = authority.host().trim_end_matches('.').to_ascii_lowercase();
    let label = host.strip_suffix(base_domain)?.strip_suffix('.')?;
    let is_label = !label.is_empty() && label.len() <= 63 && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    is_label.then(|| label.to_owned())
}

/// Whether a form may come from our own page at this host. Old browsers say nothing of where a form comes from, and a
/// captive sheet or a page that sends no referrer says `null`. Another ISP's subdomain is as foreign as any other host.
pub fn is_own_form(uri: &Uri, headers: &HeaderMap) -> bool {
    let own_origin = |origin: &HeaderValue| match (origin.to_str(), authority(uri, headers)) {
        (Ok("null"), _) => true,
        (Ok(origin), Some(here)) => authority_of(origin).is_some_and(|from| from.eq_ignore_ascii_case(here)),
        _ => false,
    };
    headers.get(ORIGIN).is_none_or(own_origin) && headers.get(FETCH_SITE).is_none_or(|site| site == "same-origin" || site == "none")
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

/// Whether a page of this very host sends this, and says so. Asked where a cookie speaks for somebody: what names no origin is no page, and
/// a page that was not loaded over https may have been made by anybody on the way, but for pages of this machine.
pub fn is_own_page(uri: &Uri, headers: &HeaderMap) -> bool {
    let origin = headers.get(ORIGIN).and_then(|origin| origin.to_str().ok()).unwrap_or_default();
    let of_this_machine = |origin: &str| {
        let host = origin.rsplit_once(':').map_or(origin, |(host, _)| host);
        host == "localhost" || host.ends_with(".localhost") || host == "127.0.0.1"
    };
    let safe = origin.strip_prefix("http://").map_or(origin.starts_with("https://"), of_this_machine);
    safe && is_own_origin(uri, headers)
}

/// The network address that a request comes from: that of the connection or, behind proxies of ours, the one that the outermost of them
/// saw. Everybody may write `X-Forwarded-For`, so only what a proxy of ours added at its end is believed.
pub fn address(peer: IpAddr, headers: &HeaderMap, is_ours: impl Fn(IpAddr) -> bool) -> IpAddr {
    let added = headers.get_all(FORWARDED_FOR).into_iter().rev().flat_map(|value| value.to_str().unwrap_or_default().rsplit(','));
    let mut address = peer.to_canonical();
    for before in added {
        match before.trim().parse::<IpAddr>() {
            Ok(before) if is_ours(address) => address = before.to_canonical(),
            _ => break,
        }
    }
    address
}

fn authority_of(origin: &str) -> Option<&str> {
    origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_label_below_the_base_domain_names_the_isp() {
        for (host, base, wanted) in [
            ("yellow.localhost:8000", "localhost", Some("yellow")),
            ("yellow.localhost", "localhost", Some("yellow")),
            ("Yellow.Netily.IO.", "netily.io", Some("yellow")),
            ("my-wifi2.netily.io", "netily.io", Some("my-wifi2")),
            ("netily.io", "netily.io", None),
            (".netily.io", "netily.io", None),
            ("a.b.netily.io", "netily.io", None),
            ("evilnetily.io", "netily.io", None),
            ("yellow.netily.io.evil.example", "netily.io", None),
            ("yel low.netily.io", "netily.io", None),
            ("[::1]:8000", "localhost", None),
            ("127.0.0.1:8000", "localhost", None),
            ("", "localhost", None),
        ] {
            assert_eq!(label(host, base).as_deref(), wanted, "{host}");
        }
    }

    #[test]
    fn the_authority_goes_before_the_host() {
        let headers = HeaderMap::from_iter([(HOST, HeaderValue::from_static("blue.localhost"))]);
        assert_eq!(authority(&Uri::from_static("http://yellow.localhost/x"), &headers), Some("yellow.localhost"));
        assert_eq!(authority(&Uri::from_static("/x"), &headers), Some("blue.localhost"));
        assert_eq!(authority(&Uri::from_static("/x"), &HeaderMap::new()), None);
    }

    #[test]
    fn forms_of_other_pages_are_told_apart() {
        for (origin, fetch_site, own) in [
            (None, None, true),
            (Some("null"), None, true),
            (Some("http://yellow.localhost:8000"), Some("same-origin"), true),
            (Some("https://YELLOW.localhost:8000"), None, true),
            (Some("http://blue.localhost:8000"), None, false),
            (Some("http://yellow.localhost"), None, false),
            (Some("http://yellow.localhost:8000.evil.example"), None, false),
            (Some("ftp://yellow.localhost:8000"), None, false),
            (Some(""), None, false),
            (Some("null"), Some("cross-site"), false),
            (Some("null"), Some("same-site"), false),
            (None, Some("none"), true),
        ] {
            let mut headers = HeaderMap::from_iter([(HOST, HeaderValue::from_static("yellow.localhost:8000"))]);
            if let Some(origin) = origin {
                headers.insert(ORIGIN, HeaderValue::from_static(origin));
            }
            if let Some(site) = fetch_site {
                headers.insert(FETCH_SITE, HeaderValue::from_static(site));
            }
            assert_eq!(is_own_form(&Uri::from_static("/x"), &headers), own, "{origin:?} {fetch_site:?}");
        }
    }

    #[test]
    fn only_our_own_proxies_are_believed() {
        let ours = |address: IpAddr| matches!(address, IpAddr::V4(v4) if v4.octets()[0] == 10);
        for (peer, forwarded, wanted) in [
            ("197.1.2.3", &[][..], "197.1.2.3"),
            ("197.1.2.3", &["8.8.8.8"], "197.1.2.3"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &["197.1.2.3"], "197.1.2.3"),
            ("10.0.0.1", &["8.8.8.8, 197.1.2.3"], "197.1.2.3"),
            ("10.0.0.1", &["8.8.8.8, 197.1.2.3, 10.0.0.2"], "197.1.2.3"),
            ("10.0.0.1", &["8.8.8.8", "197.1.2.3,10.0.0.2"], "197.1.2.3"),
            ("10.0.0.1", &["nonsense"], "10.0.0.1"),
            ("::ffff:10.0.0.1", &["2c0f:fe38::1"], "2c0f:fe38::1"),
        ] {
            let mut headers = HeaderMap::new();
            for value in forwarded {
                headers.append(FORWARDED_FOR, HeaderValue::from_static(value));
            }
            assert_eq!(address(peer.parse().expect("an address"), &headers, ours).to_string(), wanted, "{peer} {forwarded:?}");
        }
    }

    #[test]
    fn a_cookie_counts_from_an_own_page_only() {
        for (host, origin, own) in [
            ("yellow.netily.io", Some("https://yellow.netily.io"), true),
            ("yellow.netily.io", Some("https://YELLOW.netily.io"), true),
            ("yellow.netily.io", None, false),
            ("yellow.netily.io", Some("null"), false),
            ("yellow.netily.io", Some("http://yellow.netily.io"), false),
            ("yellow.netily.io", Some("https://blue.netily.io"), false),
            ("yellow.localhost:8000", Some("http://yellow.localhost:8000"), true),
            ("127.0.0.1:8000", Some("http://127.0.0.1:8000"), true),
            ("yellow.localhost:8000", Some("http://blue.localhost:8000"), false),
            ("yellow.localhost:8000", Some("http://yellow.localhost:9000"), false),
            ("localhost.evil.example", Some("http://localhost.evil.example"), false),
        ] {
            let mut headers = HeaderMap::from_iter([(HOST, HeaderValue::from_static(host))]);
            if let Some(origin) = origin {
                headers.insert(ORIGIN, HeaderValue::from_static(origin));
            }
            assert_eq!(is_own_page(&Uri::from_static("/x"), &headers), own, "{host} {origin:?}");
        }
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
