//! One ISP's payouts can be stopped, and whoever is not paid can read why. What is short stops no more than it must, and operators hear of it.

use std::time::Duration;

use chrono::TimeDelta;
use netily_sdk::Client;
use netily_sdk::new_request_id;
use netily_sdk::payout::{
    GetBalanceResponse, GetDailyReportRequest, GetStatementRequest, LeftBecause, PayoutMethod, SetPayoutConfigRequest, Settlement, SettlementFrequency,
    SettlementStatus, WithdrawNowRequest,
};
use netily_sdk::platform::{
    DueSettlement, FreezePayoutsRequest, ListBreaksRequest, ReactivateIspRequest, RunSettlementsRequest, SetPayoutSwitchRequest, SuspendIspRequest,
};
use netily_sdk::types::ErrorReason;
use netily_tests::{Access, World, kes};
use serde_json::json;

const MINUTE: Duration = Duration::from_secs(60);
const OWNER: &str = "254722000001";

/// `yellow` is owed KES 285 and may be paid at once.
async fn owed() -> (World, Client, Client) {
    let world = World::builder().configured(|config| config.payouts.hold = TimeDelta::zero()).start().await;
    let (owner, operator) = (world.signed_in("yellow", Access::Owner).await, world.operator().await);
    may_be_paid(&world, "yellow", &owner).await;
    world.earn("yellow-market", 1).await;
    world.advance(2 * MINUTE);
    (world, owner, operator)
}

async fn may_be_paid(world: &World, slug: &str, owner: &Client) {
    owner.payout().set_payout_config(world.payout_ask(slug, SettlementFrequency::Daily)).await.expect("set");
    world.prove_payout(owner).await.expect("proven");
}

fn ahead(isp: &str) -> RunSettlementsRequest {
    RunSettlementsRequest { isp: isp.into(), ahead_of_schedule: true, dry_run: false }
}

/// What a run of one ISP says of it.
async fn run_of(operator: &Client, ask: RunSettlementsRequest) -> DueSettlement {
    operator.platform().run_settlements(ask).await.expect("a run").due.pop().expect("the ISP that was named")
}

async fn newest(world: &World, owner: &Client) -> Settlement {
    world.settlements(owner).await.into_iter().next().expect("a settlement")
}

async fn why(world: &World, owner: &Client) -> (LeftBecause, String) {
    let balance: GetBalanceResponse = world.balance(owner).await;
    (balance.left_because(), balance.left_message)
}

async fn breaks(operator: &Client) -> Vec<String> {
    let found = operator.platform().list_breaks(ListBreaksRequest::default()).await.expect("a list").breaks;
    found.into_iter().map(|found| found.kind).collect()
}

fn suspend(isp: &str) -> SuspendIspRequest {
    SuspendIspRequest { isp: isp.into(), reason: "Fraud suspected".into() }
}

/// D10: whoever is suspended is not paid, by the schedule, ahead of it, or when it was set aside already; what is owed stays owed.
#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_isp_is_not_paid_and_reads_why() {
    let (world, owner, operator) = owed().await;
    operator.platform().run_settlements(ahead("yellow")).await.expect("set aside");
    operator.platform().suspend_isp(suspend("yellow")).await.expect("suspended");
    world.paid_out().await;
    let taken_back = newest(&world, &owner).await;
    assert_eq!(taken_back.status(), SettlementStatus::Failed, "{taken_back:?}");
    assert!(taken_back.failure_message.contains("held"), "{taken_back:?}");
    world.settle_tomorrow().await;
    let due = run_of(&operator, ahead("yellow")).await;
    assert_eq!((due.left_reason(), due.settlement_id.as_str()), (LeftBecause::Suspended, ""), "{due:?}");
    assert_eq!((world.settlements(&owner).await.len(), world.payouts().len()), (1, 1), "the test payment only");
    assert_eq!(world.balance(&owner).await.pending, Some(kes(285)), "what is owed stays owed");
    assert_eq!(why(&world, &owner).await.0, LeftBecause::Suspended);
    operator.platform().reactivate_isp(ReactivateIspRequest { isp: "yellow".into() }).await.expect("open again");
    world.settle_tomorrow().await;
    assert_eq!(newest(&world, &owner).await.status(), SettlementStatus::Completed);
    world.finish().await;
}

