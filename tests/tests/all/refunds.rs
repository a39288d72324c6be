//! Money that goes back to whoever paid: the gateway takes it back, or operators give it back. Netily and the ISP each lose their part, to the
//! cent, and the books say what the gateway did.

use std::time::Duration;

use netily::money::Money;
use netily_sdk::billing::ListPaymentsRequest;
use netily_sdk::hotspot::PurchaseStatus;
use netily_sdk::isp::{PaySubscriptionRequest, SubscriptionCycle, SubscriptionPlan};
use netily_sdk::payout::{GetDailyReportRequest, GetStatementRequest, SettlementFrequency, SettlementStatus, StatementFormat};
use netily_sdk::platform::adopt_collection_request::Target as Owner;
use netily_sdk::platform::refund_payment_request::By;
use netily_sdk::platform::{
    AdoptCollectionRequest, ListBreaksRequest, ListRefundsRequest, ListUnmatchedRequest, RecordReversalRequest, RecordReversalResponse, Refund, RefundKind,
    RefundPaymentRequest, RefundPaymentResponse, TraceRequest, WriteOffRequest,
};
use netily_sdk::selfservice::initiate_payment_request::Target;
use netily_sdk::types::ErrorReason;
use netily_sdk::{Client, Error, new_request_id};
use netily_tests::{Access, Guest, World, kes, shillings};
use serde_json::{Value, json};

/// The phone of yellow's owner.
const OWNER: &str = "254722000001";
const NOTE: &str = "Seen on the statement of M-Pesa.";

/// `pay_…` of what a phone paid last.
async fn payment_of(world: &World, phone: &str) -> String {
    let row = world.sql().await.value(&format!("SELECT id::text AS id FROM tenant.payment WHERE phone = '{phone}' ORDER BY id DESC LIMIT 1")).await;
    format!("pay_{}", row.as_str().expect("an id").replace('-', ""))
}

fn reversal(payment: &str) -> RecordReversalRequest {
    RecordReversalRequest { isp: "yellow".into(), payment_id: payment.into(), note: NOTE.into(), request_id: new_request_id(), ..Default::default() }
}

async fn reverse(operator: &Client, ask: RecordReversalRequest) -> Result<RecordReversalResponse, Error> {
    operator.platform().record_reversal(ask).await
}

fn refund(payment: &str, by: By) -> RefundPaymentRequest {
    let request_id = new_request_id();
    RefundPaymentRequest { isp: "yellow".into(), payment_id: payment.into(), by: Some(by), note: NOTE.into(), request_id, ..Default::default() }
}

fn by_hand(payment: &str, shillings: i64, reference: &str) -> RefundPaymentRequest {
    RefundPaymentRequest { amount: Some(kes(shillings)), ..refund(payment, By::ByHandReference(reference.into())) }
}

async fn give_back(operator: &Client, ask: RefundPaymentRequest) -> Result<RefundPaymentResponse, Error> {
    operator.platform().refund_payment(ask).await
}

fn cents(money: &Option<netily_sdk::types::Money>) -> i64 {
    money.as_ref().expect("an amount").amount_minor
}

/// Amount, Netily's part, the ISP's part, in cents.
fn parts(refund: &Refund) -> (i64, i64, i64) {
    (cents(&refund.amount), cents(&refund.commission), cents(&refund.isp_amount))
}

async fn refunds(operator: &Client) -> Vec<Refund> {
    operator.platform().list_refunds(ListRefundsRequest::default()).await.expect("a list").refunds
}

/// Kinds of the breaks that stand open.
async fn open_breaks(operator: &Client) -> Vec<String> {
    operator.platform().list_breaks(ListBreaksRequest::default()).await.expect("a list").breaks.into_iter().map(|one| one.kind).collect()
}

/// What Netily owes an ISP, in cents: less than nothing is owed to Netily.
async fn owed(world: &World) -> i64 {
    -world.sql().await.value("SELECT balance_minor FROM tenant.ledger_balance WHERE account = 'ISP_PAYABLE'").await.as_i64().expect("a balance")
}

