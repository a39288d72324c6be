//! Refunds that the gateway pays: they go the way of every payout, once, and what does not arrive goes back to where it came from.

use std::time::Duration;

use netily_sdk::customer::EraseCustomerRequest;
use netily_sdk::hotspot::PurchaseStatus;
use netily_sdk::payout::{GetStatementRequest, SettlementFrequency, SettlementKind, SettlementStatus, StatementFormat};
use netily_sdk::platform::refund_payment_request::By;
use netily_sdk::platform::{
    FreezePayoutsRequest, GetSettlementRequest, ListBreaksRequest, ListRefundsRequest, RecordReversalRequest, Refund, RefundKind, RefundPaymentRequest,
    ResolveSettlementRequest, SetPayoutSwitchRequest, SettlementOutcome,
};
use netily_sdk::selfservice::initiate_payment_request::Target;
use netily_sdk::types::{ErrorReason, Money};
use netily_sdk::{Client, Error, new_request_id};
use netily_tests::{Access, Guest, World, kes, shillings};
use serde_json::json;

const NOTE: &str = "Paid twice for the same hour.";
const HOUR: Duration = Duration::from_secs(3_600);
/// The phone of yellow's owner.
const OWNER: &str = "254722000001";

async fn payment_of(world: &World, phone: &str) -> String {
    let row = world.sql().await.value(&format!("SELECT id::text AS id FROM tenant.payment WHERE phone = '{phone}' ORDER BY id DESC LIMIT 1")).await;
    format!("pay_{}", row.as_str().expect("an id").replace('-', ""))
}

fn by_gateway(payment: &str, shillings: i64) -> RefundPaymentRequest {
    RefundPaymentRequest {
        isp: "yellow".into(),
        payment_id: payment.into(),
        amount: Some(kes(shillings)),
        by: Some(By::Gateway(true)),
        note: NOTE.into(),
        request_id: new_request_id(),
        ..Default::default()
    }
}

async fn ask(operator: &Client, ask: RefundPaymentRequest) -> Result<Refund, Error> {
    Ok(operator.platform().refund_payment(ask).await?.refund.expect("a refund"))
}

async fn refunds(operator: &Client) -> Vec<Refund> {
    operator.platform().list_refunds(ListRefundsRequest::default()).await.expect("a list").refunds
}

async fn open_breaks(operator: &Client) -> Vec<String> {
    operator.platform().list_breaks(ListBreaksRequest::default()).await.expect("a list").breaks.into_iter().map(|one| one.kind).collect()
}

/// What Netily owes yellow, Netily's commission, and what is on its way, in cents.
async fn books(world: &World) -> (i64, i64, i64) {
    let sum = async |account: &str| {
        let sum = format!("SELECT coalesce(-sum(amount_minor), 0)::bigint AS sum FROM tenant.ledger_entry WHERE account = '{account}'");
        world.sql().await.value(&sum).await.as_i64().expect("a sum")
    };
    (sum("ISP_PAYABLE").await, sum("PLATFORM_REVENUE").await, sum("PAYOUT_IN_TRANSIT").await)
}

fn paths(error: &Error) -> Vec<&str> {
    error.field_violations.iter().map(|violation| violation.path.as_str()).collect()
}

/// A guest of yellow who paid KES 10, and the payment.
async fn guest(world: &World, number: u16) -> (Guest, String, String) {
    let guest = Guest::number(number);
    let bought = world.buy_and_pay(&guest).await;
    let payment = payment_of(world, &guest.phone).await;
    (guest, payment, bought.session_id)
}

