//! What staff write down as taken: it can be taken back, only into open days, not twice, and above a limit not without an owner.

use std::time::Duration;

use netily_sdk::billing::{
    BillingSettings, ConfirmOfflinePaymentRequest, GetReceiptPdfRequest, GetRevenueReportRequest, ListPaymentsRequest, RecordOfflinePaymentRequest,
    UpdateBillingSettingsRequest, VoidOfflinePaymentRequest, VoidOfflinePaymentResponse, WriteOffBalanceRequest, record_offline_payment_request,
};
use netily_sdk::selfservice::initiate_payment_request::Target;
use netily_sdk::types::{ConnectionStatus, ErrorReason, Payment, PaymentStatus};
use netily_sdk::{Client, Error, new_request_id};
use netily_tests::{Access, World, kes, shillings};

const DAY: Duration = Duration::from_secs(86_400);

fn cash(customer_id: &str, amount: i64) -> RecordOfflinePaymentRequest {
    RecordOfflinePaymentRequest { customer_id: customer_id.to_owned(), amount: Some(kes(amount)), request_id: new_request_id(), ..Default::default() }
}

async fn record(client: &Client, ask: RecordOfflinePaymentRequest) -> Result<Payment, Error> {
    Ok(client.billing().record_offline_payment(ask).await?.payment.expect("a payment"))
}

async fn void(owner: &Client, id: &str) -> Result<VoidOfflinePaymentResponse, Error> {
    owner.billing().void_offline_payment(VoidOfflinePaymentRequest { id: id.to_owned(), reason: "A slip".into() }).await
}

async fn offline_in_report(client: &Client) -> i64 {
    let report = client.billing().get_revenue_report(GetRevenueReportRequest::default()).await.expect("a report");
    shillings(&report.total.expect("totals").offline)
}

