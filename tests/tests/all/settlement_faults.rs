//! What can go wrong while an ISP is paid. Whatever the gateway does, it is asked once, pays once, and the books say what it did.

use std::time::Duration;

use chrono::TimeDelta;
use futures::future::join_all;
use netily::settlement::{Scope, run};
use netily_sdk::Client;
use netily_sdk::payout::{Settlement, SettlementFrequency, SettlementStatus};
use netily_sdk::platform::{
    CheckLedgerRequest, CloseBreakRequest, GetPayoutStatusRequest, GetSettlementRequest, ListBreaksRequest, ResolveSettlementRequest, RunSettlementsRequest,
    SetPayoutSwitchRequest, SettlementOutcome, UnfreezePayoutsRequest,
};
use netily_sdk::types::ErrorReason;
use netily_tests::{Access, Guest, World, kes};
use serde_json::{Value, json};

const HOUR: Duration = Duration::from_secs(3_600);
const MINUTE: Duration = Duration::from_secs(60);

/// `yellow` is owed KES 285, may be paid at once, and the clocks here and at the gateway are still about the same.
async fn owed(timeout: Duration) -> (World, Client, Client) {
    let world = World::builder().gateway_timeout(timeout).configured(|config| config.payouts.hold = TimeDelta::zero()).start().await;
    let (owner, operator) = (world.signed_in("yellow", Access::Owner).await, world.operator().await);
    owner.payout().set_payout_config(world.payout_ask("yellow", SettlementFrequency::Daily)).await.expect("set");
    world.prove_payout(&owner).await.expect("proven");
    world.earn("yellow-market", 1).await;
    world.advance(2 * MINUTE);
    (world, owner, operator)
}

/// Pays ahead of the schedule, and runs what follows.
async fn pay(world: &World, operator: &Client) {
    let ask = RunSettlementsRequest { isp: "yellow".into(), ahead_of_schedule: true, dry_run: false };
    operator.platform().run_settlements(ask).await.expect("a run");
    world.paid_out().await;
}

async fn newest(world: &World, owner: &Client) -> Settlement {
    world.settlements(owner).await.into_iter().next().expect("a settlement")
}

async fn breaks(operator: &Client) -> Vec<(String, String)> {
    let found = operator.platform().list_breaks(ListBreaksRequest::default()).await.expect("a list").breaks;
    found.into_iter().map(|found| (found.kind, found.id)).collect()
}

pub(crate) async fn close_all(operator: &Client) {
    for (_, id) in breaks(operator).await {
        operator.platform().close_break(CloseBreakRequest { id, reason: "Looked at".into() }).await.expect("closed");
    }
}

async fn resolve(operator: &Client, id: &str, outcome: SettlementOutcome, receipt: &str) -> Result<bool, netily_sdk::Error> {
    let ask = ResolveSettlementRequest { id: id.into(), outcome: outcome.into(), note: "Seen on the statement of the wallet.".into(), receipt: receipt.into() };
    Ok(operator.platform().resolve_settlement(ask).await?.needs_another_operator)
}

fn requests(world: &World) -> u64 {
    let truth = world.sandbox().truth();
    let count = |list: &str| truth[list].as_array().expect("a list").iter().map(|one| one["requests"].as_u64().unwrap_or(0)).sum::<u64>();
    count("payouts")
}

/// Accepted, and the answer was lost: the callback, or the list's row with our amount, tells which one it was.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_got_lost_is_found_and_nothing_is_sent_twice() {
    for (reception, callback) in
        [("timeout_after_accept", "once"), ("timeout_after_accept", "never"), ("error_after_accept", "once"), ("error_after_accept", "never")]
    {
        let (world, owner, operator) = owed(Duration::from_millis(700)).await;
        world.behave(json!({ "payout": reception, "callback": callback })).await;
        pay(&world, &operator).await;
        for _ in 0..3 {
            world.run_after(Duration::from_secs(20)).await;
        }
        let paid = newest(&world, &owner).await;
        assert_eq!(paid.status(), SettlementStatus::Completed, "{reception} {callback}: {paid:?}");
        assert_eq!(requests(&world), 2, "the test payment and the settlement");
        assert!(breaks(&operator).await.is_empty(), "explained by itself");
        world.finish().await;
    }
}

