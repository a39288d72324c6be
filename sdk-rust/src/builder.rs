//! How a client is set up: where the server is, and on whose behalf to call.

use std::sync::Arc;
use std::time::Duration;

use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::{Endpoint, Uri};

use crate::auth::Tokens;
use crate::session::Session;
use crate::{Client, Error};

const DEADLINE: Duration = Duration::from_secs(15);
const ATTEMPTS: u32 = 3;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// A dead connection is noticed after the sum of these two, also while a stream waits in silence.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(20);
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(10);

/// Settings of a [`Client`], made by [`Client::builder`].
#[derive(Clone, Debug)]
#[must_use = "nothing is set up before `build`"]
pub struct ClientBuilder {
    url: String,
    tenant: Option<String>,
    deadline: Duration,
    attempts: u32,
    tokens: Option<Tokens>,
}

impl ClientBuilder {
    pub(crate) fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), tenant: None, deadline: DEADLINE, attempts: ATTEMPTS, tokens: None }
    }

    /// Calls the ISP with this subdomain. Needed when the host of the URL does not name it, as in
    /// `http://127.0.0.1:8000`; it then travels as metadata `netily-tenant`.
    pub fn tenant(mut self, slug: impl Into<String>) -> Self {
        self.tenant = Some(slug.into());
        self
    }

    /// How long a call may take, all its tries together; 15 s unless set. Streams have no deadline.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// How often a call that is safe to repeat is tried in all, at least once; 3 unless set.
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts.max(1);
        self
    }

    /// Goes on with a sign-in of before: see [`Client::tokens`].
    pub fn tokens(mut self, tokens: Tokens) -> Self {
        self.tokens = Some(tokens);
        self
    }

    /// Makes the client. It connects at the first call, and again whenever the connection is lost.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when the URL is not one of http or https with a host, when it is https and the crate
    /// was built without the feature `tls`, or when the tenant is not a subdomain.
    ///
    /// # Panics
    /// Outside of a Tokio runtime.
    pub fn build(self) -> Result<Client, Error> {
        let uri: Uri = self.url.parse().map_err(|_| bad_url(&self.url))?;
        let host = uri.host().filter(|host| !host.is_empty()).ok_or_else(|| bad_url(&self.url))?;
        let tenant = match self.tenant {
            Some(slug) if host.split('.').next() != Some(slug.as_str()) => Some(tenant_metadata(&slug)?),
            _ => None,
        };
        let session = Session::default();
        session.set(self.tokens);
        Ok(Client { channel: endpoint(&uri, host)?.connect_lazy(), session: Arc::new(session), tenant, deadline: self.deadline, attempts: self.attempts })
    }
}

fn endpoint(uri: &Uri, host: &str) -> Result<Endpoint, Error> {
    let endpoint = match uri.scheme_str() {
        Some("http") => Endpoint::from(connect_to(uri, host)).origin(uri.clone()),
        Some("https") => with_tls(Endpoint::from(uri.clone()))?,
        _ => return Err(bad_url(&uri.to_string())),
    };
    let endpoint = endpoint.user_agent(concat!("netily-sdk/", env!("CARGO_PKG_VERSION"))).map_err(|error| Error::set_up(format!("user agent: {error}")))?;
    Ok(endpoint.connect_timeout(CONNECT_TIMEOUT).http2_keep_alive_interval(KEEP_ALIVE_INTERVAL).keep_alive_timeout(KEEP_ALIVE_TIMEOUT))
}

/// Names below `localhost` are loopback by RFC 6761, section 6.3, but many resolvers do not know them.
fn connect_to(uri: &Uri, host: &str) -> Uri {
    if !host.ends_with(".localhost") {
        return uri.clone();
    }
    let port = uri.port_u16().unwrap_or(80);
    let loopback = Uri::builder().scheme("http").authority(format!("127.0.0.1:{port}")).path_and_query("/");
    loopback.build().unwrap_or_else(|_| uri.clone())
}

#[cfg(feature = "tls")]
fn with_tls(endpoint: Endpoint) -> Result<Endpoint, Error> {
    let roots = tonic::transport::ClientTlsConfig::new().with_enabled_roots();
    endpoint.tls_config(roots).map_err(|error| Error::set_up(format!("TLS: {error}")))
}

#[cfg(not(feature = "tls"))]
fn with_tls(_: Endpoint) -> Result<Endpoint, Error> {
    Err(Error::set_up("An https URL needs the feature `tls` of netily-sdk."))
}

fn tenant_metadata(slug: &str) -> Result<MetadataValue<Ascii>, Error> {
    let is_label = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let value = slug.parse().ok().filter(|_| !slug.is_empty() && slug.bytes().all(is_label));
    value.ok_or_else(|| Error::set_up(format!("{slug:?} is not a subdomain.")))
}

fn bad_url(url: &str) -> Error {
    Error::set_up(format!("{url:?} is not the URL of a server, such as http://127.0.0.1:8000."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenant_sent(url: &str, tenant: &str) -> Option<String> {
        let client = Client::builder(url).tenant(tenant).build().expect("a client");
        client.tenant.map(|value| value.to_str().expect("ASCII").to_owned())
    }

    #[tokio::test]
    async fn the_tenant_is_sent_unless_the_host_names_it() {
        assert_eq!(tenant_sent("http://127.0.0.1:8000", "yellow").as_deref(), Some("yellow"));
        assert_eq!(tenant_sent("http://blue.netily.io", "yellow").as_deref(), Some("yellow"));
        assert_eq!(tenant_sent("http://yellow.localhost:8000", "yellow"), None);
    }

    #[tokio::test]
    async fn wrong_settings_are_refused() {
        for url in ["", "127.0.0.1:8000", "ftp://example.com", "http://", "not a url"] {
            let refused = Client::builder(url).build().expect_err(url);
            assert_eq!(refused.reason, crate::types::ErrorReason::InvalidArgument, "{url}");
        }
        for tenant in ["", "Yellow", "a b", "gelb\u{e4}"] {
            Client::builder("http://127.0.0.1:8000").tenant(tenant).build().expect_err(tenant);
        }
    }

    #[test]
    fn names_below_localhost_are_this_machine() {
        let connected = |url: &str| {
            let uri: Uri = url.parse().expect("a URL");
            connect_to(&uri, uri.host().expect("a host")).to_string()
        };
        assert_eq!(connected("http://yellow.localhost:8000"), "http://127.0.0.1:8000/");
        assert_eq!(connected("http://yellow.netily.io/"), "http://yellow.netily.io/");
    }
}
