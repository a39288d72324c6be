//! Service plans: home internet by the period. Changing or ending one never reaches what is paid already.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::json;

use super::period::{Period, Unit};
use crate::app::App;
use crate::audit::{self, By};
use crate::clock::Time;
use crate::db::Tx;
use crate::error::{Error, Reason, Result};
use crate::id::{IspId, RequestId, ServicePlanId};
use crate::money::Money;
use crate::page::{Cursor, PageAsk};
use crate::schema::service_plan;

/// The most plans that customers are shown.
const SHOWN: i64 = 200;

/// A plan as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = service_plan)]
pub struct Plan {
    /// Its id.
    pub id: ServicePlanId,
    /// Name shown to customers.
    pub name: String,
    /// What it is; may have line breaks.
    pub description: String,
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
    /// Which version of its terms is sold now; each change makes a new one.
    pub version: i32,
    /// Hash of the request that made it.
    pub request_hash: Vec<u8>,
    /// When it was made.
    pub created_at: Time,
    /// Since when it is no longer sold.
    pub archived_at: Option<Time>,
}

/// What staff write of a plan.
#[derive(Clone, Debug)]
pub struct PlanDraft {
    /// Name shown to customers.
    pub name: String,
    /// What it is; may have line breaks.
    pub description: String,
    /// Of one period, in whole shillings.
    pub price: Money,
    /// For how long the price is paid.
    pub period: Period,
    /// To the customer; 0 is without limit.
    pub download_kbps: i32,
    /// From the customer; 0 is without limit.
    pub upload_kbps: i32,
    /// Both ways together in one period; 0 is without limit.
    pub data_cap_bytes: i64,
    /// A profile that the routers have already; empty: ours.
    pub router_profile: String,
}

#[derive(AsChangeset, Insertable)]
#[diesel(table_name = service_plan)]
struct Written<'a> {
    name: &'a str,
    description: &'a str,
    price_minor: Money,
    period_unit: &'static str,
    period_count: i32,
    download_kbps: i32,
    upload_kbps: i32,
    data_cap_bytes: i64,
    router_profile: &'a str,
    changed_at: Time,
}

impl Plan {
    /// For how long the price is paid.
    pub fn period(&self) -> Result<Period> {
        Unit::parse(&self.period_unit)
            .and_then(|unit| Period::new(unit, self.period_count))
            .ok_or_else(|| Error::internal(format!("{} has a strange period", self.id)))
    }
}

impl PlanDraft {
    fn written(&self, now: Time) -> Written<'_> {
        Written {
            name: &self.name,
            description: &self.description,
            price_minor: self.price,
            period_unit: self.period.unit().as_str(),
            period_count: self.period.count(),
            download_kbps: self.download_kbps,
            upload_kbps: self.upload_kbps,
            data_cap_bytes: self.data_cap_bytes,
            router_profile: &self.router_profile,
            changed_at: now,
        }
    }
}

/// A new plan; the same request again gives the plan it made.
pub async fn create(app: &App, isp: IspId, by: By, draft: PlanDraft, request_id: RequestId, request_hash: Vec<u8>) -> Result<Plan> {
    let now = app.clock.now();
    let id = ServicePlanId::sortable(now);
    app.db
        .tx(isp, async |tx| {
            let made = diesel::insert_into(service_plan::table)
                .values((
                    draft.written(now),
                    (service_plan::tenant_id.eq(isp), service_plan::id.eq(id), service_plan::request_id.eq(request_id.0)),
                    (service_plan::request_hash.eq(&request_hash), service_plan::created_at.eq(now)),
                ))
                .on_conflict_do_nothing()
                .execute(&mut **tx)
                .await?;
            let plan: Plan = service_plan::table
                .filter(service_plan::tenant_id.eq(isp).and(service_plan::request_id.eq(request_id.0)))
                .select(Plan::as_select())
                .first(&mut **tx)
                .await?;
            if plan.request_hash != request_hash {
                return Err(Error::new(Reason::RequestIdReused, "This request_id was used before with other content."));
            }
            if made == 1 {
                audit::record(tx, isp, by, "create_service_plan", &plan.id.to_string(), facts(&plan), now).await?;
            }
            Ok(plan)
        })
        .await
}

