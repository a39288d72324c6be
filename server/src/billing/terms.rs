//! The terms of a plan as they were sold: a version of it that never changes.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::period::{Period, Unit};
use crate::clock::Time;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::id::{IspId, ServicePlanId};
use crate::money::Money;
use crate::schema::{service_plan, service_plan_version};

/// A version of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = service_plan_version)]
pub struct Terms {
    /// The plan.
    pub plan_id: ServicePlanId,
    /// Which version.
    pub version: i32,
    /// Name of the plan then.
    pub name: String,
    /// Of one period, in whole shillings.
    pub price_minor: Money,
    period_unit: String,
    period_count: i32,
    /// To the customer; 0 is without limit.
    pub download_kbps: i32,
    /// From the customer; 0 is without limit.
    pub upload_kbps: i32,
    /// Both ways together in one period; 0 is without limit.
    pub data_cap_bytes: i64,
    /// A profile that the routers have already; empty: ours.
    pub router_profile: String,
    /// Since when it was sold.
    pub valid_from: Time,
}

impl Terms {
    /// For how long the price is paid.
    pub fn period(&self) -> Result<Period> {
        Unit::parse(&self.period_unit)
            .and_then(|unit| Period::new(unit, self.period_count))
            .ok_or_else(|| Error::internal(format!("{} has a strange period in version {}", self.plan_id, self.version)))
    }
}

/// What the next period is sold on: the plan as it is now, or the version that was sold last once the plan is archived.
pub async fn next(tx: &mut Tx, isp: IspId, plan: ServicePlanId, sold: i32) -> Result<Terms> {
    let of_plan = service_plan::tenant_id.eq(service_plan_version::tenant_id).and(service_plan::id.eq(service_plan_version::plan_id));
    let now = service_plan::archived_at.is_null().and(service_plan_version::version.eq(service_plan::version));
    let last = service_plan::archived_at.is_not_null().and(service_plan_version::version.eq(sold));
    let row = service_plan_version::table
        .inner_join(service_plan::table.on(of_plan))
        .filter(service_plan_version::tenant_id.eq(isp).and(service_plan_version::plan_id.eq(plan)))
        .filter(now.or(last))
        .select(Terms::as_select())
        .first(&mut **tx)
        .await
        .optional()?;
    row.ok_or_else(|| Error::not_found("plan"))
}

/// A version of a plan, or `NOT_FOUND`.
pub async fn get(tx: &mut Tx, isp: IspId, plan: ServicePlanId, version: i32) -> Result<Terms> {
    let row = service_plan_version::table.find((isp, plan, version)).select(Terms::as_select()).first(&mut **tx).await.optional()?;
    row.ok_or_else(|| Error::not_found("plan"))
}

/// The versions of a plan, newest first, at most 200.
pub async fn history(tx: &mut Tx, isp: IspId, plan: ServicePlanId) -> Result<Vec<Terms>> {
    let all = service_plan_version::table.filter(service_plan_version::tenant_id.eq(isp).and(service_plan_version::plan_id.eq(plan)));
    Ok(all.order(service_plan_version::version.desc()).limit(200).select(Terms::as_select()).load(&mut **tx).await?)
}
