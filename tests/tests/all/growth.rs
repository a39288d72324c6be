//! What is looked at and kept again and again does not die of its own size: the gateway's list is read in pieces, in time.

use std::time::Duration;

use netily::jobs::Outcome;
use netily::reconcile;
use netily_sdk::hotspot::PurchaseStatus;
use netily_tests::{Guest, Sql, World};
use serde_json::json;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);
const FEES: &str = "tenant.ledger_transaction WHERE kind = 'GATEWAY_FEE'";

/// One run of the job that reads the list. True: the list was read to its end.
async fn list_sweep(world: &World) -> bool {
    let now = world.app.clock.now();
    match reconcile::list_sweep(&world.app).await.expect("a run") {
        Outcome::Again(at) => at > now + chrono::TimeDelta::minutes(1),
        other => panic!("{other:?}"),
    }
}

async fn nothing_read_yet(sql: &mut Sql) {
    sql.run(
        "UPDATE public.list_walk SET read_until = NULL, completed_at = NULL, incomplete_since = NULL, begun_at = NULL, since = NULL, page = NULL, count = NULL",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_ten_thousand_rows_is_read_over_several_runs_and_charges_are_booked() {
    let world = World::new().await;
    let mut sql = world.sql().await;
    world.earn("yellow-market", 1).await;
    nothing_read_yet(&mut sql).await;
    assert_eq!(sql.count(FEES).await, 0, "the list was not read since");
    // The payment's rows are the oldest of all: an older server read 10,000 rows from the newest on, and never came to them.
    world.charges(10_500).await;
    let mut runs = 1;
    while !list_sweep(&world).await {
        assert!(sql.count("public.list_walk WHERE begun_at IS NOT NULL AND page > 1").await >= 1, "where it stands is kept");
        // Rows come while it is read.
        world.charges(30).await;
        runs += 1;
        assert!(runs < 20, "it comes to an end");
    }
    assert!(runs >= 3, "{runs} runs");
    assert_eq!(sql.count(FEES).await, 1, "the charge of the oldest row is booked");
    assert_eq!(sql.count("public.list_walk WHERE read_until IS NOT NULL AND begun_at IS NULL").await, 2);
    // What comes afterwards is found, too. All of these rows are younger than the quarter of an hour that is read once more.
    world.earn("yellow-market", 2).await;
    while !list_sweep(&world).await {
        runs += 1;
        assert!(runs < 40, "it comes to an end");
    }
    assert_eq!(sql.count(FEES).await, 2);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_cannot_be_read_is_told_and_rings_no_more_once_it_was() {
    let world = World::new().await;
    let mut sql = world.sql().await;
    world.behave(json!({ "status": "rate_limited" })).await;
    let open = "public.reconciliation_break WHERE kind = 'list_incomplete' AND closed_at IS NULL";
    for (after, told) in [(MINUTE, 0), (HOUR, 0), (HOUR + MINUTE, 1)] {
        world.advance(after);
        let ended = reconcile::list_sweep(&world.app).await.expect("a run");
        assert!(matches!(ended, Outcome::Retry(..)), "{ended:?}");
        assert_eq!(sql.count(open).await, told, "after {after:?}");
    }
    world.behave(json!({ "status": "ok" })).await;
    assert!(list_sweep(&world).await);
    assert_eq!(sql.count(open).await, 0, "it closes itself");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_that_the_list_shows_paid_after_three_days_is_credited() {
    let world = World::new().await;
    let mut sql = world.sql().await;
    let guest = Guest::number(1);
    let bought = world.buy(&guest).await;
    world.run_due().await;
    world.answer_prompt(&guest.phone, "cancel").await;
    world.callbacks_delivered().await;
    world.run_due().await;
    assert_eq!(world.look(&bought.session_id).await.status(), PurchaseStatus::Failed);
    // Nobody asks about it any more.
    sql.run("UPDATE tenant.payment SET created_at = created_at - interval '80 hours', expires_at = expires_at - interval '80 hours'; DELETE FROM public.job WHERE kind = 'check'").await;
    let reference = world.collection_from(&guest.phone)["reference"].as_str().expect("a reference").to_owned();
    world.resolve(&reference, "SUCCESS", false).await;
    world.run_due().await;
    assert_eq!(sql.value("SELECT state FROM tenant.payment").await, "FAILED", "no callback came");
    list_sweep(&world).await;
    world.run_due().await;
    assert_eq!(sql.value("SELECT state FROM tenant.payment").await, "SUCCEEDED");
    world.finish().await;
}

/// A cancelled prompt is asked about until the next day, and only what is new is kept.
#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_prompt_is_asked_about_until_the_next_day_and_one_answer_is_kept() {
    let world = World::new().await;
    let guest = Guest::number(1);
    world.buy(&guest).await;
    world.run_due().await;
    world.answer_prompt(&guest.phone, "cancel").await;
    world.callbacks_delivered().await;
    world.run_due().await;
    let mut sql = world.sql().await;
    assert_eq!(sql.value("SELECT state FROM tenant.payment").await, "FAILED");
    let polls = sql.value("SELECT polls FROM tenant.payment").await.as_i64().expect("a number");
    for _ in 0..(3 * 24 * 2) {
        world.run_after(30 * MINUTE).await;
    }
    assert_eq!(
        sql.value("SELECT polls FROM tenant.payment").await.as_i64(),
        Some(polls + 3),
        "once for what is due within the first half hour, at one hour, at a day"
    );
    assert_eq!(sql.count("tenant.gateway_observation").await, 1, "it always says the same");
    let rows = "SELECT 'payment' AS t FROM tenant.payment UNION ALL SELECT 'event' FROM tenant.payment_event UNION ALL SELECT 'observation' FROM tenant.gateway_observation
                UNION ALL SELECT 'callback' FROM public.webhook_delivery UNION ALL SELECT 'session' FROM tenant.hotspot_session UNION ALL SELECT 'key' FROM public.gateway_key";
    let left = sql.rows(rows).await;
    assert!(left.len() <= 10, "what a cancelled prompt leaves: {left:?}");
    world.finish().await;
}
