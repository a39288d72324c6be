//! Putting money right: money without an owner gets a place by an act, above a sum by two operators, and the books say what was done.

use std::time::Duration;

use netily::money::Money;
use netily_sdk::Client;
use netily_sdk::platform::adopt_collection_request::Target;
use netily_sdk::platform::{
    AdoptCollectionRequest, GetPlatformReportRequest, ListApprovalsRequest, ListRepairsRequest, ListUnmatchedRequest, OwnerMovementDirection,
    PostAdjustmentRequest, RecordOwnerMovementRequest, RepairResult, TraceRequest, UnmatchedRow, WithdrawApprovalRequest, WriteOffRequest,
};
use netily_sdk::types::{ErrorReason, Money as WireMoney};
use netily_tests::{Access, Guest, World, kes};
use serde_json::json;

const NOTE: &str = "Seen on the statement of the wallet.";

/// Two guests paid the same amount at the same time, and neither answers nor callbacks came: nobody can tell by itself whose money is whose.
async fn two_lost(world: &World) -> Vec<String> {
    world.behave(json!({ "collect": "timeout_after_accept", "callback": "never" })).await;
    let mut sessions = Vec::new();
    for number in [1, 2] {
        let guest = Guest::number(number);
        sessions.push(world.buy(&guest).await.session_id);
        world.run_due().await;
        world.answer_prompt(&guest.phone, "accept").await;
    }
    world.behave(json!({ "collect": "ok", "callback": "once" })).await;
    for _ in 0..4 {
        world.advance(Duration::from_secs(90));
        world.sweep().await;
    }
    sessions
}

async fn unmatched(operator: &Client) -> Vec<UnmatchedRow> {
    operator.platform().list_unmatched(ListUnmatchedRequest::default()).await.expect("a list").rows
}

async fn adopt(operator: &Client, reference: &str, target: Target) -> Result<RepairResult, netily_sdk::Error> {
    let isp = if matches!(target, Target::Suspense(_)) { String::new() } else { "yellow".to_owned() };
    let ask = AdoptCollectionRequest { reference: reference.into(), isp, target: Some(target), note: NOTE.into() };
    Ok(operator.platform().adopt_collection(ask).await?.result.expect("a result"))
}

async fn unexplained(operator: &Client) -> i64 {
    let report = operator.platform().get_platform_report(GetPlatformReportRequest::default()).await.expect("a report");
    report.unexplained.expect("an amount").amount_minor
}