async fn account(world: &World, name: &str) -> i64 {
    let sum = format!("SELECT coalesce(sum(amount_minor), 0)::bigint AS sum FROM tenant.ledger_entry WHERE account = '{name}'");
    world.sql().await.value(&sum).await.as_i64().expect("a sum")
}

async fn users(world: &World) -> usize {
    world.router("yellow-market").snapshot().await["users"].as_array().expect("users").iter().filter(|user| user["name"] != "admin").count()
}

/// The list is read, also its young rows.
async fn read_the_list(world: &World) {
    world.advance(Duration::from_secs(600));
    world.sweep().await;
}

/// The list of the last days is read once more.
async fn read_the_list_at_night(world: &World) {
    world.advance(Duration::from_secs(86_400));
    world.sweep().await;
}

fn paths(error: &Error) -> Vec<&str> {
    error.field_violations.iter().map(|violation| violation.path.as_str()).collect()
}

/// D6: what the gateway took back is found in its list; an operator books it with one act, after which nothing is open and it stays so.
#[tokio::test(flavor = "multi_thread")]
async fn a_reversal_is_found_and_takes_back_both_parts_and_the_session() {
    let world = World::new().await;
    let operator = world.operator().await;
    let guest = Guest::number(1);
    let bought = world.buy_and_pay(&guest).await;
    assert_eq!((owed(&world).await, users(&world).await), (950, 1));
    let payment = payment_of(&world, &guest.phone).await;
    let early = reverse(&operator, reversal(&payment)).await.expect_err("nothing says so");
    assert_eq!(paths(&early), ["reference"]);

    world.reverse(&guest.phone, json!({})).await;
    read_the_list(&world).await;
    assert_eq!(open_breaks(&operator).await, ["reversal_seen"]);
    let unmatched = operator.platform().list_unmatched(ListUnmatchedRequest::default()).await.expect("a list").rows;
    assert_eq!((unmatched[0].kind.as_str(), cents(&unmatched[0].amount)), ("reversal_seen", -1_000));
    assert!(unmatched[0].evidence.contains("payment reverse"), "the break names the act: {}", unmatched[0].evidence);

    let other = reverse(&operator, RecordReversalRequest { amount: Some(kes(9)), reference: unmatched[0].reference.clone(), ..reversal(&payment) }).await;
    assert_eq!(paths(&other.expect_err("another amount")), ["amount"]);
    let ask = reversal(&payment);
    let done = reverse(&operator, ask.clone()).await.expect("booked").refund.expect("done");
    assert_eq!((done.kind(), done.status(), parts(&done)), (RefundKind::Reversal, SettlementStatus::Completed, (1_000, 50, 950)));
    assert_eq!(done.reference, unmatched[0].reference);
    let again = reverse(&operator, ask).await.expect("the same request").refund.expect("done");
    assert_eq!(again.id, done.id, "once");
    let once_more = reverse(&operator, RecordReversalRequest { reference: "UL91AB22CD".into(), ..reversal(&payment) }).await;
    assert_eq!(paths(&once_more.expect_err("nothing is left")), ["amount"]);

    world.run_due().await;
    assert_eq!((owed(&world).await, account(&world, "PLATFORM_REVENUE").await), (0, 0));
    assert_eq!(world.look(&bought.session_id).await.status(), PurchaseStatus::Expired, "it is not paid any more");
    assert_eq!(users(&world).await, 0, "nor online");
    read_the_list_at_night(&world).await;
    assert_eq!(open_breaks(&operator).await, Vec::<String>::new(), "the row is explained, also in the night's list");
    assert_eq!(refunds(&operator).await.len(), 1);
    let of_payment = operator.platform().trace(TraceRequest { reference: payment }).await.expect("a trace");
    let of_refund = operator.platform().trace(TraceRequest { reference: done.id.clone() }).await.expect("a trace");
    assert_eq!(of_payment, of_refund);
    let steps = of_payment.steps;
    assert!(steps.iter().any(|step| step.kind == "refund") && steps.iter().any(|step| step.text.starts_with("reversal:")), "{steps:?}");
    world.finish().await;
}

