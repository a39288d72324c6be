//! Brings a router to what its connections want: one job per router at a time, so a router that hangs delays nobody but itself.
//! Takes no input but the router: whatever is pending is done, however it came to be pending.

use std::time::Duration;

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::install::password_text;
use super::store::{Access, Connection, Status};
use crate::app::App;
use crate::clock::Time;
use crate::db::Tx;
use crate::error::Result;
use crate::failpoint;
use crate::gateways::routeros::{Connection as Wire, RateLimit};
use crate::id::{ConnectionId, IspId, RouterId};
use crate::jobs::{Outcome, backoff};
use crate::router::desired::{DesiredProfile, DesiredState, DesiredUser};
use crate::router::ppp::{self, DesiredLine, Line, Speeds};
use crate::router::{self, Router, apply, visit};
use crate::schema::{connection, connection_leftover, customer, service_plan_version};

/// Connections of one run; the rest follows at once in the next.
const BATCH: i64 = 50;
/// A run ends before its lease does, and goes on in the next.
const RUN_FOR: Duration = Duration::from_secs(40);

/// A connection with what decides how the router holds it.
struct Pending {
    connection: Connection,
    customer_active: bool,
    download_kbps: i32,
    upload_kbps: i32,
    router_profile: String,
}

#[derive(Queryable)]
struct Leftover {
    access: String,
    username: String,
}

/// The job `connection_sync` of one router.
pub async fn sync(app: &App, isp: IspId, id: RouterId, attempt: i32) -> Result<Outcome> {
    let Some((router, pending, leftovers)) = app.db.tx(isp, async |tx| look(tx, isp, id).await).await? else { return Ok(Outcome::Done) };
    if pending.is_empty() && leftovers.is_empty() {
        return Ok(Outcome::Done);
    }
    let full = i64::try_from(pending.len().max(leftovers.len())).is_ok_and(|found| found >= BATCH);
    let brought = tokio::time::timeout(RUN_FOR, bring(app, isp, &router, &pending, &leftovers)).await;
    let now = app.clock.now();
    match brought {
        Ok(Ok(None)) if full => Ok(Outcome::Again(now)),
        Ok(Ok(None)) => Ok(Outcome::Done),
        Ok(Ok(Some(problem))) => {
            app.db.tx(isp, async |tx| missed(tx, isp, id, &pending, &problem, now).await).await?;
            Ok(Outcome::Retry(now + backoff(attempt, Duration::from_secs(2), Duration::from_secs(60)), problem))
        }
        Ok(Err(error)) => Err(error),
        Err(_) => Ok(Outcome::Again(now)),
    }
}

async fn look(tx: &mut Tx, isp: IspId, id: RouterId) -> Result<Option<(Router, Vec<Pending>, Vec<Leftover>)>> {
    let Some(router) = router::store::find(tx, isp, id).await? else { return Ok(None) };
    let theirs = customer::tenant_id.eq(connection::tenant_id).and(customer::id.eq(connection::customer_id));
    let terms = service_plan_version::tenant_id
        .eq(connection::tenant_id)
        .and(service_plan_version::plan_id.eq(connection::plan_id))
        .and(service_plan_version::version.eq(connection::plan_version));
    let rows: Vec<(Connection, String, i32, i32, String)> = connection::table
        .inner_join(customer::table.on(theirs))
        .inner_join(service_plan_version::table.on(terms))
        .filter(connection::tenant_id.eq(isp).and(connection::router_id.eq(id)).and(connection::router_pending))
        .order(connection::id)
        .limit(BATCH)
        .select((
            Connection::as_select(),
            customer::status,
            service_plan_version::download_kbps,
            service_plan_version::upload_kbps,
            service_plan_version::router_profile,
        ))
        .load(&mut **tx)
        .await?;
    let pending = rows
        .into_iter()
        .map(|(connection, customer, download_kbps, upload_kbps, router_profile)| Pending {
            customer_active: customer == "ACTIVE",
            connection,
            download_kbps,
            upload_kbps,
            router_profile,
        })
        .collect();
    let leftovers = connection_leftover::table
        .filter(connection_leftover::tenant_id.eq(isp).and(connection_leftover::router_id.eq(id)))
        .order(connection_leftover::created_at)
        .limit(BATCH)
        .select((connection_leftover::access, connection_leftover::username))
        .load(&mut **tx)
        .await?;
    Ok(Some((router, pending, leftovers)))
}

/// Applies each. `Some`: the router is out of reach, or refused one.
async fn bring(app: &App, isp: IspId, router: &Router, pending: &[Pending], leftovers: &[Leftover]) -> Result<Option<String>> {
    let mut wire = match visit::connect(app, isp, router).await {
        Ok(wire) => wire,
        Err(cause) => return Ok(Some(visit::explain(&cause))),
    };
    let mut refused = None;
    for leftover in leftovers {
        let gone = remove(&mut wire, router, leftover).await;
        match gone {
            Ok(()) => app.db.tx(isp, async |tx| forgotten(tx, isp, router.id, leftover).await).await?,
            Err(problem) => refused = Some(problem),
        }
    }
    for one in pending {
        match hold(app, isp, &mut wire, router, one).await? {
            Ok(()) => {
                failpoint::reached("connection_sync", "applied");
                app.db.tx(isp, async |tx| held(tx, isp, &one.connection).await).await?;
            }
            // The router refused this one; the others may still go through.
            Err(problem) => {
                app.db.tx(isp, async |tx| note(tx, isp, one.connection.id, &problem).await).await?;
                refused = Some(problem);
            }
        }
    }
    if refused.is_none() {
        let now = app.clock.now();
        app.db.tx(isp, async |tx| router::store::seen(tx, isp, router.id, None, now).await).await?;
    }
    Ok(refused)
}

