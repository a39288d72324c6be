//! The database may be an older one than that from which was paid: a restored backup, a primary whose last minutes were lost. Nothing is
//! paid twice for it, and nobody waits longer than it takes to compare.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use netily::gateways::payhero::{Outcome, Recipient, WithdrawRequest};
use netily::platform;
use netily::settlement::pulse;
use netily_sdk::Client;
use netily_sdk::payout::{LeftBecause, Settlement, SettlementFrequency, SettlementStatus};
use netily_sdk::platform::adopt_payout_request::Target;
use netily_sdk::platform::{
    AdoptPayoutRequest, EndUncertaintyRequest, GetPayoutStatusRequest, ListBreaksRequest, ListUnmatchedRequest, RunSettlementsRequest, SetPayoutSwitchRequest,
};
use netily_sdk::types::ErrorReason;
use netily_tests::{Access, Guest, PAYEE, Plan, TestCluster, World, kes};
use serde_json::json;

const MINUTE: Duration = Duration::from_secs(60);

/// `yellow` is owed KES 285 and may be paid at once.
async fn owed(world: &World) -> (Client, Client) {
    let (owner, operator) = (world.signed_in("yellow", Access::Owner).await, world.operator().await);
    owner.payout().set_payout_config(world.payout_ask("yellow", SettlementFrequency::Daily)).await.expect("set");
    world.prove_payout(&owner).await.expect("proven");
    world.earn("yellow-market", 1).await;
    world.advance(2 * MINUTE);
    (owner, operator)
}

async fn world() -> World {
    World::builder().configured(|config| config.payouts.hold = TimeDelta::zero()).start().await
}

async fn run(operator: &Client) -> Result<(), netily_sdk::Error> {
    let ask = RunSettlementsRequest { isp: "yellow".into(), ahead_of_schedule: true, dry_run: false };
    operator.platform().run_settlements(ask).await.map(drop)
}

async fn newest(world: &World, owner: &Client) -> Settlement {
    world.settlements(owner).await.into_iter().next().expect("a settlement")
}

async fn why(world: &World, owner: &Client) -> LeftBecause {
    world.balance(owner).await.left_because()
}

async fn breaks(operator: &Client) -> Vec<String> {
    let found = operator.platform().list_breaks(ListBreaksRequest::default()).await.expect("a list").breaks;
    found.into_iter().map(|found| found.kind).collect()
}

/// What the gateway was asked to pay, of the amount of the settlement.
fn paid(world: &World) -> usize {
    world.payouts().iter().filter(|paid| paid["amount"] == 285).count()
}

async fn is_uncertain(world: &World) -> bool {
    world.app.db.public(async |tx| pulse::uncertainty(tx).await).await.expect("it is read").is_some()
}

async fn beat(world: &World, seen: Option<i64>) -> i64 {
    pulse::beat(&world.app, seen).await.expect("written")
}

/// The workers were gone for an hour, or the database is one of an hour ago.
async fn an_hour_is_missing(world: &World) {
    beat(world, None).await;
    world.sql().await.run("UPDATE public.pulse SET at = at - interval '1 hour', written_at = written_at - interval '1 hour'").await;
}

/// H: nothing is reserved or sent before the gateway's list was compared; then everything goes on by itself.
#[tokio::test(flavor = "multi_thread")]
async fn after_a_gap_nobody_is_paid_until_the_list_was_compared() {
    let world = world().await;
    let (owner, operator) = owed(&world).await;
    run(&operator).await.expect("set aside");
    an_hour_is_missing(&world).await;
    assert!(is_uncertain(&world).await, "also before a worker is there");
    beat(&world, None).await;
    assert!(is_uncertain(&world).await);
    world.sweep().await;
    assert_eq!((paid(&world), newest(&world, &owner).await.status()), (0, SettlementStatus::Pending), "not sent");
    let blue = world.signed_in("blue", Access::Owner).await;
    blue.payout().set_payout_config(world.payout_ask("blue", SettlementFrequency::Daily)).await.expect("set");
    let refused = blue.payout().verify_payout_config(netily_sdk::payout::VerifyPayoutConfigRequest { request_id: netily_sdk::new_request_id() }).await;
    assert_eq!(refused.expect_err("no test payment either").reason, ErrorReason::Unavailable);
    world.run_after(4 * MINUTE).await;
    assert!(!is_uncertain(&world).await, "the list was read, some minutes later");
    world.run_after(2 * MINUTE).await;
    world.paid_out().await;
    assert_eq!((paid(&world), newest(&world, &owner).await.status()), (1, SettlementStatus::Completed));
    assert!(breaks(&operator).await.is_empty());
    world.finish().await;
}

