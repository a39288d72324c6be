//! Rows of subscriptions.

use chrono::TimeDelta;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use serde_json::json;

use super::plan::{Cycle, Held, Order, Plan, order};
use crate::app::App;
use crate::audit::{self, By};
use crate::clock::{Time, day_of_month};
use crate::db::Tx;
use crate::error::{Error, Reason, Result};
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
    next_plan: Option<String>,
    next_cycle: Option<String>,
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
        next: match row.next_plan.as_deref().zip(row.next_cycle.as_deref()) {
            Some((plan, cycle)) => Some(Plan::parse(plan).zip(Cycle::parse(cycle)).ok_or_else(strange)?),
            None => None,
        },
    })
}

/// Plans what begins when what is paid is over; `None` takes a plan back. A larger plan begins at once, by paying it.
pub async fn schedule(app: &App, isp: IspId, by: By, next: Option<(Plan, Cycle)>) -> Result<Held> {
    use isp_subscription::dsl;
    let now = app.clock.now();
    app.db
        .tx(isp, async |tx| {
            let held = lock(tx, isp).await?;
            let wanted = next.filter(|wanted| *wanted != (held.plan, held.cycle));
            if let Some((plan, cycle)) = wanted
                && let Order::Costs(..) = order(&held, plan, cycle, now)
            {
                return Err(Error::new(Reason::StateConflict, "This plan can be paid now. A change is planned only for a smaller one."));
            }
            let (plan, cycle) = wanted.map(|(plan, cycle)| (plan.as_str(), cycle.as_str())).unzip();
            diesel::update(dsl::isp_subscription.find(isp)).set((dsl::next_plan.eq(plan), dsl::next_cycle.eq(cycle))).execute(&mut **tx).await?;
            audit::record(tx, isp, by, "schedule_subscription", &isp.to_string(), json!({ "plan": plan, "cycle": cycle }), now).await?;
            get(tx, isp).await
        })
        .await
}