/// Not accepted, and nobody said so: it is frozen for a day, then two people say that it was not paid, and it is part of the next one.
#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_can_tell_waits_for_two_people() {
    for reception in ["html", "dark"] {
        let (world, owner, operator) = owed(Duration::from_millis(700)).await;
        let second = world.another_operator().await;
        world.behave(json!({ "payout": reception, "hang_ms": 2_000 })).await;
        pay(&world, &operator).await;
        let doubtful = newest(&world, &owner).await;
        assert_eq!(doubtful.status(), SettlementStatus::Unknown, "{reception}: {doubtful:?}");
        assert_eq!(world.balance(&owner).await.in_transit, Some(kes(285)), "neither paid nor given back");
        let early = resolve(&operator, &doubtful.id, SettlementOutcome::NotPaid, "").await.expect_err("too early");
        assert_eq!(early.reason, ErrorReason::StateConflict);
        world.behave(json!({ "payout": "ok" })).await;
        for _ in 0..25 {
            world.run_after(HOUR).await;
        }
        assert_eq!(newest(&world, &owner).await.status(), SettlementStatus::NeedsReview, "{reception}");
        assert!(resolve(&operator, &doubtful.id, SettlementOutcome::NotPaid, "").await.expect("said"), "one is not enough");
        assert!(resolve(&operator, &doubtful.id, SettlementOutcome::NotPaid, "").await.expect("said again"), "nor one twice");
        let other = resolve(&second, &doubtful.id, SettlementOutcome::Paid, "UB34K9T2QM").await.expect_err("they do not agree");
        assert_eq!(other.reason, ErrorReason::StateConflict);
        assert!(!resolve(&second, &doubtful.id, SettlementOutcome::NotPaid, "").await.expect("agreed"));
        assert_eq!(newest(&world, &owner).await.status(), SettlementStatus::Failed);
        assert_eq!(world.balance(&owner).await.pending, Some(kes(285)), "given back");
        let shown = operator.platform().get_settlement(GetSettlementRequest { id: doubtful.id.clone() }).await.expect("shown");
        assert_eq!((shown.reviews.len(), shown.evidence.iter().filter(|step| step.kind == "attempt").count()), (2, 1));
        world.settle_tomorrow().await;
        let paid = newest(&world, &owner).await;
        assert_eq!((paid.status(), paid.amount.clone()), (SettlementStatus::Completed, Some(kes(285))), "{paid:?}");
        close_all(&operator).await;
        world.finish().await;
    }
}

/// Executed, and nobody told us for two days, not even the list: two people with the receipt settle it.
#[tokio::test(flavor = "multi_thread")]
async fn two_people_with_a_receipt_settle_what_was_paid() {
    let (world, owner, operator) = owed(Duration::from_millis(700)).await;
    let second = world.another_operator().await;
    world.behave(json!({ "payout": "error_after_accept", "callback": "never", "hang_ms": 1_000 })).await;
    let ask = RunSettlementsRequest { isp: "yellow".into(), ahead_of_schedule: true, dry_run: false };
    operator.platform().run_settlements(ask).await.expect("a run");
    world.run_due().await;
    world.behave(json!({ "status": "dark" })).await;
    world.paid_out().await;
    world.advance(25 * HOUR);
    world.run_due().await;
    let doubtful = newest(&world, &owner).await;
    assert_eq!(doubtful.status(), SettlementStatus::NeedsReview, "{doubtful:?}");
    let receipt = world.payouts().last().expect("a payment")["receipt"].as_str().expect("a receipt").to_owned();
    let nothing = resolve(&operator, &doubtful.id, SettlementOutcome::Paid, "").await.expect_err("without a receipt");
    assert_eq!(nothing.field_violations[0].path, "receipt");
    assert!(resolve(&operator, &doubtful.id, SettlementOutcome::Paid, &receipt).await.expect("said"));
    assert!(!resolve(&second, &doubtful.id, SettlementOutcome::Paid, &receipt).await.expect("agreed"));
    let paid = newest(&world, &owner).await;
    assert_eq!((paid.status(), paid.receipt.clone()), (SettlementStatus::Completed, receipt));
    assert!(breaks(&operator).await.iter().all(|(kind, _)| !kind.starts_with("settlement")), "it is explained");
    world.behave(json!({ "status": "ok" })).await;
    world.finish().await;
}