/// A restart within seconds is no gap, and neither is a clock that jumps.
#[tokio::test(flavor = "multi_thread")]
async fn a_restart_within_seconds_and_a_moved_clock_stop_nobody() {
    let world = world().await;
    let (owner, operator) = owed(&world).await;
    let first = beat(&world, None).await;
    world.advance(Duration::from_secs(3 * 86_400));
    beat(&world, Some(first)).await;
    world.set_back(Duration::from_secs(86_400));
    beat(&world, None).await;
    assert!(!is_uncertain(&world).await);
    run(&operator).await.expect("paid");
    world.paid_out().await;
    assert_eq!(newest(&world, &owner).await.status(), SettlementStatus::Completed);
    world.finish().await;
}

/// H: a failover that lost the last minutes: the database is younger than thirty seconds, and knows less than a worker.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_knows_less_than_a_worker_is_doubted() {
    let world = world().await;
    let (owner, operator) = owed(&world).await;
    let mut seen = beat(&world, None).await;
    for _ in 0..3 {
        seen = beat(&world, Some(seen)).await;
    }
    assert!(!is_uncertain(&world).await);
    world.sql().await.run("UPDATE public.pulse SET beat = 1").await;
    assert!(beat(&world, Some(seen)).await > seen);
    assert!(is_uncertain(&world).await);
    let refused = run(&operator).await.expect_err("nothing is reserved");
    assert_eq!((refused.reason, why(&world, &owner).await), (ErrorReason::StateConflict, LeftBecause::PastUncertain));
    world.sweep().await;
    world.run_after(4 * MINUTE).await;
    run(&operator).await.expect("compared");
    world.paid_out().await;
    assert_eq!(paid(&world), 1);
    world.finish().await;
}

/// The payout of the settlement that waits, sent in a past that this database does not know.
async fn sent_in_a_lost_past(world: &World) {
    let row = world.sql().await.rows("SELECT external_reference, id::text AS id FROM tenant.settlement WHERE state = 'PENDING'").await;
    let request = WithdrawRequest {
        amount_shillings: 285,
        recipient: Recipient::Phone(PAYEE.into()),
        external_reference: row[0]["external_reference"].as_str().expect("a reference").into(),
        callback_url: format!("http://{}/nowhere/", world.address),
    };
    assert!(matches!(world.app.payhero.withdraw(&request).await, Outcome::Done(_)));
    world.callbacks_delivered().await;
}

/// H: a database of half a minute ago, which no gap betrays: before it is sent, the list is asked.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_list_shows_already_is_not_sent_again() {
    let world = world().await;
    let (owner, operator) = owed(&world).await;
    run(&operator).await.expect("set aside");
    sent_in_a_lost_past(&world).await;
    world.run_due().await;
    world.run_after(Duration::from_secs(20)).await;
    let settled = newest(&world, &owner).await;
    assert_eq!((paid(&world), settled.status()), (1, SettlementStatus::Completed), "{settled:?}");
    let truth = world.payouts().pop().expect("a payment");
    assert_eq!((truth["requests"].as_u64(), truth["receipt"].as_str()), (Some(1), Some(settled.receipt.as_str())));
    world.run_after(3 * MINUTE).await;
    world.sweep().await;
    assert!(breaks(&operator).await.is_empty(), "{:?}", breaks(&operator).await);
    world.finish().await;
}

/// H: a restored backup with a payout that was reserved and, as the list shows, sent: it is adopted by itself, and then everybody is paid again.
#[tokio::test(flavor = "multi_thread")]
async fn a_payout_of_the_lost_time_is_found_and_ends_the_uncertainty() {
    let world = world().await;
    let (owner, operator) = owed(&world).await;
    run(&operator).await.expect("set aside");
    sent_in_a_lost_past(&world).await;
    an_hour_is_missing(&world).await;
    beat(&world, None).await;
    for _ in 0..3 {
        world.sweep().await;
        world.run_after(4 * MINUTE).await;
    }
    assert!(!is_uncertain(&world).await, "{:?}", breaks(&operator).await);
    assert_eq!((paid(&world), newest(&world, &owner).await.status()), (1, SettlementStatus::Completed));
    assert!(breaks(&operator).await.is_empty(), "{:?}", breaks(&operator).await);
    world.finish().await;
}

