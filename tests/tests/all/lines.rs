//! Lines into houses: on the router exactly as long as they are paid, whatever router, clock and staff do.

use std::time::Duration;

use netily_sdk::billing::{
    ChangePlanRequest, CreateConnectionRequest, EndConnectionRequest, GetConnectionRequest, PreviewPlanChangeRequest, ResumeConnectionRequest,
    SuspendConnectionRequest,
};
use netily_sdk::customer::{ReactivateCustomerRequest, SuspendCustomerRequest};
use netily_sdk::selfservice::ListAlertsRequest;
use netily_sdk::selfservice::initiate_payment_request::Target;
use netily_sdk::types::{ConnectionBilling, ConnectionStatus, ErrorReason, InvoiceKind, InvoiceStatus};
use netily_sdk::{Client, new_request_id};
use netily_tests::{Access, World, shillings};
use serde_json::{Value, json};

const DAY: Duration = Duration::from_secs(86_400);

/// The secret of a name on a router.
async fn secret(world: &World, router: &str, name: &str) -> Option<Value> {
    let held = world.router(router).snapshot().await;
    held["ppp_secrets"].as_array().expect("a list").iter().find(|row| row["name"] == name).cloned()
}

/// Whether a name is up on a router.
async fn is_up(world: &World, router: &str, name: &str) -> bool {
    let held = world.router(router).snapshot().await;
    held["ppp_active"].as_array().expect("a list").iter().any(|row| row["name"] == name)
}

/// Switches a router on or off.
async fn power(world: &World, state: &str) {
    world.router("yellow-market").set_state(json!({ "power": state })).await.expect("switched");
}

async fn password(staff: &Client, id: &str) -> String {
    staff.billing().get_connection(GetConnectionRequest { id: id.to_owned() }).await.expect("found").password
}

