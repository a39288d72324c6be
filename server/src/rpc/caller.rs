//! Finds out who is asking and for which ISP, and lets pass who may. Every service finds the answer as `Caller` in the request.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header::{AUTHORIZATION, USER_AGENT};
use http::{HeaderMap, HeaderValue, Uri};
use secrecy::SecretString;

use super::front::CallId;
use super::roles::{self, Who};
use super::session::{self, SetCookie};
use super::status;
use crate::actor::{Caller, Person, Tenant};
use crate::app::App;
use crate::config::PLATFORM_LABEL;
use crate::error::{Error, Reason, Result};
use crate::host;
use crate::id::{IspId, PLATFORM};
use crate::{allowance, auth, isp};

/// The metadata with which tools name the ISP that their host does not.
const TENANT: &str = "netily-tenant";
/// How long a tenant is remembered. Short, since whether it is suspended is remembered with it.
const REMEMBER: Duration = Duration::from_millis(500);
/// From then on it is found anew while who asks is served: of those who ask often, nobody waits for it.
const RENEW: Duration = Duration::from_millis(250);
/// How many tenants are remembered.
const REMEMBERED: usize = 10_000;
/// More of what a program calls itself is of no interest.
const USER_AGENT_MAX: usize = 200;

/// What the layer needs.
pub struct Edge {
    app: Arc<App>,
    tenants: Mutex<HashMap<String, Remembered>>,
}

/// A tenant, as it was found.
struct Remembered {
    tenant: Tenant,
    since: Instant,
    /// Whether somebody is finding it anew.
    renewing: bool,
}

impl Edge {
    /// Remembers nobody yet.
    pub fn new(app: Arc<App>) -> Arc<Edge> {
        Arc::new(Edge { app, tenants: Mutex::default() })
    }

    /// The ISP of a subdomain, or `TENANT_NOT_FOUND`. Unknown ones are not remembered: an ISP that has just been opened is there at once.
    async fn tenant(self: &Arc<Self>, slug: &str) -> Result<Tenant> {
        if !is_label(slug) {
            return Err(Error::new(Reason::TenantNotFound, "No internet provider has this address."));
        }
        let (known, renew) = self.remembered(slug);
        if renew {
            let (edge, slug) = (self.clone(), slug.to_owned());
            // If it fails, whoever comes when it is forgotten is told.
            tokio::spawn(async move { edge.find(&slug).await });
        }
        match known {
            Some(tenant) => Ok(tenant),
            None => self.find(slug).await,
        }
    }

    /// What is remembered of a tenant, and whether the caller is the one to find it anew.
    fn remembered(&self, slug: &str) -> (Option<Tenant>, bool) {
        let mut tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(remembered) = tenants.get_mut(slug) else { return (None, false) };
        let age = remembered.since.elapsed();
        if age >= REMEMBER {
            return (None, false);
        }
        let renew = age >= RENEW && !std::mem::replace(&mut remembered.renewing, true);
        (Some(remembered.tenant.clone()), renew)
    }

    /// Finds a tenant and remembers it as it was when it was asked for.
    async fn find(&self, slug: &str) -> Result<Tenant> {
        let since = Instant::now();
        let mut tenant = isp::tenant(&self.app.db, slug).await?;
        let (id, at) = (tenant.id, self.app.clock.now());
        tenant.read_only = self.app.db.look(id, async |tx| allowance::is_read_only(tx, id, at).await).await?;
        let mut tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        if tenants.len() >= REMEMBERED {
            tenants.clear();
        }
        tenants.insert(slug.to_owned(), Remembered { tenant: tenant.clone(), since, renewing: false });
        Ok(tenant)
    }

    /// Who holds a token. Where it matters, its sign-in must live, and what counts is the role that its person has now.
    async fn by_token(&self, header: &HeaderValue, scope: IspId, who: Who) -> Result<Person> {
        let token = header.to_str().ok().and_then(bearer).ok_or_else(invalid)?;
        let person = auth::read_token(&self.app, token, scope).await?;
        if !who.needs_sign_in() {
            return Ok(person);
        }
        let now = self.app.clock.now();
        let live = self.app.db.tx(scope, async |tx| auth::by_token(tx, scope, &person, now).await).await?;
        match live {
            Some(live) => Ok(live.person),
            None => Err(admit(who, Some(&person)).err().unwrap_or_else(invalid)),
        }
    }
}

/// The layer.
pub async fn caller(State(edge): State<Arc<Edge>>, mut request: Request, next: Next) -> Response {
    let CallId(id) = CallId::of(&request);
    let headers = request.headers();
    let address = edge.app.config.address_of(request.extensions().get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0), headers);
    let user_agent = headers.get(USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default().chars().take(USER_AGENT_MAX).collect();
    let wants_cookie = headers.get(session::WANTED).is_some_and(|value| value == "cookie");
    match identify(&edge, request.uri(), headers).await {
        Ok(Identified { tenant, person, cookie, renewed }) => {
            let again = cookie.as_ref().filter(|_| renewed).and_then(|cookie| SetCookie::keep(cookie).ok());
            request.extensions_mut().insert(Caller { tenant, person, address, user_agent, wants_cookie, cookie, request_id: id });
            let mut response = next.run(request).await;
            if let Some(again) = again {
                again.add_to_headers(response.headers_mut());
            }
            response
        }
        Err(error) => status::response(error, &id),
    }
}

/// Who and where.
#[derive(Default)]
struct Identified {
    tenant: Option<Tenant>,
    person: Option<Person>,
    cookie: Option<SecretString>,
    /// The time of the cookie begins anew, which the browser is told.
    renewed: bool,
}