/// H: money that left and that no row explains stops everybody, after a gap and without one, until it has a place.
#[tokio::test(flavor = "multi_thread")]
async fn money_that_left_without_a_place_stops_payouts_until_it_has_one() {
    let world = world().await;
    let (owner, operator) = owed(&world).await;
    run(&operator).await.expect("set aside");
    world.deposit(-500).await;
    an_hour_is_missing(&world).await;
    beat(&world, None).await;
    for _ in 0..2 {
        world.run_after(4 * MINUTE).await;
        world.sweep().await;
    }
    assert!(is_uncertain(&world).await);
    let open = breaks(&operator).await;
    assert!(["payouts_after_restore", "unmatched_payout"].iter().all(|kind| open.iter().any(|open| open == kind)), "{open:?}");
    assert_eq!((paid(&world), newest(&world, &owner).await.status()), (0, SettlementStatus::Pending));
    world.explain_what_left().await;
    let left = operator.platform().list_unmatched(ListUnmatchedRequest::default()).await.expect("a list").rows;
    assert!(left.iter().all(|row| row.kind != "unmatched_payout"), "{left:?}");
    world.run_after(6 * MINUTE).await;
    assert!(!is_uncertain(&world).await);
    world.run_after(2 * MINUTE).await;
    world.paid_out().await;
    assert_eq!((paid(&world), newest(&world, &owner).await.status()), (1, SettlementStatus::Completed));
    world.finish().await;
}

/// H: the same without a gap.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_reserved_while_money_left_without_a_place() {
    let world = world().await;
    let (owner, operator) = owed(&world).await;
    world.deposit(-500).await;
    world.advance(3 * MINUTE);
    world.sweep().await;
    assert_eq!(breaks(&operator).await, ["unmatched_payout"]);
    let refused = run(&operator).await.expect_err("stopped, without a gap too");
    assert_eq!((refused.reason, is_uncertain(&world).await), (ErrorReason::StateConflict, false));
    assert_eq!(why(&world, &owner).await, LeftBecause::PayoutsStopped);
    world.explain_what_left().await;
    run(&operator).await.expect("it has a place");
    world.paid_out().await;
    assert_eq!(newest(&world, &owner).await.status(), SettlementStatus::Completed);
    world.finish().await;
}

async fn adopt(operator: &Client, second: &Client, target: Target) -> Result<(), netily_sdk::Error> {
    let rows = operator.platform().list_unmatched(ListUnmatchedRequest::default()).await.expect("a list").rows;
    let reference = rows.into_iter().find(|row| row.kind == "unmatched_payout").expect("money that left").reference;
    let ask = AdoptPayoutRequest { reference, target: Some(target), note: "As the statement of the gateway shows it".into() };
    let first = operator.platform().adopt_payout(ask.clone()).await?.result.expect("a result");
    assert!(first.needs_another_operator && first.repair.is_none(), "always two: {first:?}");
    assert!(second.platform().adopt_payout(ask).await?.result.expect("a result").repair.is_some());
    Ok(())
}

/// H: two of one amount wait and one of them was sent in a lost past: people say which, and the gateway is asked.
#[tokio::test(flavor = "multi_thread")]
async fn people_say_which_settlement_a_payout_of_the_lost_time_was() {
    let world = world().await;
    let (owner, operator) = owed(&world).await;
    let second = world.another_operator().await;
    run(&operator).await.expect("set aside");
    sent_in_a_lost_past(&world).await;
    let id = newest(&world, &owner).await.id;
    // As if it was lost which one it is.
    let hidden = "UPDATE public.job SET run_at = run_at + interval '1 day' WHERE kind IN ('settlement_send', 'settlement_check')";
    world.behave(json!({ "list_fields": { "description": "Sent for NTLP-ffff" } })).await;
    world.sql().await.run(hidden).await;
    world.advance(3 * MINUTE);
    world.sweep().await;
    assert_eq!((breaks(&operator).await, newest(&world, &owner).await.status()), (vec!["unmatched_payout".to_owned()], SettlementStatus::Pending));
    adopt(&operator, &second, Target::SettlementId(id)).await.expect("adopted");
    world.run_after(MINUTE).await;
    let settled = newest(&world, &owner).await;
    assert_eq!((paid(&world), settled.status()), (1, SettlementStatus::Completed), "{settled:?}");
    assert!(breaks(&operator).await.is_empty(), "{:?}", breaks(&operator).await);
    world.finish().await;
}

