//! Subscriptions on the wire. Pure.

use std::net::IpAddr;

use netily_sdk::isp as pb;

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
pub fn held(held: &Held, now: Time) -> pb::GetSubscriptionResponse {
    let status = match held.trial {
        _ if held.until <= now => pb::SubscriptionStatus::PastDue,
        true => pb::SubscriptionStatus::Trial,
        false => pb::SubscriptionStatus::Active,
    };
    let cycle = match held.cycle {
        Cycle::Monthly => pb::SubscriptionCycle::Monthly,
        Cycle::Yearly => pb::SubscriptionCycle::Yearly,
    };
    pb::GetSubscriptionResponse {
        plan: wire(held.plan).into(),
        cycle: cycle.into(),
        status: status.into(),
        period_start: Some(timestamp(held.start)),
        paid_until: Some(timestamp(held.until)),
    }
}

/// What an owner wants to pay for.
pub fn ask(mut ask: pb::PaySubscriptionRequest, address: IpAddr, key: &[u8]) -> Result<Ask> {
    let (request_id, request_hash) = fields::once(&mut ask, |ask| &mut ask.request_id, key)?;
    let plan = match fields::choice::<pb::SubscriptionPlan>("plan", ask.plan)? {
        None | Some(pb::SubscriptionPlan::Unspecified) => return Err(Error::field("plan", "must be set")),
        Some(pb::SubscriptionPlan::Starter) => Plan::Starter,
        Some(pb::SubscriptionPlan::Pro) => Plan::Pro,
        Some(pb::SubscriptionPlan::Enterprise) => Plan::Enterprise,
    };
    let cycle = match fields::choice::<pb::SubscriptionCycle>("cycle", ask.cycle)?.unwrap_or_default() {
        pb::SubscriptionCycle::Unspecified | pb::SubscriptionCycle::Monthly => Cycle::Monthly,
        pb::SubscriptionCycle::Yearly => Cycle::Yearly,
    };
    Ok(Ask { plan, cycle, phone: fields::phone("phone_number", &ask.phone_number)?, request_id, request_hash, address })
}
