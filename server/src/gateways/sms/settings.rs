//! What an operator configures about a provider of text messages, checked once before the first call.

use std::time::Duration;

use secrecy::SecretString;

use crate::gateways::payhero::is_loopback;

/// An account with a provider.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `https://api.africastalking.com`; HTTP only on a loopback address, for a stand-in.
    pub base_url: String,
    /// The application's user name.
    pub username: String,
    /// Its key.
    pub api_key: SecretString,
    /// The sender that recipients see, registered with the provider; empty for the provider's own.
    pub sender: String,
    /// Limit for name look-up, TCP and TLS.
    pub connect_timeout: Duration,
    /// Limit for a whole call.
    pub total_timeout: Duration,
}

/// Why a client cannot be built.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// The address is not one that the key may be sent to.
    #[error("the address of the SMS provider must be https (http only on loopback), without user, query or fragment")]
    BaseUrl,
    /// The key holds what a header cannot.
    #[error("the key of the SMS provider holds characters that no header may hold")]
    Key,
    /// The HTTP client could not be made.
    #[error("the HTTP client for the SMS provider could not be built")]
    Client,
}

impl Settings {
    /// Whether a client can be built with them.
    pub fn check(&self) -> Result<(), SettingsError> {
        self.root().map(|_| ())
    }

    /// Scheme, host and prefix of the path, without a last slash.
    pub(super) fn root(&self) -> Result<String, SettingsError> {
        let url = reqwest::Url::parse(self.base_url.trim()).map_err(|_| SettingsError::BaseUrl)?;
        let plain = url.username().is_empty() && url.password().is_none() && url.query().is_none() && url.fragment().is_none();
        let private = url.scheme() == "https" || url.scheme() == "http" && is_loopback(&url);
        if plain && private { Ok(url.as_str().trim_end_matches('/').to_owned()) } else { Err(SettingsError::BaseUrl) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_goes_over_tls_or_stays_on_this_machine() {
        for (given, root) in [
            ("https://api.africastalking.com/", Ok("https://api.africastalking.com")),
            ("http://127.0.0.1:9000/africastalking", Ok("http://127.0.0.1:9000/africastalking")),
            ("http://api.africastalking.com", Err(SettingsError::BaseUrl)),
            ("https://user:pass@api.africastalking.com", Err(SettingsError::BaseUrl)),
            ("https://api.africastalking.com/?a=b", Err(SettingsError::BaseUrl)),
            ("nothing", Err(SettingsError::BaseUrl)),
        ] {
            let settings = Settings {
                base_url: given.to_owned(),
                username: "netily".to_owned(),
                api_key: "key".to_owned().into(),
                sender: String::new(),
                connect_timeout: Duration::from_secs(1),
                total_timeout: Duration::from_secs(2),
            };
            assert_eq!(settings.root(), root.map(str::to_owned), "{given}");
        }
    }
}