async fn identify(edge: &Arc<Edge>, uri: &Uri, headers: &HeaderMap) -> Result<Identified> {
    if roles::is_infrastructure(uri.path()) {
        return Ok(Identified::default());
    }
    let who = roles::who(uri.path())?;
    let tenant = match slug(uri, headers, &edge.app.config.base_domain)? {
        Some(slug) => Some(edge.tenant(&slug).await?),
        None => None,
    };
    let scope = tenant.as_ref().map_or(PLATFORM, |tenant| tenant.id);
    if who == Who::SigningIn {
        // It may issue a token, and a key that was replaced long ago signs none.
        auth::keep_keys_current(&edge.app).await;
    }
    let cookie = session::cookie(headers).filter(|_| host::is_own_page(uri, headers));
    let (mut person, mut renewed) = (None, false);
    if who != Who::SigningIn {
        if let Some(value) = headers.get(AUTHORIZATION) {
            person = Some(edge.by_token(value, scope, who).await?);
        } else if let Some(cookie) = &cookie {
            // A cookie that is spent cannot be left out by the page that it comes from: it is nobody's.
            let now = edge.app.clock.now();
            let live = edge.app.db.tx(scope, async |tx| auth::by_cookie(tx, scope, cookie, now).await).await?;
            (person, renewed) = live.map_or((None, false), |live| (Some(live.person), live.renewed));
        } else if who.needs_sign_in() && session::cookie(headers).is_some() {
            return Err(Error::new(Reason::PermissionDenied, "A cookie counts in calls from our own pages only."));
        }
    }
    admit(who, person.as_ref())?;
    if tenant.as_ref().is_some_and(|tenant| tenant.suspended) && !roles::while_suspended(uri.path()) {
        return Err(Error::new(Reason::IspSuspended, "This internet provider is suspended. It can be looked at, but nothing can be bought or changed."));
    }
    if matches!(who, Who::Staff | Who::Owner) && tenant.as_ref().is_some_and(|tenant| tenant.read_only) && !roles::while_past_due(uri.path()) {
        let message = "Netily is not paid, so this can only be looked at. Pay the subscription, and all is back at once. Your customers pay and stay online.";
        return Err(Error::new(Reason::SubscriptionPastDue, message));
    }
    Ok(Identified { tenant, person, cookie, renewed })
}

/// The subdomain that is meant: the host's, or the metadata's. When both speak they must agree.
fn slug(uri: &Uri, headers: &HeaderMap, base_domain: &str) -> Result<Option<String>> {
    let of_host = host::authority(uri, headers).and_then(|authority| host::label(authority, base_domain)).filter(|label| label != PLATFORM_LABEL);
    let of_metadata = headers.get(TENANT).map(|value| value.to_str().unwrap_or_default().trim().to_ascii_lowercase());
    match (of_host, of_metadata) {
        (Some(host), Some(metadata)) if host != metadata => {
            Err(Error::new(Reason::TenantMismatch, format!("The host names one internet provider and the metadata {TENANT} another.")))
        }
        (host, metadata) => Ok(host.or(metadata)),
    }
}

/// Whether a text can be a subdomain of an ISP at all.
fn is_label(slug: &str) -> bool {
    slug.len() <= 63 && slug.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// The token of `Bearer <token>`.
fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Refuses whom the table does not name.
fn admit(who: Who, person: Option<&Person>) -> Result<()> {
    if !who.needs_sign_in() {
        return Ok(());
    }
    let person = person.ok_or_else(|| Error::new(Reason::Unauthenticated, "Sign in first."))?;
    if who.includes(person.role) { Ok(()) } else { Err(Error::new(Reason::PermissionDenied, "Your role may not do this.")) }
}

fn invalid() -> Error {
    Error::new(Reason::TokenInvalid, "The access token is not valid here. Sign in again.")
}

#[cfg(test)]
mod tests {
    use http::header::HOST;

    use super::*;

    fn headers(host: &str, tenant: Option<&str>) -> HeaderMap {
        let mut headers = HeaderMap::from_iter([(HOST, HeaderValue::from_str(host).expect("a value"))]);
        if let Some(tenant) = tenant {
            headers.insert(TENANT, HeaderValue::from_str(tenant).expect("a value"));
        }
        headers
    }

    #[test]
    fn host_and_metadata_must_agree() {
        let uri = Uri::from_static("/x");
        for (host, metadata, wanted) in [
            ("yellow.localhost", None, Some("yellow")),
            ("yellow.localhost", Some("yellow"), Some("yellow")),
            ("yellow.localhost", Some("Yellow"), Some("yellow")),
            ("127.0.0.1:8000", Some("yellow"), Some("yellow")),
            ("localhost", None, None),
            ("admin.localhost", None, None),
            ("a.yellow.localhost", None, None),
            ("yellow.example.com", None, None),
            ("[::1]:8000", None, None),
        ] {
            assert_eq!(slug(&uri, &headers(host, metadata), "localhost").ok().flatten().as_deref(), wanted, "{host} {metadata:?}");
        }
        let error = slug(&uri, &headers("yellow.localhost", Some("blue")), "localhost").expect_err("refused");
        assert_eq!(error.reason, Reason::TenantMismatch);
    }

    #[test]
    fn only_bearer_tokens_are_read() {
        assert_eq!(bearer("Bearer abc"), Some("abc"));
        assert_eq!(bearer("bearer  abc "), Some("abc"));
        for other in ["Basic abc", "Bearerabc", "abc", ""] {
            assert_eq!(bearer(other), None, "{other}");
        }
    }

    #[test]
    fn what_cannot_be_a_subdomain_is_not_looked_up() {
        assert!(is_label("yellow") && is_label("wifi-254"));
        for other in ["a.yellow", "Yellow", "yel low", "yéllow", &"a".repeat(64)] {
            assert!(!is_label(other), "{other}");
        }
    }
}