/// Refused for good reasons, or failed later: the money goes back and is paid the next day.
#[tokio::test(flavor = "multi_thread")]
async fn what_provably_was_not_paid_is_part_of_the_next_one() {
    for switches in
        [json!({ "payout": "refuse" }), json!({ "payout": "refuse_with_200" }), json!({ "payout": "rate_limited" }), json!({ "payout_result": "failed" })]
    {
        let (world, owner, operator) = owed(Duration::from_secs(5)).await;
        world.behave(switches.clone()).await;
        pay(&world, &operator).await;
        world.run_after(Duration::from_secs(20)).await;
        let failed = newest(&world, &owner).await;
        assert_eq!(failed.status(), SettlementStatus::Failed, "{switches}: {failed:?}");
        assert!(!failed.failure_message.is_empty());
        assert_eq!(world.balance(&owner).await.pending, Some(kes(285)), "given back");
        world.run_after(Duration::from_secs(600)).await;
        world.sweep().await;
        assert_eq!(world.settlements(&owner).await.len(), 1, "not again on the same day");
        world.behave(json!({ "payout": "ok", "payout_result": "success" })).await;
        world.settle_tomorrow().await;
        let paid = newest(&world, &owner).await;
        // It was provably not paid, so its amount is in nobody's way.
        let (amount, carried) = (paid.amount.clone(), paid.carried_out.clone());
        assert_eq!((paid.status(), amount, carried), (SettlementStatus::Completed, Some(kes(285)), Some(kes(0))), "{switches}: {paid:?}");
        close_all(&operator).await;
        world.finish().await;
    }
}

/// The gateway said that it failed, and paid after all: it is booked as paid, and nothing more is paid until somebody has looked.
#[tokio::test(flavor = "multi_thread")]
async fn a_success_after_a_failure_is_booked_and_freezes_the_isps_payouts() {
    let (world, owner, operator) = owed(Duration::from_secs(5)).await;
    world.behave(json!({ "payout_result": "failed" })).await;
    pay(&world, &operator).await;
    assert_eq!(newest(&world, &owner).await.status(), SettlementStatus::Failed);
    let reference = world.payouts().last().expect("a payment")["merchant_reference"].as_str().expect("a reference").to_owned();
    world.resolve(&reference, "SUCCESS", true).await;
    world.paid_out().await;
    world.run_after(Duration::from_secs(20)).await;
    let late = newest(&world, &owner).await;
    assert_eq!(late.status(), SettlementStatus::Completed, "{late:?}");
    assert_eq!(world.balance(&owner).await.pending, Some(kes(0)));
    assert!(breaks(&operator).await.iter().any(|(kind, _)| kind == "settlement_late_success"));
    world.behave(json!({ "payout_result": "success" })).await;
    world.earn("yellow-market", 2).await;
    world.settle_tomorrow().await;
    assert_eq!(world.settlements(&owner).await.len(), 1, "frozen");
    let status = operator.platform().get_payout_status(GetPayoutStatusRequest {}).await.expect("a status");
    assert_eq!(status.frozen_isps, ["yellow"]);
    let unfreeze = UnfreezePayoutsRequest { isp: "yellow".into(), reason: "Explained to the owner".into() };
    for _ in 0..2 {
        assert!(operator.platform().unfreeze_payouts(unfreeze.clone()).await.expect("asked for").needs_another_operator, "one is not enough, nor one twice");
    }
    let second = world.another_operator().await;
    assert!(!second.platform().unfreeze_payouts(unfreeze.clone()).await.expect("agreed").needs_another_operator);
    assert_eq!(second.platform().unfreeze_payouts(unfreeze).await.expect_err("it is not frozen").reason, ErrorReason::StateConflict);
    close_all(&operator).await;
    world.settle_tomorrow().await;
    let paid = newest(&world, &owner).await;
    assert_eq!((paid.status(), paid.amount.clone()), (SettlementStatus::Completed, Some(kes(285))), "{paid:?}");
    world.finish().await;
}

