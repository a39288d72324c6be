//! Subscriptions on the wire. Pure.

use std::net::IpAddr;

use netily_sdk::isp as pb;

use crate::allowance::GRACE;
use crate::clock::Time;
use crate::error::{Error, Result};
use crate::rpc::answer::{money, timestamp};
use crate::rpc::fields;
use crate::subscription::{Ask, Cycle, Held, Plan};

const fn wire(plan: Plan) -> pb::SubscriptionPlan {
    match plan {
        Plan::Starter => pb::SubscriptionPlan::Starter,
        Plan::Pro => pb::SubscriptionPlan::Pro,
        Plan::Enterprise => pb::SubscriptionPlan::Enterprise,
    }
}

/// What a plan is.
pub fn plan(plan: Plan) -> pb::SubscriptionPlanInfo {
    let limits = plan.limits();
    pb::SubscriptionPlanInfo {
        plan: wire(plan).into(),
        monthly_price: Some(money(plan.price(Cycle::Monthly))),
        yearly_price: Some(money(plan.price(Cycle::Yearly))),
        customers: limits.customers.unwrap_or(0),
        routers: limits.routers.unwrap_or(0),
        staff: limits.staff.unwrap_or(0),
    }
}

/// What an ISP has.
pub fn held(held: &Held, [customers, routers, staff]: [i64; 3], now: Time) -> pb::GetSubscriptionResponse {
    let status = match held.trial {
        _ if held.until <= now => pb::SubscriptionStatus::PastDue,
        true => pb::SubscriptionStatus::Trial,
        false => pb::SubscriptionStatus::Active,
    };
    let (next_plan, next_cycle) = next(held);
    let small = |count: i64| i32::try_from(count).unwrap_or(i32::MAX);
    pb::GetSubscriptionResponse {
        plan: wire(held.plan).into(),
        cycle: wire_cycle(held.cycle).into(),
        status: status.into(),
        period_start: Some(timestamp(held.start)),
        paid_until: Some(timestamp(held.until)),
        next_plan: next_plan.into(),
        next_cycle: next_cycle.into(),
        read_only_from: Some(timestamp(held.until + GRACE)),
        customers: small(customers),
        routers: small(routers),
        staff: small(staff),
    }
}

fn next(held: &Held) -> (pb::SubscriptionPlan, pb::SubscriptionCycle) {
    held.next.map_or_else(Default::default, |(plan, cycle)| (wire(plan), wire_cycle(cycle)))
}

const fn wire_cycle(cycle: Cycle) -> pb::SubscriptionCycle {
    match cycle {
        Cycle::Monthly => pb::SubscriptionCycle::Monthly,
        Cycle::Yearly => pb::SubscriptionCycle::Yearly,
    }
}

/// What an owner plans.
pub fn wanted(ask: pb::ScheduleSubscriptionRequest) -> Result<Option<(Plan, Cycle)>> {
    let cycle = read_cycle(ask.cycle)?;
    Ok(read_plan(ask.plan)?.map(|plan| (plan, cycle)))
}

/// What is planned.
pub fn scheduled(held: &Held) -> pb::ScheduleSubscriptionResponse {
    let (next_plan, next_cycle) = next(held);
    pb::ScheduleSubscriptionResponse {
        plan: wire(held.plan).into(),
        next_plan: next_plan.into(),
        next_cycle: next_cycle.into(),
        begins_at: Some(timestamp(held.until)),
    }
}

fn read_plan(plan: i32) -> Result<Option<Plan>> {
    Ok(match fields::choice::<pb::SubscriptionPlan>("plan", plan)?.unwrap_or_default() {
        pb::SubscriptionPlan::Unspecified => None,
        pb::SubscriptionPlan::Starter => Some(Plan::Starter),
        pb::SubscriptionPlan::Pro => Some(Plan::Pro),
        pb::SubscriptionPlan::Enterprise => Some(Plan::Enterprise),
    })
}

fn read_cycle(cycle: i32) -> Result<Cycle> {
    Ok(match fields::choice::<pb::SubscriptionCycle>("cycle", cycle)?.unwrap_or_default() {
        pb::SubscriptionCycle::Unspecified | pb::SubscriptionCycle::Monthly => Cycle::Monthly,
        pb::SubscriptionCycle::Yearly => Cycle::Yearly,
    })
}

/// What an owner wants to pay for.
pub fn ask(mut ask: pb::PaySubscriptionRequest, address: IpAddr, key: &[u8]) -> Result<Ask> {
    let (request_id, request_hash) = fields::once(&mut ask, |ask| &mut ask.request_id, key)?;
    let plan = read_plan(ask.plan)?.ok_or_else(|| Error::field("plan", "must be set"))?;
    let cycle = read_cycle(ask.cycle)?;
    Ok(Ask { plan, cycle, phone: fields::phone("phone_number", &ask.phone_number)?, request_id, request_hash, address })
}