/// D6: nobody knows what a row of a reversal looks like: every shape that names a payment of ours is found, and none as money that left.
#[tokio::test(flavor = "multi_thread")]
async fn every_shape_of_a_reversal_is_found() {
    let world = World::new().await;
    let operator = world.operator().await;
    let shapes: [fn(&str) -> Value; 6] = [
        |_| json!({}),
        |_| json!({ "transaction_type": "outbound_payment", "transaction_name": "Outbound Payment", "description": "Sent" }),
        |_| json!({ "amount": 10 }),
        |receipt| json!({ "transaction_reference": "NEWREF0001", "provider_reference": receipt }),
        |receipt| json!({ "transaction_reference": "NEWREF0002", "provider_reference": "UL91AB22CD", "description": format!("Reversal of {receipt}.") }),
        |receipt| json!({ "transaction_reference": "NEWREF0003", "provider_reference": receipt, "amount": 10, "transaction_type": "chargeback" }),
    ];
    let mut payments = Vec::new();
    for (number, shape) in (1..).zip(shapes) {
        let guest = Guest::number(number);
        world.buy_and_pay(&guest).await;
        let receipt = world.collection_from(&guest.phone)["receipt"].as_str().expect("a receipt").to_owned();
        world.reverse(&guest.phone, json!({ "row": shape(&receipt) })).await;
        payments.push(payment_of(&world, &guest.phone).await);
    }
    read_the_list(&world).await;
    assert_eq!(open_breaks(&operator).await, vec!["reversal_seen"; 6]);
    for payment in &payments {
        let done = reverse(&operator, reversal(payment)).await.expect("booked").refund.expect("done");
        assert_eq!(parts(&done), (1_000, 50, 950));
    }
    assert_eq!((open_breaks(&operator).await.len(), owed(&world).await), (0, 0));
    read_the_list_at_night(&world).await;
    assert!(open_breaks(&operator).await.is_empty(), "each row is booked once");
    world.finish().await;
}

/// A payment that was settled already is taken back, too: the ISP owes its part, and the next credits make it good before anything is paid.
#[tokio::test(flavor = "multi_thread")]
async fn a_reversal_after_settlement_is_made_good_from_the_next_credits() {
    let world = World::new().await;
    let (operator, owner) = (world.operator().await, world.signed_in("yellow", Access::Owner).await);
    world.payee("yellow", &owner, SettlementFrequency::Daily).await;
    world.earn("yellow-market", 1).await;
    world.settle_tomorrow().await;
    assert_eq!(world.settlements(&owner).await[0].status(), SettlementStatus::Completed);
    let guest = Guest::number(1);
    world.reverse(&guest.phone, json!({})).await;
    let payment = payment_of(&world, &guest.phone).await;
    // The operator reads it on M-Pesa's own statement.
    let ask = RecordReversalRequest { reference: "UL91AB22CD".into(), ..reversal(&payment) };
    let done = reverse(&operator, ask).await.expect("booked").refund.expect("done");
    assert_eq!(parts(&done), (30_000, 1_500, 28_500));
    let balance = world.balance(&owner).await;
    assert_eq!((cents(&balance.pending), cents(&balance.paid_out)), (-28_500, 28_500));
    world.run_due().await;
    let told = world.sms_on(OWNER).await;
    assert!(told.iter().any(|text| text.contains("M-Pesa took back KES 300.00") && text.contains("KES 285.00 leave")), "{told:?}");

    world.earn("yellow-market", 2).await;
    world.settle_tomorrow().await;
    assert_eq!((world.settlements(&owner).await.len(), owed(&world).await), (1, 0), "it makes good, and nothing is paid");
    world.earn("yellow-market", 3).await;
    world.settle_tomorrow().await;
    let newest = world.settlements(&owner).await.remove(0);
    assert_eq!((newest.status(), cents(&newest.amount)), (SettlementStatus::Completed, 28_500));
    let ask = GetStatementRequest { from: None, to: None, format: StatementFormat::Csv.into() };
    let statement = String::from_utf8(owner.payout().get_statement(ask).await.expect("a statement").content).expect("text");
    let line = statement.lines().find(|line| line.contains("Payment taken back by M-Pesa")).unwrap_or_else(|| panic!("{statement}"));
    assert!(line.contains(&done.id) && line.ends_with(",-285.00,-285.00"), "{statement}");
    world.finish().await;
}

