//! A connection is paid for, or no longer: the two acts of `billing` on it.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::store::{Connection, Status, Suspended};
use super::tell::tell_router;
use crate::clock::Time;
use crate::db::Tx;
use crate::error::Result;
use crate::id::{ConnectionId, IspId, ServicePlanId};
use crate::schema::{connection, functions};

/// A period that is paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PaidPeriod {
    /// The plan of it.
    pub plan: ServicePlanId,
    /// The terms of the plan that were sold.
    pub plan_version: i32,
    /// When it begins.
    pub start: Time,
    /// When it ends, itself not in it.
    pub end: Time,
    /// The day of the month that later periods keep.
    pub anchor_day: i16,
}

/// Writes that a locked connection is paid until the end of a period. One that waited for money comes on; one that staff
/// stopped stays off. `look_at`: when billing must look at it again.
pub async fn extend(tx: &mut Tx, isp: IspId, paid: &Connection, period: PaidPeriod, look_at: Option<Time>, now: Time) -> Result<()> {
    let stopped = paid.suspended()? == Some(Suspended::Staff);
    let on = if stopped { Status::Suspended } else { Status::Active };
    let comes_on = !stopped && paid.status()? != Status::Active;
    diesel::update(connection::table.find((isp, paid.id)))
        .set((
            (connection::plan_id.eq(period.plan), connection::plan_version.eq(period.plan_version), connection::status.eq(on.as_str())),
            (connection::period_start.eq(period.start), connection::paid_until.eq(period.end), connection::anchor_day.eq(period.anchor_day)),
            (connection::suspended_reason.eq(if stopped { "STAFF" } else { "" }), connection::next_act_at.eq(look_at)),
            connection::counts_from.eq(paid.counts_from.or(Some(period.start))),
        ))
        .execute(&mut **tx)
        .await?;
    let other_terms = (paid.plan_id, paid.plan_version) != (period.plan, period.plan_version);
    if comes_on || other_terms {
        tell_router(tx, isp, paid, now).await?;
    }
    Ok(())
}

/// Suspends a locked connection that is no longer paid for. One that is off already stays as it is.
pub async fn cut_off(tx: &mut Tx, isp: IspId, unpaid: &Connection, now: Time) -> Result<()> {
    if unpaid.status()? != Status::Active {
        return Ok(());
    }
    diesel::update(connection::table.find((isp, unpaid.id)))
        .set((connection::status.eq(Status::Suspended.as_str()), connection::suspended_reason.eq("UNPAID")))
        .execute(&mut **tx)
        .await?;
    tell_router(tx, isp, unpaid, now).await
}

/// A locked connection that was cut off for a debt comes on again: the debt is paid, and so is its time.
pub async fn come_on(tx: &mut Tx, isp: IspId, off: &Connection, now: Time) -> Result<()> {
    diesel::update(connection::table.find((isp, off.id)))
        .set((connection::status.eq(Status::Active.as_str()), connection::suspended_reason.eq(""), connection::next_act_at.eq(now)))
        .execute(&mut **tx)
        .await?;
    tell_router(tx, isp, off, now).await
}

/// The customer is suspended or refused: from now on nothing is asked for.
pub async fn pause(tx: &mut Tx, isp: IspId, of: &Connection, now: Time) -> Result<()> {
    diesel::update(connection::table.find((isp, of.id)))
        .set((connection::paused_at.eq(of.paused_at.unwrap_or(now)), connection::next_act_at.eq(None::<Time>)))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// The customer is back. `anew`: the paid time ended meanwhile, and the next period begins when it is paid.
pub async fn unpause(tx: &mut Tx, isp: IspId, of: &Connection, anew: bool, now: Time) -> Result<()> {
    let row = connection::table.find((isp, of.id));
    diesel::update(row).set((connection::paused_at.eq(None::<Time>), connection::next_act_at.eq(now))).execute(&mut **tx).await?;
    if anew {
        stop_paid_time(tx, isp, of.id).await?;
        if of.suspended()? != Some(Suspended::Staff) {
            diesel::update(row).set((connection::status.eq(Status::Waiting.as_str()), connection::suspended_reason.eq(""))).execute(&mut **tx).await?;
        }
        tell_router(tx, isp, of, now).await?;
    }
    Ok(())
}

/// When billing must look at a connection again; `None`: only money or people change it.
pub async fn look_again(tx: &mut Tx, isp: IspId, id: ConnectionId, at: Option<Time>) -> Result<()> {
    diesel::select(functions::look_again(isp, id, at)).execute(&mut **tx).await?;
    Ok(())
}

/// The customer was reminded of the end of what is paid.
pub async fn reminded(tx: &mut Tx, isp: IspId, of: &Connection) -> Result<()> {
    diesel::update(connection::table.find((isp, of.id))).set(connection::reminded_of.eq(of.paid_until)).execute(&mut **tx).await?;
    Ok(())
}

/// Gives up what is left of the paid time of a locked connection: the next period begins when it is paid.
pub async fn stop_paid_time(tx: &mut Tx, isp: IspId, id: ConnectionId) -> Result<()> {
    let nothing = (connection::period_start.eq(None::<Time>), connection::paid_until.eq(None::<Time>), connection::anchor_day.eq(None::<i16>));
    diesel::update(connection::table.find((isp, id))).set(nothing).execute(&mut **tx).await?;
    Ok(())
}

/// Writes another plan, or other terms of the same, to a locked connection. What is paid stays as it is.
pub async fn set_plan(tx: &mut Tx, isp: IspId, of: &Connection, plan: (ServicePlanId, i32), now: Time) -> Result<()> {
    diesel::update(connection::table.find((isp, of.id))).set((connection::plan_id.eq(plan.0), connection::plan_version.eq(plan.1))).execute(&mut **tx).await?;
    tell_router(tx, isp, of, now).await
}