/// A forged callback moves nothing, good news or bad.
#[tokio::test(flavor = "multi_thread")]
async fn a_callback_is_never_believed() {
    let (world, owner, operator) = owed(Duration::from_secs(5)).await;
    world.behave(json!({ "payout_result": "hold" })).await;
    pay(&world, &operator).await;
    let reference = world.payouts().last().expect("a payment")["merchant_reference"].as_str().expect("a reference").to_owned();
    for status in ["SUCCESS", "FAILED"] {
        assert_eq!(world.send_callback(&reference, json!({ "status": status })).await, 200);
        world.run_after(Duration::from_secs(20)).await;
        let held = newest(&world, &owner).await;
        assert_eq!(held.status(), SettlementStatus::Processing, "{status}: {held:?}");
    }
    world.resolve(&reference, "SUCCESS", false).await;
    world.run_after(HOUR).await;
    assert_eq!(newest(&world, &owner).await.status(), SettlementStatus::Completed, "asked for by ourselves");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_switch_stops_what_was_not_sent_and_lets_it_go_on() {
    let (world, owner, operator) = owed(Duration::from_secs(5)).await;
    let ask = RunSettlementsRequest { isp: "yellow".into(), ahead_of_schedule: true, dry_run: false };
    operator.platform().run_settlements(ask.clone()).await.expect("a run");
    let switch = |stopped| SetPayoutSwitchRequest { stopped, reason: "Something looks wrong".into() };
    operator.platform().set_payout_switch(switch(true)).await.expect("stopped");
    world.paid_out().await;
    assert_eq!(newest(&world, &owner).await.status(), SettlementStatus::Pending, "reserved, not sent");
    assert_eq!(requests(&world), 1, "the test payment only");
    let due = operator.platform().run_settlements(ask).await.expect("nobody is due").due;
    assert!(due[0].settlement_id.is_empty() && due[0].left_because.contains("on its way"), "{due:?}");
    let status = operator.platform().get_payout_status(GetPayoutStatusRequest {}).await.expect("a status");
    assert!(status.stopped && status.reason == "Something looks wrong" && status.wallet_balance.is_some(), "{status:?}");
    operator.platform().set_payout_switch(switch(false)).await.expect("goes on");
    world.run_after(2 * MINUTE).await;
    world.paid_out().await;
    assert_eq!(newest(&world, &owner).await.status(), SettlementStatus::Completed);
    world.finish().await;
}

fn drift(by: &str) -> String {
    format!(
        "SET session_replication_role = replica;
         UPDATE tenant.ledger_balance SET balance_minor = balance_minor {by} WHERE tenant_id = (SELECT id FROM public.isp WHERE slug = 'yellow') AND account = 'ISP_PAYABLE';
         RESET session_replication_role"
    )
}

/// A rule of money that does not hold stops the payouts of the ISP whose rows break it and nobody else's, operators hear of it, and it goes on by
/// itself once it holds again.
#[tokio::test(flavor = "multi_thread")]
async fn a_broken_rule_stops_the_isp_that_it_is_about_until_it_holds_again() {
    let (world, owner, operator) = owed(Duration::from_secs(5)).await;
    let other = world.signed_in("blue", Access::Owner).await;
    other.payout().set_payout_config(world.payout_ask("blue", SettlementFrequency::Daily)).await.expect("set");
    world.prove_payout(&other).await.expect("proven");
    world.earn("blue-harbour", 3).await;
    let mut sql = world.sql().await;
    sql.run(&drift("- 100")).await;
    world.sweep().await;
    world.sweep().await;
    let status = operator.platform().get_payout_status(GetPayoutStatusRequest {}).await.expect("a status");
    assert!(!status.stopped, "others are paid: {status:?}");
    assert_eq!(status.frozen_isps, ["yellow"]);
    let mails = world.mails_to("operator@netily.example").await;
    assert!(mails.iter().any(|mail| mail["text"].as_str().is_some_and(|text| text.contains("i03_balance_drift"))), "{mails:?}");
    world.settle_tomorrow().await;
    assert!(world.settlements(&owner).await.is_empty(), "nothing is paid");
    assert_eq!(newest(&world, &other).await.status(), SettlementStatus::Completed, "the other ISP is");
    assert!(!operator.platform().check_ledger(CheckLedgerRequest {}).await.expect("a check").violations.is_empty());
    sql.run(&drift("+ 100")).await;
    // The first look ends the breaks, which nobody had ended for a day.
    operator.platform().check_ledger(CheckLedgerRequest {}).await.expect("a check");
    let check = operator.platform().check_ledger(CheckLedgerRequest {}).await.expect("a check");
    assert!(check.violations.is_empty(), "{:?}", check.violations);
    assert!(breaks(&operator).await.iter().all(|(kind, _)| kind != "ledger_violation"), "it ends itself");
    world.settle_tomorrow().await;
    assert_eq!(newest(&world, &owner).await.status(), SettlementStatus::Completed);
    world.finish().await;
}

/// What is posted is looked at within a minute, not only when everything is, each hour.
#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_posting_stops_payouts_within_a_minute() {
    let (world, _owner, operator) = owed(Duration::from_secs(5)).await;
    world.buy_and_pay(&Guest::number(7)).await;
    world.sweep().await;
    let mut sql = world.sql().await;
    let wrong = |by: &str| {
        format!(
            "SET session_replication_role = replica;
             ALTER DOMAIN tenant.ledger_lines DROP CONSTRAINT IF EXISTS unbalanced;
             UPDATE tenant.ledger_transaction SET lines[3].amount_minor = lines[3].amount_minor {by}
               WHERE id = (SELECT id FROM tenant.ledger_transaction WHERE kind = 'PAYMENT_CREDIT' ORDER BY id DESC LIMIT 1);
             RESET session_replication_role"
        )
    };
    sql.run(&wrong("- 1")).await;
    world.run_after(MINUTE).await;
    let found = operator.platform().list_breaks(ListBreaksRequest::default()).await.expect("a list").breaks;
    assert!(found.iter().any(|found| found.kind == "ledger_violation" && found.reference.contains("i01_unbalanced")), "{found:?}");
    let status = operator.platform().get_payout_status(GetPayoutStatusRequest {}).await.expect("a status");
    assert_eq!(status.frozen_isps, ["yellow"]);
    sql.run(&wrong("+ 1")).await;
    world.run_after(Duration::from_secs(3_700)).await;
    assert!(breaks(&operator).await.is_empty(), "it ends itself once everything is looked at");
    world.finish().await;
}