/// It arrives on the phone that paid, both parts are taken, the session ends, and no list of payouts to the ISP shows it.
#[tokio::test(flavor = "multi_thread")]
async fn a_refund_by_the_gateway_arrives_on_the_phone_that_paid() {
    let world = World::new().await;
    let (operator, owner) = (world.operator().await, world.signed_in("yellow", Access::Owner).await);
    let (guest, payment, session) = guest(&world, 1).await;
    let asked = ask(&operator, by_gateway(&payment, 4)).await.expect("asked");
    assert_eq!((asked.kind(), asked.status()), (RefundKind::Gateway, SettlementStatus::Pending));
    assert_eq!(books(&world).await, (570, 30, 400), "it is on its way");
    world.paid_out().await;
    let done = refunds(&operator).await.remove(0);
    assert_eq!(done.status(), SettlementStatus::Completed, "{done:?}");
    assert_eq!(world.look(&session).await.status(), PurchaseStatus::Active, "a part of it");
    ask(&operator, by_gateway(&payment, 6)).await.expect("the rest");
    world.paid_out().await;
    assert_eq!(books(&world).await, (0, 0, 0));
    assert_eq!(world.look(&session).await.status(), PurchaseStatus::Expired, "it is not paid any more");
    let payouts = world.payouts();
    assert_eq!(payouts.len(), 2);
    assert!(payouts.iter().all(|paid| paid["account"] == guest.phone.as_str() && paid["status"] == "SUCCESS"), "{payouts:?}");
    assert!(world.sms_on(&guest.phone).await.iter().any(|text| text.contains("You have received Ksh4.00")), "M-Pesa tells the payer");
    assert!(world.sms_on(OWNER).await.iter().any(|text| text.contains("went back to the payer") && text.contains("KES 5.70 leave")));
    assert!(world.settlements(&owner).await.is_empty(), "it is no payment to the ISP");
    assert_eq!(world.balance(&owner).await.paid_out, Some(kes(0)));
    let shown = operator.platform().get_settlement(GetSettlementRequest { id: done.settlement_id.clone() }).await.expect("operators see it");
    assert_eq!(shown.settlement.expect("a settlement").kind(), SettlementKind::Refund);
    let form = GetStatementRequest { from: None, to: None, format: StatementFormat::Csv.into() };
    let statement = String::from_utf8(owner.payout().get_statement(form).await.expect("a statement").content).expect("text");
    assert!(statement.contains("Refund to a payer") && statement.trim_end().ends_with(",0.00"), "{statement}");
    world.sweep().await;
    assert!(open_breaks(&operator).await.is_empty());
    world.finish().await;
}

/// What the gateway says it did not pay goes back to where it came from, to the cent, and can be asked for again. A customer's account has it
/// meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn a_refund_that_fails_goes_back_to_where_it_came_from() {
    let world = World::new().await;
    let operator = world.operator().await;
    let customer = world.customer("yellow").await;
    let paid = world.pay(&customer, Target::Amount(kes(900))).await;
    for how in [json!({ "payout_result": "failed" }), json!({ "payout": "refuse" }), json!({ "payout": "rate_limited" })] {
        world.behave(how.clone()).await;
        ask(&operator, by_gateway(&paid.id, 500)).await.expect("asked");
        assert_eq!(shillings(&world.dashboard(&customer).await.account_balance), 400, "{how}: not to be used twice");
        world.paid_out().await;
        let failed = refunds(&operator).await.remove(0);
        assert_eq!((failed.status(), failed.failure_message.is_empty()), (SettlementStatus::Failed, false), "{how}");
        assert_eq!(books(&world).await, (85_500, 4_500, 0), "{how}");
        assert_eq!(shillings(&world.dashboard(&customer).await.account_balance), 900, "{how}");
        assert!(world.payment(&customer, &paid.id).await.refunded.is_none(), "{how}");
        world.behave(json!({ "payout": "ok", "payout_result": "success" })).await;
    }
    assert!(open_breaks(&operator).await.iter().filter(|kind| *kind == "refund_failed").count() == 3, "operators hear of it");
    let more = ask(&operator, by_gateway(&paid.id, 901)).await.expect_err("more than was paid");
    assert_eq!(paths(&more), ["amount"]);
    ask(&operator, by_gateway(&paid.id, 900)).await.expect("all of it");
    world.paid_out().await;
    assert_eq!(refunds(&operator).await[0].status(), SettlementStatus::Completed);
    assert_eq!(books(&world).await, (0, 0, 0));
    assert_eq!(shillings(&world.payment(&customer, &paid.id).await.refunded), 900);
    assert_eq!(shillings(&world.dashboard(&customer).await.account_balance), 0);
    world.finish().await;
}