/// Half of a payment was refunded by hand, then the gateway took back all of it: what it took beyond the rest Netily bears.
#[tokio::test(flavor = "multi_thread")]
async fn a_half_refunded_payment_that_is_reversed_goes_back_once() {
    let world = World::new().await;
    let operator = world.operator().await;
    let customer = world.customer("yellow").await;
    let phone = world.customer_phone("yellow");
    let paid = world.pay(&customer, Target::Amount(kes(900))).await;
    let half = give_back(&operator, by_hand(&paid.id, 450, "UL91AB22CD")).await.expect("booked").refund.expect("done");
    assert_eq!((half.kind(), parts(&half)), (RefundKind::ByHand, (45_000, 2_250, 42_750)));
    assert_eq!(shillings(&world.dashboard(&customer).await.account_balance), 450, "the account lost it");
    let alerts = customer.selfservice().list_alerts(Default::default()).await.expect("alerts").alerts;
    assert!(alerts[0].message.contains("KES 450.00") && alerts[0].message.contains("went back to you"), "{alerts:?}");
    world.reverse(&phone, json!({})).await;
    read_the_list(&world).await;
    let rest = reverse(&operator, reversal(&paid.id)).await.expect("booked").refund.expect("done");
    assert_eq!((parts(&rest), cents(&rest.excess)), ((45_000, 2_250, 42_750), 45_000));
    assert_eq!((owed(&world).await, account(&world, "PLATFORM_REVENUE").await, account(&world, "WRITE_OFFS").await), (0, 0, 45_000));
    assert_eq!(account(&world, "OWNER_FLOAT").await, -45_000, "what was paid by hand came from Netily's pocket");
    assert_eq!(shillings(&world.dashboard(&customer).await.account_balance), 0);
    assert_eq!(shillings(&world.payment(&customer, &paid.id).await.refunded), 900, "the customer sees it");
    let staff = world.signed_in("yellow", Access::Staff).await;
    let listed = staff.billing().list_payments(ListPaymentsRequest::default()).await.expect("a list").payments;
    assert_eq!(shillings(&listed[0].refunded), 900, "and so does the ISP");
    assert!(open_breaks(&operator).await.is_empty());
    world.finish().await;
}

/// What was used of a customer's payment stays used: the account owes it, and an ISP that is refunded its subscription loses none of its balance.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_used_is_owed_and_a_subscription_is_netilys() {
    let world = World::new().await;
    let (operator, staff, owner) = (world.operator().await, world.signed_in("yellow", Access::Staff).await, world.signed_in("yellow", Access::Owner).await);
    let customer = world.customer("yellow").await;
    let id = world.customer_id(&customer).await;
    let invoice = world.invoice(&staff, &id, 1_000).await;
    let paid = world.pay(&customer, Target::InvoiceId(invoice.id)).await;
    let phone = world.customer_phone("yellow");
    world.reverse(&phone, json!({ "amount": 400 })).await;
    read_the_list(&world).await;
    let done = reverse(&operator, reversal(&paid.id)).await.expect("booked").refund.expect("done");
    assert_eq!(parts(&done), (40_000, 2_000, 38_000));
    assert_eq!(shillings(&world.dashboard(&customer).await.account_balance), -400);

    world.on_trial("yellow").await;
    let ask = PaySubscriptionRequest {
        plan: SubscriptionPlan::Starter.into(),
        phone_number: "254722009900".into(),
        request_id: new_request_id(),
        cycle: SubscriptionCycle::Monthly.into(),
    };
    let asked = owner.isp().pay_subscription(ask).await.expect("asked for").payment.expect("a payment");
    world.run_due().await;
    world.answer_prompt("254722009900", "accept").await;
    world.callbacks_delivered().await;
    world.run_due().await;
    let before = owed(&world).await;
    assert_eq!(-account(&world, "SUBSCRIPTION_REVENUE").await, cents(&asked.amount));
    world.reverse("254722009900", json!({})).await;
    read_the_list(&world).await;
    let done = reverse(&operator, reversal(&asked.id)).await.expect("booked").refund.expect("done");
    assert_eq!(parts(&done), (cents(&asked.amount), cents(&asked.amount), 0));
    assert_eq!((account(&world, "SUBSCRIPTION_REVENUE").await, owed(&world).await), (0, before));
    world.finish().await;
}