/// A worker whose clock is minutes behind writes into a time that is reserved already: no rule breaks, and the next settlement pays it.
#[tokio::test(flavor = "multi_thread")]
async fn a_worker_whose_clock_is_behind_stops_nobodys_payouts() {
    let (world, owner, operator) = owed(Duration::from_secs(5)).await;
    world.settle_tomorrow().await;
    let first = newest(&world, &owner).await;
    assert_eq!(first.status(), SettlementStatus::Completed);
    world.earn("yellow-market", 2).await;
    let behind = "SET session_replication_role = replica;
         UPDATE tenant.ledger_transaction t SET id = overlay(t.id::text placing left(public.earliest_id(s.covers_until - interval '10 seconds')::text, 13) from 1 for 13)::uuid
           FROM tenant.settlement s WHERE s.tenant_id = t.tenant_id AND s.kind = 'SETTLEMENT'
           AND t.id = (SELECT id FROM tenant.ledger_transaction WHERE kind = 'PAYMENT_CREDIT' ORDER BY id DESC LIMIT 1);
         RESET session_replication_role";
    world.sql().await.run(behind).await;
    let check = operator.platform().check_ledger(CheckLedgerRequest {}).await.expect("a check");
    assert!(check.violations.is_empty(), "{:?}", check.violations);
    world.settle_tomorrow().await;
    let second = newest(&world, &owner).await;
    assert_ne!(first.id, second.id);
    assert_eq!((second.status(), second.amount.clone()), (SettlementStatus::Completed, Some(kes(285))), "{second:?}");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wallet_that_does_not_go_round_pays_nobody_half_and_tells() {
    let (world, owner, operator) = owed(Duration::from_secs(5)).await;
    // Less than the smallest payment and its charge are left.
    world.deposit(-10_260).await;
    world.explain_what_left().await;
    world.settle_tomorrow().await;
    assert!(world.settlements(&owner).await.is_empty(), "nothing that is worth a payment");
    assert!(breaks(&operator).await.iter().any(|(kind, _)| kind == "low_float"), "{:?}", breaks(&operator).await);
    assert_eq!(requests(&world), 1, "the test payment only");
    world.deposit(10_260).await;
    world.run_after(2 * MINUTE).await;
    world.sweep().await;
    world.paid_out().await;
    assert_eq!(newest(&world, &owner).await.status(), SettlementStatus::Completed);
    // What the test took out and put back by hand is money without an owner, and no reason ends that.
    world.sql().await.run("DELETE FROM public.reconciliation_break").await;
    world.finish().await;
}

/// Five runs at once, and again: one settlement.
#[tokio::test(flavor = "multi_thread")]
async fn schedulers_at_once_pay_once() {
    let (world, owner, operator) = owed(Duration::from_secs(5)).await;
    world.advance(24 * HOUR);
    let ran = join_all((0..5).map(|_| run(&world.app, Scope::default(), false))).await;
    let made = ran.into_iter().flat_map(|ran| ran.expect("a run").due).filter(|due| due.made.is_some()).count();
    assert_eq!(made, 1);
    world.paid_out().await;
    world.sweep().await;
    assert_eq!(world.settlements(&owner).await.len(), 1);
    assert_eq!(requests(&world), 2);
    assert!(breaks(&operator).await.is_empty());
    world.finish().await;
}

/// More than one payment may hold is paid in several, one after another, on the same day.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_over_the_cap_is_paid_in_several() {
    let configured = |config: &mut netily::config::Config| {
        config.payouts.hold = TimeDelta::zero();
        config.payouts.cap_per_payment = netily::money::Money::from_minor(10_000);
        config.payouts.cap_per_isp_day = netily::money::Money::from_minor(25_000);
    };
    let world = World::builder().configured(configured).start().await;
    let owner = world.signed_in("yellow", Access::Owner).await;
    owner.payout().set_payout_config(world.payout_ask("yellow", SettlementFrequency::Daily)).await.expect("set");
    world.prove_payout(&owner).await.expect("proven");
    world.earn("yellow-market", 1).await;
    world.settle_tomorrow().await;
    for _ in 0..4 {
        world.advance(2 * MINUTE);
        world.sweep().await;
        world.paid_out().await;
    }
    let amounts: Vec<i64> = world.settlements(&owner).await.iter().rev().map(|paid| paid.amount.as_ref().expect("an amount").amount_minor / 100).collect();
    assert_eq!(amounts, [100, 100, 50], "250 a day");
    world.settle_tomorrow().await;
    assert_eq!(world.balance(&owner).await.paid_out, Some(kes(285)), "the rest comes the next day");
    world.finish().await;
}