/// H: where the gateway has no list, two operators end it, and one is not enough.
#[tokio::test(flavor = "multi_thread")]
async fn without_a_list_two_operators_end_the_uncertainty() {
    let world = World::builder().v2().start().await;
    let (operator, second) = (world.operator().await, world.another_operator().await);
    let ask = EndUncertaintyRequest { note: "Compared with the statement by hand".into() };
    let nothing = operator.platform().end_uncertainty(ask.clone()).await.expect_err("nothing is uncertain");
    assert_eq!(nothing.reason, ErrorReason::StateConflict);
    an_hour_is_missing(&world).await;
    beat(&world, None).await;
    world.sweep().await;
    world.run_after(10 * MINUTE).await;
    assert!(is_uncertain(&world).await && breaks(&operator).await.iter().any(|kind| kind == "payouts_after_restore"));
    for _ in 0..2 {
        assert!(operator.platform().end_uncertainty(ask.clone()).await.expect("asked").needs_another_operator);
    }
    assert!(!second.platform().end_uncertainty(ask).await.expect("agreed").needs_another_operator);
    assert!(!is_uncertain(&world).await && !breaks(&operator).await.iter().any(|kind| kind == "payouts_after_restore"));
    world.finish().await;
}

/// H: prompts and messages that were about to be sent are not sent again, and no number comes twice.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_under_way_at_the_moment_of_the_backup_is_not_done_again() {
    let world = world().await;
    let customer = world.proven("yellow", 1).await.1;
    world.run_due().await;
    let guest = Guest::number(1);
    world.client("yellow").hotspot().purchase(world.ask_at("yellow-market", &guest, Plan::Hour)).await.expect("taken");
    let mut sql = world.sql().await;
    let before = sql.rows("SELECT sum(value)::bigint AS value, count(*) AS names FROM tenant.counter").await;
    let done = platform::restored(&world.app, "A backup of noon was restored", 1_000).await.expect("made safe");
    assert_eq!(done.prompts, 1, "{done:?}");
    assert!(done.text().contains("1 prompts") && done.text().contains("settlement adopt"), "{}", done.text());
    let after = sql.rows("SELECT sum(value)::bigint AS value FROM tenant.counter").await;
    let moved = after[0]["value"].as_i64().zip(before[0]["value"].as_i64()).map(|(after, before)| after - before);
    assert_eq!(moved, before[0]["names"].as_i64().map(|names| names * 1_000));
    assert!(moved > Some(0) && !customer.id.is_empty());
    world.run_due().await;
    assert!(world.collections().is_empty(), "the prompt may have been sent: it is asked about");
    let states = sql.rows("SELECT state FROM tenant.payment").await;
    assert_eq!(states[0]["state"], "UNKNOWN");
    let status = world.operator().await.platform().get_payout_status(GetPayoutStatusRequest {}).await.expect("a status");
    assert!(status.stopped && status.reason.contains("noon") && status.uncertain_from.is_some(), "{status:?}");
    world.finish().await;
}