/// Never more than is left, never twice, and to another phone than the one that paid only by two operators.
#[tokio::test(flavor = "multi_thread")]
async fn a_refund_is_never_more_than_is_left_nor_made_twice() {
    let world = World::new().await;
    let (operator, second) = (world.operator().await, world.another_operator().await);
    let guest = Guest::number(1);
    let unpaid = world.buy(&Guest::number(2)).await;
    world.buy_and_pay(&guest).await;
    assert!(!unpaid.session_id.is_empty());
    let payment = payment_of(&world, &guest.phone).await;
    let waiting = payment_of(&world, &Guest::number(2).phone).await;
    let nothing = give_back(&operator, refund(&waiting, By::ByHandReference("X".into()))).await.expect_err("nothing was paid");
    assert_eq!(nothing.reason, ErrorReason::StateConflict);
    let more = give_back(&operator, by_hand(&payment, 11, "UL91AB22CD")).await.expect_err("more than was paid");
    assert_eq!(paths(&more), ["amount"]);
    for (path, spoil) in [
        ("note", (|ask| ask.note = "short".into()) as fn(&mut RefundPaymentRequest)),
        ("by", |ask| ask.by = None),
        ("by_hand_reference", |ask| ask.by = Some(By::ByHandReference(String::new()))),
        ("amount.amount_minor", |ask| ask.amount = Some(kes(-1))),
        ("phone_number", |ask| ask.phone_number = "12".into()),
        ("payment_id", |ask| ask.payment_id = "12".into()),
        ("request_id", |ask| ask.request_id = "12".into()),
    ] {
        let mut ask = by_hand(&payment, 4, "UL91AB22CD");
        spoil(&mut ask);
        assert_eq!(paths(&give_back(&operator, ask).await.expect_err(path)), [path]);
    }
    let elsewhere = give_back(&operator, RefundPaymentRequest { isp: "blue".into(), ..by_hand(&payment, 4, "UL91AB22CD") }).await;
    assert_eq!(elsewhere.expect_err("it is yellow's").reason, ErrorReason::NotFound);

    let ask = by_hand(&payment, 4, "UL91AB22CD");
    let (one, other) = tokio::join!(give_back(&operator, ask.clone()), give_back(&operator, ask.clone()));
    let ids: Vec<String> = [one, other].into_iter().map(|done| done.expect("booked").refund.expect("done").id).collect();
    assert_eq!(ids[0], ids[1], "the same request is one refund");
    let written = give_back(&operator, by_hand(&payment, 4, "UL91AB22CD")).await.expect_err("the same receipt");
    assert_eq!(paths(&written), ["by_hand_reference"]);
    let changed = give_back(&operator, RefundPaymentRequest { amount: Some(kes(5)), ..ask }).await.expect_err("other content");
    assert_eq!(changed.reason, ErrorReason::RequestIdReused);
    let (one, other) = tokio::join!(
        give_back(&operator, refund(&payment, By::ByHandReference("UL91AB22CE".into()))),
        give_back(&second, refund(&payment, By::ByHandReference("UL91AB22CF".into())))
    );
    assert_eq!([one.is_ok(), other.is_ok()].iter().filter(|won| **won).count(), 1, "{one:?} {other:?}");
    let all: Vec<_> = refunds(&operator).await.iter().map(parts).collect();
    assert_eq!(all, [(600, 30, 570), (400, 20, 380)]);
    assert_eq!(owed(&world).await, 0);

    let third = Guest::number(3);
    world.buy_and_pay(&third).await;
    let payment = payment_of(&world, &third.phone).await;
    let other_phone = RefundPaymentRequest { phone_number: "0722000111".into(), ..by_hand(&payment, 10, "UL91AB22CG") };
    let asked = give_back(&operator, other_phone.clone()).await.expect("asked");
    assert!(asked.needs_another_operator && asked.refund.is_none(), "another phone than the one that paid");
    let agreed = give_back(&second, RefundPaymentRequest { request_id: new_request_id(), ..other_phone }).await.expect("agreed");
    assert_eq!(agreed.refund.expect("done").operators.len(), 2);
    world.finish().await;
}

