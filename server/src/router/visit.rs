//! Calling a router: resolves and judges its address, opens its password, and asks it things.

use std::time::Duration;

use secrecy::ExposeSecret as _;

use super::readiness::{self, Finding, RouterFacts};
use super::store::{self, Router};
use crate::app::App;
use crate::error::{Error, Reason, Result};
use crate::gateways::routeros::hotspot::{self, Active};
use crate::gateways::routeros::{Connection, Deadlines, Endpoint, Error as RouterError, Fingerprint};
use crate::id::{IspId, RouterId};

const DEADLINES: Deadlines = Deadlines { connect: Duration::from_secs(5), command: Duration::from_secs(10) };

/// What a visit found.
#[derive(Debug)]
pub enum Visit {
    /// It answered.
    Reached {
        /// What it is.
        facts: Box<RouterFacts>,
        /// What should be changed.
        findings: Vec<Finding>,
    },
    /// It did not; why, for people.
    Missed(String),
}

/// Opens a connection to a router.
pub async fn connect(app: &App, isp: IspId, router: &Router) -> Result<Connection, RouterError> {
    let port = u16::try_from(router.port).unwrap_or_default();
    // The same answer as for a router that is switched off.
    let address = app.router_addresses.resolve(&router.host, port).await.ok_or_else(|| RouterError::Unreachable("the address does not answer".into()))?;
    let password = app.seal.open(&Router::row(isp, router.id), &router.password_sealed).map_err(|error| RouterError::Unreachable(error.to_string()))?;
    let tls = router.certificate_sha256.as_ref().and_then(|bytes| <[u8; 32]>::try_from(bytes.as_slice()).ok()).map(Fingerprint);
    let endpoint = Endpoint { address, tls, username: router.username.clone(), password: password.expose_secret().to_owned() };
    Connection::connect(&endpoint, DEADLINES).await
}

/// Calls the router and says how it is.
pub async fn check(app: &App, isp: IspId, id: RouterId) -> Result<Visit> {
    let router = app.db.tx(isp, async |tx| store::get(tx, isp, id).await).await?;
    let visit = match inspect(app, isp, &router).await {
        Ok(facts) => {
            let server = (router.hotspot_server != "all").then_some(router.hotspot_server.as_str());
            let findings = readiness::findings(&facts, server);
            Visit::Reached { facts: Box::new(facts), findings }
        }
        Err(cause) => Visit::Missed(explain(&cause)),
    };
    let problem = match &visit {
        Visit::Reached { .. } => None,
        Visit::Missed(problem) => Some(problem.clone()),
    };
    let now = app.clock.now();
    app.db.tx(isp, async |tx| store::seen(tx, isp, id, problem.as_deref(), now).await).await?;
    Ok(visit)
}

async fn inspect(app: &App, isp: IspId, router: &Router) -> Result<RouterFacts, RouterError> {
    readiness::inspect(&mut connect(app, isp, router).await?).await
}

/// Who is online through the router now.
pub async fn sessions(app: &App, isp: IspId, id: RouterId) -> Result<Vec<Active>> {
    let router = app.db.tx(isp, async |tx| store::get(tx, isp, id).await).await?;
    let asked = async { hotspot::active(&mut connect(app, isp, &router).await?).await }.await;
    asked.map_err(|cause| Error { source: Some(Box::new(cause.clone())), ..Error::new(Reason::RouterUnreachable, explain(&cause)) })
}

/// What went wrong, for the ISP's people. Refused, closed and silent sound the same: the answer must not map a network.
pub fn explain(cause: &RouterError) -> String {
    match cause {
        RouterError::LoginRefused(_) => "The router refused the user name or password.".into(),
        RouterError::TlsMismatch { .. } => "The router's certificate is not the one that was registered.".into(),
        RouterError::Trap { message, .. } => format!("The router answered: {message}"),
        RouterError::Fatal(_) | RouterError::Protocol(_) => "The router answered in a way that is not RouterOS.".into(),
        _ => "The router does not answer.".into(),
    }
}
