//! Brings a router to what its sessions want: one job per router at a time, so a router that hangs delays nobody but
//! itself. Takes no input but the router: whatever is pending is done, however it came to be pending.

use std::collections::HashSet;
use std::net::Ipv4Addr;
use std::time::Duration;

use chrono::TimeDelta;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::extend;
use super::session::{SessionRow, Status};
use crate::app::App;
use crate::breaks::{self, BreakKind};
use crate::clock::Time;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::failpoint;
use crate::gateways::routeros::MacAddress;
use crate::id::{IspId, JobId, RouterId, SessionId};
use crate::jobs::{Kind, Outcome, backoff};
use crate::router::apply::{self, Applied};
use crate::router::desired::{DesiredProfile, DesiredState, DesiredUser, Device};
use crate::router::{self, Router, visit};
use crate::schema::{functions, hotspot_session};
use crate::wake::Wake;

/// Sessions of one run; the rest follows at once in the next.
const BATCH: i64 = 50;
/// A run ends before its lease does, and goes on in the next.
const RUN_FOR: Duration = Duration::from_secs(40);
/// After this a paid guest who never got in is a human's business. We go on trying all the same.
const TRY_FOR: TimeDelta = TimeDelta::hours(24);

/// The job `router_sync` of one router.
pub async fn sync_router(app: &App, isp: IspId, id: RouterId, attempt: i32) -> Result<Outcome> {
    let Some((router, pending, online)) = app.db.tx(isp, async |tx| look(tx, isp, id).await).await? else { return Ok(Outcome::Done) };
    if pending.is_empty() {
        return Ok(Outcome::Done);
    }
    let full = i64::try_from(pending.len()).is_ok_and(|found| found == BATCH);
    let problem = tokio::time::timeout(RUN_FOR, bring(app, isp, &router, &pending, online)).await;
    let now = app.clock.now();
    match problem {
        Ok(Ok(None)) if full => Ok(Outcome::Again(now)),
        Ok(Ok(None)) => Ok(Outcome::Done),
        Ok(Ok(Some(problem))) => missed(app, isp, id, &pending, problem, attempt, now).await,
        Ok(Err(error)) => Err(error),
        Err(_) => Ok(Outcome::Again(now)),
    }
}

async fn look(tx: &mut Tx, isp: IspId, id: RouterId) -> Result<Option<(Router, Vec<SessionRow>, HashSet<String>)>> {
    let Some(router) = router::store::find(tx, isp, id).await? else { return Ok(None) };
    let pending = hotspot_session::table
        .filter(hotspot_session::tenant_id.eq(isp).and(hotspot_session::router_id.eq(id)).and(hotspot_session::router_pending))
        .filter(hotspot_session::status.ne("AWAITING_PAYMENT"))
        .order(hotspot_session::paid_at)
        .limit(BATCH)
        .select(SessionRow::as_select())
        .load(&mut **tx)
        .await?;
    let online = extend::devices_online(tx, isp, id, &pending).await?;
    Ok(Some((router, pending, online)))
}

