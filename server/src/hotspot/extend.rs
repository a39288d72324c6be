//! A device that has a session pays for the same plan again, or answers two prompts of one purchase: what was paid second is added to the
//! session that runs, whose user the router counts on.

use std::collections::HashSet;

use diesel::prelude::*;
use diesel::sql_types::{Bool, Nullable, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use serde_json::json;

use super::session::{SessionRow, Status};
use crate::breaks::{self, BreakKind};
use crate::clock::Time;
use crate::db::Tx;
use crate::error::Result;
use crate::id::{IspId, PaymentId, RouterId, SessionId};
use crate::jobs::{self, Kind};
use crate::router;
use crate::schema::{hotspot_session, payment};
use crate::wake::Wake;

/// The devices among those of paid sessions that have a session at this router already.
pub(super) async fn devices_online(tx: &mut Tx, isp: IspId, router: RouterId, pending: &[SessionRow]) -> Result<HashSet<String>> {
    let paid = |row: &&SessionRow| row.status == Status::Paid.as_str();
    let macs: Vec<&str> = pending.iter().filter(paid).filter_map(|row| row.mac.as_deref()).collect();
    if macs.is_empty() {
        return Ok(HashSet::new());
    }
    let theirs: Vec<Option<String>> = hotspot_session::table
        .filter(hotspot_session::tenant_id.eq(isp).and(hotspot_session::router_id.eq(router)).and(hotspot_session::mac.eq_any(macs)))
        .filter(hotspot_session::activated_at.is_not_null().and(hotspot_session::mac.is_not_null()).and(hotspot_session::extends_session.is_null()))
        .filter(hotspot_session::status.eq(Status::Active.as_str()))
        .select(hotspot_session::mac)
        .load(&mut **tx)
        .await?;
    Ok(theirs.into_iter().flatten().collect())
}

#[derive(diesel::QueryableByName)]
struct Extended {
    #[diesel(sql_type = SqlUuid)]
    session: SessionId,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    ends: Option<Time>,
    #[diesel(sql_type = Bool)]
    endless: bool,
    #[diesel(sql_type = SqlUuid)]
    running_payment: PaymentId,
}

/// Adds what a paid session bought to the session of the same device and plan that runs. False: there is none, and it has to run by
/// itself.
pub(super) async fn extend(tx: &mut Tx, isp: IspId, paid: &SessionRow, now: Time) -> Result<bool> {
    let extended: Option<Extended> =
        diesel::sql_query("SELECT session, ends, endless, running_payment FROM tenant.extend_session($1, $2, $3) WHERE session IS NOT NULL")
            .bind::<SqlUuid, _>(isp)
            .bind::<SqlUuid, _>(paid.id)
            .bind::<Timestamptz, _>(now)
            .get_result(&mut **tx)
            .await
            .optional()?;
    let Some(extended) = extended else { return Ok(false) };
    if let Some(ends) = extended.ends {
        jobs::enqueue(tx, Kind::SessionEnd, isp, paid.id.uuid(), ends, now).await?;
    }
    router::allow(tx, isp, paid.router_id, now).await?;
    tx.wake(Wake::Purchase(paid.id));
    tx.wake(Wake::Purchase(extended.session));
    if was_paid_meanwhile(tx, isp, extended.running_payment, paid.payment_id).await? {
        let detail = json!({
            "amount_minor": paid.price_minor.minor(), "first_payment": extended.running_payment.to_string(),
            "became": if extended.endless { "data" } else { "time" },
        });
        // The money is booked, so no sum of the break is missing anywhere.
        breaks::open(tx, BreakKind::PaidTwice, &paid.payment_id.uuid().to_string(), Some(isp), None, detail, now).await?;
    }
    Ok(true)
}

/// Whether the first payment came in only when the second one had been asked for: two prompts of one purchase, and not a second purchase.
async fn was_paid_meanwhile(tx: &mut Tx, isp: IspId, first: PaymentId, second: PaymentId) -> Result<bool> {
    let asked: Time = payment::table.find((isp, second)).select(payment::created_at).first(&mut **tx).await?;
    let came: Option<Time> = payment::table.find((isp, first)).select(payment::completed_at).first(&mut **tx).await?;
    Ok(came.is_some_and(|came| came >= asked))
}