#[tokio::test(flavor = "multi_thread")]
async fn cash_is_taken_back_once_and_what_it_paid_for_is_owed() {
    let world = World::new().await;
    let (customer, owner) = (world.customer("yellow").await, world.signed_in("yellow", Access::Owner).await);
    let staff = world.signed_in("yellow", Access::Staff).await;
    let id = world.customer_id(&customer).await;
    let target = Some(record_offline_payment_request::Target::PlanId(world.service_plan(0)));
    let wrong = record(&staff, RecordOfflinePaymentRequest { target, ..cash(&id, 15_000) }).await.expect("recorded");
    assert_eq!(shillings(&world.dashboard(&customer).await.account_balance), 13_500);
    assert_eq!(void(&staff, &wrong.id).await.expect_err("owners only").reason, ErrorReason::PermissionDenied);
    for _ in 0..2 {
        let voided = void(&owner, &wrong.id).await.expect("taken back, once");
        assert_eq!(voided.payment.expect("a payment").status(), PaymentStatus::Voided);
        assert_eq!(shillings(&voided.account_balance), -1_500, "what was used stays used");
    }
    let page = world.dashboard(&customer).await;
    assert_eq!((shillings(&page.account_balance), page.connection.expect("a line").status()), (-1_500, ConnectionStatus::Active));
    assert_eq!(offline_in_report(&owner).await, 0, "taken when it was taken, back when it went back");
    let receipt = owner.billing().get_receipt_pdf(GetReceiptPdfRequest { payment_id: wrong.id.clone() }).await.expect_err("no receipt of it any more");
    assert_eq!(receipt.reason, ErrorReason::StateConflict);

    // What comes in next fills that up, by M-Pesa and in cash; a period is not paid out of less than nothing.
    world.pay(&customer, Target::Amount(kes(400))).await;
    assert_eq!(shillings(&world.dashboard(&customer).await.account_balance), -1_100);
    let invoice = world.invoice(&staff, &id, 300).await;
    assert_eq!(shillings(&invoice.owed), 300, "less than nothing pays nothing");
    record(&staff, cash(&id, 1_200)).await.expect("recorded");
    assert_eq!(shillings(&world.look_at_invoice(&staff, &invoice.id).await.owed), 200);
    assert_eq!(shillings(&world.dashboard(&customer).await.account_balance), 0);

    // A debt that nobody will pay is forgiven.
    let more = record(&staff, cash(&id, 200)).await.expect("recorded");
    assert_eq!(shillings(&void(&owner, &more.id).await.expect("taken back").account_balance), -200);
    let forgive = WriteOffBalanceRequest { customer_id: id.clone(), amount: None, reason: "A good customer".into(), request_id: new_request_id() };
    let done = owner.billing().write_off_balance(forgive).await.expect("forgiven");
    assert_eq!((shillings(&done.written_off), shillings(&done.account_balance)), (-200, 0));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cash_is_dated_into_open_days_of_the_isp_only() {
    let world = World::new().await;
    let staff = world.signed_in("yellow", Access::Staff).await;
    let id = world.customer_id(&world.customer("yellow").await).await;
    world.sql().await.run("UPDATE public.isp SET created_at = '2024-03-05 12:00+03'").await;
    let now = world.app.clock.now();
    let first = netily::books::first_open(now, netily::books::Closed::default()).timestamp();
    let at = |seconds| Some(prost_types::Timestamp { seconds, nanos: 0 });
    let table = [
        (now.timestamp() - 60, true),
        (first, true),
        (first - 1, false),
        (now.timestamp() + 3_600, false),
        (1_546_646_400, false), // 5 January 2019: before the ISP
        (1_709_600_000, false),
    ];
    for (seconds, taken) in table {
        let recorded = record(&staff, RecordOfflinePaymentRequest { received_at: at(seconds), ..cash(&id, 10) }).await;
        match recorded {
            Ok(_) => assert!(taken, "{seconds}"),
            Err(error) => assert!(!taken && error.field_violations[0].path == "received_at", "{seconds}: {error:?}"),
        }
    }
    // An ISP of today has no yesterday.
    world.sql().await.run("UPDATE public.isp SET created_at = now()").await;
    let yesterday = RecordOfflinePaymentRequest { received_at: at(now.timestamp() - 86_400), ..cash(&id, 10) };
    let refused = record(&staff, yesterday).await.expect_err("before it began");
    assert_eq!(refused.field_violations[0].path, "received_at");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_reference_twice_is_refused_unless_it_is_confirmed() {
    let world = World::new().await;
    let (customer, owner) = (world.customer("yellow").await, world.signed_in("yellow", Access::Owner).await);
    let id = world.customer_id(&customer).await;
    let with = |reference: &str| RecordOfflinePaymentRequest { reference: reference.into(), ..cash(&id, 10) };
    let first = record(&owner, with("ft123x")).await.expect("recorded");
    let refused = record(&owner, with("  FT123X ")).await.expect_err("the same reference");
    assert_eq!((refused.reason, refused.field_violations[0].path.as_str()), (ErrorReason::AlreadyExists, "reference"));
    assert!(refused.message.contains("RCT-000001"), "it is named: {refused}");
    let again = RecordOfflinePaymentRequest { confirm_duplicate: true, ..with("FT123X") };
    let second = record(&owner, again).await.expect("other money");
    // What was taken back is there no more; what came by M-Pesa is.
    for payment in [&first, &second] {
        void(&owner, &payment.id).await.expect("taken back");
    }
    record(&owner, with("FT123X")).await.expect("written down anew");
    let paid = world.pay(&customer, Target::Amount(kes(20))).await;
    let refused = record(&owner, with(&paid.mpesa_receipt.to_lowercase())).await.expect_err("it came by M-Pesa");
    assert_eq!(refused.reason, ErrorReason::AlreadyExists);
    // Ten at once: one.
    let mut tries = tokio::task::JoinSet::new();
    for _ in 0..10 {
        let (owner, ask) = (owner.clone(), with("CHQ 9"));
        tries.spawn(async move { record(&owner, ask).await.is_ok() });
    }
    assert_eq!(tries.join_all().await.into_iter().filter(|taken| *taken).count(), 1);
    // Another ISP's references are its own.
    let blue = world.signed_in("blue", Access::Owner).await;
    let theirs = world.customer_id(&world.customer("blue").await).await;
    record(&blue, RecordOfflinePaymentRequest { reference: "FT123X".into(), ..cash(&theirs, 10) }).await.expect("recorded");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn above_the_limit_of_a_day_cash_counts_once_an_owner_confirms_it() {
    let world = World::new().await;
    let (customer, owner) = (world.customer("yellow").await, world.signed_in("yellow", Access::Owner).await);
    let staff = world.signed_in("yellow", Access::Staff).await;
    let id = world.customer_id(&customer).await;
    let limit = |shillings| UpdateBillingSettingsRequest { settings: Some(BillingSettings { cash_limit: Some(kes(shillings)), ..Default::default() }) };
    let refused = staff.billing().update_billing_settings(limit(1_000_000)).await.expect_err("owners only");
    assert_eq!(refused.reason, ErrorReason::PermissionDenied);
    owner.billing().update_billing_settings(limit(1_000)).await.expect("set");

    assert_eq!(record(&staff, cash(&id, 600)).await.expect("recorded").status(), PaymentStatus::Completed);
    let above = record(&staff, cash(&id, 500)).await.expect("it waits");
    assert_eq!((above.status(), above.completed_at), (PaymentStatus::ToConfirm, None));
    assert_eq!(record(&staff, cash(&id, 400)).await.expect("what waits does not count").status(), PaymentStatus::Completed);
    assert_eq!(record(&owner, cash(&id, 5_000)).await.expect("an owner needs nobody").status(), PaymentStatus::Completed);
    assert_eq!(shillings(&world.dashboard(&customer).await.account_balance), 6_000);
    assert_eq!(offline_in_report(&owner).await, 6_000);
    let waiting = ListPaymentsRequest { status: PaymentStatus::ToConfirm.into(), ..Default::default() };
    let listed = owner.billing().list_payments(waiting).await.expect("payments").payments;
    assert_eq!(listed.iter().map(|payment| payment.id.as_str()).collect::<Vec<_>>(), [above.id.as_str()]);

    let confirm = ConfirmOfflinePaymentRequest { id: above.id.clone() };
    assert_eq!(staff.billing().confirm_offline_payment(confirm.clone()).await.expect_err("owners only").reason, ErrorReason::PermissionDenied);
    for _ in 0..2 {
        let confirmed = owner.billing().confirm_offline_payment(confirm.clone()).await.expect("confirmed, once").payment.expect("a payment");
        assert_eq!(confirmed.status(), PaymentStatus::Completed);
    }
    assert_eq!(shillings(&world.dashboard(&customer).await.account_balance), 6_500);
    assert_eq!(offline_in_report(&owner).await, 6_500);

    // What waits is taken back without having counted, and is confirmed no more.
    let wrong = record(&staff, cash(&id, 90_000)).await.expect("it waits");
    assert_eq!(shillings(&void(&owner, &wrong.id).await.expect("taken back").account_balance), 6_500);
    let late = owner.billing().confirm_offline_payment(ConfirmOfflinePaymentRequest { id: wrong.id }).await.expect_err("it was taken back");
    assert_eq!(late.reason, ErrorReason::StateConflict);
    // The next day is another one; a month later the books are closed.
    world.advance(DAY);
    let staff = world.signed_in("yellow", Access::Staff).await;
    assert_eq!(record(&staff, cash(&id, 1_000)).await.expect("recorded").status(), PaymentStatus::Completed);
    let forgotten = record(&staff, cash(&id, 1_000)).await.expect("it waits");
    world.advance(45 * DAY);
    let owner = world.signed_in("yellow", Access::Owner).await;
    let closed = owner.billing().confirm_offline_payment(ConfirmOfflinePaymentRequest { id: forgotten.id }).await.expect_err("its month is closed");
    assert_eq!(closed.reason, ErrorReason::StateConflict);
    world.finish().await;
}