/// Makes the router hold one connection; the inner error is for people.
async fn hold(app: &App, isp: IspId, wire: &mut Wire, router: &Router, one: &Pending) -> Result<Result<(), String>> {
    let connection = &one.connection;
    let on = one.customer_active && connection.status()? == Status::Active;
    let (name, password) = (connection.username.clone().unwrap_or_default(), password_text(app, isp, connection)?);
    let done = match connection.access()? {
        Access::Pppoe => ppp::apply(wire, &line(one, name, password, if on { Line::On } else { Line::Off })).await,
        Access::Hotspot => apply::apply(wire, &user(one, router, name, password, on)).await.map(drop),
    };
    Ok(done.map_err(explain))
}

async fn remove(wire: &mut Wire, router: &Router, gone: &Leftover) -> Result<(), String> {
    let name = gone.username.clone();
    let done = match Access::parse(&gone.access) {
        Some(Access::Hotspot) => apply::apply(wire, &absent(router, name)).await.map(drop),
        _ => {
            let speeds = Speeds::Ours(RateLimit { download_kbps: 0, upload_kbps: 0 });
            ppp::apply(wire, &DesiredLine { name, password: String::new(), speeds, comment: String::new(), line: Line::Gone }).await
        }
    };
    done.map_err(explain)
}

fn explain(cause: apply::Error) -> String {
    match &cause {
        apply::Error::Router(cause) => visit::explain(cause),
        apply::Error::NotApplied => cause.to_string(),
    }
}

fn kbps(value: i32) -> u32 {
    u32::try_from(value).unwrap_or(0)
}

fn line(one: &Pending, name: String, password: String, line: Line) -> DesiredLine {
    let speeds = match one.router_profile.as_str() {
        "" => Speeds::Ours(RateLimit { download_kbps: kbps(one.download_kbps), upload_kbps: kbps(one.upload_kbps) }),
        theirs => Speeds::Theirs(theirs.to_owned()),
    };
    DesiredLine { name, password, speeds, comment: format!("netily {}", one.connection.id), line }
}

/// A user of the hotspot without a device of its own and without limits: when it ends, we say.
fn user(one: &Pending, router: &Router, name: String, password: String, on: bool) -> DesiredUser {
    let profile = DesiredProfile {
        name: format!("netily-{}k-{}k-0", one.download_kbps, one.upload_kbps),
        download_kbps: kbps(one.download_kbps),
        upload_kbps: kbps(one.upload_kbps),
        shared_devices: 0,
    };
    let state = if on { DesiredState::Present } else { DesiredState::Absent };
    DesiredUser { password, profile, comment: format!("netily {}", one.connection.id), state, ..absent(router, name) }
}

fn absent(router: &Router, name: String) -> DesiredUser {
    DesiredUser {
        session_id: name.clone(),
        name,
        password: String::new(),
        server: Some(router.hotspot_server.clone()).filter(|server| server != "all"),
        mac: None,
        profile: DesiredProfile { name: String::new(), download_kbps: 0, upload_kbps: 0, shared_devices: 0 },
        limit_uptime_seconds: None,
        limit_bytes_total: None,
        comment: String::new(),
        login: None,
        state: DesiredState::Absent,
    }
}

/// The router holds it, if nothing was asked for since the row was read: else it is pending still.
async fn held(tx: &mut Tx, isp: IspId, as_read: &Connection) -> Result<()> {
    let row = connection::table.find((isp, as_read.id)).filter(connection::router_asked.eq(as_read.router_asked));
    diesel::update(row).set((connection::router_pending.eq(false), connection::router_error.eq(None::<String>))).execute(&mut **tx).await?;
    Ok(())
}

async fn forgotten(tx: &mut Tx, isp: IspId, router: RouterId, gone: &Leftover) -> Result<()> {
    diesel::delete(connection_leftover::table.find((isp, router, &gone.access, &gone.username))).execute(&mut **tx).await?;
    Ok(())
}

async fn note(tx: &mut Tx, isp: IspId, id: ConnectionId, problem: &str) -> Result<()> {
    diesel::update(connection::table.find((isp, id)).filter(connection::router_pending)).set(connection::router_error.eq(problem)).execute(&mut **tx).await?;
    Ok(())
}

async fn missed(tx: &mut Tx, isp: IspId, id: RouterId, pending: &[Pending], problem: &str, now: Time) -> Result<()> {
    router::store::seen(tx, isp, id, Some(problem), now).await?;
    for one in pending {
        note(tx, isp, one.connection.id, problem).await?;
    }
    Ok(())
}