/// What was paid by hand out of the wallet explains the row that stood open, and leaves Netily's own pocket alone.
#[tokio::test(flavor = "multi_thread")]
async fn a_refund_by_hand_out_of_the_wallet_explains_the_gateways_row() {
    let world = World::new().await;
    let operator = world.operator().await;
    let guest = Guest::number(1);
    world.buy_and_pay(&guest).await;
    let payment = payment_of(&world, &guest.phone).await;
    world.deposit(-10).await;
    read_the_list(&world).await;
    let row = operator.platform().list_unmatched(ListUnmatchedRequest::default()).await.expect("a list").rows.remove(0);
    assert_eq!(row.kind, "unmatched_payout");
    let less = give_back(&operator, by_hand(&payment, 9, &row.reference)).await.expect_err("another amount left");
    assert_eq!(paths(&less), ["amount"]);
    give_back(&operator, by_hand(&payment, 10, &row.reference)).await.expect("booked");
    assert_eq!((account(&world, "OWNER_FLOAT").await, account(&world, "GATEWAY_CLEARING").await), (0, 0));
    read_the_list(&world).await;
    assert!(open_breaks(&operator).await.is_empty());
    world.finish().await;
}

/// Above the configured sum two operators must say the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_large_sum_goes_back_by_two_operators() {
    let small = |config: &mut netily::config::Config| config.two_person_above = Money::from_minor(500);
    let world = World::builder().configured(small).start().await;
    let (operator, second) = (world.operator().await, world.another_operator().await);
    let guest = Guest::number(1);
    world.buy_and_pay(&guest).await;
    let payment = payment_of(&world, &guest.phone).await;
    world.reverse(&guest.phone, json!({ "amount": 6 })).await;
    read_the_list(&world).await;
    assert!(reverse(&operator, reversal(&payment)).await.expect("asked").needs_another_operator);
    assert!(reverse(&operator, reversal(&payment)).await.expect("asked").needs_another_operator, "one twice is not two");
    let done = reverse(&second, reversal(&payment)).await.expect("agreed").refund.expect("done");
    assert_eq!((parts(&done), done.operators.len()), ((600, 30, 570), 2));
    let small = give_back(&operator, by_hand(&payment, 4, "UL91AB22CD")).await.expect("a small sum");
    assert!(!small.needs_another_operator);
    // A statement came before the gateway's row: when that shows, it is explained.
    let guest = Guest::number(2);
    world.buy_and_pay(&guest).await;
    let payment = payment_of(&world, &guest.phone).await;
    world.reverse(&guest.phone, json!({ "amount": 3 })).await;
    let ask = RecordReversalRequest { amount: Some(kes(3)), reference: "UL91AB22CE".into(), ..reversal(&payment) };
    reverse(&operator, ask).await.expect("booked");
    read_the_list(&world).await;
    assert!(open_breaks(&operator).await.is_empty());
    world.finish().await;
}