/// D10: one ISP's payouts are held by hand, what was set aside comes back, and its owner is told and reads why.
#[tokio::test(flavor = "multi_thread")]
async fn frozen_payouts_wait_and_the_owner_is_told_why() {
    let (world, owner, operator) = owed().await;
    let blue = world.signed_in("blue", Access::Owner).await;
    may_be_paid(&world, "blue", &blue).await;
    world.earn("blue-harbour", 2).await;
    operator.platform().run_settlements(ahead("yellow")).await.expect("set aside");
    let freeze = FreezePayoutsRequest { isp: "yellow".into(), reason: "We check three refunds of Monday".into() };
    operator.platform().freeze_payouts(freeze.clone()).await.expect("frozen");
    operator.platform().freeze_payouts(freeze).await.expect("frozen already");
    world.paid_out().await;
    assert_eq!(newest(&world, &owner).await.status(), SettlementStatus::Failed, "it was not sent yet");
    let told = world.sms_on(OWNER).await;
    assert_eq!(told.iter().filter(|sms| sms.contains("We check three refunds of Monday")).count(), 1, "{told:?}");
    assert!(told.iter().any(|sms| sms.contains("was not sent") && sms.contains("held")) && !told.iter().any(|sms| sms.contains("check where")), "{told:?}");
    let (reason, message) = why(&world, &owner).await;
    assert!(reason == LeftBecause::Frozen && message.contains("We check three refunds of Monday"), "{message}");
    let dry = run_of(&operator, RunSettlementsRequest { dry_run: true, ..ahead("yellow") }).await;
    assert_eq!((dry.left_reason(), dry.left_because), (reason, message), "one answer for whoever asks");
    world.settle_tomorrow().await;
    assert_eq!(newest(&world, &blue).await.status(), SettlementStatus::Completed, "the others are paid");
    assert_eq!(world.settlements(&owner).await.len(), 1);
    world.finish().await;
}

/// Doubtful 10: what is wrong with Netily's own wallet is not the ISP's to mend, and is tried again within the day.
#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_for_lack_of_wallet_money_does_not_blame_the_destination() {
    let (world, owner, operator) = owed().await;
    operator.platform().run_settlements(ahead("yellow")).await.expect("set aside");
    world.deposit(-10_200).await;
    world.paid_out().await;
    let refused = newest(&world, &owner).await;
    assert!(refused.status() == SettlementStatus::Failed && refused.failure_message.contains("Netily's own account"), "{refused:?}");
    let told = world.sms_on(OWNER).await;
    assert!(told.iter().any(|sms| sms.contains("on our side")) && !told.iter().any(|sms| sms.contains("check where")), "{told:?}");
    assert_eq!(why(&world, &owner).await.0, LeftBecause::FailedBefore);
    world.deposit(10_200).await;
    world.explain_what_left().await;
    world.run_after(Duration::from_secs(3_700)).await;
    world.sweep().await;
    world.paid_out().await;
    assert_eq!(newest(&world, &owner).await.status(), SettlementStatus::Completed, "not only tomorrow");
    world.finish().await;
}

