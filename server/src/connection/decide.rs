//! What staff decide about a connection: off, on again, over. Each is in the audit log.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::json;

use super::install::leave;
use super::store::{self, Connection, Status, Suspended};
use super::tell::tell_router;
use crate::audit::{self, By};
use crate::clock::Time;
use crate::db::Tx;
use crate::error::{Error, Reason, Result};
use crate::id::{ConnectionId, CustomerId, IspId};
use crate::schema::connection;

/// Takes a connection off the router, paid or not, until `resume`. Doing it again changes the words.
pub async fn suspend(tx: &mut Tx, isp: IspId, by: By, id: ConnectionId, note: &str, now: Time) -> Result<Connection> {
    let before = live(tx, isp, id).await?;
    diesel::update(connection::table.find((isp, id)))
        .set((connection::status.eq("SUSPENDED"), connection::suspended_reason.eq("STAFF"), connection::suspended_note.eq(note)))
        .execute(&mut **tx)
        .await?;
    tell_router(tx, isp, &before, now).await?;
    audit::record(tx, isp, by, "suspend_connection", &id.to_string(), json!({ "from": before.status()?.as_str() }), now).await?;
    store::get(tx, isp, id).await
}

/// Takes a suspension by staff back: the connection is on if it is paid, and else waits for money.
pub async fn resume(tx: &mut Tx, isp: IspId, by: By, id: ConnectionId, now: Time) -> Result<Connection> {
    let before = live(tx, isp, id).await?;
    if before.suspended()? != Some(Suspended::Staff) {
        return Err(Error::new(Reason::StateConflict, "Staff did not suspend this connection."));
    }
    let (status, reason) = match before.paid_until {
        None => (Status::Waiting, ""),
        Some(until) if until > now => (Status::Active, ""),
        Some(_) => (Status::Suspended, "UNPAID"),
    };
    diesel::update(connection::table.find((isp, id)))
        .set((
            (connection::status.eq(status.as_str()), connection::suspended_reason.eq(reason), connection::suspended_note.eq("")),
            connection::next_act_at.eq(now), // billing let it rest meanwhile
        ))
        .execute(&mut **tx)
        .await?;
    tell_router(tx, isp, &before, now).await?;
    audit::record(tx, isp, by, "resume_connection", &id.to_string(), json!({ "to": status.as_str() }), now).await?;
    store::get(tx, isp, id).await
}

/// Ends a connection for good. Doing it again changes nothing.
pub async fn end(tx: &mut Tx, isp: IspId, by: By, id: ConnectionId, now: Time) -> Result<Connection> {
    let before = store::lock(tx, isp, id).await?;
    if before.status()? == Status::Ended {
        return Ok(before);
    }
    diesel::update(connection::table.find((isp, id)))
        .set((
            (connection::status.eq("ENDED"), connection::ended_at.eq(now), connection::next_act_at.eq(None::<Time>)),
            (connection::suspended_reason.eq(""), connection::router_pending.eq(false), connection::router_error.eq(None::<String>)),
        ))
        .execute(&mut **tx)
        .await?;
    leave(tx, isp, &before, now).await?;
    audit::record(tx, isp, by, "end_connection", &id.to_string(), json!({ "from": before.status()?.as_str() }), now).await?;
    store::get(tx, isp, id).await
}

/// Ends what a customer has, and forgets by which name and password the device signed in.
pub async fn forget(tx: &mut Tx, isp: IspId, by: By, customer: CustomerId, now: Time) -> Result<()> {
    if let Some(live) = store::live_of(tx, isp, customer).await? {
        end(tx, isp, by, live.id, now).await?;
    }
    let all = connection::table.filter(connection::tenant_id.eq(isp).and(connection::customer_id.eq(customer)).and(connection::username.is_not_null()));
    let nothing = (connection::username.eq(""), connection::password_sealed.eq(None::<Vec<u8>>), connection::suspended_note.eq(""));
    diesel::update(all).set(nothing).execute(&mut **tx).await?;
    Ok(())
}

async fn live(tx: &mut Tx, isp: IspId, id: ConnectionId) -> Result<Connection> {
    let found = store::lock(tx, isp, id).await?;
    if found.status()? == Status::Ended { Err(Error::new(Reason::StateConflict, "This connection has ended.")) } else { Ok(found) }
}
