//! Many workers, paused workers, workers that come too late: each payment is sent once and asked about as often as is due.

use std::time::Duration;

use futures::future::join_all;
use futures::stream::{StreamExt as _, iter};
use netily::app::App;
use netily::jobs::{self, Finisher, Lane, Outcome};
use netily::{collect, worker};
use netily_sdk::hotspot::PurchaseStatus;
use netily_sdk::types::ErrorReason;
use netily_sdk::types::FailureReason;
use netily_tests::{Guest, World, eventually};
use serde_json::json;
use tokio_util::sync::CancellationToken;

#[tokio::test(flavor = "multi_thread")]
async fn three_workers_send_each_prompt_once() {
    let world = World::working().await;
    world.behave(json!({ "auto_answer": "accept" })).await;
    let stop = CancellationToken::new();
    let others = (0..2).map(|_| {
        let app = App::open(world.app.config.clone(), world.app.clock.clone(), true).expect("another process's doors");
        tokio::spawn(worker::work(app, stop.clone()))
    });
    let others: Vec<_> = others.collect();
    let guests: Vec<Guest> = (0..30).map(Guest::number).collect();
    let bought = join_all(guests.iter().map(|guest| world.buy(guest))).await;
    for purchase in &bought {
        world.until(&purchase.session_id, PurchaseStatus::Active).await;
    }
    stop.cancel();
    for other in others {
        other.await.expect("it ends well");
    }
    assert_eq!(world.collections().len(), guests.len());
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_schedulers_at_once_send_each_lost_prompt_once() {
    let world = World::new().await;
    let guests: Vec<Guest> = (0..20).map(Guest::number).collect();
    for guest in &guests {
        world.buy(guest).await;
    }
    let mut sql = world.sql().await;
    sql.run("DELETE FROM public.job").await;
    let other = App::open(world.app.config.clone(), world.app.clock.clone(), true).expect("another process's doors");
    let schedule = async |app: &App| {
        jobs::enqueue_sweeps(&app.db, app.clock.now()).await.expect("the sweeps are asked for");
        worker::run_due(app).await.expect("jobs are claimed")
    };
    tokio::join!(schedule(&world.app), schedule(&other), schedule(&world.app), schedule(&other));
    world.run_due().await;
    assert_eq!(world.collections().len(), guests.len());
    let sweeps = sql.row("SELECT count(*) AS rows, count(DISTINCT kind) AS kinds FROM public.job WHERE lane = 'sweep'").await;
    assert_eq!(sweeps, json!({ "rows": 10, "kinds": 10 }), "one scheduler's is the other's");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_that_has_passed_on_is_not_ended_by_who_held_it_before() {
    let world = World::new().await;
    world.buy(&Guest::number(1)).await;
    let (db, clock) = (&world.app.db, &world.app.clock);
    let finisher = Finisher::start(db.clone(), clock.clone());
    let claim = async || jobs::claim(db, Lane::Push, 9, clock.now()).await.expect("a claim");
    let [sleeper] = &claim().await[..] else { panic!("one push") };
    assert!(claim().await.is_empty(), "a lease holds");
    world.advance(Duration::from_secs(61));
    let [second] = &claim().await[..] else { panic!("the lease is over") };
    let mut sql = world.sql().await;
    let row = "SELECT claim_token, run_at, lease_until, attempts, buried_at FROM public.job WHERE kind = 'push'";
    let held = sql.row(row).await;
    for end in [Outcome::Done, Outcome::Again(clock.now()), Outcome::Retry(clock.now(), "late".into()), Outcome::Bury("late".into())] {
        let said = format!("{end:?}");
        finisher.finish(sleeper, end).await.expect("nothing is done");
        assert_eq!(sql.row(row).await, held, "{said} of somebody whose lease is over");
    }
    finisher.finish(second, Outcome::Done).await.expect("the end of the job");
    assert_eq!(sql.count("public.job WHERE kind = 'push'").await, 0);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_that_hear_of_the_same_success_at_once_book_it_once() {
    let world = World::new().await;
    let guest = Guest::number(1);
    let bought = world.buy(&guest).await;
    world.run_due().await;
    world.answer_prompt(&guest.phone, "accept").await;
    let row = world.sql().await.row("SELECT tenant_id, id FROM tenant.payment").await;
    let id = |name: &str| row[name].as_str().and_then(|id| id.parse::<uuid::Uuid>().ok()).expect("an id");
    // Each holds the lease, as it believes: a paused worker wakes while others have taken over.
    let outcomes = join_all((0..8).map(|_| collect::check(&world.app, id("tenant_id").into(), id("id").into()))).await;
    assert!(outcomes.iter().all(|outcome| outcome.as_ref().is_ok_and(|outcome| *outcome == Outcome::Done)), "{outcomes:?}");
    world.callbacks_delivered().await;
    world.run_due().await;
    assert_eq!(world.look(&bought.session_id).await.status(), PurchaseStatus::Active);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_sleeps_beyond_its_claim_sends_nothing_twice() {
    let world = World::new().await;
    world.behave(json!({ "collect": "slow", "slow_ms": 700 })).await;
    let guest = Guest::number(1);
    let bought = world.buy(&guest).await;
    let sleeper = tokio::spawn({
        let app = world.app.clone();
        async move { worker::run_due(&app).await }
    });
    world.sandbox().wait_for_truth(netily_tests::LIMIT, |truth| truth["collections"].as_array().is_some_and(|all| all.len() == 1)).await.expect("it was sent");
    world.advance(Duration::from_secs(90)); // lease and claim are over while the answer is still on its way
    world.run_due().await;
    assert_eq!(world.sql().await.value("SELECT state FROM tenant.payment").await, "UNKNOWN", "another worker found the claim of a dead one");
    sleeper.await.expect("no panic").expect("jobs are claimed");
    assert_eq!(world.sql().await.value("SELECT state FROM tenant.payment").await, "PENDING", "the late answer is worth its reference");
    world.answer_prompt(&guest.phone, "accept").await;
    world.callbacks_delivered().await;
    world.run_until(&bought.session_id, PurchaseStatus::Active, Duration::from_secs(5)).await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prompt_that_comes_too_late_is_not_sent_at_all() {
    let world = World::new().await;
    let bought = world.buy(&Guest::number(1)).await;
    world.run_after(Duration::from_secs(200)).await; // no worker ran for three minutes
    let purchase = world.look(&bought.session_id).await;
    assert_eq!((purchase.status(), purchase.failure_reason()), (PurchaseStatus::Failed, FailureReason::TimedOut));
    assert!(world.collections().is_empty(), "the guest has given up; the phone stays silent");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_of_different_forged_callbacks_asks_once_in_ten_seconds() {
    let world = World::working().await;
    let guest = Guest::number(1);
    let bought = world.buy(&guest).await;
    world.sandbox().wait_for_truth(netily_tests::LIMIT, |truth| truth["collections"].as_array().is_some_and(|all| all.len() == 1)).await.expect("it was sent");
    let url = world.collection_from(&guest.phone)["callback_url"].as_str().expect("an address").to_owned();
    let storm = iter(0..400)
        .map(|n| world.post(&url, json!({ "status": true, "response": { "ResultCode": 0, "Status": "Success", "n": n } }).to_string().into_bytes()));
    let statuses: Vec<u16> = storm.buffer_unordered(8).collect().await;
    assert!(statuses.iter().all(|status| matches!(status, 200 | 503)));
    let asked = world.sql().await.count("tenant.gateway_observation").await;
    // The first hint, the poll that was due anyway, and what a slow machine adds in further ten seconds.
    assert!(asked <= 4, "{asked} questions about one payment");
    assert_eq!(world.look(&bought.session_id).await.status(), PurchaseStatus::AwaitingPayment);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_callback_during_a_question_makes_the_next_one_wait_its_time() {
    let world = World::builder().gateway_timeout(Duration::from_millis(600)).start().await;
    let guest = Guest::number(1);
    let bought = world.buy(&guest).await;
    world.run_due().await;
    let url = world.collection_from(&guest.phone)["callback_url"].as_str().expect("an address").to_owned();
    world.behave(json!({ "status": "dark", "hang_ms": 2_000 })).await;
    world.post(&url, b"{\"n\":1}".to_vec()).await;
    let asking = tokio::spawn({
        let app = world.app.clone();
        async move { worker::run_due(&app).await }
    });
    let mut sql = world.sql().await;
    eventually("the question is under way", async || (sql.count("public.job WHERE kind = 'check' AND claim_token IS NOT NULL").await == 1).then_some(())).await;
    world.post(&url, b"{\"n\":2}".to_vec()).await;
    asking.await.expect("no panic").expect("jobs are claimed");
    assert_eq!(sql.value("SELECT polls FROM tenant.payment").await, 1, "asked once, though a second callback came meanwhile");
    world.behave(json!({ "status": "ok" })).await;
    world.run_after(Duration::from_secs(11)).await;
    assert_eq!(sql.value("SELECT polls FROM tenant.payment").await, 2, "and for the second one ten seconds later");
    assert_eq!(world.look(&bought.session_id).await.status(), PurchaseStatus::AwaitingPayment);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_whose_end_is_chosen_in_a_deadlock_ends_at_once_all_the_same() {
    let world = World::new().await;
    let mut sql = world.sql().await;
    world.buy(&Guest::number(1)).await;
    // Numbers are not taken back with the statement that took them.
    sql.run(
        "CREATE SEQUENCE public.tries; GRANT USAGE ON SEQUENCE public.tries TO PUBLIC;
         CREATE FUNCTION public.stumble() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             IF nextval('public.tries') = 1 THEN RAISE EXCEPTION 'deadlock detected' USING ERRCODE = '40P01'; END IF;
             RETURN old;
         END $$;
         CREATE TRIGGER stumble BEFORE DELETE ON public.job FOR EACH ROW EXECUTE FUNCTION public.stumble()",
    )
    .await;
    world.run_due().await;
    assert_eq!(sql.count("public.job WHERE kind = 'push'").await, 0, "it is not left to its lease");
    assert!(sql.value("SELECT last_value FROM public.tries").await.as_i64().is_some_and(|tries| tries > 1), "its end was recorded twice");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_database_nothing_is_acknowledged_and_afterwards_all_goes_on() {
    let world = World::working().await;
    let guest = Guest::number(1);
    let bought = world.buy(&guest).await;
    world.sandbox().wait_for_truth(netily_tests::LIMIT, |truth| truth["collections"].as_array().is_some_and(|all| all.len() == 1)).await.expect("it was sent");
    let url = world.collection_from(&guest.phone)["callback_url"].as_str().expect("an address").to_owned();
    let mut sql = world.sql().await;
    eventually("its reference is kept", async || (sql.count("tenant.payment WHERE state = 'PENDING'").await == 1).then_some(())).await;
    let name = sql.value("SELECT current_database() AS name").await.as_str().expect("a name").to_owned();
    let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
    sql.run(&format!("REVOKE CONNECT ON DATABASE {name} FROM PUBLIC; REVOKE CONNECT ON DATABASE {name} FROM netily_app; {cut}")).await;

    assert_eq!(world.post(&url, b"{}".to_vec()).await, 503, "never 200 for what is not kept");
    let refused = world.client("yellow").hotspot().purchase(world.ask(&Guest::number(2))).await.expect_err("no database");
    assert_eq!(refused.reason, ErrorReason::Unavailable);
    assert!(!refused.message.to_lowercase().contains("postgres") && !refused.message.contains("netily_app"), "{}", refused.message);

    world.answer_prompt(&guest.phone, "accept").await;
    world.callbacks_delivered().await;
    sql.run(&format!("GRANT CONNECT ON DATABASE {name} TO PUBLIC")).await;
    eventually("the payment is found by asking", async || {
        world.advance(Duration::from_secs(5));
        let ask = netily_sdk::hotspot::GetPurchaseStatusRequest { session_id: bought.session_id.clone() };
        let purchase = world.client("yellow").hotspot().get_purchase_status(ask).await.ok()?.purchase?;
        (purchase.status() == PurchaseStatus::Active).then_some(())
    })
    .await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_router_that_was_off_at_the_end_of_the_time_forgets_the_user_when_it_is_back() {
    let world = World::new().await;
    let guest = Guest::number(1);
    world.join("yellow-market", &guest).await;
    let purchase = world.buy_and_pay(&guest).await;
    let router = world.router("yellow-market");
    router.set_state(json!({ "power": "off" })).await.expect("switched off");
    world.run_after(Duration::from_secs(3_700)).await;
    assert_eq!(world.look(&purchase.session_id).await.status(), PurchaseStatus::Expired);
    router.set_state(json!({ "power": "on" })).await.expect("switched on");
    world.run_after(Duration::from_secs(61)).await;
    let users = router.snapshot().await["users"].clone();
    assert!(users.as_array().is_some_and(|rows| rows.iter().all(|row| row["name"] != purchase.username)), "{users}");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_router_that_refuses_our_sign_in_keeps_the_guest_waiting_and_says_why() {
    let world = World::new().await;
    let guest = Guest::number(1);
    let mut sql = world.sql().await;
    sql.run("UPDATE tenant.router SET username = 'nobody' WHERE name = 'Market Street'").await;
    let bought = world.buy(&guest).await;
    world.run_due().await;
    world.answer_prompt(&guest.phone, "accept").await;
    world.callbacks_delivered().await;
    world.run_due().await;
    assert_eq!(world.look(&bought.session_id).await.status(), PurchaseStatus::Paid);
    let told = sql.value("SELECT last_error FROM tenant.router WHERE name = 'Market Street'").await;
    assert_eq!(told, "The router refused the user name or password.");
    sql.run("UPDATE tenant.router SET username = 'netily' WHERE name = 'Market Street'").await;
    world.run_until(&bought.session_id, PurchaseStatus::Active, Duration::from_secs(61)).await;
    world.finish().await;
}