/// A run ahead of the schedule and an owner who asks hear what is true.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_left_hears_the_true_reason() {
    let world = World::builder().configured(|config| config.payouts.hold = TimeDelta::hours(24)).start().await;
    let (owner, operator) = (world.signed_in("yellow", Access::Owner).await, world.operator().await);
    assert_eq!(why(&world, &owner).await.0, LeftBecause::NotSet);
    owner.payout().set_payout_config(world.payout_ask("yellow", SettlementFrequency::Weekly)).await.expect("set");
    assert_eq!(why(&world, &owner).await.0, LeftBecause::NotVerified);
    world.prove_payout(&owner).await.expect("proven");
    assert_eq!(why(&world, &owner).await.0, LeftBecause::Held);
    world.advance(Duration::from_secs(25 * 3_600));
    assert_eq!(why(&world, &owner).await.0, LeftBecause::NothingOwed);
    world.earn("yellow-market", 1).await;
    let early = run_of(&operator, ahead("yellow")).await;
    assert!(early.left_reason() == LeftBecause::TooRecent && early.left_because.contains("less than a minute ago"), "{early:?}");
    world.advance(2 * MINUTE);
    let stop = |stopped| SetPayoutSwitchRequest { stopped, reason: "We look at something".into() };
    operator.platform().set_payout_switch(stop(true)).await.expect("stopped");
    assert_eq!(why(&world, &owner).await.0, LeftBecause::PayoutsStopped);
    let refused = operator.platform().run_settlements(ahead("yellow")).await.expect_err("stopped");
    assert_eq!(refused.reason, ErrorReason::StateConflict);
    operator.platform().set_payout_switch(stop(false)).await.expect("goes on");
    operator.platform().run_settlements(ahead("yellow")).await.expect("a run");
    assert_eq!(why(&world, &owner).await.0, LeftBecause::InFlight);
    let again = run_of(&operator, ahead("yellow")).await;
    assert!(again.left_reason() == LeftBecause::InFlight && again.left_because.contains("KES 285.00"), "{again:?}");
    world.paid_out().await;
    let balance = world.balance(&owner).await;
    assert!(balance.left_because() == LeftBecause::Transferred && balance.left_until.is_some(), "{balance:?}");
    world.earn("yellow-market", 2).await;
    assert_eq!(why(&world, &owner).await.0, LeftBecause::Scheduled, "the week is not over");
    world.finish().await;
}

/// Doubtful 1: one who is owed more than the wallet holds gets what it holds, those owed less are paid, and operators hear of it once.
#[tokio::test(flavor = "multi_thread")]
async fn one_large_isp_blocks_nobody_when_the_wallet_is_short() {
    let (world, yellow, operator) = owed().await;
    let blue = world.signed_in("blue", Access::Owner).await;
    may_be_paid(&world, "blue", &blue).await;
    world.earn("blue-harbour", 20).await;
    for guest in 2..8 {
        world.earn("yellow-market", guest).await;
    }
    let large = SetPayoutConfigRequest { minimum_payout: Some(kes(1_000)), ..world.payout_ask("yellow", SettlementFrequency::Daily) };
    yellow.payout().set_payout_config(large).await.expect("set");
    // Yellow is owed 1,995 and wants no less than 1,000; the wallet holds some 600.
    world.deposit(-11_700).await;
    world.explain_what_left().await;
    world.settle_tomorrow().await;
    assert_eq!(newest(&world, &blue).await.status(), SettlementStatus::Completed, "the small one is paid");
    assert!(world.settlements(&yellow).await.is_empty(), "less than its minimum is no payment");
    assert_eq!(why(&world, &yellow).await.0, LeftBecause::Wallet);
    assert_eq!(breaks(&operator).await.iter().filter(|kind| *kind == "low_float").count(), 1, "{:?}", breaks(&operator).await);
    // With some more it gets what there is, and the rest later.
    world.deposit(1_200).await;
    world.run_after(2 * MINUTE).await;
    world.sweep().await;
    world.paid_out().await;
    let part = newest(&world, &yellow).await;
    let amount = part.amount.clone().expect("an amount").amount_minor / 100;
    assert!(part.status() == SettlementStatus::Completed && (1_000..1_995).contains(&amount), "{part:?}");
    world.deposit(10_500).await;
    for _ in 0..2 {
        world.run_after(2 * MINUTE).await;
        world.sweep().await;
        world.paid_out().await;
    }
    let left = world.balance(&yellow).await.pending.expect("an amount").amount_minor / 100;
    assert!(left < 1_000, "KES {left} is left");
    world.finish().await;
}

