//! Callbacks that are lost, doubled, early, late or forged; routers that are off or hang; people who click fifty times.

use std::time::Duration;

use futures::future::join_all;
use futures::stream::{StreamExt as _, iter};
use netily_sdk::hotspot::{ListPlansRequest, Purchase, PurchaseStatus};
use netily_sdk::types::ErrorReason;
use netily_tests::{Guest, Plan, World, eventually};
use serde_json::{Value, json};

const HOUR: Duration = Duration::from_secs(3_600);

/// Buys and lets the prompt reach the phone.
async fn prompted(world: &World, guest: &Guest) -> Purchase {
    let bought = world.buy(guest).await;
    world.run_due().await;
    bought
}

/// The address to which PayHero sends the callbacks of a phone's newest prompt.
fn callback_url(world: &World, guest: &Guest) -> String {
    world.collection_from(&guest.phone)["callback_url"].as_str().expect("an address").to_owned()
}

fn reference(world: &World, guest: &Guest) -> String {
    world.collection_from(&guest.phone)["reference"].as_str().expect("a reference").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_callback_is_made_up_for_by_asking() {
    let world = World::new().await;
    world.behave(json!({ "callback": "never" })).await;
    let guest = Guest::number(1);
    let bought = prompted(&world, &guest).await;
    world.answer_prompt(&guest.phone, "accept").await;
    world.run_after(Duration::from_secs(10)).await;
    assert_eq!(world.look(&bought.session_id).await.status(), PurchaseStatus::Active);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_whose_jobs_were_lost_is_found_by_the_sweep() {
    let world = World::new().await;
    world.behave(json!({ "callback": "never" })).await;
    let guest = Guest::number(1);
    let bought = prompted(&world, &guest).await;
    world.answer_prompt(&guest.phone, "accept").await;
    world.sql().await.run("DELETE FROM public.job").await;
    world.sweep().await;
    assert_eq!(world.look(&bought.session_id).await.status(), PurchaseStatus::Active);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_doubled_callback_credits_once() {
    let world = World::new().await;
    world.behave(json!({ "callback": "twice" })).await;
    world.buy_and_pay(&Guest::number(1)).await;
    let row = world.sql().await.row("SELECT deliveries, state FROM public.webhook_delivery").await;
    assert_eq!(row["deliveries"], 2, "kept as one, and counted");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_callback_may_come_before_the_answer_to_our_request() {
    let world = World::new().await;
    world.behave(json!({ "callback": "early", "auto_answer": "accept", "lag_ms": 300 })).await;
    let bought = prompted(&world, &Guest::number(1)).await;
    assert_eq!(world.sql().await.count("public.webhook_delivery").await, 1, "kept, though we knew no reference yet");
    world.run_until(&bought.session_id, PurchaseStatus::Active, Duration::from_secs(10)).await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_callback_without_a_token_of_ours_looks_like_any_unknown_path() {
    let world = World::new().await;
    let guest = Guest::number(1);
    prompted(&world, &guest).await;
    let url = callback_url(&world, &guest);
    let token = url.trim_end_matches('/').rsplit('/').next().expect("a token").to_owned();
    let forged = format!("{}{}", if token.starts_with('A') { "B" } else { "A" }, &token[1..]);
    let base = format!("http://{}/api/v1/webhooks/payhero", world.address);
    let unknown = world.post(&format!("http://{}/nowhere", world.address), b"{}".to_vec()).await;
    assert_eq!(unknown, 404);
    for path in [
        format!("hotspot/{forged}/"),
        format!("hotspot/{}/", "A".repeat(64)),
        "hotspot/x/".into(),
        "hotspot/".into(),
        format!("billing/{token}/"),
        format!("payout/{token}/"),
        format!("other/{token}/"),
    ] {
        assert_eq!(world.post(&format!("{base}/{path}"), b"{}".to_vec()).await, unknown, "{path}");
    }
    assert_eq!(world.sql().await.count("public.webhook_delivery").await, 0, "nothing was kept");
    assert_eq!(world.post(url.trim_end_matches('/'), b"{}".to_vec()).await, 200, "the true one is taken with and without the last slash");
    assert_eq!(world.post(&url, vec![b' '; 16 * 1024 + 1]).await, 413, "and no body beyond 16 KiB");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_success_under_a_true_address_credits_nothing() {
    let world = World::new().await;
    let guest = Guest::number(1);
    let bought = prompted(&world, &guest).await;
    assert_eq!(world.send_callback(&reference(&world, &guest), json!({ "status": "SUCCESS" })).await, 200);
    world.run_due().await;
    assert_eq!(world.look(&bought.session_id).await.status(), PurchaseStatus::AwaitingPayment, "PayHero was asked, and says otherwise");
    assert_eq!(world.sql().await.count("tenant.ledger_transaction").await, 0);
    // Nor does a forged failure end anything.
    assert_eq!(world.send_callback(&reference(&world, &guest), json!({ "status": "FAILED" })).await, 200);
    world.run_after(Duration::from_secs(11)).await;
    assert_eq!(world.look(&bought.session_id).await.status(), PurchaseStatus::AwaitingPayment);
    world.answer_prompt(&guest.phone, "accept").await;
    world.callbacks_delivered().await;
    world.run_after(Duration::from_secs(11)).await;
    assert_eq!(world.look(&bought.session_id).await.status(), PurchaseStatus::Active);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_are_no_json_are_kept_and_change_nothing() {
    let world = World::new().await;
    let guest = Guest::number(1);
    prompted(&world, &guest).await;
    let url = callback_url(&world, &guest);
    for body in [&b""[..], b"<html>", b"[]", b"\xff\xfe", b"null", b"{\"response\":"] {
        assert_eq!(world.post(&url, body.to_vec()).await, 200, "kept: {body:?}");
    }
    world.run_due().await;
    assert_eq!(world.sql().await.count("public.webhook_delivery WHERE state = 'DEAD'").await, 6);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_callback_with_another_amount_is_quarantined_and_our_own_amount_is_booked() {
    let world = World::new().await;
    world.behave(json!({ "callback": "never" })).await;
    let guest = Guest::number(1);
    let bought = prompted(&world, &guest).await;
    world.answer_prompt(&guest.phone, "accept").await;
    assert_eq!(world.send_callback(&reference(&world, &guest), json!({ "overrides": { "Amount": 1 } })).await, 200);
    world.run_due().await;
    let mut sql = world.sql().await;
    assert_eq!(sql.value("SELECT state FROM public.webhook_delivery").await, "QUARANTINED");
    assert_eq!(sql.value("SELECT kind FROM public.reconciliation_break WHERE closed_at IS NULL").await, "callback_contradicts");
    assert_eq!(world.look(&bought.session_id).await.status(), PurchaseStatus::Active, "PayHero itself says that it is paid");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_callback_cannot_lend_the_reference_of_another_payment() {
    let world = World::builder().gateway_timeout(Duration::from_millis(400)).start().await;
    let honest = world.buy_and_pay(&Guest::number(1)).await;
    let paid = world.collection_from(&Guest::number(1).phone);

    // Two prompts whose answers were lost: one is paid (KES 50), the other belongs to the thief (KES 10, never paid).
    world.behave(json!({ "collect": "timeout_after_accept", "callback": "never", "hang_ms": 1_000 })).await;
    let (payer, thief) = (Guest::number(2), Guest::number(3));
    let ask = world.ask_at("yellow-market", &payer, Plan::Day);
    world.client("yellow").hotspot().purchase(ask).await.expect("taken");
    world.run_due().await;
    world.answer_prompt(&payer.phone, "accept").await;
    let unbooked = world.collection_from(&payer.phone);
    let stolen = world.buy(&thief).await;
    world.run_due().await;
    let url = callback_url(&world, &thief);

    for victim in [&paid, &unbooked] {
        for name in ["reference", "MpesaReceiptNumber", "CheckoutRequestID"] {
            let value = match name {
                "reference" => &victim["reference"],
                "MpesaReceiptNumber" => &victim["receipt"],
                _ => &victim["checkout_request_id"],
            };
            let body = json!({ "status": true, "response": { "Status": "Success", "ResultCode": 0, "Amount": 10, name: value } });
            assert_eq!(world.post(&url, body.to_string().into_bytes()).await, 200);
            world.run_after(Duration::from_secs(11)).await;
            assert_ne!(world.look(&stolen.session_id).await.status(), PurchaseStatus::Active, "{name} of another payment");
        }
    }
    assert_eq!(world.look(&honest.session_id).await.status(), PurchaseStatus::Active);

    // The payer's own callback is believed as far as asking goes, and the money is theirs.
    let own = unbooked["reference"].as_str().expect("a reference");
    assert_eq!(world.send_callback(own, json!({})).await, 200);
    world.run_after(Duration::from_secs(11)).await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_callbacks_at_once_credit_once_and_ask_little() {
    let world = World::working().await;
    world.behave(json!({ "callback": "never" })).await;
    let guest = Guest::number(1);
    let bought = world.buy(&guest).await;
    world.answer_prompt(&guest.phone, "accept").await;
    let reference = reference(&world, &guest);
    let url = callback_url(&world, &guest);
    let body = json!({ "status": true, "response": { "Status": "Success", "ResultCode": 0, "Amount": 10, "reference": reference } }).to_string();
    let statuses: Vec<u16> = iter(0..1_000).map(|_| world.post(&url, body.clone().into_bytes())).buffer_unordered(100).collect().await;
    let taken = statuses.iter().filter(|status| **status == 200).count();
    assert!(taken > 0 && statuses.iter().all(|status| matches!(status, 200 | 503)), "kept, or not acknowledged");
    world.until(&bought.session_id, PurchaseStatus::Active).await;
    let mut sql = world.sql().await;
    let asked = sql.count("tenant.gateway_observation").await;
    assert!(asked <= 3, "a question at most every ten seconds: {asked}");
    let row = sql.row("SELECT count(*) AS n, sum(deliveries) AS deliveries FROM public.webhook_delivery").await;
    assert_eq!((&row["n"], row["deliveries"].as_u64()), (&json!(1), Some(taken as u64)), "every one that was acknowledged was counted");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paid_guest_waits_for_a_router_that_is_off_and_loses_no_time() {
    let world = World::new().await;
    let guest = Guest::number(1);
    world.router("yellow-market").set_state(json!({ "power": "off" })).await.expect("switched off");
    let bought = prompted(&world, &guest).await;
    world.answer_prompt(&guest.phone, "accept").await;
    world.callbacks_delivered().await;
    world.run_due().await;
    let paid = world.look(&bought.session_id).await;
    assert_eq!((paid.status(), paid.username.as_str()), (PurchaseStatus::Paid, ""), "no time runs and no credentials are told");
    world.run_after(2 * HOUR).await;
    assert_eq!(world.look(&bought.session_id).await.status(), PurchaseStatus::Paid);

    world.router("yellow-market").set_state(json!({ "power": "on" })).await.expect("switched on");
    world.join("yellow-market", &guest).await;
    world.run_after(Duration::from_secs(61)).await;
    let online = world.look(&bought.session_id).await;
    assert_eq!((online.status(), online.logged_in), (PurchaseStatus::Active, true));
    let left = online.expires_at.expect("an end").seconds - world.app.clock.now().timestamp();
    assert!((3_590..=3_600).contains(&left), "the whole hour is left: {left} s");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_router_that_never_comes_back_is_a_humans_business_after_a_day() {
    let world = World::new().await;
    world.router("yellow-market").set_state(json!({ "power": "off" })).await.expect("switched off");
    let guest = Guest::number(1);
    prompted(&world, &guest).await;
    world.answer_prompt(&guest.phone, "accept").await;
    world.callbacks_delivered().await;
    world.run_due().await;
    world.run_after(25 * HOUR).await;
    assert_eq!(world.sql().await.value("SELECT kind FROM public.reconciliation_break").await, "paid_not_online");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_router_that_was_reset_gets_its_guests_back_when_they_resume() {
    let world = World::new().await;
    let guest = Guest::number(1);
    let purchase = world.buy_and_pay(&guest).await;
    let router = world.router("yellow-market");
    router.set_state(json!({ "power": "factory_reset" })).await.expect("reset");
    world.join("yellow-market", &guest).await;
    let ask = world.resume_ask("yellow-market", &guest, &purchase.mpesa_receipt);
    world.client("yellow").hotspot().resume_purchase(ask).await.expect("resumed");
    world.run_due().await;
    let online = router.snapshot().await["active"].as_array().map(Vec::len);
    assert_eq!(online, Some(1), "the user was made anew and is online");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_router_that_hangs_delays_nobody_else() {
    let world = World::working().await;
    world.router("yellow-stage").set_state(json!({ "power": "hang" })).await.expect("it hangs");
    let (stuck, lucky) = (Guest::number(1), Guest::number(2));
    let waits = world.buy_at("yellow-stage", &stuck).await;
    world.answer_prompt(&stuck.phone, "accept").await;
    world.until(&waits.session_id, PurchaseStatus::Paid).await;
    let bought = world.buy_at("yellow-market", &lucky).await;
    world.answer_prompt(&lucky.phone, "accept").await;
    world.until(&bought.session_id, PurchaseStatus::Active).await;
    let tried = world.sql().await.count("tenant.router WHERE name = 'Bus Stage' AND last_error IS NOT NULL").await;
    assert_eq!(tried, 0, "the other router's call has not even been given up");
    assert_eq!(world.look(&waits.session_id).await.status(), PurchaseStatus::Paid);
    world.router("yellow-stage").set_state(json!({ "power": "on" })).await.expect("it is back");
    eventually("the one who waited is online", async || {
        world.advance(Duration::from_secs(5));
        Some(world.look(&waits.session_id).await).filter(|purchase| purchase.status() == PurchaseStatus::Active)
    })
    .await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_clicks_are_one_prompt() {
    let world = World::new().await;
    let client = world.client("yellow");
    let calls = client.hotspot();
    // Connections are open before, so that the clicks really meet.
    let warm = ListPlansRequest { router_id: world.router_id("yellow-market") };
    join_all((0..50).map(|_| calls.list_plans(warm.clone()))).await;
    for n in 0..5 {
        let (anew, same) = (Guest::number(2 * n), world.ask(&Guest::number(2 * n + 1)));
        let clicks = (0..50).map(|_| calls.purchase(world.ask(&anew)));
        let repeats = (0..50).map(|_| calls.purchase(same.clone()));
        let (clicks, repeats) = tokio::join!(join_all(clicks), join_all(repeats));
        for answers in [clicks, repeats] {
            let mut sessions: Vec<String> =
                answers.into_iter().map(|answer| answer.expect("no click is refused").purchase.expect("a purchase").session_id).collect();
            sessions.dedup();
            assert_eq!(sessions.len(), 1, "every click sees the same purchase");
        }
    }
    world.run_due().await;
    assert_eq!(world.collections().len(), 10, "one prompt each");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_request_is_the_same_purchase_and_with_other_content_is_refused() {
    let world = World::new().await;
    let client = world.client("yellow");
    let ask = world.ask(&Guest::number(1));
    let first = client.hotspot().purchase(ask.clone()).await.expect("taken").purchase.expect("a purchase");
    let again = client.hotspot().purchase(ask.clone()).await.expect("taken again").purchase.expect("a purchase");
    assert_eq!(first.session_id, again.session_id);
    let other_plan = world.plan_id("yellow", Plan::Week);
    for changed in [
        netily_sdk::hotspot::PurchaseRequest { plan_id: other_plan, ..ask.clone() },
        netily_sdk::hotspot::PurchaseRequest { phone_number: Guest::number(2).phone, ..ask.clone() },
        netily_sdk::hotspot::PurchaseRequest { mac_address: Guest::number(2).mac, ..ask.clone() },
    ] {
        let error = client.hotspot().purchase(changed).await.expect_err("refused");
        assert_eq!(error.reason, ErrorReason::RequestIdReused);
    }
    // The same id of another ISP's guest is another request.
    let there = netily_sdk::hotspot::PurchaseRequest { request_id: ask.request_id, ..world.ask_at("blue-harbour", &Guest::number(3), Plan::Hour) };
    world.client("blue").hotspot().purchase(there).await.expect("ISPs do not share ids");
    world.run_due().await;
    assert_eq!(world.collections().len(), 2);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_plan_while_a_prompt_waits_is_refused_until_it_is_answered() {
    let world = World::new().await;
    let guest = Guest::number(1);
    let client = world.client("yellow");
    prompted(&world, &guest).await;
    let error = client.hotspot().purchase(world.ask_at("yellow-market", &guest, Plan::Day)).await.expect_err("one prompt at a time");
    assert_eq!(error.reason, ErrorReason::RateLimited);
    assert!(error.retry_after.is_some());
    world.answer_prompt(&guest.phone, "cancel").await;
    world.callbacks_delivered().await;
    world.run_due().await;
    client.hotspot().purchase(world.ask_at("yellow-market", &guest, Plan::Day)).await.expect("now it may");
    world.run_due().await;
    let amounts: Vec<Value> = world.collections().iter().map(|one| one["amount"].clone()).collect();
    assert_eq!(amounts, [10, 50]);
    world.finish().await;
}