/// D4: an operator gives each its money, to a purchase and through suspense to a customer; the report ends in nothing unexplained.
#[tokio::test(flavor = "multi_thread")]
async fn money_without_an_owner_gets_one_and_the_report_explains_it() {
    let world = World::builder().gateway_timeout(Duration::from_millis(500)).start().await;
    let operator = world.operator().await;
    let customer = world.proven("yellow", 1).await.1.id;
    let sessions = two_lost(&world).await;
    let rows = unmatched(&operator).await;
    assert_eq!(rows.len(), 2, "{rows:?}");
    assert!(rows.iter().all(|row| row.kind == "unmatched_collection"), "{rows:?}");
    assert!(unexplained(&operator).await > 0);

    let nothing = adopt(&operator, "NOSUCHREF", Target::Suspense(true)).await.expect_err("there is no such money");
    assert_eq!(nothing.reason, ErrorReason::NotFound);
    let done = adopt(&operator, &rows[0].reference, Target::SessionId(sessions[0].clone())).await.expect("adopted");
    assert!(done.repair.is_some_and(|repair| repair.kind == "ADOPTED" && repair.isp_slug == "yellow"));
    let again = adopt(&operator, &rows[0].reference, Target::SessionId(sessions[0].clone())).await.expect_err("twice");
    assert_eq!(again.reason, ErrorReason::NotFound, "it has an owner now");

    let waits = adopt(&operator, &rows[1].reference, Target::Suspense(true)).await.expect("in suspense");
    assert!(waits.repair.is_some_and(|repair| repair.kind == "SUSPENSE"));
    assert_eq!(unmatched(&operator).await[0].kind, "suspense");
    assert_eq!(unexplained(&operator).await, 0, "what is in suspense is in the books");
    adopt(&operator, &rows[1].reference, Target::CustomerId(customer)).await.expect("to a customer");
    assert!(unmatched(&operator).await.is_empty());
    let repairs = operator.platform().list_repairs(ListRepairsRequest::default()).await.expect("a list").repairs;
    assert_eq!(repairs.iter().map(|repair| repair.kind.as_str()).collect::<Vec<_>>(), ["ADOPTED", "SUSPENSE", "ADOPTED"]);
    let receipt = &repairs[0].receipt;
    let steps = operator.platform().trace(TraceRequest { reference: receipt.clone() }).await.expect("it can be followed").steps;
    let kinds: Vec<&str> = steps.iter().map(|step| step.kind.as_str()).collect();
    assert!(kinds.contains(&"repair") && kinds.contains(&"break") && kinds.contains(&"ledger"), "{kinds:?}");
    let balance = world.sql().await.rows("SELECT balance_minor FROM tenant.ledger_balance WHERE account = 'ISP_PAYABLE'").await;
    let price = rows[0].amount.as_ref().expect("an amount").amount_minor;
    assert_eq!(balance[0]["balance_minor"].as_i64(), Some(-2 * price * 95 / 100), "the ISP has its part of both");
    world.sweep().await;
    assert!(unmatched(&operator).await.is_empty(), "and the list finds nothing new");
    world.finish().await;
}

/// What an operator says must fit: amount, way and owner.
#[tokio::test(flavor = "multi_thread")]
async fn money_goes_to_what_it_fits_only() {
    let world = World::builder().gateway_timeout(Duration::from_millis(500)).start().await;
    let operator = world.operator().await;
    two_lost(&world).await;
    let rows = unmatched(&operator).await;
    world.buy_and_pay(&Guest::number(3)).await;
    let paid = world.sql().await.rows("SELECT id::text AS id FROM tenant.payment WHERE state = 'SUCCEEDED'").await;
    let paid = format!("pay_{}", paid[0]["id"].as_str().expect("an id").replace('-', ""));
    let refused = adopt(&operator, &rows[0].reference, Target::PaymentId(paid)).await.expect_err("it is paid");
    assert_eq!(refused.reason, ErrorReason::StateConflict);
    for row in &rows {
        let ask = WriteOffRequest { reference: row.reference.clone(), note: "short".into() };
        let short = operator.platform().write_off(ask).await.expect_err("a note of five letters");
        assert_eq!(short.field_violations[0].path, "note");
        let ask = WriteOffRequest { reference: row.reference.clone(), note: NOTE.into() };
        let done = operator.platform().write_off(ask).await.expect("written off").result.expect("a result");
        assert!(done.repair.is_some_and(|repair| repair.kind == "WRITE_OFF"));
    }
    assert_eq!(unexplained(&operator).await, 0);
    world.finish().await;
}

