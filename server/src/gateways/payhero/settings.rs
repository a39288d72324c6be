//! What an operator configures about PayHero, checked once before the first call.
//! It decides which account field and channel go into a collect; it reads no environment.

use std::net::IpAddr;
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use reqwest::{ClientBuilder, Url};
use secrecy::{ExposeSecret, SecretString};

/// Which of the two live APIs is spoken. Their bodies and some paths differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Generation {
    /// `https://backend.payhero.co.ke/api/v2` (docs.payhero.co.ke).
    Legacy,
    /// `https://api.payhero.africa` (docs.payhero.africa, API 2.0.0).
    V2,
}

/// Everything needed to reach one PayHero account.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Host with or without `/api/v2`. HTTPS, or HTTP on a loopback address for a stand-in.
    pub base_url: String,
    /// The encoded token of the dashboard, base64 of `user:password`, with or without a
    /// pasted `Basic ` in front.
    pub auth: SecretString,
    /// The API to speak.
    pub generation: Generation,
    /// Id of the collecting channel in the dashboard (not a till or paybill number). Required by
    /// the legacy API; on V2 exactly one of this and `network_code`.
    pub channel_id: Option<i64>,
    /// The Team the money belongs to. Required by V2, not sent by the legacy API.
    pub account_id: Option<i64>,
    /// Id of the wallet channel that payouts are paid from, of the legacy API. Without it none can be sent.
    pub payout_channel_id: Option<i64>,
    /// `m-pesa` for an own channel (the money goes straight there), `sasapay` for the PayHero
    /// wallet that payouts are paid from.
    pub provider: String,
    /// `63902` for M-Pesa. Required with `sasapay` on the legacy API, which is sent it only then.
    pub network_code: Option<String>,
    /// Limit for name look-up, TCP and TLS. Nothing was sent when it runs out. Usually 3 s.
    pub connect_timeout: Duration,
    /// Limit for a whole call. Must be longer than `connect_timeout`. Usually 20 s.
    pub total_timeout: Duration,
}

/// Why a client cannot be built. No variant holds the token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// The address is not one PayHero may be called at.
    #[error("the PayHero base URL {0}")]
    BaseUrl(&'static str),
    /// The token is empty or not base64.
    #[error("the PayHero token must be the encoded one of the dashboard (base64 of user:password)")]
    Auth,
    /// The channel, account and network do not fit the generation.
    #[error("PayHero collections: {0}")]
    Route(&'static str),
    /// A call could end before its connection attempt does, which would blur what was sent.
    #[error("the PayHero connect timeout must be above zero and shorter than the total timeout")]
    Timeouts,
    /// `CryptoProvider::install_default` has not been called.
    #[error("the process has installed no TLS provider")]
    NoTlsProvider,
    /// The HTTP client could not be made, for instance without root certificates.
    #[error("the HTTP client for PayHero could not be built: {0}")]
    Client(String),
}

/// Where a collected shilling goes, already reduced to the fields that are sent.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub(super) struct Route {
    provider: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    channel_id: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    network_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account_id: Option<i64>,
}

impl Settings {
    /// The prefix of every path. The host is fixed here: no answer can lead a call elsewhere.
    pub(super) fn root(&self) -> Result<String, SettingsError> {
        let url = Url::parse(self.base_url.trim()).map_err(|_| SettingsError::BaseUrl("is not a URL"))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(SettingsError::BaseUrl("must not hold a user name or password"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(SettingsError::BaseUrl("must not have a query or fragment"));
        }
        match url.scheme() {
            "https" => {}
            "http" if is_loopback(&url) => {}
            _ => {
                return Err(SettingsError::BaseUrl("must be https (http only on loopback)"));
            }
        }
        let root = url.as_str().trim_end_matches('/');
        Ok(root.strip_suffix("/api/v2").unwrap_or(root).to_owned())
    }

    /// Picks the routing fields of a collect by the rules of each generation.
    pub(super) fn route(&self) -> Result<Route, SettingsError> {
        let provider = self.provider.trim().to_owned();
        if provider.is_empty() {
            return Err(SettingsError::Route("a provider is needed (m-pesa or sasapay)"));
        }
        let network_code = self.network_code.as_deref().map(str::trim).filter(|code| !code.is_empty()).map(str::to_owned);
        match self.generation {
            Generation::Legacy => {
                if self.channel_id.is_none() {
                    return Err(SettingsError::Route("the legacy API needs a channel id"));
                }
                let network_code = network_code.filter(|_| provider == "sasapay");
                if provider == "sasapay" && network_code.is_none() {
                    return Err(SettingsError::Route("sasapay needs a network code"));
                }
                Ok(Route { provider, channel_id: self.channel_id, network_code, account_id: None })
            }
            Generation::V2 => {
                if self.account_id.is_none() {
                    return Err(SettingsError::Route("API 2.0.0 needs an account id"));
                }
                // The choice decides where the money lands, so two answers are no answer.
                if self.channel_id.is_some() == network_code.is_some() {
                    return Err(SettingsError::Route("API 2.0.0 needs exactly one of channel id and network code"));
                }
                Ok(Route { provider, channel_id: self.channel_id, network_code, account_id: self.account_id })
            }
        }
    }

    /// What both HTTP clients share.
    pub(super) fn client(&self, root: &str) -> Result<ClientBuilder, SettingsError> {
        if self.connect_timeout.is_zero() || self.connect_timeout >= self.total_timeout {
            return Err(SettingsError::Timeouts);
        }
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            return Err(SettingsError::NoTlsProvider);
        }
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, self.authorization()?);
        Ok(reqwest::Client::builder()
            .user_agent("netily")
            .default_headers(headers)
            .connect_timeout(self.connect_timeout)
            .timeout(self.total_timeout)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            // A proxy named by a stray environment variable would see every call.
            .no_proxy()
            .https_only(root.starts_with("https:")))
    }

    fn authorization(&self) -> Result<HeaderValue, SettingsError> {
        let given = self.auth.expose_secret().trim();
        let token = match given.split_once(char::is_whitespace) {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("basic") => rest.trim(),
            _ => given,
        };
        let base64 = |c: char| c.is_ascii_alphanumeric() || "+/=-_".contains(c);
        if token.is_empty() || token.eq_ignore_ascii_case("basic") || !token.chars().all(base64) {
            return Err(SettingsError::Auth);
        }
        let mut value = HeaderValue::try_from(format!("Basic {token}")).map_err(|_| SettingsError::Auth)?;
        value.set_sensitive(true);
        Ok(value)
    }
}

