//! RouterService: registering and watching MikroTik routers. Passwords come in and never go out.

mod online;

use std::sync::Arc;

use netily_sdk::router as pb;
use netily_sdk::router::router_service_server::RouterService;
use tonic::{Request, Response, Status};

use super::answer::{answer, timestamp};
use super::fields;
use crate::app::App;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::hotspot;
use crate::id::{IspId, RouterId};
use crate::page::PageAsk;
use crate::router::readiness::{Finding, Severity};
use crate::router::{self, NewRouter, Router, Visit};

/// Ports of RouterOS's `api` and `api-ssl` (MikroTik's manual, "IP services").
const API_PORT: u16 = 8728;
const API_SSL_PORT: u16 = 8729;

/// The service.
pub struct Routers {
    /// The doors.
    pub app: Arc<App>,
}

#[tonic::async_trait]
impl RouterService for Routers {
    async fn create_router(&self, request: Request<pb::CreateRouterRequest>) -> Result<Response<pb::CreateRouterResponse>, Status> {
        answer(request, async |caller, ask| {
            let isp = caller.isp()?.id;
            let registered = router::register(&self.app, isp, new_router(ask, &self.app.config.callback_key)?).await?;
            // The same request again may find guests waiting for it.
            let mut shown = self.app.db.tx(isp, async |tx| with_waiting(tx, isp, vec![registered.clone()]).await).await?;
            Ok(pb::CreateRouterResponse { router: shown.pop() })
        })
        .await
    }

    async fn list_routers(&self, request: Request<pb::ListRoutersRequest>) -> Result<Response<pb::ListRoutersResponse>, Status> {
        answer(request, async |caller, ask| {
            let isp = caller.isp()?.id;
            let page = PageAsk::read(ask.page_size, &ask.page_token)?;
            let (routers, next_page_token) = self
                .app
                .db
                .tx(isp, async |tx| {
                    let (rows, next) = router::store::list(tx, isp, page).await?;
                    Ok((with_waiting(tx, isp, rows).await?, next))
                })
                .await?;
            Ok(pb::ListRoutersResponse { routers, next_page_token })
        })
        .await
    }

    async fn get_router(&self, request: Request<pb::GetRouterRequest>) -> Result<Response<pb::GetRouterResponse>, Status> {
        answer(request, async |caller, ask| {
            let (isp, id) = (caller.isp()?.id, fields::parse::<RouterId>("id", &ask.id)?);
            let mut found = self
                .app
                .db
                .tx(isp, async |tx| {
                    let row = router::store::get(tx, isp, id).await?;
                    with_waiting(tx, isp, vec![row]).await
                })
                .await?;
            Ok(pb::GetRouterResponse { router: found.pop() })
        })
        .await
    }

    async fn check_router(&self, request: Request<pb::CheckRouterRequest>) -> Result<Response<pb::CheckRouterResponse>, Status> {
        answer(request, async |caller, ask| {
            let visit = router::check(&self.app, caller.isp()?.id, fields::parse("id", &ask.id)?).await?;
            Ok(checked(visit))
        })
        .await
    }

    async fn list_active_sessions(&self, request: Request<pb::ListActiveSessionsRequest>) -> Result<Response<pb::ListActiveSessionsResponse>, Status> {
        answer(request, async |caller, ask| {
            let (isp, id) = (caller.isp()?.id, fields::parse::<RouterId>("id", &ask.id)?);
            let page = online::read(ask.page_size, &ask.page_token)?;
            let (devices, next_page_token) = online::cut(router::sessions(&self.app, isp, id).await?, page);
            let names: Vec<String> = devices.iter().map(|device| device.user.clone()).collect();
            let ours = self.app.db.tx(isp, async |tx| hotspot::session::by_username(tx, isp, id, &names).await).await?;
            Ok(pb::ListActiveSessionsResponse { sessions: devices.into_iter().map(|device| online::shown(device, &ours)).collect(), next_page_token })
        })
        .await
    }
}

fn new_router(mut ask: pb::CreateRouterRequest, key: &[u8]) -> Result<NewRouter> {
    let (request_id, request_hash) = fields::once(&mut ask, |ask| &mut ask.request_id, key)?;
    let certificate_sha256 = match (ask.use_tls, ask.certificate_sha256.as_str()) {
        (true, text) => Some(fields::fingerprint("certificate_sha256", text)?),
        (false, "") => None,
        (false, _) => return Err(Error::field("certificate_sha256", "must be empty without use_tls")),
    };
    Ok(NewRouter {
        name: fields::text("name", &ask.name, 60)?,
        host: fields::host("host", &ask.host)?,
        port: fields::port("port", ask.port, if ask.use_tls { API_SSL_PORT } else { API_PORT })?,
        certificate_sha256,
        username: fields::text("username", &ask.username, 64)?,
        password: fields::secret("password", ask.password, 128)?,
        hotspot_server: fields::optional("hotspot_server", &ask.hotspot_server, |path, text| fields::text(path, text, 64))?.unwrap_or_else(|| "all".into()),
        request_id,
        request_hash,
    })
}

