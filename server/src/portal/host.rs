//! Reads the ISP's subdomain out of a host, and judges whether a form comes from our own page. Text only: whether there
//! is such an ISP is for the caller to ask.

/// The subdomain of an ISP, in small letters: `yellow` of `Yellow.netily.io:8000` below the base domain `netily.io`.
/// `None` for the base domain itself, for deeper subdomains and for foreign hosts.
pub fn label(host: &str, base_domain: &str) -> Option<String> {
    let name = without_port(host).trim_end_matches('.').to_ascii_lowercase();
    let label = name.strip_suffix(&without_port(base_domain).to_ascii_lowercase())?.strip_suffix('.')?;
    let is_label = !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    is_label.then(|| label.to_owned())
}

/// What a browser says of where a request comes from. Both may be missing: old browsers send neither.
#[derive(Clone, Copy, Debug, Default)]
pub struct Source<'a> {
    /// The header `Origin`.
    pub origin: Option<&'a str>,
    /// The header `Sec-Fetch-Site`, which browsers send to https and localhost only and no page can forge.
    pub fetch_site: Option<&'a str>,
}

/// Whether a form may come from our own page at `authority` (host and port). A captive sheet, and a page that sends no
/// referrer, name the origin `null`; a form of another ISP's subdomain is as foreign as any other.
pub fn is_own_form(source: Source<'_>, authority: &str) -> bool {
    let own_origin = source.origin.is_none_or(|origin| origin == "null" || authority_of(origin).is_some_and(|from| from.eq_ignore_ascii_case(authority)));
    own_origin && source.fetch_site.is_none_or(|site| matches!(site, "same-origin" | "none"))
}

fn authority_of(origin: &str) -> Option<&str> {
    origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"))
}

/// The host without `:8000`. A bracketed IPv6 address keeps its colons, since what follows the last one is no number.
fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_label_below_the_base_domain_names_the_isp() {
        for (host, base, wanted) in [
            ("yellow.localhost:8000", "localhost", Some("yellow")),
            ("yellow.localhost", "localhost:8000", Some("yellow")),
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
    fn forms_of_other_pages_are_told_apart() {
        let here = "yellow.localhost:8000";
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
            assert_eq!(is_own_form(Source { origin, fetch_site }, here), own, "{origin:?} {fetch_site:?}");
        }
    }
}