/// The destination changes between reserving and sending: it is not sent to the old one.
#[tokio::test(flavor = "multi_thread")]
async fn a_destination_that_changes_before_sending_takes_it_back() {
    let (world, owner, operator) = owed(Duration::from_secs(5)).await;
    let ask = RunSettlementsRequest { isp: "yellow".into(), ahead_of_schedule: true, dry_run: false };
    operator.platform().run_settlements(ask).await.expect("a run");
    let moved = netily_sdk::payout::SetPayoutConfigRequest { mpesa_phone: "254733000444".into(), ..world.payout_ask("yellow", SettlementFrequency::Daily) };
    owner.payout().set_payout_config(moved).await.expect("set");
    world.paid_out().await;
    let taken_back = newest(&world, &owner).await;
    assert_eq!(taken_back.status(), SettlementStatus::Failed, "{taken_back:?}");
    assert_eq!((requests(&world), world.balance(&owner).await.pending), (1, Some(kes(285))));
    world.prove_payout(&owner).await.expect("proven");
    world.settle_tomorrow().await;
    let paid = newest(&world, &owner).await;
    assert_eq!(paid.status(), SettlementStatus::Completed);
    assert_eq!(world.payouts().last().expect("a payment")["account"], "254733000444");
    world.finish().await;
}

