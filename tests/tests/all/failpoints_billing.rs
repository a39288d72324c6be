//! kill -9 at every named point of what customers pay and of the monthly run: nothing is lost, nothing is doubled.

use std::time::Duration;

use futures::stream::{StreamExt as _, iter};
use netily_sdk::billing::ListInvoicesRequest;
use netily_sdk::new_request_id;
use netily_sdk::selfservice::initiate_payment_request::Target;
use netily_sdk::selfservice::{GetDashboardRequest, GetPaymentStatusRequest, InitiatePaymentRequest};
use netily_sdk::types::{ConnectionBilling, ConnectionStatus, InvoiceStatus, PaymentStatus};
use netily_tests::{Access, World, eventually};

use crate::program::Program;

/// After this a claim and a lease of a dead process are open.
const LEASES_OVER: Duration = Duration::from_secs(61);
/// Within the five days before a month ends.
const MONTH: Duration = Duration::from_secs(28 * 86_400);

/// Points of a payment.
pub const PAYING: [(&str, &str); 4] = [("pay", "written"), ("pay", "committed"), ("check", "crediting"), ("connection_sync", "applied")];
/// Points of the monthly run.
pub const RUNNING: [(&str, &str); 2] = [("billing_run", "issued"), ("billing_run", "committed")];

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_whose_server_is_killed_at_any_point_is_used_once() {
    iter(PAYING).map(|(act, point)| pay(format!("{act} {point}"))).buffer_unordered(4).collect::<Vec<()>>().await;
}

async fn pay(point: String) {
    let world = World::builder().not_serving().start().await;
    let first = Program::start(&world, Duration::ZERO);
    eventually("the server is there", async || world.client("yellow").selfservice().list_plans(Default::default()).await.ok()).await;
    let (customer, staff) = (world.customer("yellow").await, world.signed_in("yellow", Access::Staff).await);
    let id = world.customer_id(&customer).await;
    world.connect(&staff, &id, 0, ConnectionBilling::Prepaid, Some("yellow-market")).await;
    let secret = async || {
        let held = world.router("yellow-market").snapshot().await;
        held["ppp_secrets"].as_array().and_then(|all| all.iter().find(|row| row["name"] == "cust-0001")).map(|row| row["disabled"].clone())
    };
    eventually("the router holds the line", async || (secret().await? == "true").then_some(())).await;
    // A process that is killed before it has written that down keeps its lease for a minute.
    eventually("and that is written", async || (world.sql().await.count("public.job WHERE kind = 'connection_sync'").await == 0).then_some(())).await;
    first.kill();

    let doomed = Program::dying_at(&world, Duration::ZERO, &point);
    let target = Some(Target::PlanId(world.service_plan(0)));
    let ask = InitiatePaymentRequest { target, phone_number: String::new(), request_id: new_request_id() };
    let paying = async {
        let asked = eventually("asked for", async || customer.selfservice().initiate_payment(ask.clone()).await.ok()).await.payment.expect("a payment");
        world.answer_prompt(&world.customer_phone("yellow"), "accept").await;
        asked.id
    };
    let dying = async {
        doomed.died(&point).await;
        Program::start(&world, LEASES_OVER)
    };
    let (payment_id, program) = tokio::join!(paying, dying);
    eventually(&format!("{point}: paid"), async || {
        let found = customer.selfservice().get_payment_status(GetPaymentStatusRequest { payment_id: payment_id.clone() }).await.ok()?;
        (found.payment?.status() == PaymentStatus::Completed).then_some(())
    })
    .await;
    eventually(&format!("{point}: on"), async || (secret().await? == "false").then_some(())).await;
    let page = customer.selfservice().get_dashboard(GetDashboardRequest {}).await.expect("the first page");
    assert_eq!(page.connection.expect("a line").status(), ConnectionStatus::Active, "{point}");
    assert_eq!(page.account_balance.expect("a balance").amount_minor, 0, "{point}: used once");
    assert_eq!(world.collections().len(), 1, "{point}: one prompt");
    drop(program);
    world.advance(LEASES_OVER);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_killed_at_any_point_makes_one_invoice() {
    iter(RUNNING).map(|(act, point)| run(format!("{act} {point}"))).buffer_unordered(2).collect::<Vec<()>>().await;
}

async fn run(point: String) {
    let world = World::builder().not_serving().start().await;
    let first = Program::start(&world, Duration::ZERO);
    eventually("the server is there", async || world.client("yellow").selfservice().list_plans(Default::default()).await.ok()).await;
    let (customer, staff) = (world.customer("yellow").await, world.signed_in("yellow", Access::Staff).await);
    let id = world.customer_id(&customer).await;
    world.connect(&staff, &id, 0, ConnectionBilling::Invoiced, None).await;
    world.cash(&staff, &id, 1_500).await;
    first.kill();
    Program::dying_at(&world, MONTH, &point).died(&point).await;
    let ahead = MONTH + LEASES_OVER;
    let program = Program::start(&world, ahead);
    let staff = eventually("staff sign in", async || {
        world.client("yellow").selfservice().list_plans(Default::default()).await.ok()?;
        Some(world.signed_in("yellow", Access::Staff).await)
    })
    .await;
    let open = async || {
        let ask = ListInvoicesRequest { status: InvoiceStatus::Open.into(), ..Default::default() };
        staff.billing().list_invoices(ask).await.expect("invoices").invoices.len()
    };
    eventually(&format!("{point}: an invoice"), async || (open().await == 1).then_some(())).await;
    assert_eq!(world.sql().await.count("tenant.invoice").await, 2, "{point}: one a month");
    drop(program);
    world.advance(ahead);
    world.finish().await;
}