/// Above the configured sum two operators must say the same, to the last field; either may take it back.
#[tokio::test(flavor = "multi_thread")]
async fn above_a_sum_two_operators_must_ask_for_the_same() {
    let small = |config: &mut netily::config::Config| config.two_person_above = Money::from_minor(100);
    let world = World::builder().gateway_timeout(Duration::from_millis(500)).configured(small).start().await;
    let (operator, second) = (world.operator().await, world.another_operator().await);
    let sessions = two_lost(&world).await;
    let rows = unmatched(&operator).await;
    let target = Target::SessionId(sessions[0].clone());
    for _ in 0..2 {
        let asked = adopt(&operator, &rows[0].reference, target.clone()).await.expect("asked");
        assert!(asked.needs_another_operator && asked.repair.is_none(), "one is not enough, nor one twice");
    }
    let other = adopt(&second, &rows[0].reference, Target::Suspense(true)).await.expect_err("something else");
    assert_eq!(other.reason, ErrorReason::StateConflict);
    let waiting = operator.platform().list_approvals(ListApprovalsRequest {}).await.expect("a list").approvals;
    assert_eq!(waiting.len(), 1, "{waiting:?}");
    second.platform().withdraw_approval(WithdrawApprovalRequest { id: waiting[0].id.clone() }).await.expect("taken back");
    assert!(adopt(&second, &rows[0].reference, target.clone()).await.expect("asked").needs_another_operator);
    let done = adopt(&operator, &rows[0].reference, target).await.expect("agreed");
    assert_eq!(done.repair.expect("done").operators.len(), 2);
    for who in [&operator, &second] {
        who.platform().write_off(WriteOffRequest { reference: rows[1].reference.clone(), note: NOTE.into() }).await.expect("asked");
    }
    assert!(unmatched(&operator).await.is_empty());
    world.finish().await;
}

/// Of two operators who adopt the same money at once for different owners, one wins and nothing is credited twice.
#[tokio::test(flavor = "multi_thread")]
async fn two_who_adopt_the_same_money_at_once_credit_it_once() {
    let world = World::builder().gateway_timeout(Duration::from_millis(500)).start().await;
    let (operator, second) = (world.operator().await, world.another_operator().await);
    let sessions = two_lost(&world).await;
    let rows = unmatched(&operator).await;
    let (one, other) = tokio::join!(
        adopt(&operator, &rows[0].reference, Target::SessionId(sessions[0].clone())),
        adopt(&second, &rows[0].reference, Target::SessionId(sessions[1].clone()))
    );
    assert_eq!([one.is_ok(), other.is_ok()].iter().filter(|won| **won).count(), 1, "{one:?} {other:?}");
    let left = if one.is_ok() { &sessions[1] } else { &sessions[0] };
    adopt(&operator, &rows[1].reference, Target::SessionId(left.clone())).await.expect("the other money for the other guest");
    world.finish().await;
}

/// What an ISP is owed is corrected by two, and its balance says it; D12: Netily's own money is in the books.
#[tokio::test(flavor = "multi_thread")]
async fn corrections_and_netilys_own_money_are_booked_by_two() {
    let world = World::new().await;
    let (operator, second) = (world.operator().await, world.another_operator().await);
    let owner = world.signed_in("yellow", Access::Owner).await;
    let adjust = |amount_minor: i64| PostAdjustmentRequest {
        isp: "yellow".into(),
        amount: Some(WireMoney { amount_minor, currency_code: "KES".into() }),
        note: "A morning without service, as agreed.".into(),
    };
    assert!(operator.platform().post_adjustment(adjust(1_250)).await.expect("asked").result.expect("a result").needs_another_operator);
    assert_eq!(world.balance(&owner).await.pending, Some(kes(0)));
    let other = second.platform().post_adjustment(adjust(1_300)).await.expect_err("another amount");
    assert_eq!(other.reason, ErrorReason::StateConflict);
    second.platform().post_adjustment(adjust(1_250)).await.expect("agreed");
    assert_eq!(world.balance(&owner).await.pending.expect("a balance").amount_minor, 1_250);
    let movement = |direction: OwnerMovementDirection, shillings: i64| RecordOwnerMovementRequest {
        direction: direction.into(),
        amount: Some(kes(shillings)),
        reference: String::new(),
        note: "Float from the bank account.".into(),
    };
    for who in [&operator, &second] {
        who.platform().record_owner_movement(movement(OwnerMovementDirection::In, 10_000)).await.expect("asked");
    }
    let report = operator.platform().get_platform_report(GetPlatformReportRequest::default()).await.expect("a report");
    assert_eq!(report.gateway_clearing, Some(kes(10_000)));
    assert_eq!(report.unexplained, Some(kes(0)));
    world.finish().await;
}