async fn with_waiting(tx: &mut Tx, isp: IspId, rows: Vec<Router>) -> Result<Vec<pb::Router>> {
    let ids: Vec<RouterId> = rows.iter().map(|row| row.id).collect();
    let waiting = router::store::waiting(tx, isp, &ids).await?;
    Ok(rows.into_iter().map(|row| shown(waiting.get(&row.id).copied().unwrap_or(0), row)).collect())
}

fn shown(waiting: i64, row: Router) -> pb::Router {
    let health = match (&row.last_error, row.last_seen_at) {
        (Some(_), _) => pb::RouterHealth::Offline,
        (None, Some(_)) => pb::RouterHealth::Online,
        (None, None) => pb::RouterHealth::Unknown,
    };
    pb::Router {
        id: row.id.to_string(),
        name: row.name,
        host: row.host,
        port: row.port,
        use_tls: row.use_tls,
        certificate_sha256: row.certificate_sha256.map(hex::encode).unwrap_or_default(),
        username: row.username,
        hotspot_server: row.hotspot_server,
        health: health.into(),
        last_seen_at: row.last_seen_at.map(timestamp),
        last_error: row.last_error.unwrap_or_default(),
        created_at: Some(timestamp(row.created_at)),
        waiting_purchases: i32::try_from(waiting).unwrap_or(i32::MAX),
    }
}

fn checked(visit: Visit) -> pb::CheckRouterResponse {
    match visit {
        Visit::Missed(problem) => pb::CheckRouterResponse { problem, ..pb::CheckRouterResponse::default() },
        Visit::Reached { facts, mut findings } => {
            findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity()));
            pb::CheckRouterResponse {
                reachable: true,
                problem: String::new(),
                identity: facts.identity,
                version: facts.resource.version,
                board: facts.resource.board,
                findings: findings.iter().map(finding).collect(),
            }
        }
    }
}

fn finding(finding: &Finding) -> pb::Finding {
    let severity = match finding.severity() {
        Severity::Info => pb::FindingSeverity::Info,
        Severity::Warning => pb::FindingSeverity::Warning,
        Severity::Blocking => pb::FindingSeverity::Blocking,
    };
    pb::Finding { severity: severity.into(), code: finding.code().to_owned(), message: finding.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> pb::CreateRouterRequest {
        pb::CreateRouterRequest {
            name: "Kibera".into(),
            host: "10.99.0.2".into(),
            username: "netily".into(),
            password: "a password".into(),
            request_id: "6fa459ea-ee8a-4ca4-894e-db77e160355e".into(),
            ..pb::CreateRouterRequest::default()
        }
    }

    #[test]
    fn what_is_left_out_has_its_default() {
        let plain = new_router(good(), b"key").expect("reads");
        assert_eq!((plain.port, plain.hotspot_server.as_str(), plain.certificate_sha256), (8728, "all", None));
        let tls = pb::CreateRouterRequest { use_tls: true, certificate_sha256: "ab".repeat(32), ..good() };
        let tls = new_router(tls, b"key").expect("reads");
        assert_eq!((tls.port, tls.certificate_sha256), (8729, Some([0xab; 32])));
    }

    #[test]
    fn each_field_of_a_new_router_is_judged_by_its_name() {
        type Spoil = fn(&mut pb::CreateRouterRequest);
        let table: [(&str, Spoil); 9] = [
            ("request_id", |ask| ask.request_id = String::new()),
            ("name", |ask| ask.name = "x".repeat(61)),
            ("host", |ask| ask.host = "http://10.99.0.2".into()),
            ("port", |ask| ask.port = 65_536),
            ("certificate_sha256", |ask| ask.use_tls = true),
            ("certificate_sha256", |ask| ask.certificate_sha256 = "ab".repeat(32)),
            ("username", |ask| ask.username = String::new()),
            ("password", |ask| ask.password = String::new()),
            ("hotspot_server", |ask| ask.hotspot_server = "x".repeat(65)),
        ];
        for (path, spoil) in table {
            let mut ask = good();
            spoil(&mut ask);
            assert_eq!(new_router(ask, b"key").expect_err("refused").fields[0].0, path);
        }
    }
}
