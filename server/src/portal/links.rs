//! Decides which addresses given by strangers may stand in a page as link, form target or refresh target.
//! Judges the text only; whether the host belongs to the router is for the caller to ask.

use std::fmt;

/// Longer addresses are refused: no router sends them.
const MAX_LENGTH: usize = 2048;

/// An `http` or `https` address that cannot run script, hide its host behind user information or break out of an attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SafeLink(String);

impl SafeLink {
    /// The address as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Scheme, host and port: `http://10.5.50.1`.
    pub fn origin(&self) -> &str {
        &self.0[..authority_end(&self.0)]
    }

    /// Host and port: `10.5.50.1` or `wifi.example:8080`.
    pub fn authority(&self) -> &str {
        self.origin().split_once("://").map_or("", |(_, authority)| authority)
    }
}

impl fmt::Display for SafeLink {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// Accepts an absolute `http://` or `https://` address of at most 2048 bytes, without control characters, spaces,
/// backslashes (browsers read them as slashes) and user information.
pub fn safe_link(text: &str) -> Option<SafeLink> {
    let text = text.trim();
    let rest = strip_scheme(text)?;
    let clean = text.len() <= MAX_LENGTH && !text.chars().any(|c| c.is_control() || c.is_whitespace() || c == '\\');
    let authority = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
    (clean && is_authority(authority)).then(|| SafeLink(text.to_owned()))
}

/// Where a guest goes once online: the page wanted at first, else the router's own status page, else nowhere.
pub fn continue_link(link_orig: Option<&SafeLink>, link_login_only: Option<&SafeLink>) -> Option<SafeLink> {
    let status_page = || link_login_only.map(|login| SafeLink(format!("{}/status", login.origin())));
    link_orig.cloned().or_else(status_page)
}

fn strip_scheme(text: &str) -> Option<&str> {
    ["http://", "https://"].into_iter().find_map(|scheme| {
        let head = text.get(..scheme.len())?;
        head.eq_ignore_ascii_case(scheme).then(|| &text[scheme.len()..])
    })
}

/// Index at which scheme and authority of an accepted address end.
fn authority_end(text: &str) -> usize {
    let start = text.find("://").map_or(0, |at| at + 3);
    text[start..].find(['/', '?', '#']).map_or(text.len(), |at| start + at)
}

/// A host name, an IPv4 or a bracketed IPv6 address, with an optional port. `@` fits none of them.
fn is_authority(authority: &str) -> bool {
    let (host, port) = match authority.strip_prefix('[') {
        Some(bracketed) => {
            let Some((address, rest)) = bracketed.split_once(']') else {
                return false;
            };
            return address.parse::<std::net::Ipv6Addr>().is_ok() && is_port_suffix(rest);
        }
        None => authority.find(':').map_or((authority, ""), |at| authority.split_at(at)),
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '-' || c == '_';
    !host.is_empty() && host.len() <= 253 && host.chars().all(plain) && is_port_suffix(port)
}

/// Nothing, or `:` and a port other than 0.
fn is_port_suffix(text: &str) -> bool {
    let Some(port) = text.strip_prefix(':') else {
        return text.is_empty();
    };
    port.chars().all(|c| c.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_routers_and_sites_are_kept_as_they_are() {
        for text in [
            "http://10.5.50.1/login",
            "https://wifi.example.co.ke/login?dst=a&b=c#d",
            "HTTP://Router.Lan:8080/login",
            "http://[fe80::1]:80/login",
            "http://example.com",
            "http://example.com?q=user@host",
            "http://example.com/habari/\u{e9}",
        ] {
            assert_eq!(safe_link(text).as_ref().map(SafeLink::as_str), Some(text));
        }
        let long = format!("http://a/{}", "x".repeat(MAX_LENGTH - 9));
        assert!(safe_link(&long).is_some());
        assert!(safe_link(&format!("{long}x")).is_none());
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "login",
            "/login",
            "//evil.example/login",
            "javascript:alert(1)",
            "JaVaScRiPt://%0aalert(1)",
            "data:text/html,x",
            "ftp://10.5.50.1/",
            "http:",
            "http://",
            "http:///login",
            "http:10.5.50.1",
            "http://?x",
            "http://user@evil.example/",
            "http://10.5.50.1:80@evil.example/",
            "http://10.5.50.1\\@evil.example/",
            "http://10.5.50.1/\r\nSet-Cookie: a=b",
            "http://10.5.50.1/a b",
            "http://10.5.50.1/\u{0}",
            "http://10.5.50.1:port/",
            "http://10.5.50.1:0/",
            "http://10.5.50.1:99999/",
            "http://10.5.50.1:+80/",
            "http://[::1/",
            "http://[::1]x/",
            "http://[evil]/",
            "http://b\u{fc}cher.example/",
            "http://a\"b/",
            "http://<script>/",
            "java\tscript:alert(1)",
        ] {
            assert_eq!(safe_link(text), None, "{text:?}");
        }
    }

    #[test]
    fn the_way_on_is_the_wanted_page_then_the_routers_status() {
        let orig = safe_link("http://news.example/a");
        let login = safe_link("http://10.5.50.1:81/login?x=1");
        assert_eq!(continue_link(orig.as_ref(), login.as_ref()), orig);
        assert_eq!(continue_link(None, login.as_ref()).unwrap().as_str(), "http://10.5.50.1:81/status");
        assert_eq!(continue_link(None, None), None);
        assert_eq!(login.unwrap().authority(), "10.5.50.1:81");
    }
}
