//! Service plans: home internet by the period.

use netily_sdk::Client;
use netily_sdk::billing::{ArchivePlanRequest, CreatePlanRequest, ListPlansRequest, ListPlansResponse, ServicePlan, UpdatePlanRequest};
use netily_sdk::types::{BillingPeriod, BillingPeriodUnit, Money};

use crate::args::{PeriodUnit, ServicePlanArgs, ServicePlanCommand};
use crate::fault::Fault;
use crate::output::{Output, bytes, money, time, word};
use crate::{pages, table};

pub async fn run(client: &Client, command: ServicePlanCommand, output: &Output) -> Result<(), Fault> {
    let billing = client.billing();
    match command {
        ServicePlanCommand::List { archived, limit } => {
            let page = async |page_size, page_token| billing.list_plans(ListPlansRequest { page_size, page_token, include_archived: archived }).await;
            let listed = pages::read(limit.limit, |page| (&mut page.plans, &mut page.next_page_token), page).await?;
            output.show(&listed, all)
        }
        ServicePlanCommand::Create { plan, again } => {
            let ask = CreatePlanRequest { plan: Some(wanted(String::new(), plan)?), request_id: again.request_id };
            output.show(&billing.create_plan(ask).await?.plan.unwrap_or_default(), one)
        }
        ServicePlanCommand::Update { id, plan } => {
            let ask = UpdatePlanRequest { plan: Some(wanted(id, plan)?) };
            output.show(&billing.update_plan(ask).await?.plan.unwrap_or_default(), one)
        }
        ServicePlanCommand::Archive { id } => output.show(&billing.archive_plan(ArchivePlanRequest { id }).await?.plan.unwrap_or_default(), one),
    }
}

fn wanted(id: String, plan: ServicePlanArgs) -> Result<ServicePlan, Fault> {
    let unit = match plan.unit {
        PeriodUnit::Day => BillingPeriodUnit::Day,
        PeriodUnit::Week => BillingPeriodUnit::Week,
        PeriodUnit::Month => BillingPeriodUnit::Month,
    };
    let fits = |what: &str, number: u32| i32::try_from(number).map_err(|_| Fault::Usage(format!("--{what} is too large")));
    Ok(ServicePlan {
        id,
        name: plan.name,
        description: plan.description,
        price: Some(Money { amount_minor: i64::from(plan.price) * 100, currency_code: "KES".to_owned() }),
        billing_period: Some(BillingPeriod { unit: unit.into(), count: plan.count.into() }),
        download_kbps: fits("down", plan.down)?,
        upload_kbps: fits("up", plan.up)?,
        data_cap_bytes: i64::try_from(plan.cap).map_err(|_| Fault::Usage("--cap is too large".to_owned()))?,
        router_profile: plan.router_profile,
        ..ServicePlan::default()
    })
}

fn one(plan: &ServicePlan) -> String {
    table::fields(&[
        ("id", plan.id.clone()),
        ("name", plan.name.clone()),
        ("description", plan.description.clone()),
        ("price", money(&plan.price)),
        ("period", period(plan)),
        ("kbit/s", speeds(plan)),
        ("data", cap(plan)),
        ("router profile", plan.router_profile.clone()),
        ("archived", time(&plan.archived_at)),
        ("created", time(&plan.created_at)),
    ])
}

fn all(listed: &ListPlansResponse) -> String {
    let row = |plan: &ServicePlan| [plan.name.clone(), money(&plan.price), period(plan), speeds(plan), cap(plan), time(&plan.archived_at), plan.id.clone()];
    let rows: Vec<_> = listed.plans.iter().map(row).collect();
    table::rows(["name", "price", "period", "kbit/s", "data", "archived", "id"], &rows, "No service plans.") + pages::more(&listed.next_page_token)
}

fn period(plan: &ServicePlan) -> String {
    let Some(period) = &plan.billing_period else { return String::new() };
    let unit = word(period.unit().as_str_name(), "BILLING_PERIOD_UNIT_");
    if period.count == 1 { format!("1 {unit}") } else { format!("{} {unit}s", period.count) }
}

fn speeds(plan: &ServicePlan) -> String {
    let speed = |kbps: i32| if kbps == 0 { "any".to_owned() } else { kbps.to_string() };
    format!("{}/{}", speed(plan.download_kbps), speed(plan.upload_kbps))
}

fn cap(plan: &ServicePlan) -> String {
    if plan.data_cap_bytes == 0 { "no cap".to_owned() } else { bytes(plan.data_cap_bytes) }
}
