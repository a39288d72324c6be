//! ISPs are paid: set up, proven, held, paid at midnight to the cent, and every shilling can be followed.

use std::ops::RangeInclusive;
use std::time::Duration;

use netily_sdk::new_request_id;
use netily_sdk::payout::{
    ConfirmPayoutConfigRequest, GetDailyReportRequest, GetPayoutConfigRequest, GetSettlementRequest, GetStatementRequest, PayoutMethod, SetPayoutConfigRequest,
    SettlementFrequency, SettlementStatus, StatementFormat, StreamStatementRequest, TraceRequest, VerificationStatus, VerifyPayoutConfigRequest,
};
use netily_sdk::platform::{GetPlatformReportRequest, RunSettlementsRequest};
use netily_sdk::types::ErrorReason;
use netily_tests::{Access, PAYEE, World, kes};
use serde_json::json;

use crate::settlement_faults::close_all;

const DAY: Duration = Duration::from_secs(86_400);

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_is_paid_at_midnight_and_can_check_every_shilling() {
    let world = World::new().await;
    let owner = world.signed_in("yellow", Access::Owner).await;
    world.payee("yellow", &owner, SettlementFrequency::Daily).await;
    world.earn("yellow-market", 1).await;
    world.earn("yellow-market", 2).await;
    let before = world.balance(&owner).await;
    assert_eq!(before.pending, Some(kes(570)));
    world.sweep().await;
    assert!(world.settlements(&owner).await.is_empty(), "not before the day is over");

    world.settle_tomorrow().await;
    let paid = world.settlements(&owner).await.pop().expect("a settlement");
    assert_eq!((paid.status(), paid.amount.clone(), paid.part), (SettlementStatus::Completed, Some(kes(570)), 1), "{paid:?}");
    assert_eq!((paid.credited.clone(), paid.carried_in.clone(), paid.carried_out.clone()), (Some(kes(570)), Some(kes(0)), Some(kes(0))));
    let truth = world.payouts().pop().expect("a payment");
    assert_eq!((&truth["phone"], &truth["amount"], &truth["receipt"]), (&PAYEE.into(), &570.into(), &paid.receipt.as_str().into()));
    let after = world.balance(&owner).await;
    assert_eq!((after.pending, after.in_transit, after.paid_out), (Some(kes(0)), Some(kes(0)), Some(kes(570))));
    world.sweep().await;
    world.run_after(Duration::from_secs(3_600)).await;
    assert_eq!(world.settlements(&owner).await.len(), 1, "once");

    let found = owner.payout().get_settlement(GetSettlementRequest { id: paid.id.clone(), ..Default::default() }).await.expect("found");
    assert_eq!(found.commissions.len(), 2);
    let receipt = found.commissions[0].mpesa_receipt.clone();
    let followed = owner.payout().trace(TraceRequest { reference: receipt.clone() }).await.expect("followed");
    for kind in ["payment", "prompt", "callback", "observation", "ledger", "settlement", "attempt"] {
        assert!(followed.steps.iter().any(|step| step.kind == kind), "{kind}: {followed:#?}");
    }
    assert!(followed.steps.iter().any(|step| step.text == "A callback came. The gateway was asked."), "{followed:#?}");
    assert!(followed.summary.contains(&receipt) && followed.summary.contains(&paid.receipt), "{}", followed.summary);
    let by_payout = owner.payout().trace(TraceRequest { reference: paid.receipt.clone() }).await.expect("followed");
    assert!(by_payout.summary.contains(&paid.id), "{}", by_payout.summary);

    // The SMS tells it, too.
    let told = world.sms_on("254722000001").await;
    assert!(told.iter().any(|sms| sms.contains("KES 570.00") && sms.contains(&paid.receipt)), "{told:?}");
    let blue = world.signed_in("blue", Access::Owner).await;
    for reference in [paid.id.clone(), receipt, found.commissions[0].payment_reference.clone()] {
        let other = blue.payout().trace(TraceRequest { reference }).await.expect_err("another ISP's");
        assert_eq!(other.reason, ErrorReason::NotFound);
    }
    let other = blue.payout().get_settlement(GetSettlementRequest { id: paid.id, ..Default::default() }).await.expect_err("another ISP's");
    assert_eq!(other.reason, ErrorReason::NotFound);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_and_a_day_explain_every_movement() {
    let world = World::new().await;
    let owner = world.signed_in("yellow", Access::Owner).await;
    world.payee("yellow", &owner, SettlementFrequency::Daily).await;
    world.earn("yellow-market", 1).await;
    world.settle_tomorrow().await;
    let ask = GetStatementRequest { from: None, to: None, format: StatementFormat::Csv.into() };
    let statement = owner.payout().get_statement(ask).await.expect("a statement");
    let text = String::from_utf8(statement.content.clone()).expect("text");
    assert_eq!((statement.opening_balance, statement.closing_balance, statement.lines), (Some(kes(0)), Some(kes(0)), 2), "{text}");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 5, "{text}");
    assert_eq!(lines[0], "time,what,reference,receipt,gross,amount,balance");
    assert!(lines[2].contains("Payment received") && lines[2].ends_with(",300.00,285.00,285.00"), "{text}");
    assert!(lines[3].contains("Payout") && lines[3].ends_with(",-285.00,0.00"), "{text}");
    let mut stream = owner.payout().stream_statement(StreamStatementRequest::default()).await.expect("a stream");
    let mut streamed = Vec::new();
    while let Some(piece) = stream.message().await.expect("a piece") {
        streamed.extend(piece.chunk);
    }
    let streamed = String::from_utf8(streamed).expect("text");
    // The two were asked for at different moments, which the first and the last line tell.
    assert_eq!(streamed.lines().skip(2).take(2).collect::<Vec<_>>(), lines[2..4]);
    let nothing = GetStatementRequest {
        from: Some(prost_types::Timestamp { seconds: 1_600_000_000, nanos: 0 }),
        to: Some(prost_types::Timestamp { seconds: 1_600_086_400, nanos: 0 }),
        format: StatementFormat::Csv.into(),
    };
    let empty = owner.payout().get_statement(nothing).await.expect("a statement of nothing");
    assert_eq!((empty.lines, empty.opening_balance), (0, Some(kes(0))));

    let report = owner.payout().get_daily_report(GetDailyReportRequest::default()).await.expect("yesterday").report.expect("a report");
    assert_eq!((report.gross, report.isp_amount, report.unexplained), (Some(kes(300)), Some(kes(285)), Some(kes(0))), "{:?}", report.findings);
    let today = netily::clock::in_kenya(world.app.clock.now()).format("%Y-%m-%d").to_string();
    let report = owner.payout().get_daily_report(GetDailyReportRequest { day: today }).await.expect("today").report.expect("a report");
    assert_eq!((report.reserved, report.paid_out, report.unexplained), (Some(kes(285)), Some(kes(285)), Some(kes(0))), "{:?}", report.findings);
    let platform = world.operator().await.platform().get_platform_report(GetPlatformReportRequest::default()).await.expect("a report");
    assert_eq!((platform.gross, platform.commission, platform.paid_out), (Some(kes(300)), Some(kes(15)), Some(kes(285))));
    assert_eq!((platform.unexplained, platform.findings.len()), (Some(kes(0)), 0), "{:?}", platform.findings);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destination_is_proven_by_the_amount_that_arrived() {
    let world = World::new().await;
    let owner = world.signed_in("yellow", Access::Owner).await;
    let missing = owner.payout().get_payout_config(GetPayoutConfigRequest {}).await.expect_err("not set yet");
    assert_eq!(missing.reason, ErrorReason::NotFound);
    let ask = world.payout_ask("yellow", SettlementFrequency::Weekly);
    let wrong = SetPayoutConfigRequest { password: "not the password".into(), ..ask.clone() };
    assert_eq!(owner.payout().set_payout_config(wrong).await.expect_err("refused").reason, ErrorReason::WrongCredentials);
    let set = owner.payout().set_payout_config(ask).await.expect("set").config.expect("a configuration");
    assert_eq!((set.verification_status(), set.payout_method()), (VerificationStatus::Unverified, PayoutMethod::MpesaB2c));
    assert!(set.held_until.is_some() && !set.mpesa_phone.contains("000333"), "{set:?}");
    let early = owner.payout().confirm_payout_config(ConfirmPayoutConfigRequest { amount_received: Some(kes(10)) }).await;
    assert_eq!(early.expect_err("nothing was sent").reason, ErrorReason::StateConflict);

    let request = VerifyPayoutConfigRequest { request_id: new_request_id() };
    let sent = owner.payout().verify_payout_config(request.clone()).await.expect("sent").settlement.expect("a test payment");
    assert_eq!(sent.amount, None, "the amount is what proves it");
    let again = owner.payout().verify_payout_config(request).await.expect("the same").settlement.expect("a test payment");
    assert_eq!(again.id, sent.id);
    let other = owner.payout().verify_payout_config(VerifyPayoutConfigRequest { request_id: new_request_id() }).await.expect_err("one at a time");
    assert_eq!(other.reason, ErrorReason::StateConflict);
    world.paid_out().await;
    let arrived = world.payouts()[0]["amount"].as_i64().expect("an amount");
    assert!((10..=49).contains(&arrived), "{arrived}");
    for left in ["tries left: 2", "tries left: 1", "the last try"] {
        let wrong = owner.payout().confirm_payout_config(ConfirmPayoutConfigRequest { amount_received: Some(kes(arrived + 1)) }).await.expect_err("wrong");
        assert!(wrong.message.contains(left), "{wrong}");
    }
    let late = owner.payout().confirm_payout_config(ConfirmPayoutConfigRequest { amount_received: Some(kes(arrived)) }).await;
    assert_eq!(late.expect_err("too late").reason, ErrorReason::StateConflict);
    let proven = world.prove_payout(&owner).await.expect("another test payment");
    assert_eq!(proven.verification_status(), VerificationStatus::Verified);
    assert_eq!(world.balance(&owner).await.paid_out, Some(kes(0)), "Netily bears it");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_destination_is_told_to_the_old_one_and_held() {
    let world = World::new().await;
    let owner = world.signed_in("yellow", Access::Owner).await;
    world.payee("yellow", &owner, SettlementFrequency::Daily).await;
    world.earn("yellow-market", 1).await;
    let bank = SetPayoutConfigRequest {
        payout_method: PayoutMethod::BankTransfer.into(),
        bank_code: "68".into(),
        bank_account: "0170123456789".into(),
        bank_account_name: "Yellow Networks Ltd".into(),
        ..world.payout_ask("yellow", SettlementFrequency::Daily)
    };
    let set = owner.payout().set_payout_config(bank.clone()).await.expect("set").config.expect("a configuration");
    assert_eq!((set.bank_account.as_str(), set.bank_name.as_str()), ("•••6789", "Equity"));
    world.run_due().await;
    let told = world.sms_on(PAYEE).await;
    assert!(told.iter().any(|sms| sms.contains("Equity") && sms.contains("If it was not you")), "the old phone is told: {told:?}");
    world.settle_tomorrow().await;
    assert!(world.settlements(&owner).await.is_empty(), "not proven");
    world.prove_payout(&owner).await.expect("proven");
    // Something small that is not the destination changes nothing of it.
    let monthly = SetPayoutConfigRequest { minimum_payout: Some(kes(20)), ..bank };
    let same = owner.payout().set_payout_config(monthly).await.expect("set").config.expect("a configuration");
    assert_eq!(same.verification_status(), VerificationStatus::Verified);
    world.settle_tomorrow().await;
    let paid = world.settlements(&owner).await.pop().expect("a settlement");
    assert_eq!((paid.status(), paid.amount.clone()), (SettlementStatus::Completed, Some(kes(285))), "{paid:?}");
    assert_eq!(world.payouts().last().expect("a payment")["account"], "0170123456789", "a leading zero is part of it");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_week_of_payments_settles_to_the_cent_each_day_and_each_week() {
    let daily = payments_settle(9, (SettlementFrequency::Daily, 6..=6), (SettlementFrequency::Weekly, 1..=2)).await;
    assert_eq!(daily, Settled { refused: 3, left: 50 }, "each day was tried, and only the cents are left");
}

#[tokio::test(flavor = "multi_thread")]
async fn payments_of_five_weeks_settle_to_the_cent_each_fortnight_and_each_month() {
    payments_settle(35, (SettlementFrequency::Biweekly, 2..=3), (SettlementFrequency::Monthly, 1..=2)).await;
}

/// What came of an ISP's settlements besides those that were paid.
#[derive(Debug, PartialEq, Eq)]
struct Settled {
    refused: usize,
    left: i64,
}

/// Yellow and blue earn each day and are paid in their own rhythm, so many times, by a gateway that refuses each third day, which the
/// next one makes good, and tells nobody on another. What was paid and what is left is what was earned; each settlement's own sum holds; truth
/// is the ledger (`finish`). Gives yellow's.
async fn payments_settle(days: u16, yellow: (SettlementFrequency, RangeInclusive<usize>), blue: (SettlementFrequency, RangeInclusive<usize>)) -> Settled {
    let world = World::new().await;
    for (slug, frequency) in [("yellow", yellow.0), ("blue", blue.0)] {
        world.payee(slug, &world.signed_in(slug, Access::Owner).await, frequency).await;
    }
    for day in 0..days {
        // An hour is KES 10, of which KES 9.50 are the ISP's: cents are carried.
        world.buy_and_pay(&netily_tests::Guest::number(100 + day)).await;
        world.earn("yellow-market", 200 + day).await;
        world.earn("blue-harbour", 300 + day).await;
        let (payout, callback) = [("ok", "once"), ("refuse", "once"), ("ok", "never")][usize::from(day % 3)];
        world.behave(json!({ "payout": payout, "callback": callback })).await;
        world.settle_tomorrow().await;
        for _ in 0..3 {
            world.run_after(Duration::from_secs(20)).await;
        }
        world.behave(json!({ "payout": "ok", "callback": "once" })).await;
        // A refusal is a break, which somebody looks at within the day.
        close_all(&world.operator().await).await;
    }
    let cents = |money: &Option<netily_sdk::types::Money>| money.as_ref().expect("an amount").amount_minor;
    let mut settled = Vec::new();
    for (slug, times, earned_a_day) in [("yellow", yellow.1, 950 + 28_500), ("blue", blue.1, 28_500)] {
        let owner = world.signed_in(slug, Access::Owner).await;
        let (settlements, refused): (Vec<_>, Vec<_>) = world.settlements(&owner).await.into_iter().partition(|one| one.status() == SettlementStatus::Completed);
        assert!(refused.iter().all(|one| one.status() == SettlementStatus::Failed), "{refused:?}");
        assert!(times.contains(&settlements.len()), "{slug}: {settlements:?}");
        for paid in &settlements {
            assert_eq!(cents(&paid.carried_in) + cents(&paid.credited), cents(&paid.amount) + cents(&paid.carried_out), "{paid:?}");
            assert_eq!(cents(&paid.amount) % 100, 0);
        }
        let total: i64 = settlements.iter().map(|paid| cents(&paid.amount)).sum();
        let left = cents(&world.balance(&owner).await.pending);
        assert_eq!(total + left, i64::from(days) * earned_a_day, "{slug}: nothing is lost");
        settled.push(Settled { refused: refused.len(), left });
    }
    world.finish().await;
    settled.swap_remove(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_sees_who_is_due_before_anybody_is_paid_and_may_pay_ahead() {
    let world = World::new().await;
    let (owner, operator) = (world.signed_in("yellow", Access::Owner).await, world.operator().await);
    world.payee("yellow", &owner, SettlementFrequency::Monthly).await;
    world.earn("yellow-market", 1).await;
    world.advance(Duration::from_secs(120));
    let ahead = |dry_run| RunSettlementsRequest { dry_run, isp: "yellow".into(), ahead_of_schedule: true };
    let would = operator.platform().run_settlements(ahead(true)).await.expect("a look");
    assert_eq!((would.due.len(), would.total.clone()), (1, Some(kes(285))), "{would:?}");
    assert!(would.due[0].settlement_id.is_empty() && world.settlements(&owner).await.is_empty(), "nothing was done");
    let done = operator.platform().run_settlements(ahead(false)).await.expect("a run");
    assert_eq!(done.total, Some(kes(285)));
    world.paid_out().await;
    let paid = world.settlements(&owner).await;
    assert_eq!((paid.len(), paid[0].status(), paid[0].id.clone()), (1, SettlementStatus::Completed, done.due[0].settlement_id.clone()));
    world.earn("yellow-market", 2).await;
    world.advance(Duration::from_secs(120));
    operator.platform().run_settlements(ahead(false)).await.expect("a run");
    world.paid_out().await;
    let parts: Vec<i32> = world.settlements(&owner).await.iter().map(|paid| paid.part).collect();
    assert_eq!(parts, [2, 1]);
    let all = RunSettlementsRequest { ahead_of_schedule: true, ..Default::default() };
    assert_eq!(operator.platform().run_settlements(all).await.expect_err("of whom?").field_violations[0].path, "isp");
    world.advance(DAY);
    world.finish().await;
}