/// A device whose payments have their time in one session: what goes back leaves it, in whichever order.
#[tokio::test(flavor = "multi_thread")]
async fn the_time_of_a_payment_that_went_back_leaves_the_session_that_has_it() {
    for first_goes_first in [true, false] {
        let world = World::new().await;
        let operator = world.operator().await;
        let guest = Guest::number(1);
        world.join("yellow-market", &guest).await;
        let first = world.buy_and_pay(&guest).await;
        let first_paid = payment_of(&world, &guest.phone).await;
        world.run_after(Duration::from_secs(600)).await;
        let second = world.buy_and_pay(&guest).await;
        let second_paid = payment_of(&world, &guest.phone).await;
        let left = |purchase: &netily_sdk::hotspot::Purchase| purchase.expires_at.as_ref().expect("an end").seconds - world.app.clock.now().timestamp();
        assert!((6_600 - 120..=6_600).contains(&left(&second)), "two hours less ten minutes");
        let (goes, stays) = if first_goes_first { ((&first_paid, &first), (&second_paid, &second)) } else { ((&second_paid, &second), (&first_paid, &first)) };
        give_back(&operator, by_hand(goes.0, 10, "UL91AB22CD")).await.expect("booked");
        world.run_due().await;
        let running = world.look(&stays.1.session_id).await;
        assert!(running.status() == PurchaseStatus::Active && (3_000 - 120..=3_000).contains(&left(&running)), "{first_goes_first}: {running:?}");
        assert_eq!(users(&world).await, 1);
        if !first_goes_first {
            assert_eq!(world.look(&goes.1.session_id).await.status(), PurchaseStatus::Expired, "it was added, and is gone");
        }
        give_back(&operator, by_hand(stays.0, 10, "UL91AB22CE")).await.expect("booked");
        world.run_due().await;
        for bought in [&first, &second] {
            assert_eq!(world.look(&bought.session_id).await.status(), PurchaseStatus::Expired, "{first_goes_first}");
        }
        assert_eq!((users(&world).await, owed(&world).await), (0, 0));
        world.finish().await;
    }
}

/// A guest whose router was off has not been online yet: the session never begins.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_has_not_begun_never_does() {
    let world = World::new().await;
    let operator = world.operator().await;
    world.router("yellow-market").set_state(json!({ "power": "off" })).await.expect("off");
    let guest = Guest::number(1);
    let bought = world.buy(&guest).await;
    world.run_due().await;
    world.answer_prompt(&guest.phone, "accept").await;
    world.callbacks_delivered().await;
    world.run_due().await;
    assert_eq!(world.look(&bought.session_id).await.status(), PurchaseStatus::Paid);
    let payment = payment_of(&world, &guest.phone).await;
    give_back(&operator, by_hand(&payment, 10, "UL91AB22CD")).await.expect("booked");
    world.router("yellow-market").set_state(json!({ "power": "on" })).await.expect("on");
    world.run_after(Duration::from_secs(120)).await;
    assert_eq!((world.look(&bought.session_id).await.status(), users(&world).await), (PurchaseStatus::Expired, 0));
    world.finish().await;
}