/// Days without a run, over midnights: owed once, paid once.
#[tokio::test(flavor = "multi_thread")]
async fn days_of_silence_are_paid_once() {
    let (world, owner, _) = owed(Duration::from_secs(5)).await;
    world.advance(4 * 24 * HOUR);
    world.earn("yellow-market", 2).await;
    world.settle_tomorrow().await;
    let paid = world.settlements(&owner).await;
    assert_eq!(paid.len(), 1, "{paid:?}");
    assert_eq!((paid[0].status(), paid[0].amount.clone()), (SettlementStatus::Completed, Some(kes(570))));
    world.finish().await;
}

/// What the gateway charged is booked once it is known, apart from the ISP's money.
#[tokio::test(flavor = "multi_thread")]
async fn charges_of_the_gateway_are_netilys() {
    let (world, owner, operator) = owed(Duration::from_secs(5)).await;
    world.settle_tomorrow().await;
    world.advance(MINUTE);
    // The list is read as far back as two hours of our clock, which has been moved a day.
    world.set_back(25 * HOUR);
    world.sweep().await;
    world.sweep().await;
    let mut sql = world.sql().await;
    let fees = sql.row("SELECT count(*) AS n, coalesce(sum(e.amount_minor), 0)::bigint AS total FROM tenant.ledger_transaction t JOIN tenant.ledger_entry e ON e.tenant_id = t.tenant_id AND e.transaction_id = t.id WHERE t.kind = 'GATEWAY_FEE' AND e.account = 'GATEWAY_FEES'").await;
    // One percent of KES 300 in, KES 5 of KES 285 out; a test payment of up to KES 49 is free.
    assert_eq!(fees, json!({ "n": 2, "total": 800 }), "{:?}", world.sandbox().truth()["rows"]);
    let paid: Value = json!(world.balance(&owner).await.paid_out.expect("an amount").amount_minor);
    assert_eq!(paid, 28_500, "the ISP bears nothing of it");
    assert!(breaks(&operator).await.is_empty(), "{:?}", breaks(&operator).await);
    world.finish().await;
}
