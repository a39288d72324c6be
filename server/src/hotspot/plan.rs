//! Plans: what an ISP sells on its hotspots. Changing or ending one never reaches what is sold already.

use chrono::{Datelike as _, FixedOffset};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::app::App;
use crate::clock::Time;
use crate::db::Tx;
use crate::error::{Error, Reason, Result};
use crate::id::{HotspotPlanId, IspId, RequestId, RouterId};
use crate::money::Money;
use crate::page::{Cursor, PageAsk};
use crate::schema::{hotspot_plan, router};

/// A plan as it is stored.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = hotspot_plan)]
pub struct Plan {
    /// Its id.
    pub id: HotspotPlanId,
    /// Name shown to guests.
    pub name: String,
    /// Whole shillings.
    pub price_minor: Money,
    /// From activation; `None` is without end.
    pub duration_seconds: Option<i64>,
    /// Both ways together; 0 is without limit.
    pub data_cap_bytes: i64,
    /// To the device; 0 is without limit.
    pub download_kbps: i32,
    /// From the device; 0 is without limit.
    pub upload_kbps: i32,
    /// Devices at once.
    pub shared_devices: i32,
    /// 1 Monday … 7 Sunday; empty is every day.
    pub weekdays: Vec<i16>,
    /// Where it is sold; empty is everywhere.
    pub router_ids: Vec<RouterId>,
    /// Hash of the request that made it.
    pub request_hash: Vec<u8>,
    /// When it was made.
    pub created_at: Time,
    /// Since when it is no longer sold.
    pub archived_at: Option<Time>,
}

/// What staff write of a plan.
#[derive(Clone, Debug, AsChangeset, Insertable)]
#[diesel(table_name = hotspot_plan)]
pub struct PlanDraft {
    /// Name shown to guests.
    pub name: String,
    /// Whole shillings.
    pub price_minor: Money,
    /// From activation; `None` is without end.
    #[diesel(treat_none_as_null = true)]
    pub duration_seconds: Option<i64>,
    /// Both ways together; 0 is without limit.
    pub data_cap_bytes: i64,
    /// To the device; 0 is without limit.
    pub download_kbps: i32,
    /// From the device; 0 is without limit.
    pub upload_kbps: i32,
    /// Devices at once.
    pub shared_devices: i32,
    /// 1 Monday … 7 Sunday; empty is every day.
    pub weekdays: Vec<i16>,
    /// Where it is sold; empty is everywhere.
    pub router_ids: Vec<RouterId>,
}

/// Kenya has one zone and no summer time.
fn nairobi() -> FixedOffset {
    FixedOffset::east_opt(3 * 3600).unwrap_or_else(|| unreachable!("three hours are a valid offset"))
}

impl Plan {
    /// Whether guests at a router can buy it now.
    pub fn sold(&self, at: RouterId, now: Time) -> bool {
        let today = i16::try_from(now.with_timezone(&nairobi()).weekday().number_from_monday()).unwrap_or_default();
        self.archived_at.is_none()
            && (self.weekdays.is_empty() || self.weekdays.contains(&today))
            && (self.router_ids.is_empty() || self.router_ids.contains(&at))
    }
}

/// A new plan; the same request again gives the plan it made.
pub async fn create(app: &App, isp: IspId, draft: PlanDraft, request_id: RequestId, request_hash: Vec<u8>) -> Result<Plan> {
    let now = app.clock.now();
    let id = HotspotPlanId::sortable(now);
    app.db
        .tx(isp, async |tx| {
            check_routers(tx, isp, &draft.router_ids).await?;
            diesel::insert_into(hotspot_plan::table)
                .values((
                    &draft,
                    (hotspot_plan::tenant_id.eq(isp), hotspot_plan::id.eq(id), hotspot_plan::request_id.eq(request_id.0)),
                    (hotspot_plan::request_hash.eq(&request_hash), hotspot_plan::created_at.eq(now)),
                ))
                .on_conflict_do_nothing()
                .execute(&mut **tx)
                .await?;
            let plan: Plan = hotspot_plan::table
                .filter(hotspot_plan::tenant_id.eq(isp).and(hotspot_plan::request_id.eq(request_id.0)))
                .select(Plan::as_select())
                .first(&mut **tx)
                .await?;
            if plan.request_hash == request_hash {
                Ok(plan)
            } else {
                Err(Error::new(Reason::RequestIdReused, "This request_id was used before with other content."))
            }
        })
        .await
}