/// Applies each session. `Some`: the router is out of reach, which concerns all of them.
async fn bring(app: &App, isp: IspId, router: &Router, pending: &[SessionRow], mut online: HashSet<String>) -> Result<Option<String>> {
    let mut connection = match visit::connect(app, isp, router).await {
        Ok(connection) => connection,
        Err(cause) => return Ok(Some(visit::explain(&cause))),
    };
    failpoint::reached("router_sync", "connected");
    let mut refused = None;
    for session in pending {
        let now = app.clock.now();
        if session.status == Status::Paid.as_str()
            && let Some(mac) = &session.mac
            && !online.insert(mac.clone())
            && app.db.tx(isp, async |tx| extend::extend(tx, isp, session, now).await).await?
        {
            continue;
        }
        match apply::apply(&mut connection, &desired(session, &router.hotspot_server, now)).await {
            Ok(applied) => {
                failpoint::reached("router_sync", "applied");
                if let Err(cause) = app.db.tx(isp, async |tx| applied_to(tx, isp, session, &applied, now).await).await {
                    // One row that cannot be written must not keep the guests behind it out.
                    tracing::error!(session = %session.id, %cause, "the router holds a session, and its row could not be written");
                    refused = Some("the router holds it, and that could not be noted".to_owned());
                }
                failpoint::reached("router_sync", "activated");
            }
            Err(apply::Error::Router(cause)) if !connection.is_usable() => return Ok(Some(visit::explain(&cause))),
            // The router refused this one; the others may still go through.
            Err(cause) => {
                let problem = match &cause {
                    apply::Error::Router(cause) => visit::explain(cause),
                    apply::Error::NotApplied => cause.to_string(),
                };
                app.db.tx(isp, async |tx| note(tx, isp, session.id, &problem).await.map(drop)).await?;
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

/// What the router should hold for a session. The time left is written too: the router ends it when we cannot reach it.
fn desired(session: &SessionRow, server: &str, now: Time) -> DesiredUser {
    let live = matches!(Status::parse(&session.status), Some(Status::Paid | Status::Active)) && session.expires_at.is_none_or(|end| end > now);
    let mac = session.mac.as_deref().and_then(MacAddress::parse);
    let ip: Option<Ipv4Addr> = session.client_ip.as_deref().and_then(|ip| ip.parse().ok());
    let limit = |value: i64| u64::try_from(value).ok().filter(|value| *value > 0);
    let kbps = |value: i32| u32::try_from(value).unwrap_or(0);
    DesiredUser {
        session_id: session.id.to_string(),
        name: session.username.clone(),
        password: session.password.clone(),
        server: (server != "all").then(|| server.to_owned()),
        mac: mac.filter(|_| session.shared_devices == 1),
        profile: DesiredProfile {
            name: format!("netily-{}k-{}k-{}", session.download_kbps, session.upload_kbps, session.shared_devices),
            download_kbps: kbps(session.download_kbps),
            upload_kbps: kbps(session.upload_kbps),
            shared_devices: kbps(session.shared_devices),
        },
        limit_uptime_seconds: session.duration_seconds.and_then(limit),
        limit_bytes_total: limit(session.data_cap_bytes),
        comment: format!("netily {}", session.id),
        login: mac.zip(ip).map(|(mac, ip)| Device { ip, mac }),
        state: if live { DesiredState::Present } else { DesiredState::Absent },
    }
}

/// The router holds what it should: time begins for who has just been let in.
async fn applied_to(tx: &mut Tx, isp: IspId, session: &SessionRow, applied: &Applied, now: Time) -> Result<()> {
    let begins = session.status == Status::Paid.as_str();
    let ends = match session.duration_seconds {
        Some(seconds) if begins => Some(end_of(now, seconds).ok_or_else(|| Error::internal(format!("{} would never end", session.id)))?),
        _ => None,
    };
    let (job, kind) = (JobId::sortable(now), Kind::SessionEnd);
    let note = functions::session_applied(
        isp,
        session.id,
        &session.status,
        session.mac.as_deref(),
        applied.logged_in,
        ends,
        job,
        kind.lane().as_str(),
        kind.as_str(),
        now,
    );
    diesel::select(note).get_result::<bool>(&mut **tx).await?;
    tx.wake(Wake::Purchase(session.id));
    failpoint::reached("router_sync", "activating");
    Ok(())
}

/// `None` where the calendar ends before.
fn end_of(begin: Time, seconds: i64) -> Option<Time> {
    begin.checked_add_signed(TimeDelta::try_seconds(seconds)?)
}

/// Notes what keeps a session out. False: nothing does any more.
async fn note(tx: &mut Tx, isp: IspId, id: SessionId, problem: &str) -> Result<bool> {
    let waiting = hotspot_session::table.find((isp, id)).filter(hotspot_session::router_pending);
    let noted = diesel::update(waiting).set(hotspot_session::router_error.eq(problem)).execute(&mut **tx).await?;
    tx.wake(Wake::Purchase(id));
    Ok(noted == 1)
}

/// The router was out of reach. Guests are told, and it is tried again.
async fn missed(app: &App, isp: IspId, id: RouterId, pending: &[SessionRow], problem: String, attempt: i32, now: Time) -> Result<Outcome> {
    app.db
        .tx(isp, async |tx| {
            router::store::seen(tx, isp, id, Some(&problem), now).await?;
            for session in pending {
                let waits = note(tx, isp, session.id, &problem).await?;
                if waits && session.status == Status::Paid.as_str() && session.paid_at.is_some_and(|paid| now - paid > TRY_FOR) {
                    breaks::open(
                        tx,
                        BreakKind::PaidNotOnline,
                        &session.id.uuid().to_string(),
                        Some(isp),
                        Some(session.price_minor),
                        serde_json::json!({ "router": id.to_string(), "problem": problem }),
                        now,
                    )
                    .await?;
                }
            }
            Ok(())
        })
        .await?;
    Ok(Outcome::Retry(now + backoff(attempt, Duration::from_secs(2), Duration::from_secs(60)), problem))
}

/// The job `session_end`: the time is over; the router is to forget the user.
pub async fn end_session(app: &App, isp: IspId, id: SessionId) -> Result<Outcome> {
    let now = app.clock.now();
    let outcome = app
        .db
        .tx(isp, async |tx| {
            let row = hotspot_session::table.find((isp, id));
            let found: Option<(String, Option<Time>, RouterId, Option<SessionId>)> = row
                .for_update()
                .select((hotspot_session::status, hotspot_session::expires_at, hotspot_session::router_id, hotspot_session::extends_session))
                .first(&mut **tx)
                .await
                .optional()?;
            let Some((status, Some(ends), at, extends)) = found else { return Ok(Outcome::Done) };
            if status != Status::Active.as_str() {
                return Ok(Outcome::Done);
            }
            if ends > now {
                return Ok(Outcome::Again(ends));
            }
            // The router never heard of one that only extended another.
            let ended = (hotspot_session::status.eq("EXPIRED"), hotspot_session::router_pending.eq(extends.is_none()));
            diesel::update(row).set(ended).execute(&mut **tx).await?;
            tx.wake(Wake::Purchase(id));
            if extends.is_some() {
                return Ok(Outcome::Done);
            }
            router::allow(tx, isp, at, now).await?;
            failpoint::reached("session_end", "written");
            Ok(Outcome::Done)
        })
        .await?;
    failpoint::reached("session_end", "committed");
    Ok(outcome)
}
