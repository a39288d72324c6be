//! Customers pay: recharges, invoices, amounts; what the ISP took itself; and everything that may go wrong on the way.

use std::time::Duration;

use futures::StreamExt as _;
use netily_sdk::billing::{
    self, ArchivePlanRequest, GetRevenueReportRequest, ListCommissionsRequest, ListPlanVersionsRequest, OfflineMethod, RecordOfflinePaymentRequest,
    ReportGranularity, UpdatePlanRequest, VoidInvoiceRequest, record_offline_payment_request,
};
use netily_sdk::customer::SuspendCustomerRequest;
use netily_sdk::isp::{GetSubscriptionPaymentRequest, GetSubscriptionRequest, PaySubscriptionRequest, SubscriptionPlan, SubscriptionStatus};
use netily_sdk::new_request_id;
use netily_sdk::selfservice::initiate_payment_request::Target;
use netily_sdk::selfservice::{GetInvoiceRequest, InitiatePaymentRequest, ListAlertsRequest, ListInvoicesRequest, ListPaymentsRequest};
use netily_sdk::types::{ConnectionStatus, ErrorReason, FailureReason, InvoiceStatus, PaymentPurpose, PaymentStatus};
use netily_tests::{Access, Guest, World, eventually, kes, shillings};
use serde_json::json;

const DAY: Duration = Duration::from_secs(86_400);