/// Doubtful 2: a cap pays what it allows, says so to the ISP, and tells operators; the arrears follow the next days.
#[tokio::test(flavor = "multi_thread")]
async fn a_cap_that_was_reached_is_told() {
    let configured = |config: &mut netily::config::Config| {
        config.payouts.hold = TimeDelta::zero();
        config.payouts.cap_per_isp_day = netily::money::Money::from_minor(20_000);
    };
    let world = World::builder().configured(configured).start().await;
    let (owner, operator) = (world.signed_in("yellow", Access::Owner).await, world.operator().await);
    may_be_paid(&world, "yellow", &owner).await;
    world.earn("yellow-market", 1).await;
    world.settle_tomorrow().await;
    world.run_after(2 * MINUTE).await;
    world.sweep().await;
    assert_eq!(world.balance(&owner).await.paid_out, Some(kes(200)));
    let (reason, message) = why(&world, &owner).await;
    assert!(reason == LeftBecause::Cap && message.contains("KES 200.00"), "{message}");
    assert_eq!(breaks(&operator).await, ["payout_cap_reached"]);
    world.settle_tomorrow().await;
    assert_eq!(world.balance(&owner).await.paid_out, Some(kes(285)));
    assert!(breaks(&operator).await.is_empty(), "it ended by itself: {:?}", breaks(&operator).await);
    world.finish().await;
}

/// D15: a bank is paid by a phone to call, and who has none hears so when it is saved.
#[tokio::test(flavor = "multi_thread")]
async fn a_bank_without_any_phone_is_refused_when_it_is_saved() {
    let (world, owner, _operator) = owed().await;
    let bank = SetPayoutConfigRequest {
        payout_method: PayoutMethod::BankTransfer.into(),
        bank_code: "68".into(),
        bank_account: "0170123456789".into(),
        bank_account_name: "Yellow Networks Ltd".into(),
        mpesa_phone: String::new(),
        mpesa_name: String::new(),
        ..world.payout_ask("yellow", SettlementFrequency::Daily)
    };
    let mut sql = world.sql().await;
    sql.run("UPDATE tenant.user_account SET phone = NULL WHERE role = 'OWNER'").await;
    let refused = owner.payout().set_payout_config(bank.clone()).await.expect_err("nobody can be called");
    assert_eq!((refused.reason, refused.field_violations[0].path.as_str()), (ErrorReason::InvalidArgument, "contact_phone"), "{refused}");
    let with = SetPayoutConfigRequest { contact_phone: "0733000777".into(), ..bank };
    let set = owner.payout().set_payout_config(with).await.expect("set").config.expect("a configuration");
    assert!(set.contact_phone.ends_with("777") && !set.contact_phone.contains("733000"), "{set:?}");
    world.prove_payout(&owner).await.expect("proven");
    world.settle_tomorrow().await;
    assert_eq!(newest(&world, &owner).await.status(), SettlementStatus::Completed);
    let truth = world.payouts().pop().expect("a payment");
    assert_eq!((&truth["phone"], &truth["account"]), (&json!("254733000777"), &json!("0170123456789")));
    // It went afterwards: the next one says what is missing, and blames nobody's bank.
    sql.run("UPDATE tenant.payout_config SET contact_phone = NULL").await;
    world.earn("yellow-market", 2).await;
    world.settle_tomorrow().await;
    let missing = newest(&world, &owner).await;
    assert!(missing.status() == SettlementStatus::Failed && missing.failure_message.contains("contact phone"), "{missing:?}");
    world.finish().await;
}