/// What undoes a payout, or money that people had put into suspense, waits for people under its own name, once.
#[tokio::test(flavor = "multi_thread")]
async fn what_undoes_something_else_than_a_payment_waits_for_people() {
    let world = World::builder().gateway_timeout(Duration::from_millis(500)).start().await;
    let operator = world.operator().await;
    let suspend = async |reference: &str| {
        let ask = AdoptCollectionRequest { reference: reference.into(), target: Some(Owner::Suspense(true)), note: NOTE.into(), ..Default::default() };
        operator.platform().adopt_collection(ask).await.expect("in suspense")
    };
    let guest = Guest::number(1);
    world.buy_and_pay(&guest).await;
    let payment = payment_of(&world, &guest.phone).await;
    give_back(&operator, RefundPaymentRequest { amount: Some(kes(10)), ..refund(&payment, By::Gateway(true)) }).await.expect("asked");
    world.paid_out().await;
    let payout = world.payouts()[0]["merchant_reference"].as_str().expect("a reference").to_owned();
    world.undo(&payout, json!({})).await;
    read_the_list(&world).await;
    assert_eq!(open_breaks(&operator).await, ["unmatched_collection"], "it came back");
    let row = operator.platform().list_unmatched(ListUnmatchedRequest::default()).await.expect("a list").rows.remove(0);
    assert!(row.reference.starts_with(&payout) && cents(&row.amount) == 1_000, "{row:?}");
    suspend(&row.reference).await;

    // Two that nobody can tell apart: one is put into suspense, and then taken back.
    world.behave(json!({ "collect": "timeout_after_accept", "callback": "never" })).await;
    for number in [2, 3] {
        let guest = Guest::number(number);
        world.buy(&guest).await;
        world.run_due().await;
        world.answer_prompt(&guest.phone, "accept").await;
    }
    world.behave(json!({ "collect": "ok", "callback": "once" })).await;
    for _ in 0..4 {
        world.advance(Duration::from_secs(90));
        world.sweep().await;
    }
    let rows = operator.platform().list_unmatched(ListUnmatchedRequest::default()).await.expect("a list").rows;
    let lost: Vec<&str> = rows.iter().filter(|row| row.kind == "unmatched_collection").map(|row| row.reference.as_str()).collect();
    assert_eq!(lost.len(), 2, "{rows:?}");
    suspend(lost[0]).await;
    for reference in &lost[1..] {
        operator.platform().write_off(WriteOffRequest { reference: (*reference).to_owned(), note: NOTE.into() }).await.expect("written off");
    }
    world.undo(lost[0], json!({})).await;
    // The test's clock is ahead of the gateway's, so it is the night that finds it.
    read_the_list_at_night(&world).await;
    assert_eq!(open_breaks(&operator).await, ["unmatched_payout"], "what was in suspense is gone");
    let rows = operator.platform().list_unmatched(ListUnmatchedRequest::default()).await.expect("a list").rows;
    let gone = rows.iter().find(|row| row.kind == "unmatched_payout").expect("it");
    for reference in [gone.reference.as_str(), lost[0]] {
        operator.platform().write_off(WriteOffRequest { reference: reference.to_owned(), note: NOTE.into() }).await.expect("written off");
    }
    read_the_list_at_night(&world).await;
    assert!(open_breaks(&operator).await.is_empty(), "each is dealt with once");
    world.finish().await;
}

/// The reports of an ISP say what went back.
#[tokio::test(flavor = "multi_thread")]
async fn reports_say_what_went_back() {
    let world = World::new().await;
    let (operator, owner) = (world.operator().await, world.signed_in("yellow", Access::Owner).await);
    let guest = Guest::number(1);
    world.buy_and_pay(&guest).await;
    let payment = payment_of(&world, &guest.phone).await;
    give_back(&operator, by_hand(&payment, 4, "UL91AB22CD")).await.expect("booked");
    let today = netily::clock::in_kenya(world.app.clock.now()).format("%Y-%m-%d").to_string();
    let day = owner.payout().get_daily_report(GetDailyReportRequest { day: today }).await.expect("today").report.expect("a report");
    assert_eq!((cents(&day.gross), cents(&day.commission), cents(&day.isp_amount), cents(&day.refunded)), (1_000, 50, 950, 380));
    assert_eq!((cents(&day.closing_balance), cents(&day.unexplained)), (570, 0), "{:?}", day.findings);
    let revenue = owner.billing().get_revenue_report(Default::default()).await.expect("revenue").total.expect("a total");
    assert_eq!((cents(&revenue.net), cents(&revenue.refunded)), (950, 380));
    world.finish().await;
}