/// Whether the gateway took it is not known: it is never sent again, counts as given back, and is found by asking, or by two operators.
#[tokio::test(flavor = "multi_thread")]
async fn a_refund_in_doubt_is_asked_about_and_never_sent_again() {
    for reception in ["timeout_after_accept", "error_after_accept"] {
        let world = World::builder().gateway_timeout(Duration::from_millis(700)).start().await;
        let operator = world.operator().await;
        let (_, payment, _) = guest(&world, 1).await;
        world.behave(json!({ "payout": reception, "callback": "never" })).await;
        ask(&operator, by_gateway(&payment, 10)).await.expect("asked");
        world.run_due().await;
        assert_eq!(refunds(&operator).await[0].status(), SettlementStatus::Unknown, "{reception}");
        let again = ask(&operator, by_gateway(&payment, 1)).await.expect_err("nothing is left while it is in doubt");
        assert_eq!(again.reason, ErrorReason::StateConflict);
        for _ in 0..3 {
            world.run_after(Duration::from_secs(20)).await;
        }
        assert_eq!(refunds(&operator).await[0].status(), SettlementStatus::Completed, "{reception}");
        assert_eq!(world.payouts().iter().map(|paid| paid["requests"].as_u64().unwrap_or(0)).sum::<u64>(), 1);
        world.finish().await;
    }
    // Nobody can tell for a day: two operators say that it was not paid.
    let world = World::builder().gateway_timeout(Duration::from_millis(700)).start().await;
    let (operator, second) = (world.operator().await, world.another_operator().await);
    let (_, payment, session) = guest(&world, 1).await;
    world.behave(json!({ "payout": "html" })).await;
    ask(&operator, by_gateway(&payment, 10)).await.expect("asked");
    world.run_due().await;
    world.behave(json!({ "payout": "ok" })).await;
    for _ in 0..25 {
        world.run_after(HOUR).await;
    }
    let doubtful = refunds(&operator).await.remove(0);
    assert_eq!(doubtful.status(), SettlementStatus::NeedsReview);
    for who in [&operator, &second] {
        let ask = ResolveSettlementRequest {
            id: doubtful.settlement_id.clone(),
            outcome: SettlementOutcome::NotPaid.into(),
            receipt: String::new(),
            note: NOTE.into(),
        };
        who.platform().resolve_settlement(ask).await.expect("said");
    }
    assert_eq!(refunds(&operator).await[0].status(), SettlementStatus::Failed);
    assert_eq!(books(&world).await, (950, 50, 0));
    assert!(!session.is_empty());
    world.finish().await;
}

/// The gateway said that it failed, and paid it after all: it is booked as what it is. Was it given back another way meanwhile, people hear of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_refund_that_is_paid_late_is_booked_once() {
    for other_way in [false, true] {
        let world = World::new().await;
        let operator = world.operator().await;
        let customer = world.customer("yellow").await;
        let paid = world.pay(&customer, Target::Amount(kes(900))).await;
        world.behave(json!({ "payout_result": "failed" })).await;
        ask(&operator, by_gateway(&paid.id, 900)).await.expect("asked");
        world.paid_out().await;
        assert_eq!(refunds(&operator).await[0].status(), SettlementStatus::Failed);
        if other_way {
            let by = Some(By::ByHandReference("UL91AB22CD".into()));
            ask(&operator, RefundPaymentRequest { by, ..by_gateway(&paid.id, 900) }).await.expect("by hand");
        }
        let reference = world.payouts()[0]["merchant_reference"].as_str().expect("a reference").to_owned();
        world.resolve(&reference, "SUCCESS", true).await;
        world.callbacks_delivered().await;
        for _ in 0..3 {
            world.run_after(Duration::from_secs(60)).await;
        }
        let late = refunds(&operator).await.into_iter().find(|one| one.kind() == RefundKind::Gateway).expect("the refund");
        assert_eq!(late.status(), SettlementStatus::Completed, "{late:?}");
        let times = if other_way { 2 } else { 1 };
        assert_eq!(books(&world).await, (85_500 - times * 85_500, 4_500 - times * 4_500, 0));
        assert_eq!(shillings(&world.dashboard(&customer).await.account_balance), 900 - times * 900);
        let kinds = open_breaks(&operator).await;
        assert_eq!(kinds, if other_way { vec!["paid_twice"] } else { vec![] });
        world.finish().await;
    }
}

