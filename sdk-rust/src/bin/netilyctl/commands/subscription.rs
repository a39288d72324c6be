//! The ISP's own plan with Netily.

use netily_sdk::Client;
use netily_sdk::isp::{
    GetSubscriptionPaymentRequest, GetSubscriptionRequest, GetSubscriptionResponse, ListSubscriptionPlansRequest, PaySubscriptionRequest,
    ScheduleSubscriptionRequest, ScheduleSubscriptionResponse, SubscriptionCycle, SubscriptionPlan, SubscriptionPlanInfo,
};

use super::payment::one as payment;
use crate::args::{NetilyPlan, SubscriptionCommand};
use crate::fault::Fault;
use crate::output::{Output, money, time, word};
use crate::table;

pub async fn run(client: &Client, command: SubscriptionCommand, output: &Output) -> Result<(), Fault> {
    let isp = client.isp();
    match command {
        SubscriptionCommand::Show => output.show(&isp.get_subscription(GetSubscriptionRequest {}).await?, held),
        SubscriptionCommand::Plans => output.show(&isp.list_subscription_plans(ListSubscriptionPlansRequest {}).await?, |listed| {
            let rows: Vec<_> = listed.plans.iter().map(row).collect();
            table::rows(["plan", "a month", "a year", "customers", "routers", "people"], &rows, "No plans.")
        }),
        SubscriptionCommand::Pay { plan, phone, yearly, again } => {
            let ask = PaySubscriptionRequest { plan: wire(plan).into(), phone_number: phone, request_id: again.request_id, cycle: cycle(yearly).into() };
            output.show(&isp.pay_subscription(ask).await?.payment.unwrap_or_default(), payment)
        }
        SubscriptionCommand::Payment { id } => {
            output.show(&isp.get_subscription_payment(GetSubscriptionPaymentRequest { id }).await?.payment.unwrap_or_default(), payment)
        }
        SubscriptionCommand::Next { plan, yearly, keep } => {
            let plan = plan.filter(|_| !keep).map_or(SubscriptionPlan::Unspecified, wire);
            let ask = ScheduleSubscriptionRequest { plan: plan.into(), cycle: cycle(yearly).into() };
            output.show(&isp.schedule_subscription(ask).await?, scheduled)
        }
    }
}

const fn wire(plan: NetilyPlan) -> SubscriptionPlan {
    match plan {
        NetilyPlan::Starter => SubscriptionPlan::Starter,
        NetilyPlan::Pro => SubscriptionPlan::Pro,
        NetilyPlan::Enterprise => SubscriptionPlan::Enterprise,
    }
}

const fn cycle(yearly: bool) -> SubscriptionCycle {
    if yearly { SubscriptionCycle::Yearly } else { SubscriptionCycle::Monthly }
}

fn named(plan: SubscriptionPlan, cycle: SubscriptionCycle) -> String {
    format!("{}, {}", word(plan.as_str_name(), "SUBSCRIPTION_PLAN_"), word(cycle.as_str_name(), "SUBSCRIPTION_CYCLE_"))
}

fn held(held: &GetSubscriptionResponse) -> String {
    let next = if held.next_plan() == SubscriptionPlan::Unspecified { String::new() } else { named(held.next_plan(), held.next_cycle()) };
    table::fields(&[
        ("plan", named(held.plan(), held.cycle())),
        ("status", word(held.status().as_str_name(), "SUBSCRIPTION_STATUS_")),
        ("since", time(&held.period_start)),
        ("paid until", time(&held.paid_until)),
        ("then", next),
        ("read-only from", time(&held.read_only_from)),
        ("customers", held.customers.to_string()),
        ("routers", held.routers.to_string()),
        ("people", held.staff.to_string()),
    ])
}

fn row(plan: &SubscriptionPlanInfo) -> [String; 6] {
    let most = |count: i32| if count == 0 { "no limit".to_owned() } else { count.to_string() };
    [
        word(plan.plan().as_str_name(), "SUBSCRIPTION_PLAN_"),
        money(&plan.monthly_price),
        money(&plan.yearly_price),
        most(plan.customers),
        most(plan.routers),
        most(plan.staff),
    ]
}

fn scheduled(scheduled: &ScheduleSubscriptionResponse) -> String {
    if scheduled.next_plan() == SubscriptionPlan::Unspecified {
        return "The present plan goes on.\n".to_owned();
    }
    format!("{} begins on {}.\n", named(scheduled.next_plan(), scheduled.next_cycle()), time(&scheduled.begins_at))
}
