//! Service plans: what staff sell to customers at home, and what everybody may see of it.

use netily_sdk::billing::{ArchivePlanRequest, CreatePlanRequest, ListPlansRequest, ServicePlan, UpdatePlanRequest};
use netily_sdk::types::{BillingPeriod, BillingPeriodUnit, ErrorReason, Money};
use netily_sdk::{Client, new_request_id};
use netily_tests::{Access, World};

fn kes(shillings: i64) -> Option<Money> {
    Some(Money { amount_minor: shillings * 100, currency_code: "KES".into() })
}

fn fortnight() -> ServicePlan {
    ServicePlan {
        name: "Duka".into(),
        description: "For a shop.\nTwo weeks.".into(),
        price: kes(900),
        billing_period: Some(BillingPeriod { unit: BillingPeriodUnit::Week.into(), count: 2 }),
        download_kbps: 8_000,
        upload_kbps: 4_000,
        data_cap_bytes: 50_000_000_000,
        router_profile: "shops".into(),
        ..ServicePlan::default()
    }
}

async fn create(staff: &Client, plan: ServicePlan) -> ServicePlan {
    let ask = CreatePlanRequest { plan: Some(plan), request_id: new_request_id() };
    staff.billing().create_plan(ask).await.expect("made").plan.expect("a plan")
}

async fn list(staff: &Client, ask: ListPlansRequest) -> (Vec<String>, String) {
    let page = staff.billing().list_plans(ask).await.expect("plans");
    (page.plans.into_iter().map(|plan| plan.id).collect(), page.next_page_token)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_plan_is_made_changed_and_archived() {
    let world = World::new().await;
    let staff = world.signed_in("yellow", Access::Staff).await;
    let ask = CreatePlanRequest { plan: Some(fortnight()), request_id: new_request_id() };
    let made = staff.billing().create_plan(ask.clone()).await.expect("made").plan.expect("a plan");
    assert!(made.created_at.is_some() && made.archived_at.is_none());
    assert_eq!(ServicePlan { id: String::new(), created_at: None, ..made.clone() }, fortnight(), "every field is kept");
    let again = staff.billing().create_plan(ask.clone()).await.expect("the same request").plan.expect("a plan");
    assert_eq!(made, again, "the same request makes one plan");
    let other = CreatePlanRequest { plan: Some(ServicePlan { price: kes(1_000), ..fortnight() }), ..ask };
    assert_eq!(staff.billing().create_plan(other).await.expect_err("other content").reason, ErrorReason::RequestIdReused);

    let wanted = ServicePlan { name: "Duka kubwa".into(), description: String::new(), price: kes(1_100), router_profile: String::new(), ..made.clone() };
    let changed = staff.billing().update_plan(UpdatePlanRequest { plan: Some(wanted.clone()) }).await.expect("changed").plan.expect("a plan");
    assert_eq!(changed, wanted);

    let archive = ArchivePlanRequest { id: made.id.clone() };
    let archived = staff.billing().archive_plan(archive.clone()).await.expect("archived").plan.expect("a plan");
    assert!(archived.archived_at.is_some());
    assert_eq!(staff.billing().archive_plan(archive).await.expect("again").plan, Some(archived), "doing it again changes nothing");
    let error = staff.billing().update_plan(UpdatePlanRequest { plan: Some(wanted) }).await.expect_err("archived");
    assert_eq!(error.reason, ErrorReason::PlanNotAvailable);
    assert_eq!(list(&staff, ListPlansRequest::default()).await.0.len(), 2, "the seeded ones");
    let all = list(&staff, ListPlansRequest { include_archived: true, ..ListPlansRequest::default() }).await.0;
    assert_eq!((all.len(), &all[0]), (3, &made.id), "newest first");

    let acts = world.sql().await.rows(&format!("SELECT act, actor FROM tenant.audit_event WHERE subject = '{}' ORDER BY at, id", made.id)).await;
    let named: Vec<_> = acts.iter().map(|row| row["act"].as_str().expect("an act")).collect();
    assert_eq!(named, ["service_plan_created", "service_plan_changed", "service_plan_archived"], "each change once");
    assert!(acts.iter().all(|row| row["actor"].as_str().is_some_and(|actor| actor.starts_with("usr_"))), "{acts:?}");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_plan_that_cannot_be_sold_is_refused() {
    let world = World::new().await;
    let staff = world.signed_in("yellow", Access::Staff).await;
    let period = |unit: BillingPeriodUnit, count| Some(BillingPeriod { unit: unit.into(), count });
    let bad = [
        ("plan.name", ServicePlan { name: "  ".into(), ..fortnight() }),
        ("plan.description", ServicePlan { description: "x".repeat(501), ..fortnight() }),
        ("plan.price", ServicePlan { price: None, ..fortnight() }),
        ("plan.price.amount_minor", ServicePlan { price: kes(0), ..fortnight() }),
        ("plan.price.currency_code", ServicePlan { price: Some(Money { amount_minor: 100, currency_code: "USD".into() }), ..fortnight() }),
        ("plan.billing_period", ServicePlan { billing_period: None, ..fortnight() }),
        ("plan.billing_period.unit", ServicePlan { billing_period: period(BillingPeriodUnit::Unspecified, 1), ..fortnight() }),
        ("plan.billing_period.count", ServicePlan { billing_period: period(BillingPeriodUnit::Week, 53), ..fortnight() }),
        ("plan.download_kbps", ServicePlan { download_kbps: -1, ..fortnight() }),
        ("plan.data_cap_bytes", ServicePlan { data_cap_bytes: -1, ..fortnight() }),
    ];
    for (path, plan) in bad {
        let ask = CreatePlanRequest { plan: Some(plan), request_id: new_request_id() };
        let error = staff.billing().create_plan(ask).await.expect_err(path);
        assert_eq!((error.reason, error.field_violations[0].path.as_str()), (ErrorReason::InvalidArgument, path));
    }
    let error = staff.billing().create_plan(CreatePlanRequest { plan: Some(fortnight()), request_id: "1".into() }).await.expect_err("no UUID");
    assert_eq!(error.field_violations[0].path, "request_id");
    assert_eq!(world.sql().await.count("tenant.service_plan").await, 4, "nothing was stored beside the seeded ones");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_service_plans_stay_whole_while_others_are_made() {
    let world = World::new().await;
    let staff = world.signed_in("yellow", Access::Staff).await;
    let mut made = Vec::new();
    for _ in 0..3 {
        made.push(create(&staff, fortnight()).await.id);
    }
    let page = |page_token: String| ListPlansRequest { page_size: 2, page_token, ..ListPlansRequest::default() };
    let (first, token) = list(&staff, page(String::new())).await;
    create(&staff, fortnight()).await;
    let (second, token) = list(&staff, page(token)).await;
    let (third, end) = list(&staff, page(token)).await;
    assert_eq!((first.len(), second.len(), third.len(), end.as_str()), (2, 2, 1, ""));
    let seen: Vec<String> = [first, second, third].concat();
    let newest_first: Vec<String> = made.into_iter().rev().collect();
    assert_eq!(seen[..3], newest_first[..], "none twice, none left out");
    world.finish().await;
}