/// Twice at once is once; another phone takes two operators; and nothing leaves that may not.
#[tokio::test(flavor = "multi_thread")]
async fn a_refund_by_the_gateway_is_bounded_as_every_payout_is() {
    let world = World::builder().gateway_timeout(Duration::from_millis(700)).start().await;
    let (operator, second) = (world.operator().await, world.another_operator().await);
    let (_, payment, _) = guest(&world, 1).await;
    let cents = RefundPaymentRequest { amount: Some(Money { amount_minor: 450, currency_code: "KES".into() }), ..by_gateway(&payment, 1) };
    assert_eq!(paths(&ask(&operator, cents).await.expect_err("half a shilling")), ["amount"]);
    let elsewhere = RefundPaymentRequest { phone_number: "0722000111".into(), ..by_gateway(&payment, 10) };
    let asked = operator.platform().refund_payment(elsewhere.clone()).await.expect("asked");
    assert!(asked.needs_another_operator && asked.refund.is_none());
    let other = operator.platform().refund_payment(by_gateway(&payment, 1)).await;
    assert!(other.is_ok(), "to the phone that paid one is enough");
    let too_much =
        second.platform().refund_payment(RefundPaymentRequest { request_id: new_request_id(), ..elsewhere }).await.expect_err("a part of it went back");
    assert_eq!(paths(&too_much), ["amount"]);
    world.paid_out().await;

    let (_, payment, _) = guest(&world, 2).await;
    let same = by_gateway(&payment, 10);
    let (one, other) = tokio::join!(ask(&operator, same.clone()), ask(&operator, same.clone()));
    assert_eq!(one.expect("asked").id, other.expect("asked").id, "the same request is one refund");
    let (_, payment, _) = guest(&world, 3).await;
    let (one, other) = tokio::join!(ask(&operator, by_gateway(&payment, 10)), ask(&second, by_gateway(&payment, 10)));
    assert_eq!([one.is_ok(), other.is_ok()].iter().filter(|won| **won).count(), 1, "{one:?} {other:?}");
    world.paid_out().await;
    assert_eq!(world.payouts().len(), 3);

    let (_, payment, _) = guest(&world, 4).await;
    let stop = |stopped| SetPayoutSwitchRequest { stopped, reason: "We look at something".into() };
    ask(&operator, by_gateway(&payment, 3)).await.expect("asked");
    operator.platform().set_payout_switch(stop(true)).await.expect("stopped");
    assert_eq!(ask(&operator, by_gateway(&payment, 1)).await.expect_err("stopped").reason, ErrorReason::StateConflict);
    world.run_due().await;
    assert_eq!(refunds(&operator).await[0].status(), SettlementStatus::Pending, "nothing leaves");
    operator.platform().set_payout_switch(stop(false)).await.expect("goes on");
    world.run_after(Duration::from_secs(120)).await;
    world.paid_out().await;
    assert_eq!(refunds(&operator).await[0].status(), SettlementStatus::Completed);

    // Of one whose end is not known another one of the same amount could not be told.
    world.behave(json!({ "payout": "html" })).await;
    ask(&operator, by_gateway(&payment, 2)).await.expect("asked");
    world.run_due().await;
    let (_, fifth, _) = guest(&world, 5).await;
    let doubtful = ask(&operator, by_gateway(&fifth, 2)).await.expect_err("in doubt");
    assert!(doubtful.reason == ErrorReason::StateConflict && doubtful.message.contains("same amount"), "{doubtful}");
    world.finish().await;
}