async fn staff_of(world: &World) -> Client {
    world.signed_in("yellow", Access::Staff).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_is_up_while_it_is_paid_and_back_at_once_when_it_is_paid_again() {
    let world = World::new().await;
    let (customer, staff) = (world.customer("yellow").await, staff_of(&world).await);
    let id = world.customer_id(&customer).await;
    let line = world.connect(&staff, &id, 0, ConnectionBilling::Prepaid, Some("yellow-market")).await;
    assert_eq!((line.status(), line.username.as_str()), (ConnectionStatus::Waiting, "cust-0001"));
    let word = password(&staff, &line.id).await;
    world.run_due().await;
    assert_eq!(secret(&world, "yellow-market", "cust-0001").await.expect("a secret")["disabled"], "true", "nothing is paid yet");

    world.pay(&customer, Target::PlanId(world.service_plan(0))).await;
    let held = secret(&world, "yellow-market", "cust-0001").await.expect("a secret");
    assert_eq!((&held["disabled"], &held["comment"], &held["service"]), (&json!("false"), &json!(format!("netily {}", line.id)), &json!("pppoe")));
    world.router("yellow-market").ppp_dial("cust-0001", &word, "AA:BB:CC:00:00:01").await.expect("dials in");

    // A month later it is over: the line goes down, and up again with the next payment.
    world.advance(32 * DAY);
    world.sweep().await;
    assert_eq!(secret(&world, "yellow-market", "cust-0001").await.expect("a secret")["disabled"], "true");
    assert!(!is_up(&world, "yellow-market", "cust-0001").await, "whoever is up is hung up on");
    assert!(world.router("yellow-market").ppp_dial("cust-0001", &word, "AA:BB:CC:00:00:01").await.is_err());
    let customer = world.customer("yellow").await;
    assert_eq!(world.dashboard(&customer).await.connection.expect("a line").status(), ConnectionStatus::Suspended);
    let told = world.sms_on(&world.customer_phone("yellow")).await;
    assert!(told.last().expect("a text message").contains("off"), "{told:?}");
    world.pay(&customer, Target::PlanId(world.service_plan(0))).await;
    assert_eq!(secret(&world, "yellow-market", "cust-0001").await.expect("a secret")["disabled"], "false");
    world.router("yellow-market").ppp_dial("cust-0001", &word, "AA:BB:CC:00:00:01").await.expect("dials in again");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_router_that_was_off_is_never_on_unpaid_nor_off_though_paid() {
    let world = World::new().await;
    let (customer, staff) = (world.customer("yellow").await, staff_of(&world).await);
    let id = world.customer_id(&customer).await;
    let line = world.connect(&staff, &id, 0, ConnectionBilling::Prepaid, Some("yellow-market")).await;
    world.pay(&customer, Target::PlanId(world.service_plan(0))).await;
    let word = password(&staff, &line.id).await;
    world.router("yellow-market").ppp_dial("cust-0001", &word, "AA:BB:CC:00:00:01").await.expect("dials in");

    power(&world, "off").await;
    world.advance(32 * DAY);
    world.sweep().await;
    let staff = staff_of(&world).await;
    let seen = staff.billing().get_connection(GetConnectionRequest { id: line.id.clone() }).await.expect("found").connection.expect("a line");
    assert!(seen.router_pending && !seen.router_error.is_empty(), "{seen:?}");
    power(&world, "on").await;
    world.run_after(Duration::from_secs(120)).await;
    assert_eq!(secret(&world, "yellow-market", "cust-0001").await.expect("a secret")["disabled"], "true", "never on unpaid");

    power(&world, "off").await;
    let customer = world.customer("yellow").await;
    world.pay(&customer, Target::PlanId(world.service_plan(0))).await;
    power(&world, "on").await;
    world.run_after(Duration::from_secs(120)).await;
    assert_eq!(secret(&world, "yellow-market", "cust-0001").await.expect("a secret")["disabled"], "false", "never off though paid");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_month_passes_with_invoice_reminders_suspension_payment_and_restoration() {
    let world = World::new().await;
    let (customer, staff) = (world.customer("yellow").await, staff_of(&world).await);
    let (id, phone) = (world.customer_id(&customer).await, world.customer_phone("yellow"));
    let line = world.connect(&staff, &id, 0, ConnectionBilling::Invoiced, Some("yellow-market")).await;
    let first = world.dashboard(&customer).await.open_invoices.pop().expect("the first invoice comes at once");
    assert_eq!((first.kind(), shillings(&first.total), first.connection_id.as_str()), (InvoiceKind::Period, 1_500, line.id.as_str()));
    world.pay(&customer, Target::InvoiceId(first.id.clone())).await;
    assert_eq!(world.look_at_invoice(&staff, &first.id).await.status(), InvoiceStatus::Paid);
    let on = world.dashboard(&customer).await.connection.expect("a line");
    assert_eq!(on.status(), ConnectionStatus::Active);
    let days = (on.paid_until.expect("an end").seconds - on.period_start.expect("a start").seconds) / 86_400;

    // Day by day: issue five days before the end, reminders three days before, on the day, and when it is overdue.
    let mut issued = None;
    for day in 1..=days + 4 {
        world.advance(DAY);
        world.sweep().await;
        let customer = world.customer("yellow").await;
        let page = world.dashboard(&customer).await;
        if issued.is_none() && !page.open_invoices.is_empty() {
            issued = Some(day);
        }
        let status = page.connection.expect("a line").status();
        let on = day < days + 3;
        assert_eq!(status == ConnectionStatus::Active, on, "day {day} of {days}: {status:?}");
        let held = secret(&world, "yellow-market", "cust-0001").await.expect("a secret");
        assert_eq!(held["disabled"] == "false", on, "day {day} of {days}");
    }
    assert_eq!(issued, Some(days - 5), "five days before the end");
    let told = world.sms_on(&phone).await;
    let about = |words: &str| told.iter().filter(|text| text.contains(words)).count();
    assert_eq!((about("please pay"), about("is overdue"), about("is off")), (2, 1, 1), "{told:#?}");
    assert_eq!(world.mails_to(&world.own_profile(&world.customer("yellow").await).await.user.expect("an account").email).await.len(), 2, "one mail an invoice");

    let customer = world.customer("yellow").await;
    let open = world.dashboard(&customer).await.open_invoices.pop().expect("an open invoice");
    assert_eq!(open.status(), InvoiceStatus::Overdue);
    world.pay(&customer, Target::InvoiceId(open.id)).await;
    let back = world.dashboard(&customer).await.connection.expect("a line");
    assert_eq!(back.status(), ConnectionStatus::Active);
    let held = secret(&world, "yellow-market", "cust-0001").await.expect("a secret");
    assert_eq!(held["disabled"], "false");
    let begins = back.period_start.expect("a start").seconds - on.paid_until.expect("an end").seconds;
    assert!((86_400 - 60..=86_400 + 600).contains(&begins), "the days of grace that were used count, the day without a line does not: {begins}");
    let alerts = customer.selfservice().list_alerts(ListAlertsRequest::default()).await.expect("alerts").alerts;
    assert!(alerts.len() >= 7, "{alerts:#?}");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_was_asleep_or_runs_twice_at_once_does_everything_once() {
    let world = World::new().await;
    let staff = staff_of(&world).await;
    let mut people = Vec::new();
    for n in 1..=4 {
        let (client, person) = world.proven("yellow", n).await;
        staff.customer().approve_customer(netily_sdk::customer::ApproveCustomerRequest { id: person.id.clone() }).await.expect("approved");
        world.connect(&staff, &person.id, 0, ConnectionBilling::Invoiced, None).await;
        world.cash(&staff, &person.id, 1_500).await;
        people.push((client, person));
    }
    assert_eq!(world.sql().await.count("tenant.invoice WHERE status = 'PAID'").await, 4);
    // Down from before the invoices until two days after they were due.
    world.advance(34 * DAY);
    let (app, isp) = (&world.app, netily::isp::tenant(&world.app.db, "yellow").await.expect("yellow").id);
    let (one, other) = tokio::join!(netily::billing::run(app, isp), netily::billing::run(app, isp));
    one.and(other).expect("both run");
    world.sweep().await;
    let mut sql = world.sql().await;
    assert_eq!(sql.count("tenant.invoice").await, 8, "one invoice each");
    assert_eq!(sql.count("tenant.connection WHERE status = 'ACTIVE'").await, 4, "they have the days of grace to pay in");
    world.advance(4 * DAY);
    world.sweep().await;
    assert_eq!(sql.count("tenant.connection WHERE status = 'SUSPENDED' AND suspended_reason = 'UNPAID'").await, 4);
    assert_eq!(sql.count("tenant.invoice").await, 8);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn staff_stop_move_and_end_a_line_and_a_suspended_customer_has_none() {
    let world = World::new().await;
    let (customer, staff) = (world.customer("yellow").await, staff_of(&world).await);
    let id = world.customer_id(&customer).await;
    let line = world.connect(&staff, &id, 0, ConnectionBilling::Prepaid, Some("yellow-market")).await;
    world.pay(&customer, Target::PlanId(world.service_plan(0))).await;
    let off = async |why: &str| {
        world.run_due().await;
        assert_eq!(secret(&world, "yellow-market", "cust-0001").await.expect("a secret")["disabled"], "true", "{why}");
    };
    let on = async |why: &str| {
        world.run_due().await;
        assert_eq!(secret(&world, "yellow-market", "cust-0001").await.expect("a secret")["disabled"], "false", "{why}");
    };
    on("paid").await;
    let suspend = SuspendConnectionRequest { id: line.id.clone(), reason: "The mast is down.".into() };
    staff.billing().suspend_connection(suspend).await.expect("suspended");
    off("staff stopped it").await;
    world.pay(&customer, Target::PlanId(world.service_plan(0))).await;
    off("paid, and staff stopped it").await;
    staff.billing().resume_connection(ResumeConnectionRequest { id: line.id.clone() }).await.expect("resumed");
    on("staff let it on").await;
    staff.customer().suspend_customer(SuspendCustomerRequest { id: id.clone(), reason: "Abuse".into() }).await.expect("suspended");
    off("the customer is suspended").await;
    staff.customer().reactivate_customer(ReactivateCustomerRequest { id: id.clone() }).await.expect("reactivated");
    on("the customer is active again").await;

    // It moves while the router that it leaves is off: that one forgets it when it is back.
    power(&world, "off").await;
    world.install(&staff, &line.id, "yellow-stage").await;
    world.run_due().await;
    assert_eq!(secret(&world, "yellow-stage", "cust-0001").await.expect("a secret")["disabled"], "false");
    power(&world, "on").await;
    world.run_after(Duration::from_secs(120)).await;
    assert_eq!(secret(&world, "yellow-market", "cust-0001").await, None);

    let again = CreateConnectionRequest { customer_id: id.clone(), plan_id: world.service_plan(0), request_id: new_request_id(), ..Default::default() };
    assert_eq!(staff.billing().create_connection(again.clone()).await.expect_err("one at a time").reason, ErrorReason::StateConflict);
    let ended = staff.billing().end_connection(EndConnectionRequest { id: line.id.clone() }).await.expect("ended").connection.expect("a line");
    assert_eq!(ended.status(), ConnectionStatus::Ended);
    world.run_due().await;
    assert_eq!(secret(&world, "yellow-stage", "cust-0001").await, None);
    let made = staff.billing().create_connection(again).await.expect("a new one").connection.expect("a line");
    assert_ne!(made.id, line.id);
    let conflict = staff.billing().resume_connection(ResumeConnectionRequest { id: line.id }).await.expect_err("it has ended");
    assert_eq!(conflict.reason, ErrorReason::StateConflict);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn time_that_was_paid_before_anybody_came_begins_with_the_installation() {
    let world = World::new().await;
    let customer = world.customer("yellow").await;
    world.pay(&customer, Target::PlanId(world.service_plan(0))).await;
    let bought = world.dashboard(&customer).await.connection.expect("a line");
    world.advance(6 * DAY);
    let staff = staff_of(&world).await;
    let installed = world.install(&staff, &bought.id, "yellow-market").await;
    let moved = installed.paid_until.expect("an end").seconds - bought.paid_until.expect("an end").seconds;
    assert!((6 * 86_400..6 * 86_400 + 60).contains(&moved), "six days later: {moved}");
    let again = world.install(&staff, &bought.id, "yellow-stage").await;
    assert_eq!(again.paid_until, installed.paid_until, "the first time only");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_plan_in_the_middle_of_a_period_asks_for_the_difference_or_gives_it_back() {
    let world = World::new().await;
    let (customer, staff) = (world.customer("yellow").await, staff_of(&world).await);
    let id = world.customer_id(&customer).await;
    let line = world.connect(&staff, &id, 0, ConnectionBilling::Invoiced, Some("yellow-market")).await;
    let first = world.dashboard(&customer).await.open_invoices.pop().expect("the first invoice");
    world.pay(&customer, Target::InvoiceId(first.id)).await;
    let before = world.dashboard(&customer).await.connection.expect("a line");
    let (start, end) = (before.period_start.expect("a start").seconds, before.paid_until.expect("an end").seconds);
    world.advance(10 * DAY);
    let staff = staff_of(&world).await;
    let change = |plan: usize| ChangePlanRequest { connection_id: line.id.clone(), plan_id: world.service_plan(plan) };
    let ask = PreviewPlanChangeRequest { connection_id: line.id.clone(), plan_id: world.service_plan(1) };
    let preview = staff.billing().preview_plan_change(ask).await.expect("a preview");
    // Ten days are used; of the rest the dearer plan costs 2,500 and the old one 1,500 a month, each rounded down.
    let rest = |price: i64| price * (end - start - 10 * 86_400) / (end - start);
    let wanted = rest(2_500) - rest(1_500);
    assert!((shillings(&preview.to_pay) - wanted).abs() <= 1 && shillings(&preview.credited) == 0, "{preview:?}, {wanted}");
    let changed = staff.billing().change_plan(change(1)).await.expect("changed");
    let invoice = changed.invoice.expect("an invoice");
    assert_eq!((invoice.kind(), invoice.status()), (InvoiceKind::Proration, InvoiceStatus::Open));
    assert!((shillings(&invoice.total) - wanted).abs() <= 1);
    let now = changed.connection.expect("a line");
    assert_eq!((now.plan_name.as_str(), now.paid_until), ("Home 10 Mbps", before.paid_until), "what is paid stays paid");
    world.run_due().await;
    assert_eq!(secret(&world, "yellow-market", "cust-0001").await.expect("a secret")["profile"], "netily-10000k-5000k");
    let again = staff.billing().change_plan(change(1)).await.expect("nothing more");
    assert_eq!((again.invoice, shillings(&again.credited)), (None, 0));
    // Back to the cheaper one: what comes back pays the invoice over the difference.
    let back = staff.billing().change_plan(change(0)).await.expect("changed back");
    assert!((shillings(&back.credited) - wanted).abs() <= 1, "{back:?}");
    let left = world.look_at_invoice(&staff, &invoice.id).await;
    assert!(shillings(&left.owed) <= 1, "{left:?}");
    world.finish().await;
}