/// H: the drill. A base backup and the archived log, a payout, and a restore to three moments around it: the gateway paid once each time, what is
/// not known is found or given a place, and the balance is right.
#[tokio::test(flavor = "multi_thread")]
async fn a_restored_backup_pays_nobody_twice() {
    let original = Arc::new(TestCluster::archived("drill"));
    let zero = |config: &mut netily::config::Config| config.payouts.hold = TimeDelta::zero();
    let mut world = World::builder().on(original.clone()).configured(zero).start().await;
    let (_, operator) = owed(&world).await;
    original.base_backup();
    beat(&world, None).await;
    original.restore_point("before").await;
    run(&operator).await.expect("set aside");
    original.restore_point("pending").await;
    world.run_due().await;
    original.restore_point("sent").await;
    world.callbacks_delivered().await;
    original.close_log().await;
    assert_eq!(paid(&world), 1);
    println!("{:<10} {:>9} {:>12} {:>10} {:>10} {:>8}", "restored", "uncertain", "at first", "at last", "adopted", "payments");
    for point in ["pending", "sent", "before"] {
        world.restore(point, &original).await;
        // Work begins at once: that was the danger.
        if point != "before" {
            world.run_due().await;
        }
        assert_eq!(paid(&world), 1, "{point}: not in the first second");
        platform::restored(&world.app, "The drill", 1_000).await.expect("made safe");
        let uncertain = is_uncertain(&world).await;
        let (owner, operator) = (world.signed_in("yellow", Access::Owner).await, world.operator().await);
        let second = world.another_operator().await;
        let first = world.settlements(&owner).await.into_iter().next().map(|first| format!("{:?}", first.status())).unwrap_or_default();
        for _ in 0..2 {
            world.sweep().await;
            world.run_after(4 * MINUTE).await;
        }
        let lost = breaks(&operator).await.iter().any(|kind| kind == "unmatched_payout");
        assert_eq!((lost, is_uncertain(&world).await), (point == "before", point == "before"), "{point}: {:?}", breaks(&operator).await);
        if lost {
            adopt(&operator, &second, Target::Isp("yellow".into())).await.expect("adopted");
            world.run_due().await;
        }
        assert!(uncertain && !is_uncertain(&world).await, "{point}: {:?}", breaks(&operator).await);
        let goes_on = SetPayoutSwitchRequest { stopped: false, reason: "Compared with the list".into() };
        operator.platform().set_payout_switch(goes_on).await.expect("goes on");
        run(&operator).await.expect("a run");
        world.paid_out().await;
        world.run_after(2 * MINUTE).await;
        let last = world.settlements(&owner).await.into_iter().next().map(|last| format!("{:?}", last.status())).unwrap_or_default();
        println!("{point:<10} {uncertain:>9} {first:>12} {last:>10} {lost:>10} {:>8}", paid(&world));
        assert_eq!((paid(&world), world.balance(&owner).await.pending), (1, Some(kes(0))), "{point}: paid once, and nothing is owed");
    }
    world.finish().await;
}

/// H: who paid in the lost minutes is known by the journal: the payment is made anew, asked about, and credited to its ISP; the guest is let in.
#[tokio::test(flavor = "multi_thread")]
async fn payments_of_the_lost_minutes_are_credited_to_their_isp_by_the_journal() {
    let original = Arc::new(TestCluster::archived("journal"));
    let (folder, empty) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let place = folder.path().to_owned();
    let mut world = World::builder().on(original.clone()).configured(move |config| config.journal = Some(place)).start().await;
    original.base_backup();
    original.restore_point("earlier").await;
    world.earn("yellow-market", 1).await;
    world.earn("blue-harbour", 2).await;
    world.app.journal.flush();
    original.close_log().await;
    let text: String =
        std::fs::read_dir(folder.path()).expect("a folder").map(|file| std::fs::read_to_string(file.expect("a file").path()).expect("text")).collect();
    assert!(!text.contains(&Guest::number(1).phone) && text.lines().count() == 4, "what is personal is sealed: {text}");
    world.restore("earlier", &original).await;
    assert!(world.sql().await.rows("SELECT FROM tenant.payment").await.is_empty());
    platform::restored(&world.app, "The drill", 1_000).await.expect("made safe");
    assert_eq!(platform::replay(&world.app, empty.path()).await.expect("nothing").made, 0);
    let done = platform::replay(&world.app, folder.path()).await.expect("replayed");
    assert_eq!((done.made, done.known, done.left.len()), (2, 0, 0), "{done:?}");
    let again = platform::replay(&world.app, folder.path()).await.expect("replayed");
    assert_eq!((again.made, again.known), (0, 2), "{again:?}");
    world.run_after(MINUTE).await;
    for (slug, owed) in [("yellow", 285), ("blue", 285)] {
        let owner = world.signed_in(slug, Access::Owner).await;
        assert_eq!(world.balance(&owner).await.pending, Some(kes(owed)), "{slug}");
    }
    let paid = world.sql().await.rows("SELECT status FROM tenant.hotspot_session").await;
    assert!(paid.len() == 2 && paid.iter().all(|session| session["status"] != "AWAITING_PAYMENT"), "{paid:?}");
    assert_eq!(world.collections().iter().filter(|one| one["requests"] == 1).count(), 2, "nobody was asked twice");
    world.finish().await;
}
