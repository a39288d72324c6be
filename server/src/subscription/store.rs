//! Rows of subscriptions.

use chrono::TimeDelta;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::plan::{Cycle, Held, Plan};
use crate::clock::{Time, day_of_month};
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::id::IspId;
use crate::schema::isp_subscription;

/// How long an ISP may try Netily.
pub const TRIAL: TimeDelta = TimeDelta::days(14);

#[derive(Queryable, Selectable)]
#[diesel(table_name = isp_subscription)]
struct Row {
    plan: String,
    cycle: String,
    trial: bool,
    period_start: Time,
    paid_until: Time,
    anchor_day: i16,
}

/// Writes the trial of a new ISP.
pub async fn begin_trial(tx: &mut Tx, isp: IspId, now: Time) -> Result<()> {
    use isp_subscription::dsl;
    let day = i16::try_from(day_of_month(now)).map_err(Error::internal)?;
    diesel::insert_into(dsl::isp_subscription)
        .values((
            (dsl::tenant_id.eq(isp), dsl::plan.eq(Plan::Starter.as_str()), dsl::cycle.eq(Cycle::Monthly.as_str()), dsl::trial.eq(true)),
            (dsl::period_start.eq(now), dsl::paid_until.eq(now + TRIAL), dsl::anchor_day.eq(day)),
        ))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// What an ISP has.
pub async fn get(tx: &mut Tx, isp: IspId) -> Result<Held> {
    held(isp, isp_subscription::table.find(isp).select(Row::as_select()).first(&mut **tx).await?)
}

/// The same, and nobody else changes it until the transaction ends.
pub async fn lock(tx: &mut Tx, isp: IspId) -> Result<Held> {
    held(isp, isp_subscription::table.find(isp).for_update().select(Row::as_select()).first(&mut **tx).await?)
}

fn held(isp: IspId, row: Row) -> Result<Held> {
    let strange = || Error::internal(format!("{isp} has a strange subscription"));
    Ok(Held {
        plan: Plan::parse(&row.plan).ok_or_else(strange)?,
        cycle: Cycle::parse(&row.cycle).ok_or_else(strange)?,
        trial: row.trial,
        start: row.period_start,
        until: row.paid_until,
        anchor: u32::try_from(row.anchor_day).map_err(|_| strange())?,
    })
}