/// A frozen ISP's payers get nothing back by the gateway, also what was asked for before; and an ISP's payout and refunds do not wait for each
/// other.
#[tokio::test(flavor = "multi_thread")]
async fn a_freeze_holds_refunds_and_payouts_alike() {
    let world = World::new().await;
    let (operator, owner) = (world.operator().await, world.signed_in("yellow", Access::Owner).await);
    world.payee("yellow", &owner, SettlementFrequency::Daily).await;
    world.earn("yellow-market", 1).await;
    world.behave(json!({ "payout_result": "hold" })).await;
    world.settle_tomorrow().await;
    assert_eq!(world.settlements(&owner).await[0].status(), SettlementStatus::Processing);
    let payment = payment_of(&world, &Guest::number(1).phone).await;
    world.behave(json!({ "payout_result": "success" })).await;
    ask(&operator, by_gateway(&payment, 100)).await.expect("asked");
    world.paid_out().await;
    assert_eq!(refunds(&operator).await[0].status(), SettlementStatus::Completed, "though a payout is on its way");
    assert_eq!(books(&world).await.0, -9_500, "what was set aside for the payout stays so");

    ask(&operator, by_gateway(&payment, 50)).await.expect("asked");
    operator.platform().freeze_payouts(FreezePayoutsRequest { isp: "yellow".into(), reason: "We check its refunds".into() }).await.expect("frozen");
    world.run_due().await;
    let held = refunds(&operator).await.remove(0);
    assert_eq!(held.status(), SettlementStatus::Failed, "{held:?}");
    let frozen = ask(&operator, by_gateway(&payment, 50)).await.expect_err("frozen");
    assert!(frozen.reason == ErrorReason::StateConflict && frozen.message.contains("We check its refunds"), "{frozen}");
    assert_eq!(books(&world).await.0, -9_500);
    let payout = world.payouts().into_iter().find(|paid| paid["status"] == "QUEUED").expect("the payout");
    world.resolve(payout["merchant_reference"].as_str().expect("a reference"), "SUCCESS", true).await;
    world.paid_out().await;
    world.run_after(Duration::from_secs(60)).await;
    world.finish().await;
}

/// A person who is forgotten is forgotten by refunds, too, once they have ended.
#[tokio::test(flavor = "multi_thread")]
async fn a_payer_who_is_forgotten_is_forgotten_by_refunds() {
    let world = World::new().await;
    let (operator, owner) = (world.operator().await, world.signed_in("yellow", Access::Owner).await);
    let customer = world.customer("yellow").await;
    let phone = world.customer_phone("yellow");
    let id = world.customer_id(&customer).await;
    let paid = world.pay(&customer, Target::Amount(kes(900))).await;
    ask(&operator, by_gateway(&paid.id, 900)).await.expect("asked");
    let erase = EraseCustomerRequest { id, reason: "Asked for it by letter".into() };
    let early = owner.customer().erase_customer(erase.clone()).await.expect_err("it is on its way");
    assert_eq!(early.reason, ErrorReason::StateConflict);
    world.paid_out().await;
    owner.customer().erase_customer(erase).await.expect("forgotten");
    let mut sql = world.sql().await;
    for held in ["tenant.settlement WHERE phone", "tenant.payment WHERE phone"] {
        assert_eq!(sql.count(&format!("{held} = '{phone}'")).await, 0, "{held}");
    }
    assert_eq!(sql.count("tenant.refund WHERE note <> ''").await, 0);
    let kept = refunds(&operator).await.remove(0);
    assert_eq!((kept.status(), kept.phone_number.as_str(), kept.note.as_str()), (SettlementStatus::Completed, "", ""));
    operator.platform().get_settlement(GetSettlementRequest { id: kept.settlement_id }).await.expect("it can still be shown");
    world.finish().await;
}

/// The gateway took it back while an operator gave it back: one of the two is booked, and no payer gets it twice by our doing.
#[tokio::test(flavor = "multi_thread")]
async fn a_reversal_and_a_refund_at_once_are_one() {
    let world = World::new().await;
    let (operator, second) = (world.operator().await, world.another_operator().await);
    let (guest, payment, _) = guest(&world, 1).await;
    let reversal = RecordReversalRequest {
        isp: "yellow".into(),
        payment_id: payment.clone(),
        amount: Some(kes(10)),
        reference: "UL91AB22CD".into(),
        note: NOTE.into(),
        request_id: new_request_id(),
    };
    let platform = operator.platform();
    let (reversed, refunded) = tokio::join!(platform.record_reversal(reversal), ask(&second, by_gateway(&payment, 10)));
    assert_eq!([reversed.is_ok(), refunded.is_ok()].iter().filter(|won| **won).count(), 1, "{reversed:?} {refunded:?}");
    if reversed.is_ok() {
        world.reverse(&guest.phone, json!({})).await;
    }
    world.paid_out().await;
    assert_eq!(books(&world).await, (0, 0, 0));
    world.finish().await;
}
