//! The door to a provider of text messages that speaks Africa's Talking's HTTP API (`POST /version1/messaging`). One call sends
//! one text to one number. It never repeats a call, and never logs a number or a text.

mod answer;
mod settings;

use reqwest::header::{ACCEPT, HeaderMap, HeaderValue};
use secrecy::{ExposeSecret as _, SecretString};

pub use settings::{Settings, SettingsError};

use super::Delivery;
use crate::phone::Phone;

/// The largest answer that is read.
const ANSWER_MAX_BYTES: usize = 64 * 1024;

/// An account with the provider.
pub struct Sms {
    client: reqwest::Client,
    url: String,
    username: String,
    sender: String,
}

impl Sms {
    /// Builds the client; fails with the first setting that cannot work.
    pub fn new(settings: &Settings) -> Result<Sms, SettingsError> {
        let root = settings.root()?;
        let mut headers = HeaderMap::new();
        let mut key = HeaderValue::try_from(settings.api_key.expose_secret()).map_err(|_| SettingsError::Key)?;
        key.set_sensitive(true);
        headers.insert("apikey", key);
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        let client = reqwest::Client::builder()
            .user_agent("netily")
            .default_headers(headers)
            .connect_timeout(settings.connect_timeout)
            .timeout(settings.total_timeout)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            // A proxy named by a stray environment variable would see every message.
            .no_proxy()
            .https_only(root.starts_with("https:"))
            .build()
            .map_err(|_| SettingsError::Client)?;
        Ok(Sms { client, url: format!("{root}/version1/messaging"), username: settings.username.clone(), sender: settings.sender.clone() })
    }

    /// Hands one text for one number to the provider.
    pub async fn send(&self, to: &Phone, text: &SecretString) -> Delivery {
        let number = format!("+{}", to.digits());
        let mut form = vec![("username", self.username.as_str()), ("to", &number), ("message", text.expose_secret())];
        if !self.sender.is_empty() {
            form.push(("from", &self.sender));
        }
        let delivery = match self.exchange(self.client.post(&self.url).form(&form)).await {
            Ok((status, body)) => answer::read(status, &body),
            Err(problem) => Delivery::later(problem),
        };
        if let Delivery::Later { problem, .. } | Delivery::Refused(problem) = &delivery {
            tracing::debug!(problem, "a text message was not taken");
        }
        delivery
    }

    async fn exchange(&self, request: reqwest::RequestBuilder) -> Result<(u16, Vec<u8>), &'static str> {
        let mut response = request.send().await.map_err(|fault| match fault {
            fault if fault.is_connect() || fault.is_builder() => "the provider cannot be reached",
            fault if fault.is_timeout() => "the provider did not answer in time",
            _ => "the connection to the provider broke",
        })?;
        let status = response.status().as_u16();
        let mut body = Vec::new();
        while let Some(part) = response.chunk().await.map_err(|_| "the answer of the provider broke off")? {
            if body.len() + part.len() > ANSWER_MAX_BYTES {
                return Err("the answer of the provider is too large");
            }
            body.extend_from_slice(&part);
        }
        Ok((status, body))
    }
}
