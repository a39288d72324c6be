//! Jobs that can never succeed: they come again later and later, hold up nobody, and go through once their cause is mended.

use std::time::Duration;

use netily_sdk::hotspot::PurchaseStatus;
use netily_tests::{Guest, Sql, World, eventually};
use serde_json::json;

use crate::crash::{insist, status};
use crate::program::Program;

const HOUR: Duration = Duration::from_secs(3_600);

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_panics_comes_again_later_and_holds_up_nobody() {
    let world = World::builder().not_serving().start().await;
    world.behave(json!({ "auto_answer": "accept" })).await;
    let client = world.client("yellow");
    let until = async |session: &str, wanted: PurchaseStatus| {
        eventually(wanted.as_str_name(), async || (status(&client, session).await? == wanted).then_some(())).await;
    };
    let first = Program::start(&world, Duration::ZERO);
    let old = insist(&client, world.ask(&Guest::number(1))).await;
    until(&old, PurchaseStatus::Active).await;
    first.kill();

    let poisoned = Program::panicking_at(&world, HOUR, "session_end written");
    let mut sql = world.sql().await;
    eventually("it has panicked twice", async || {
        let panicked = sql.rows("SELECT attempts FROM public.job WHERE kind = 'session_end' AND last_error LIKE '%panicked%' AND buried_at IS NULL").await;
        panicked.first().filter(|job| job["attempts"].as_i64() >= Some(2)).map(drop)
    })
    .await;
    let new = insist(&client, world.ask(&Guest::number(2))).await;
    until(&new, PurchaseStatus::Active).await; // the end of a session is a job of the routers' lane, as is this
    assert_eq!(status(&client, &old).await, Some(PurchaseStatus::Active), "nothing of the job that panicked was kept");
    poisoned.kill();

    let ahead = HOUR + Duration::from_secs(301);
    let mended = Program::start(&world, ahead);
    until(&old, PurchaseStatus::Expired).await;
    drop(mended);
    world.advance(ahead);
    world.finish().await;
}

/// How often the push that waits was tried, and how long it still waits, in whole seconds.
async fn waits(world: &World, sql: &mut Sql) -> (u32, i64) {
    let row = sql.row("SELECT attempts, extract(epoch FROM run_at)::bigint AS run_at FROM public.job WHERE kind = 'push' AND last_error IS NOT NULL").await;
    let number = |name: &str| row[name].as_i64().expect("a number");
    (u32::try_from(number("attempts")).expect("a count"), number("run_at") - world.app.clock.now().timestamp())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_always_fails_comes_again_later_and_later_and_holds_up_nobody() {
    let world = World::new().await;
    world.behave(json!({ "auto_answer": "accept" })).await;
    let stuck = world.buy(&Guest::number(1)).await;
    let mut sql = world.sql().await;
    sql.run("ALTER DOMAIN tenant.payment_purpose DROP CONSTRAINT payment_purpose_known; UPDATE tenant.payment SET purpose = 'MYSTERY'").await;
    let due_again = "UPDATE public.job SET run_at = created_at WHERE kind = 'push'";
    let mut tried = 0;
    for n in 2..=12 {
        sql.run(due_again).await;
        world.run_due().await;
        let (attempts, wait) = waits(&world, &mut sql).await;
        let wanted = 2_i64.pow(attempts - 1).min(300);
        assert!(attempts > tried && (wanted - 2..=wanted + 1).contains(&wait), "after {attempts} tries it waits {wait} s");
        tried = attempts;
        let other = world.buy(&Guest::number(n)).await;
        world.run_due().await;
        world.callbacks_delivered().await;
        world.run_due().await;
        assert_eq!(world.look(&other.session_id).await.status(), PurchaseStatus::Active);
    }
    sql.run("UPDATE tenant.payment SET purpose = 'HOTSPOT'").await;
    sql.run(due_again).await;
    world.run_due().await;
    world.callbacks_delivered().await;
    world.run_due().await;
    assert_eq!(world.look(&stuck.session_id).await.status(), PurchaseStatus::Active);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_cannot_be_written_keeps_no_other_guest_of_its_router_out() {
    let world = World::new().await;
    world.behave(json!({ "auto_answer": "accept" })).await;
    let router = world.router("yellow-market");
    router.set_state(json!({ "power": "off" })).await.expect("switched off");
    let [stuck, lucky] = [world.buy(&Guest::number(1)).await, world.buy(&Guest::number(2)).await];
    world.run_due().await;
    world.callbacks_delivered().await;
    world.run_due().await;
    let mut sql = world.sql().await;
    let first = "SELECT id FROM tenant.hotspot_session WHERE status = 'PAID' ORDER BY paid_at LIMIT 1";
    let poison = sql.value(first).await.as_str().expect("an id").to_owned();
    sql.run(&format!("ALTER TABLE tenant.hotspot_session ADD CONSTRAINT poison CHECK (id <> '{poison}' OR status <> 'ACTIVE')")).await;
    router.set_state(json!({ "power": "on" })).await.expect("switched on");
    world.run_after(Duration::from_secs(61)).await;
    let statuses = async || {
        let mut both = [world.look(&stuck.session_id).await.status(), world.look(&lucky.session_id).await.status()];
        both.sort_unstable();
        both
    };
    assert_eq!(statuses().await, [PurchaseStatus::Paid, PurchaseStatus::Active], "the one behind it is in");
    sql.run("ALTER TABLE tenant.hotspot_session DROP CONSTRAINT poison").await;
    world.run_after(Duration::from_secs(61)).await;
    assert_eq!(statuses().await, [PurchaseStatus::Active; 2]);
    world.finish().await;
}
