//! What an ISP's plan with Netily allows: how much it may have, and whether it may still change anything. How a plan is paid is
//! `subscription`.

use chrono::TimeDelta;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::clock::Time;
use crate::db::Tx;
use crate::error::{Error, Reason, Result};
use crate::id::IspId;
use crate::schema::{customer, isp_subscription, router, user_account};

/// A plan. A later one is a larger one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Plan {
    /// 100 customers, 5 routers, 3 people.
    Starter,
    /// 500 customers, 25 routers, 10 people.
    Pro,
    /// Without limits.
    Enterprise,
}

/// The most that an ISP on a plan may have; `None`: without limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Customers.
    pub customers: Option<i32>,
    /// Routers.
    pub routers: Option<i32>,
    /// People who work for it.
    pub staff: Option<i32>,
}

impl Plan {
    /// Every plan, the smallest first.
    pub const ALL: [Plan; 3] = [Plan::Starter, Plan::Pro, Plan::Enterprise];

    /// As the database writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Plan::Starter => "STARTER",
            Plan::Pro => "PRO",
            Plan::Enterprise => "ENTERPRISE",
        }
    }

    /// As people write it.
    pub const fn name(self) -> &'static str {
        match self {
            Plan::Starter => "Starter",
            Plan::Pro => "Pro",
            Plan::Enterprise => "Enterprise",
        }
    }

    /// From what the database wrote.
    pub fn parse(text: &str) -> Option<Plan> {
        Plan::ALL.into_iter().find(|plan| plan.as_str() == text)
    }

    /// What it allows.
    pub const fn limits(self) -> Limits {
        match self {
            Plan::Starter => Limits { customers: Some(100), routers: Some(5), staff: Some(3) },
            Plan::Pro => Limits { customers: Some(500), routers: Some(25), staff: Some(10) },
            Plan::Enterprise => Limits { customers: None, routers: None, staff: None },
        }
    }
}

/// What there can be too many of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Thing {
    /// Customers who are not closed or rejected.
    Customer,
    /// Routers.
    Router,
    /// People who work for the ISP and may sign in, its owners among them.
    Staff,
}

impl Thing {
    const fn limit(self, of: Limits) -> Option<i32> {
        match self {
            Thing::Customer => of.customers,
            Thing::Router => of.routers,
            Thing::Staff => of.staff,
        }
    }

    const fn plural(self) -> &'static str {
        match self {
            Thing::Customer => "customers",
            Thing::Router => "routers",
            Thing::Staff => "people",
        }
    }
}

/// Whether there may be one more. Held until the transaction ends, so that two at once are not both the last one.
///
/// # Errors
/// `LIMIT_REACHED`, which names the limit.
pub async fn allow(tx: &mut Tx, isp: IspId, thing: Thing) -> Result<()> {
    let plan: Option<String> = isp_subscription::table.find(isp).select(isp_subscription::plan).first(&mut **tx).await.optional()?;
    // The platform itself has no plan.
    let Some(plan) = plan.as_deref().and_then(Plan::parse) else { return Ok(()) };
    if thing.limit(plan.limits()).is_none() {
        return Ok(());
    }
    let plan: String = isp_subscription::table.find(isp).for_update().select(isp_subscription::plan).first(&mut **tx).await?;
    let plan = Plan::parse(&plan).ok_or_else(|| Error::internal(format!("{isp} has a strange plan")))?;
    let Some(most) = thing.limit(plan.limits()) else { return Ok(()) };
    let there = count(tx, isp, thing).await?;
    if there < i64::from(most) {
        return Ok(());
    }
    let (name, things) = (plan.name(), thing.plural());
    Err(Error::new(Reason::LimitReached, format!("The plan {name} is for {most} {things}, and there are {there}. A larger plan begins at once.")))
}

/// How many there are: customers, routers, people.
pub async fn counts(tx: &mut Tx, isp: IspId) -> Result<[i64; 3]> {
    let mut found = [0; 3];
    for (thing, place) in [Thing::Customer, Thing::Router, Thing::Staff].into_iter().zip(&mut found) {
        *place = count(tx, isp, thing).await?;
    }
    Ok(found)
}

async fn count(tx: &mut Tx, isp: IspId, thing: Thing) -> Result<i64> {
    let customers = customer::table.filter(customer::tenant_id.eq(isp).and(customer::status.ne_all(["CLOSED", "REJECTED"])));
    let working = user_account::role.ne("CUSTOMER").and(user_account::disabled_at.is_null());
    Ok(match thing {
        Thing::Customer => customers.count().get_result(&mut **tx).await?,
        Thing::Router => router::table.filter(router::tenant_id.eq(isp)).count().get_result(&mut **tx).await?,
        Thing::Staff => user_account::table.filter(user_account::tenant_id.eq(isp).and(working)).count().get_result(&mut **tx).await?,
    })
}

/// After what is paid is over, everything goes on for so long.
pub const GRACE: TimeDelta = TimeDelta::days(7);

/// Whether an ISP's people can only look, since Netily was not paid: its customers pay and stay online all the same.
pub async fn is_read_only(tx: &mut Tx, isp: IspId, now: Time) -> Result<bool> {
    let until: Option<Time> = isp_subscription::table.find(isp).select(isp_subscription::paid_until).first(&mut **tx).await.optional()?;
    Ok(until.is_some_and(|until| until + GRACE <= now))
}
