//! How a sign-in travels: tokens in the answer, or for a browser a cookie beside it, which no script can read and which goes back to this
//! host only.

use http::header::{COOKIE, SET_COOKIE};
use http::{HeaderMap, HeaderValue};
use netily_sdk::auth as pb;
use secrecy::{ExposeSecret as _, SecretString};
use tonic::metadata::MetadataMap;

use super::answer::timestamp;
use crate::auth::{Grant, SESSION_LIVES, Tokens};
use crate::error::{Error, Result};

/// The metadata by which a browser asks for a cookie in place of tokens: `cookie`.
pub const WANTED: &str = "netily-session";
const NAME: &str = "__Host-netily";
/// Longer than any secret of ours.
const SECRET_MAX: usize = 128;

/// A cookie to be set or cleared.
#[derive(Clone, Debug)]
pub struct SetCookie(HeaderValue);

impl SetCookie {
    /// Keeps a sign-in, from now on for as long as one lives.
    pub fn keep(secret: &SecretString) -> Result<SetCookie> {
        SetCookie::new(secret.expose_secret(), SESSION_LIVES.num_seconds())
    }

    /// Forgets it.
    pub fn clear() -> Result<SetCookie> {
        SetCookie::new("", 0)
    }

    fn new(value: &str, max_age: i64) -> Result<SetCookie> {
        let text = format!("{NAME}={value}; HttpOnly; Secure; SameSite=Lax; Path=/; Max-Age={max_age}");
        let mut header = HeaderValue::try_from(text).map_err(Error::internal)?;
        header.set_sensitive(true);
        Ok(SetCookie(header))
    }

    /// Into an answer of a service.
    pub fn add_to(self, metadata: MetadataMap) -> MetadataMap {
        let mut headers = metadata.into_headers();
        headers.insert(SET_COOKIE, self.0);
        MetadataMap::from_headers(headers)
    }

    /// Into an answer that sets no cookie itself.
    pub fn add_to_headers(self, headers: &mut HeaderMap) {
        headers.entry(SET_COOKIE).or_insert(self.0);
    }
}

/// The cookie of a sign-in that came along. Browsers may send their cookies in one header or in many.
pub fn cookie(headers: &HeaderMap) -> Option<SecretString> {
    let mut pairs = headers.get_all(COOKIE).into_iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(';'));
    let value = pairs.find_map(|pair| pair.trim().strip_prefix(NAME)?.strip_prefix('='))?;
    (1..=SECRET_MAX).contains(&value.len()).then(|| value.to_owned().into())
}

/// What keeps a new sign-in: tokens for the answer, or a cookie beside it.
pub fn grant(grant: Grant) -> Result<(Option<pb::Tokens>, Option<SetCookie>)> {
    match grant {
        Grant::Tokens(given) => Ok((Some(tokens(given)), None)),
        Grant::Cookie(secret) => Ok((None, Some(SetCookie::keep(&secret)?))),
    }
}

/// Tokens on the wire.
pub fn tokens(tokens: Tokens) -> pb::Tokens {
    pb::Tokens { access: tokens.access, refresh: tokens.refresh, access_expires_at: Some(timestamp(tokens.access_expires_at)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(cookies: &[&'static str]) -> Option<String> {
        let headers = HeaderMap::from_iter([]);
        let headers = cookies.iter().fold(headers, |mut headers: HeaderMap, value| {
            headers.append(COOKIE, HeaderValue::from_static(value));
            headers
        });
        cookie(&headers).map(|secret| secret.expose_secret().to_owned())
    }

    #[test]
    fn our_cookie_is_found_among_others() {
        assert_eq!(sent(&["__Host-netily=abc"]).as_deref(), Some("abc"));
        assert_eq!(sent(&["a=b; __Host-netily=abc; c=d"]).as_deref(), Some("abc"));
        assert_eq!(sent(&["a=b", "__Host-netily=abc"]).as_deref(), Some("abc"));
        for other in ["", "netily=abc", "__Host-netily2=abc", "__Host-netily=", "x__Host-netily=abc"] {
            assert_eq!(sent(&[other]), None, "{other}");
        }
        assert_eq!(cookie(&HeaderMap::from_iter([(COOKIE, HeaderValue::try_from(format!("{NAME}={}", "x".repeat(129))).expect("a value"))])).map(drop), None);
    }

    #[test]
    fn a_cookie_is_out_of_reach_of_scripts_and_of_other_hosts() {
        let mut headers = HeaderMap::new();
        SetCookie::keep(&"abc".to_owned().into()).expect("a cookie").add_to_headers(&mut headers);
        assert_eq!(headers[SET_COOKIE], "__Host-netily=abc; HttpOnly; Secure; SameSite=Lax; Path=/; Max-Age=2592000");
        SetCookie::clear().expect("a cookie").add_to_headers(&mut headers);
        assert_eq!(headers.get_all(SET_COOKIE).iter().count(), 1, "what the service itself set is not overwritten");
    }
}