/// Writes every field of a plan that is still sold.
pub async fn update(app: &App, isp: IspId, by: By, id: ServicePlanId, draft: PlanDraft) -> Result<Plan> {
    let now = app.clock.now();
    app.db
        .tx(isp, async |tx| {
            let before = locked(tx, isp, id).await?;
            if before.archived_at.is_some() {
                return Err(Error::new(Reason::PlanNotAvailable, "This plan is archived. Make a new one."));
            }
            diesel::update(service_plan::table.find((isp, id))).set(draft.written(now)).execute(&mut **tx).await?;
            let plan = get(tx, isp, id).await?;
            if plan != before {
                let changed = json!({ "before": facts(&before), "after": facts(&plan) });
                audit::record(tx, isp, by, "update_service_plan", &id.to_string(), changed, now).await?;
            }
            Ok(plan)
        })
        .await
}

/// Stops selling a plan; doing it again changes nothing.
pub async fn archive(app: &App, isp: IspId, by: By, id: ServicePlanId) -> Result<Plan> {
    let now = app.clock.now();
    app.db
        .tx(isp, async |tx| {
            let ended = diesel::update(service_plan::table.find((isp, id)))
                .filter(service_plan::archived_at.is_null())
                .set(service_plan::archived_at.eq(now))
                .execute(&mut **tx)
                .await?;
            let plan = get(tx, isp, id).await?;
            if ended == 1 {
                audit::record(tx, isp, by, "archive_service_plan", &id.to_string(), json!({ "name": plan.name }), now).await?;
            }
            Ok(plan)
        })
        .await
}

/// A page of plans, newest first.
pub async fn list(tx: &mut Tx, isp: IspId, archived: bool, page: PageAsk) -> Result<(Vec<Plan>, String)> {
    let before = page.before();
    let mut query = service_plan::table
        .filter(service_plan::tenant_id.eq(isp))
        .filter(service_plan::created_at.lt(before.at).or(service_plan::created_at.eq(before.at).and(service_plan::id.lt(before.id))))
        .order((service_plan::created_at.desc(), service_plan::id.desc()))
        .limit(page.size + 1)
        .select(Plan::as_select())
        .into_boxed();
    if !archived {
        query = query.filter(service_plan::archived_at.is_null());
    }
    Ok(page.cut(query.load(&mut **tx).await?, |row: &Plan| Cursor { at: row.created_at, id: row.id.uuid() }))
}

/// What customers can choose from, cheapest first.
pub async fn on_sale(tx: &mut Tx, isp: IspId) -> Result<Vec<Plan>> {
    Ok(service_plan::table
        .filter(service_plan::tenant_id.eq(isp).and(service_plan::archived_at.is_null()))
        .order((service_plan::price_minor, service_plan::id))
        .limit(SHOWN)
        .select(Plan::as_select())
        .load(&mut **tx)
        .await?)
}

/// The plan, or `NOT_FOUND`.
pub async fn get(tx: &mut Tx, isp: IspId, id: ServicePlanId) -> Result<Plan> {
    service_plan::table.find((isp, id)).select(Plan::as_select()).first(&mut **tx).await.optional()?.ok_or_else(|| Error::not_found("plan"))
}

async fn locked(tx: &mut Tx, isp: IspId, id: ServicePlanId) -> Result<Plan> {
    let found = service_plan::table.find((isp, id)).select(Plan::as_select()).for_update().first(&mut **tx).await.optional()?;
    found.ok_or_else(|| Error::not_found("plan"))
}

/// What the audit keeps of a plan.
fn facts(plan: &Plan) -> serde_json::Value {
    json!({
        "name": plan.name,
        "description": plan.description,
        "price_minor": plan.price_minor.minor(),
        "period": format!("{} {}", plan.period_count, plan.period_unit),
        "download_kbps": plan.download_kbps,
        "upload_kbps": plan.upload_kbps,
        "data_cap_bytes": plan.data_cap_bytes,
        "router_profile": plan.router_profile,
    })
}