/// An owner takes what is owed between two payouts: the fee is shown, kept back, and taken once it was paid; and once a day.
#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawal_costs_what_was_shown_and_is_made_once() {
    let configured = |config: &mut netily::config::Config| {
        config.payouts.hold = TimeDelta::zero();
        config.payouts.withdraw_fee = netily::money::Money::from_minor(2_000);
    };
    let world = World::builder().configured(configured).start().await;
    let (owner, operator) = (world.signed_in("yellow", Access::Owner).await, world.operator().await);
    let large = SetPayoutConfigRequest { minimum_payout: Some(kes(5_000)), ..world.payout_ask("yellow", SettlementFrequency::Monthly) };
    owner.payout().set_payout_config(large).await.expect("set");
    let preview = WithdrawNowRequest { preview: true, ..Default::default() };
    let early = owner.payout().withdraw_now(preview.clone()).await.expect("a preview");
    assert_eq!((early.left_because(), early.settlement), (LeftBecause::NotVerified, None));
    world.prove_payout(&owner).await.expect("proven");
    world.earn("yellow-market", 1).await;
    let recent = owner.payout().withdraw_now(preview.clone()).await.expect("a preview");
    assert_eq!(recent.left_because(), LeftBecause::TooRecent, "{recent:?}");
    world.advance(2 * MINUTE);
    let shown = owner.payout().withdraw_now(preview.clone()).await.expect("a preview");
    assert_eq!((shown.amount.clone(), shown.fee.clone(), shown.settlement), (Some(kes(265)), Some(kes(20)), None));
    let ask = WithdrawNowRequest { request_id: new_request_id(), preview: false };
    let once = async || owner.payout().withdraw_now(ask.clone()).await;
    let (one, other) = tokio::join!(once(), once());
    let (one, other) = (one.expect("made"), other.expect("the same"));
    let made = one.settlement.expect("a settlement");
    assert_eq!((one.amount, one.fee, other.settlement.expect("the same").id), (shown.amount, shown.fee, made.id.clone()));
    assert_eq!(world.balance(&owner).await.pending, Some(kes(20)), "the fee is kept back, not taken yet");
    world.paid_out().await;
    assert_eq!(newest(&world, &owner).await.status(), SettlementStatus::Completed);
    let after = world.balance(&owner).await;
    assert_eq!((after.pending, after.paid_out), (Some(kes(0)), Some(kes(265))), "taken once it was paid");
    let again = owner.payout().withdraw_now(ask).await.expect("the same").settlement.expect("a settlement");
    assert_eq!((again.status(), again.id), (SettlementStatus::Completed, made.id));
    world.earn("yellow-market", 2).await;
    world.advance(2 * MINUTE);
    let second = owner.payout().withdraw_now(WithdrawNowRequest { request_id: new_request_id(), preview: false }).await.expect_err("one a day");
    assert!(second.reason == ErrorReason::StateConflict && second.message.contains("midnight"), "{second}");
    let statement = owner.payout().get_statement(GetStatementRequest::default()).await.expect("a statement");
    let text = String::from_utf8(statement.content).expect("text");
    assert!(text.contains("Fee of a withdrawal") && text.contains(",-20.00,"), "{text}");
    let report = owner.payout().get_daily_report(GetDailyReportRequest { day: today(&world) }).await.expect("today").report.expect("a report");
    assert_eq!(report.unexplained, Some(kes(0)), "{:?}", report.findings);
    // What came back costs nothing, and may be asked for again.
    world.advance(Duration::from_secs(86_400));
    operator.platform().freeze_payouts(FreezePayoutsRequest { isp: "blue".into(), reason: "Not yellow".into() }).await.expect_err("nothing to hold");
    world.behave(json!({ "payout_result": "failed" })).await;
    owner.payout().withdraw_now(WithdrawNowRequest { request_id: new_request_id(), preview: false }).await.expect("made");
    world.paid_out().await;
    assert_eq!(world.balance(&owner).await.pending, Some(kes(285)));
    world.behave(json!({ "payout_result": "success" })).await;
    let tried = owner.payout().withdraw_now(WithdrawNowRequest { request_id: new_request_id(), preview: false }).await;
    assert!(tried.is_ok(), "{tried:?}");
    world.paid_out().await;
    world.finish().await;
}

fn today(world: &World) -> String {
    netily::clock::in_kenya(world.app.clock.now()).format("%Y-%m-%d").to_string()
}

/// Either wallet is told of before it is empty, once, and it ends by itself when it is filled.
#[tokio::test(flavor = "multi_thread")]
async fn a_wallet_that_runs_low_is_told_before_it_is_empty_and_again_the_next_time() {
    let configured = |config: &mut netily::config::Config| config.payouts.low_service = netily::money::Money::from_minor(10_000_100);
    let world = World::builder().configured(configured).start().await;
    let operator = world.operator().await;
    world.sweep().await;
    assert_eq!(breaks(&operator).await, ["low_service_float"], "of KES 100,000 one shilling is missing");
    for _ in 0..2 {
        world.deposit(-9_500).await;
        world.sweep().await;
        assert_eq!(breaks(&operator).await.iter().filter(|kind| *kind == "low_float").count(), 1, "{:?}", breaks(&operator).await);
        world.deposit(9_500).await;
        world.sweep().await;
        assert_eq!(breaks(&operator).await, ["low_service_float"], "filled");
    }
    world.finish().await;
}