/// Whether an address is on this machine, where plain HTTP is seen by nobody.
pub(in crate::gateways) fn is_loopback(url: &Url) -> bool {
    let Some(host) = url.host_str() else {
        return false;
    };
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.ends_with(".localhost") || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateways::payhero::stand_in;

    fn legacy() -> Settings {
        stand_in::settings("https://backend.payhero.co.ke/api/v2", Generation::Legacy)
    }

    #[test]
    fn base_url_is_taken_with_and_without_the_api_path() {
        for (given, root) in [
            ("https://backend.payhero.co.ke/api/v2/", "https://backend.payhero.co.ke"),
            ("https://api.payhero.africa", "https://api.payhero.africa"),
            ("http://127.0.0.1:9000/payhero/", "http://127.0.0.1:9000/payhero"),
            ("http://[::1]:9000", "http://[::1]:9000"),
        ] {
            let settings = Settings { base_url: given.to_owned(), ..legacy() };
            assert_eq!(settings.root().as_deref(), Ok(root), "{given}");
        }
    }

    #[test]
    fn base_urls_that_would_leak_the_token_are_refused() {
        for given in [
            "",
            "backend.payhero.co.ke",
            "http://backend.payhero.co.ke",
            "http://127.0.0.1.example.com",
            "http://10.0.0.1",
            "ftp://localhost",
            "https://user:word@backend.payhero.co.ke",
            "https://backend.payhero.co.ke/?next=1",
        ] {
            let settings = Settings { base_url: given.to_owned(), ..legacy() };
            assert!(matches!(settings.root(), Err(SettingsError::BaseUrl(_))), "{given}");
        }
    }

    #[test]
    fn token_gets_its_scheme_exactly_once() {
        for given in ["dXNlcjpwYXNz", "Basic dXNlcjpwYXNz", " basic   dXNlcjpwYXNz\n"] {
            let settings = Settings { auth: given.to_owned().into(), ..legacy() };
            let value = settings.authorization().expect(given);
            assert_eq!(value.to_str().unwrap(), "Basic dXNlcjpwYXNz");
            assert!(value.is_sensitive());
        }
        for given in ["", "Basic ", "user:pass", "Bearer abc", "abc\r\nX: y"] {
            let settings = Settings { auth: given.to_owned().into(), ..legacy() };
            assert_eq!(settings.authorization(), Err(SettingsError::Auth), "{given:?}");
        }
    }

    #[test]
    fn routing_fields_follow_the_generation() {
        let wallet = Settings { provider: "sasapay".to_owned(), network_code: Some("63902".to_owned()), ..legacy() };
        let sent = |settings: &Settings| settings.route().map(|route| serde_json::to_string(&route).unwrap());
        assert_eq!(sent(&legacy()).unwrap(), r#"{"provider":"m-pesa","channel_id":4021}"#);
        assert_eq!(sent(&wallet).unwrap(), r#"{"provider":"sasapay","channel_id":4021,"network_code":"63902"}"#);
        let v2 = Settings { generation: Generation::V2, account_id: Some(7), ..wallet.clone() };
        assert!(sent(&v2).is_err(), "channel and network together");
        let by_network = Settings { channel_id: None, ..v2.clone() };
        assert_eq!(sent(&by_network).unwrap(), r#"{"provider":"sasapay","network_code":"63902","account_id":7}"#);
        assert!(sent(&Settings { account_id: None, ..by_network }).is_err());
        assert!(sent(&Settings { channel_id: None, ..legacy() }).is_err());
        assert!(sent(&Settings { network_code: None, ..wallet }).is_err());
    }

    #[test]
    fn debug_hides_the_token() {
        assert!(!format!("{:?}", legacy()).contains("dXNlcjpwYXNz"));
    }
}