/// Writes every field of a plan that is still sold.
pub async fn update(app: &App, isp: IspId, id: HotspotPlanId, draft: PlanDraft) -> Result<Plan> {
    app.db
        .tx(isp, async |tx| {
            check_routers(tx, isp, &draft.router_ids).await?;
            let written =
                diesel::update(hotspot_plan::table.find((isp, id))).filter(hotspot_plan::archived_at.is_null()).set(&draft).execute(&mut **tx).await?;
            let plan = get(tx, isp, id).await?;
            if written == 1 { Ok(plan) } else { Err(Error::new(Reason::PlanNotAvailable, "This plan is archived. Make a new one.")) }
        })
        .await
}

/// Stops selling a plan; doing it again changes nothing.
pub async fn archive(app: &App, isp: IspId, id: HotspotPlanId) -> Result<Plan> {
    let now = app.clock.now();
    app.db
        .tx(isp, async |tx| {
            diesel::update(hotspot_plan::table.find((isp, id)))
                .filter(hotspot_plan::archived_at.is_null())
                .set(hotspot_plan::archived_at.eq(now))
                .execute(&mut **tx)
                .await?;
            get(tx, isp, id).await
        })
        .await
}

/// A page of plans, newest first.
pub async fn list(tx: &mut Tx, isp: IspId, archived: bool, page: PageAsk) -> Result<(Vec<Plan>, String)> {
    let before = page.before();
    let mut query = hotspot_plan::table
        .filter(hotspot_plan::tenant_id.eq(isp))
        .filter(hotspot_plan::created_at.lt(before.at).or(hotspot_plan::created_at.eq(before.at).and(hotspot_plan::id.lt(before.id))))
        .order((hotspot_plan::created_at.desc(), hotspot_plan::id.desc()))
        .limit(page.size + 1)
        .select(Plan::as_select())
        .into_boxed();
    if !archived {
        query = query.filter(hotspot_plan::archived_at.is_null());
    }
    Ok(page.cut(query.load(&mut **tx).await?, |row: &Plan| Cursor { at: row.created_at, id: row.id.uuid() }))
}

/// What guests at a router can buy now, cheapest first.
pub async fn sold_at(tx: &mut Tx, isp: IspId, at: RouterId, now: Time) -> Result<Vec<Plan>> {
    let plans: Vec<Plan> = hotspot_plan::table
        .filter(hotspot_plan::tenant_id.eq(isp).and(hotspot_plan::archived_at.is_null()))
        .order((hotspot_plan::price_minor, hotspot_plan::id))
        .limit(200)
        .select(Plan::as_select())
        .load(&mut **tx)
        .await?;
    Ok(plans.into_iter().filter(|plan| plan.sold(at, now)).collect())
}

/// The plan, or `NOT_FOUND`.
pub async fn get(tx: &mut Tx, isp: IspId, id: HotspotPlanId) -> Result<Plan> {
    hotspot_plan::table.find((isp, id)).select(Plan::as_select()).first(&mut **tx).await.optional()?.ok_or_else(|| Error::not_found("plan"))
}

async fn check_routers(tx: &mut Tx, isp: IspId, wanted: &[RouterId]) -> Result<()> {
    let known: i64 = router::table.filter(router::tenant_id.eq(isp).and(router::id.eq_any(wanted.to_vec()))).count().get_result(&mut **tx).await?;
    let distinct = wanted.iter().collect::<std::collections::HashSet<_>>().len();
    if usize::try_from(known).ok() == Some(distinct) { Ok(()) } else { Err(Error::field("plan.router_ids", "must be routers of this ISP")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(weekdays: &[i16], router_ids: &[RouterId]) -> Plan {
        Plan {
            id: HotspotPlanId::unguessable(),
            name: "Hour".into(),
            price_minor: Money::from_minor(1_000),
            duration_seconds: Some(3_600),
            data_cap_bytes: 0,
            download_kbps: 0,
            upload_kbps: 0,
            shared_devices: 1,
            weekdays: weekdays.to_vec(),
            router_ids: router_ids.to_vec(),
            request_hash: vec![],
            created_at: Time::default(),
            archived_at: None,
        }
    }

    #[test]
    fn weekdays_are_those_of_nairobi() {
        let here = RouterId::unguessable();
        let sunday_night_utc: Time = "2026-11-22T21:30:00Z".parse().expect("a time"); // Monday 00:30 in Nairobi
        assert!(plan(&[1], &[]).sold(here, sunday_night_utc));
        assert!(!plan(&[7], &[]).sold(here, sunday_night_utc));
    }

    #[test]
    fn a_plan_may_be_sold_on_some_routers_only_and_not_once_archived() {
        let (here, there) = (RouterId::unguessable(), RouterId::unguessable());
        assert!(plan(&[], &[here]).sold(here, Time::default()) && !plan(&[], &[here]).sold(there, Time::default()));
        assert!(!Plan { archived_at: Some(Time::default()), ..plan(&[], &[]) }.sold(here, Time::default()));
    }
}