/// Seconds between two moments on the wire.
fn apart(from: &Option<prost_types::Timestamp>, to: &Option<prost_types::Timestamp>) -> i64 {
    to.as_ref().expect("a moment").seconds - from.as_ref().expect("a moment").seconds
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recharge_is_watched_to_its_end_and_pays_a_month() {
    let world = World::working().await;
    let customer = world.customer("yellow").await;
    let asked = world.initiate(&customer, Target::PlanId(world.service_plan(0))).await.expect("asked for");
    assert_eq!((asked.status(), asked.purpose(), shillings(&asked.amount)), (PaymentStatus::Pending, PaymentPurpose::Recharge, 1_500));
    let mut states = customer.watch_payment(&asked.id);
    assert_eq!(states.next().await.expect("a state").expect("no error").status(), PaymentStatus::Pending);
    world.answer_prompt(&world.customer_phone("yellow"), "accept").await;
    let seen: Vec<_> = states.map(|state| state.expect("no error")).collect().await;
    let paid = seen.last().expect("an end");
    assert_eq!(paid.status(), PaymentStatus::Completed);
    assert_eq!(paid.mpesa_receipt, world.collection_from(&world.customer_phone("yellow"))["receipt"]);
    assert!(!paid.phone_number.contains(&world.customer_phone("yellow")[5..9]), "masked: {}", paid.phone_number);

    let page = world.dashboard(&customer).await;
    let line = page.connection.expect("a connection");
    assert_eq!((line.status(), line.plan_name.as_str(), shillings(&line.price)), (ConnectionStatus::Active, "Home 5 Mbps", 1_500));
    let days = apart(&line.period_start, &line.paid_until) / 86_400;
    assert!((28..=31).contains(&days), "a month: {days} days");
    assert_eq!((page.paid_until, shillings(&page.account_balance), page.last_payments.len()), (line.paid_until, 0, 1));

    let staff = world.signed_in("yellow", Access::Staff).await;
    let split = staff.billing().list_commissions(ListCommissionsRequest::default()).await.expect("commissions");
    let of = &split.commissions[0];
    assert_eq!((of.payment_type(), of.payment_reference.as_str()), (billing::PaymentType::Recharge, asked.id.as_str()));
    assert_eq!((of.commission.clone().expect("a part").amount_minor, of.isp_amount.clone().expect("a part").amount_minor), (7_500, 142_500));
    let alerts = customer.selfservice().list_alerts(ListAlertsRequest::default()).await.expect("alerts").alerts;
    assert!(alerts[0].message.contains(&paid.mpesa_receipt), "{alerts:?}");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_recharge_begins_where_the_first_one_ends_and_another_plan_at_once() {
    let world = World::new().await;
    let customer = world.customer("yellow").await;
    world.pay(&customer, Target::PlanId(world.service_plan(0))).await;
    let first = world.dashboard(&customer).await.connection.expect("a connection");
    world.pay(&customer, Target::PlanId(world.service_plan(0))).await;
    let second = world.dashboard(&customer).await.connection.expect("a connection");
    assert_eq!(second.period_start, first.paid_until, "no day is lost");
    // The dearer plan begins now; the whole shillings of what is not used of the period that runs come back.
    world.pay(&customer, Target::PlanId(world.service_plan(1))).await;
    let page = world.dashboard(&customer).await;
    let third = page.connection.expect("a connection");
    assert_eq!(third.plan_name, "Home 10 Mbps");
    assert!(apart(&third.period_start, &second.period_start) > 0, "it begins now");
    assert_eq!(shillings(&page.account_balance), 1_500, "the month that was paid ahead comes back whole");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invoice_is_paid_in_parts_and_what_is_too_much_is_balance() {
    let world = World::new().await;
    let (customer, staff) = (world.customer("yellow").await, world.signed_in("yellow", Access::Staff).await);
    let id = world.customer_id(&customer).await;
    let invoice = world.invoice(&staff, &id, 1_500).await;
    assert_eq!((invoice.invoice_number.as_str(), invoice.status(), shillings(&invoice.owed)), ("INV-000001", InvoiceStatus::Open, 1_500));
    let own = customer.selfservice().get_invoice(GetInvoiceRequest { id: invoice.id.clone() }).await.expect("own").invoice.expect("an invoice");
    assert_eq!(own, invoice);

    world.pay(&customer, Target::Amount(kes(500))).await;
    assert_eq!(shillings(&world.look_at_invoice(&staff, &invoice.id).await.owed), 1_000, "the balance pays what is owed");
    let asked = world.initiate(&customer, Target::InvoiceId(invoice.id.clone())).await.expect("asked for");
    assert_eq!((shillings(&asked.amount), asked.purpose()), (1_000, PaymentPurpose::Invoice), "what is still owed");
    world.answer_payment(&customer, &asked).await;
    assert_eq!(world.look_at_invoice(&staff, &invoice.id).await.status(), InvoiceStatus::Paid);
    let again = world.initiate(&customer, Target::InvoiceId(invoice.id.clone())).await.expect_err("paid already");
    assert_eq!(again.reason, ErrorReason::StateConflict);

    world.pay(&customer, Target::Amount(kes(700))).await;
    assert_eq!(shillings(&world.dashboard(&customer).await.account_balance), 700);
    let next = world.invoice(&staff, &id, 1_000).await;
    assert_eq!((shillings(&next.owed), next.invoice_number.as_str()), (300, "INV-000002"), "the balance is used first");
    let page = world.dashboard(&customer).await;
    assert_eq!((shillings(&page.total_owed), shillings(&page.account_balance), page.open_invoices.len()), (300, 0, 1));
    let list = |status: InvoiceStatus| ListInvoicesRequest { status: status.into(), ..Default::default() };
    for (status, rows) in [(InvoiceStatus::Unspecified, 2), (InvoiceStatus::Paid, 1), (InvoiceStatus::Open, 1), (InvoiceStatus::Overdue, 0)] {
        let found = customer.selfservice().list_invoices(list(status)).await.expect("invoices").invoices;
        assert_eq!(found.len(), rows, "{status:?}");
    }
    world.advance(8 * DAY);
    let overdue = billing::ListInvoicesRequest { status: InvoiceStatus::Overdue.into(), ..Default::default() };
    let found = world.signed_in("yellow", Access::Staff).await.billing().list_invoices(overdue).await.expect("invoices").invoices;
    assert_eq!(found.len(), 1, "the day it was due is over");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_devices_get_one_prompt_and_whoever_pays_twice_has_it_as_balance() {
    let world = World::new().await;
    let (customer, staff) = (world.customer("yellow").await, world.signed_in("yellow", Access::Staff).await);
    let id = world.customer_id(&customer).await;
    let invoice = world.invoice(&staff, &id, 1_000).await;
    let target = || Target::InvoiceId(invoice.id.clone());
    let first = world.initiate(&customer, target()).await.expect("asked for");
    let other = world.initiate(&customer, target()).await.expect("asked for");
    assert_eq!(first.id, other.id, "one prompt");
    // Its time runs out; a second one is paid, and then the first one after all.
    world.run_due().await;
    world.run_after(Duration::from_secs(181)).await;
    let expired = world.payment(&customer, &first.id).await;
    assert_eq!((expired.status(), expired.failure_reason()), (PaymentStatus::Failed, FailureReason::TimedOut));
    assert!(!expired.failure_message.is_empty());
    let second = world.initiate(&customer, target()).await.expect("asked for anew");
    assert_ne!(first.id, second.id);
    world.run_due().await;
    let phone = world.customer_phone("yellow");
    world.answer_prompt(&phone, "accept").await;
    world.answer_prompt(&phone, "accept").await;
    world.callbacks_delivered().await;
    for _ in 0..4 {
        world.run_after(Duration::from_secs(60)).await;
    }
    for id in [&first.id, &second.id] {
        assert_eq!(world.payment(&customer, id).await.status(), PaymentStatus::Completed);
    }
    assert_eq!(world.look_at_invoice(&staff, &invoice.id).await.status(), InvoiceStatus::Paid);
    assert_eq!(shillings(&world.dashboard(&customer).await.account_balance), 1_000, "nothing is lost");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn money_for_what_was_taken_back_or_changed_meanwhile_is_never_lost() {
    let world = World::new().await;
    let (customer, staff) = (world.customer("yellow").await, world.signed_in("yellow", Access::Staff).await);
    let id = world.customer_id(&customer).await;
    let invoice = world.invoice(&staff, &id, 1_000).await;
    world.pay(&customer, Target::Amount(kes(400))).await;
    let asked = world.initiate(&customer, Target::InvoiceId(invoice.id.clone())).await.expect("asked for");
    let void = VoidInvoiceRequest { id: invoice.id.clone(), reason: "Twice".into() };
    let voided = staff.billing().void_invoice(void.clone()).await.expect("taken back").invoice.expect("an invoice");
    assert_eq!((voided.status(), voided.void_reason.as_str(), shillings(&voided.paid)), (InvoiceStatus::Void, "Twice", 0));
    assert_eq!(shillings(&world.dashboard(&customer).await.account_balance), 400, "the part that was paid is back");
    staff.billing().void_invoice(void).await.expect("doing it again changes nothing");
    world.answer_payment(&customer, &asked).await;
    assert_eq!(shillings(&world.dashboard(&customer).await.account_balance), 1_000);

    // A plan is sold at the price that was asked for, whatever becomes of it while the prompt waits.
    let asked = world.initiate(&customer, Target::PlanId(world.service_plan(0))).await.expect("asked for");
    let mut plan = staff.billing().list_plans(billing::ListPlansRequest::default()).await.expect("plans").plans;
    plan.retain(|plan| plan.id == world.service_plan(0));
    let mut plan = plan.pop().expect("the plan");
    plan.price = Some(kes(1_800));
    staff.billing().update_plan(UpdatePlanRequest { plan: Some(plan.clone()) }).await.expect("dearer");
    staff.billing().archive_plan(ArchivePlanRequest { id: plan.id.clone() }).await.expect("archived");
    world.answer_payment(&customer, &asked).await;
    let page = world.dashboard(&customer).await;
    assert_eq!(shillings(&page.connection.expect("a connection").price), 1_500, "as it was sold");
    assert_eq!(shillings(&page.account_balance), 1_000);
    let versions = staff.billing().list_plan_versions(ListPlanVersionsRequest { plan_id: plan.id.clone() }).await.expect("the history").versions;
    assert_eq!(versions.iter().map(|version| (version.version, shillings(&version.price))).collect::<Vec<_>>(), [(2, 1_800), (1, 1_500)]);
    let again = world.initiate(&customer, Target::PlanId(plan.id)).await.expect_err("no longer sold");
    assert_eq!(again.reason, ErrorReason::PlanNotAvailable);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cash_is_used_like_any_payment_and_bears_no_commission() {
    let world = World::new().await;
    let (customer, staff) = (world.customer("yellow").await, world.signed_in("yellow", Access::Staff).await);
    let id = world.customer_id(&customer).await;
    let ask = RecordOfflinePaymentRequest {
        customer_id: id.clone(),
        amount: Some(kes(2_000)),
        method: OfflineMethod::Bank.into(),
        reference: "FT123".into(),
        note: "At the counter".into(),
        received_at: None,
        target: Some(record_offline_payment_request::Target::PlanId(world.service_plan(0))),
        request_id: new_request_id(),
        confirm_duplicate: false,
    };
    let made = staff.billing().record_offline_payment(ask.clone()).await.expect("recorded").payment.expect("a payment");
    assert_eq!((made.mpesa_receipt.as_str(), made.status(), made.offline), ("RCT-000001", PaymentStatus::Completed, true));
    let again = staff.billing().record_offline_payment(ask.clone()).await.expect("the same").payment.expect("a payment");
    assert_eq!(again, made, "the same request is the same payment");
    let other = RecordOfflinePaymentRequest { amount: Some(kes(2_001)), ..ask.clone() };
    assert_eq!(staff.billing().record_offline_payment(other).await.expect_err("other content").reason, ErrorReason::RequestIdReused);
    let page = world.dashboard(&customer).await;
    assert_eq!((page.connection.expect("a connection").status(), shillings(&page.account_balance)), (ConnectionStatus::Active, 500));
    let listed = customer.selfservice().list_payments(ListPaymentsRequest::default()).await.expect("payments").payments;
    assert_eq!(listed, std::slice::from_ref(&made));
    assert!(staff.billing().list_commissions(ListCommissionsRequest::default()).await.expect("commissions").commissions.is_empty());
    assert_eq!(world.sql().await.count("tenant.ledger_transaction").await, 0, "Netily's ledger knows nothing of it");
    world.run_due().await;
    assert!(world.sms_on(&world.customer_phone("yellow")).await.last().expect("a text message").contains("RCT-000001"));
    type Spoil = fn(&mut RecordOfflinePaymentRequest);
    let bad = |spoil: Spoil| {
        let mut bad = RecordOfflinePaymentRequest { request_id: new_request_id(), ..ask.clone() };
        spoil(&mut bad);
        bad
    };
    let table: [(&str, Spoil); 5] = [
        ("amount.amount_minor", |ask| ask.amount = Some(kes(0))),
        ("amount.amount_minor", |ask| ask.amount = Some(kes(-5))),
        ("amount", |ask| ask.amount = Some(kes(1_499))),
        ("received_at", |ask| ask.received_at = Some(prost_types::Timestamp { seconds: 4_000_000_000, nanos: 0 })),
        ("reference", |ask| ask.reference = "x".repeat(61)),
    ];
    for (path, spoil) in table {
        let error = staff.billing().record_offline_payment(bad(spoil)).await.expect_err("refused");
        assert!(error.field_violations.iter().any(|field| field.path == path), "{path}: {error:?}");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_pays_for_what_is_not_theirs_or_more_than_m_pesa_moves() {
    let world = World::new().await;
    let (customer, staff) = (world.customer("yellow").await, world.signed_in("yellow", Access::Staff).await);
    let (other, person) = world.proven("yellow", 1).await;
    let invoice = world.invoice(&staff, &person.id, 1_000).await;
    let blue = world.customer("blue").await;
    for client in [&customer, &blue] {
        let refused = world.initiate(client, Target::InvoiceId(invoice.id.clone())).await.expect_err("not theirs");
        assert_eq!(refused.reason, ErrorReason::NotFound);
        let hidden = client.selfservice().get_invoice(GetInvoiceRequest { id: invoice.id.clone() }).await.expect_err("not theirs");
        assert_eq!(hidden.reason, ErrorReason::NotFound);
    }
    for minor in [0, 1, 150, -100, 25_000_000, i64::MAX] {
        let amount = netily_sdk::types::Money { amount_minor: minor, currency_code: "KES".into() };
        let refused = world.initiate(&customer, Target::Amount(amount)).await.expect_err("refused");
        assert_eq!(refused.field_violations[0].path, "amount.amount_minor", "{minor}");
    }
    let dollars = netily_sdk::types::Money { amount_minor: 100, currency_code: "USD".into() };
    assert_eq!(world.initiate(&customer, Target::Amount(dollars)).await.expect_err("refused").field_violations[0].path, "amount.currency_code");
    let nothing = InitiatePaymentRequest { target: None, phone_number: String::new(), request_id: new_request_id() };
    assert_eq!(customer.selfservice().initiate_payment(nothing).await.expect_err("refused").field_violations[0].path, "target");
    let landline = InitiatePaymentRequest { target: Some(Target::Amount(kes(10))), phone_number: "0201234567".into(), request_id: new_request_id() };
    assert_eq!(customer.selfservice().initiate_payment(landline).await.expect_err("refused").field_violations[0].path, "phone_number");

    // Whoever is not let in yet buys nothing, nor does whom staff stopped; what the latter owes, staff may take.
    assert_eq!(world.initiate(&other, Target::Amount(kes(10))).await.expect_err("pending").reason, ErrorReason::CustomerNotActive);
    let id = world.customer_id(&customer).await;
    let owed = world.invoice(&staff, &id, 300).await;
    staff.customer().suspend_customer(SuspendCustomerRequest { id: id.clone(), reason: "Abuse".into() }).await.expect("suspended");
    assert_eq!(world.initiate(&customer, Target::InvoiceId(owed.id.clone())).await.expect_err("suspended").reason, ErrorReason::CustomerNotActive);
    let ask = billing::InitiatePaymentRequest {
        customer_id: id,
        target: Some(billing::initiate_payment_request::Target::InvoiceId(owed.id.clone())),
        phone_number: String::new(),
        request_id: new_request_id(),
    };
    let asked = staff.billing().initiate_payment(ask.clone()).await.expect("asked for").payment.expect("a payment");
    assert_eq!(staff.billing().initiate_payment(ask).await.expect("the same").payment.expect("a payment").id, asked.id);
    world.run_due().await;
    world.answer_prompt(&world.customer_phone("yellow"), "accept").await;
    world.callbacks_delivered().await;
    world.run_due().await;
    assert_eq!(world.look_at_invoice(&staff, &owed.id).await.status(), InvoiceStatus::Paid);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn callbacks_that_are_lost_doubled_early_or_forged_change_nothing() {
    for manner in ["never", "twice", "early"] {
        let world = World::new().await;
        world.behave(json!({ "callback": manner })).await;
        let customer = world.customer("yellow").await;
        let asked = world.initiate(&customer, Target::Amount(kes(300))).await.expect("asked for");
        world.run_due().await;
        world.answer_prompt(&world.customer_phone("yellow"), "accept").await;
        world.callbacks_delivered().await;
        eventually(manner, async || {
            world.run_after(Duration::from_secs(10)).await;
            (world.payment(&customer, &asked.id).await.status() == PaymentStatus::Completed).then_some(())
        })
        .await;
        assert_eq!(shillings(&world.dashboard(&customer).await.account_balance), 300, "{manner}");
        world.finish().await;
    }
    let world = World::new().await;
    let customer = world.customer("yellow").await;
    let asked = world.initiate(&customer, Target::Amount(kes(300))).await.expect("asked for");
    world.run_due().await;
    let reference = world.collection_from(&world.customer_phone("yellow"))["reference"].as_str().expect("a reference").to_owned();
    assert_eq!(world.send_callback(&reference, json!({ "status": "SUCCESS" })).await, 200);
    world.run_after(Duration::from_secs(15)).await;
    assert_eq!(world.payment(&customer, &asked.id).await.status(), PaymentStatus::Pending, "a callback moves no money");
    assert_eq!(shillings(&world.dashboard(&customer).await.account_balance), 0);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn revenue_is_what_came_in_by_day_and_cash_stands_apart() {
    let world = World::new().await;
    let (customer, staff) = (world.customer("yellow").await, world.signed_in("yellow", Access::Staff).await);
    let id = world.customer_id(&customer).await;
    world.buy_and_pay(&Guest::number(1)).await;
    world.pay(&customer, Target::Amount(kes(500))).await;
    let invoice = world.invoice(&staff, &id, 800).await;
    world.pay(&customer, Target::InvoiceId(invoice.id)).await;
    world.cash(&staff, &id, 250).await;
    let ask = GetRevenueReportRequest { granularity: ReportGranularity::Day.into(), csv: true, ..Default::default() };
    let report = staff.billing().get_revenue_report(ask).await.expect("a report");
    let total = report.total.expect("totals");
    let figures = [&total.hotspot, &total.recharge, &total.invoice, &total.gross, &total.offline].map(shillings);
    assert_eq!((figures, total.payments), ([10, 500, 300, 810, 250], 3), "the balance paid 500 of the invoice");
    assert_eq!(total.commission.expect("a part").amount_minor + total.net.expect("a part").amount_minor, 81_000);
    assert_eq!(report.points.len(), 31, "days in which nothing came in too");
    assert_eq!(report.csv.lines().count(), 32);
    let today = report.points.last().expect("today");
    assert_eq!(shillings(&today.gross), 810);
    let theirs = world.signed_in("blue", Access::Staff).await.billing().get_revenue_report(GetRevenueReportRequest::default()).await.expect("a report");
    assert_eq!(shillings(&theirs.total.expect("totals").gross), 0, "another ISP's is its own");
    // Days that are over are added up once; what is paid later is another day's, and all of it is the same by day, week and month.
    for later in 1..4_u16 {
        world.advance(DAY);
        let staff = world.signed_in("yellow", Access::Staff).await;
        world.buy_and_pay(&Guest::number(10 + later)).await;
        for granularity in [ReportGranularity::Day, ReportGranularity::Week, ReportGranularity::Month] {
            let ask = GetRevenueReportRequest { granularity: granularity.into(), ..Default::default() };
            let report = staff.billing().get_revenue_report(ask).await.expect("a report");
            let total = report.total.expect("totals");
            assert_eq!((shillings(&total.gross), total.payments), (810 + 10 * i64::from(later), 3 + i64::from(later)), "{granularity:?}");
            let points: i64 = report.points.iter().map(|point| shillings(&point.gross)).sum();
            assert_eq!(points, shillings(&total.gross));
        }
    }
    assert_eq!(world.sql().await.count("tenant.revenue_day WHERE purpose = 'HOTSPOT'").await, 3, "of three days that are over");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_isp_pays_for_its_plan_and_all_of_it_is_netilys() {
    let world = World::new().await;
    world.on_trial("yellow").await;
    let owner = world.signed_in("yellow", Access::Owner).await;
    let isp = owner.isp();
    let held = async || isp.get_subscription(GetSubscriptionRequest {}).await.expect("a subscription");
    let trial = held().await;
    assert_eq!((trial.plan(), trial.status()), (SubscriptionPlan::Starter, SubscriptionStatus::Trial));
    let phone = "254722009900";
    let pay = async |plan: SubscriptionPlan| {
        let ask = PaySubscriptionRequest { plan: plan.into(), phone_number: phone.into(), request_id: new_request_id(), cycle: 0 };
        let asked = isp.pay_subscription(ask.clone()).await?.payment.expect("a payment");
        assert_eq!(isp.pay_subscription(ask).await?.payment.expect("a payment").id, asked.id, "the same request");
        world.run_due().await;
        world.answer_prompt(phone, "accept").await;
        world.callbacks_delivered().await;
        world.run_due().await;
        let paid = isp.get_subscription_payment(GetSubscriptionPaymentRequest { id: asked.id }).await?.payment.expect("a payment");
        assert_eq!((paid.status(), paid.purpose()), (PaymentStatus::Completed, PaymentPurpose::Subscription));
        Ok::<i64, netily_sdk::Error>(shillings(&paid.amount))
    };
    assert_eq!(pay(SubscriptionPlan::Starter).await.expect("paid"), 2_999);
    let first = held().await;
    assert_eq!((first.status(), first.period_start), (SubscriptionStatus::Active, trial.paid_until), "the trial is not cut short");
    // What is paid lies ahead, so all of it comes off, and the larger plan begins now.
    assert_eq!(pay(SubscriptionPlan::Pro).await.expect("paid"), 7_999 - 2_999);
    let larger = held().await;
    assert_eq!(larger.plan(), SubscriptionPlan::Pro);
    assert!(apart(&larger.period_start, &first.period_start) > 0);
    assert_eq!(pay(SubscriptionPlan::Starter).await.expect_err("smaller").reason, ErrorReason::StateConflict);
    let mut sql = world.sql().await;
    let booked = sql.value("SELECT -sum(amount_minor)::bigint FROM tenant.ledger_entry WHERE account = 'SUBSCRIPTION_REVENUE'").await;
    assert_eq!(booked, json!(799_900));
    assert_eq!(sql.count("tenant.commission_ledger").await, 0, "no commission");
    let staff = world.signed_in("yellow", Access::Staff).await;
    let listed = staff.billing().list_payments(billing::ListPaymentsRequest::default()).await.expect("payments").payments;
    assert!(listed.is_empty(), "it is no payment to the ISP");
    world.advance(40 * DAY);
    let late = world.signed_in("yellow", Access::Owner).await.isp().get_subscription(GetSubscriptionRequest {}).await.expect("a subscription");
    assert_eq!(late.status(), SubscriptionStatus::PastDue);
    world.finish().await;
}
