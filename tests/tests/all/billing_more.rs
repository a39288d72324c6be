//! Around what customers pay: a word before paid time ends, lines by hotspot user, VAT in what is asked for, and finding a payment.

use std::time::Duration;

use netily_sdk::billing::{BillingSettings, CreateConnectionRequest, ListPaymentsRequest, UpdateBillingSettingsRequest};
use netily_sdk::new_request_id;
use netily_sdk::selfservice::ListAlertsRequest;
use netily_sdk::selfservice::initiate_payment_request::Target;
use netily_sdk::types::{ConnectionAccess, ConnectionBilling, ErrorReason};
use netily_tests::{Access, World, kes, shillings};

const DAY: Duration = Duration::from_secs(86_400);

#[tokio::test(flavor = "multi_thread")]
async fn a_day_before_paid_time_ends_the_customer_is_told_once() {
    let world = World::new().await;
    let (customer, staff) = (world.customer("yellow").await, world.signed_in("yellow", Access::Staff).await);
    let id = world.customer_id(&customer).await;
    world.connect(&staff, &id, 0, ConnectionBilling::Prepaid, Some("yellow-market")).await;
    world.pay(&customer, Target::PlanId(world.service_plan(0))).await;
    let paid_until = world.dashboard(&customer).await.paid_until.expect("paid").seconds;
    let left = u64::try_from(paid_until - world.app.clock.now().timestamp()).expect("it is ahead");
    let told = async || world.sms_on(&world.customer_phone("yellow")).await.iter().filter(|sms| sms.contains("Recharge before then")).count();
    world.advance(Duration::from_secs(left) - 2 * DAY);
    world.sweep().await;
    assert_eq!(told().await, 0, "two days are left");
    for _ in 0..2 {
        world.advance(DAY / 2 + Duration::from_secs(60));
        world.sweep().await;
        world.run_due().await;
    }
    assert_eq!(told().await, 1);
    world.sweep().await;
    assert_eq!(told().await, 1, "once");
    let customer = world.customer("yellow").await;
    let alerts = customer.selfservice().list_alerts(ListAlertsRequest::default()).await.expect("alerts").alerts;
    assert_eq!(alerts.iter().filter(|alert| alert.title == "Your internet ends soon").count(), 1);
    world.finish().await;
}

/// A line that is a user of the hotspot is there exactly as long as it is paid, as a PPPoE secret is.
#[tokio::test(flavor = "multi_thread")]
async fn a_line_by_hotspot_user_is_up_while_it_is_paid() {
    let world = World::new().await;
    let (customer, staff) = (world.customer("yellow").await, world.signed_in("yellow", Access::Staff).await);
    let ask = CreateConnectionRequest {
        customer_id: world.customer_id(&customer).await,
        plan_id: world.service_plan(0),
        billing: ConnectionBilling::Prepaid.into(),
        access_type: ConnectionAccess::Hotspot.into(),
        router_id: world.router_id("yellow-market"),
        request_id: new_request_id(),
        ..Default::default()
    };
    let line = staff.billing().create_connection(ask).await.expect("made").connection.expect("a connection");
    world.run_due().await;
    let user = async || {
        let held = world.router("yellow-market").snapshot().await;
        held["users"].as_array().expect("a list").iter().find(|row| row["name"] == line.username.as_str()).cloned()
    };
    assert!(user().await.is_none_or(|user| user["disabled"] == "true"), "nothing is paid yet");
    world.pay(&customer, Target::PlanId(world.service_plan(0))).await;
    assert_eq!(user().await.expect("a user")["disabled"], "false");
    world.advance(32 * DAY);
    world.sweep().await;
    assert!(user().await.is_none_or(|user| user["disabled"] == "true"), "over");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn vat_is_in_what_is_asked_for_from_when_the_isp_says_so() {
    let world = World::new().await;
    let (customer, staff) = (world.customer("yellow").await, world.signed_in("yellow", Access::Staff).await);
    let id = world.customer_id(&customer).await;
    let before = world.invoice(&staff, &id, 1_160).await;
    assert_eq!((before.vat_bps, shillings(&before.vat)), (0, 0));
    let settings = |vat_bps| UpdateBillingSettingsRequest {
        settings: Some(BillingSettings {
            vat_bps,
            vat_number: "P051234567X".into(),
            invoice_note: "Thank you for paying in time.".into(),
            ..Default::default()
        }),
    };
    let wrong = staff.billing().update_billing_settings(settings(800)).await.expect_err("0 or 16 percent");
    assert_eq!(wrong.reason, ErrorReason::InvalidArgument);
    staff.billing().update_billing_settings(settings(1_600)).await.expect("set");
    let after = world.invoice(&staff, &id, 1_160).await;
    assert_eq!((after.vat_bps, shillings(&after.vat), shillings(&after.total)), (1_600, 160, 1_160), "inclusive");
    assert_eq!(world.look_at_invoice(&staff, &before.id).await.vat_bps, 0, "what was asked for stays");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn staff_find_a_payment_by_its_receipt_and_by_time() {
    let world = World::new().await;
    let (customer, staff) = (world.customer("yellow").await, world.signed_in("yellow", Access::Staff).await);
    let id = world.customer_id(&customer).await;
    let first = world.pay(&customer, Target::Amount(kes(100))).await;
    let cash = world.cash(&staff, &id, 50).await;
    let find = async |ask: ListPaymentsRequest| {
        let found = staff.billing().list_payments(ask).await.expect("payments").payments;
        found.into_iter().map(|payment| payment.id).collect::<Vec<_>>()
    };
    let by = |receipt: &str| ListPaymentsRequest { receipt: receipt.into(), ..Default::default() };
    assert_eq!(find(by(&first.mpesa_receipt.to_lowercase())).await, std::slice::from_ref(&first.id));
    assert_eq!(find(by(&cash.mpesa_receipt)).await, std::slice::from_ref(&cash.id));
    assert!(find(by("NOBODYS000")).await.is_empty());
    let now = world.app.clock.now().timestamp();
    let at = |seconds: i64| Some(prost_types::Timestamp { seconds, nanos: 0 });
    assert_eq!(find(ListPaymentsRequest { from: at(now - 3_600), to: at(now + 60), ..Default::default() }).await.len(), 2);
    assert!(find(ListPaymentsRequest { to: at(now - 3_600), ..Default::default() }).await.is_empty());
    assert!(find(ListPaymentsRequest { from: at(now + 3_600), ..Default::default() }).await.is_empty());
    world.finish().await;
}
