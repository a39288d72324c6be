//! PayHero at its worst: refusals, silence, errors after accepting, contradictions. Each paid prompt is booked once or
//! waits for a human; no prompt is ever asked for twice.

use std::time::Duration;

use netily_sdk::hotspot::PurchaseStatus;
use netily_sdk::types::ErrorReason;
use netily_sdk::types::FailureReason;
use netily_tests::{Guest, World, eventually};
use serde_json::json;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);
/// How long the server waits for PayHero in tests in which PayHero says nothing.
const IMPATIENT: Duration = Duration::from_millis(400);

async fn impatient() -> World {
    World::builder().gateway_timeout(IMPATIENT).start().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_prompt_fails_at_once_and_is_not_repeated() {
    let world = World::new().await;
    for (n, manner) in (1..).zip(["refuse", "refuse_with_200"]) {
        world.behave(json!({ "collect": manner })).await;
        let bought = world.buy(&Guest::number(n)).await;
        world.run_due().await;
        world.run_after(HOUR).await;
        let purchase = world.look(&bought.session_id).await;
        assert_eq!((purchase.status(), purchase.failure_reason()), (PurchaseStatus::Failed, FailureReason::GatewayError), "{manner}");
    }
    assert_eq!(world.sandbox().truth()["refused"].as_array().map(Vec::len), Some(2), "one request each");
    let told = world.sql().await.count("public.reconciliation_break WHERE kind = 'gateway_refuses'").await;
    assert!(told >= 1, "an empty service wallet stops every sale: an operator is told");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prompt_that_was_taken_without_an_answer_is_resolved_by_its_callback() {
    for v2 in [false, true] {
        for manner in ["timeout_after_accept", "error_after_accept"] {
            let builder = World::builder().gateway_timeout(IMPATIENT);
            let world = if v2 { builder.v2() } else { builder }.start().await;
            world.behave(json!({ "collect": manner, "hang_ms": 1_000 })).await;
            let guest = Guest::number(1);
            let bought = world.buy(&guest).await;
            world.run_due().await;
            let state = world.sql().await.value("SELECT state FROM tenant.payment").await;
            assert_eq!(state, "UNKNOWN", "{manner}: nobody knows, so nobody says that it failed");
            assert_eq!(world.look(&bought.session_id).await.status(), PurchaseStatus::AwaitingPayment);
            world.answer_prompt(&guest.phone, "accept").await;
            world.callbacks_delivered().await;
            world.run_due().await;
            let purchase = world.look(&bought.session_id).await;
            assert_eq!(purchase.status(), PurchaseStatus::Active, "{manner}, v2 {v2}");
            world.finish().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn money_whose_answer_and_callback_are_lost_is_claimed_by_its_receipt() {
    let world = impatient().await;
    world.behave(json!({ "collect": "timeout_after_accept", "callback": "never", "hang_ms": 1_000 })).await;
    let guest = Guest::number(1);
    let bought = world.buy(&guest).await;
    // Another guest pays the same amount at the same time: by the amount alone nobody can tell whose money is whose.
    let neighbour = Guest::number(3);
    let bought_too = world.buy(&neighbour).await;
    world.run_due().await;
    world.answer_prompt(&guest.phone, "accept").await;
    world.answer_prompt(&neighbour.phone, "accept").await;
    world.run_after(5 * MINUTE).await;
    assert_eq!(world.look(&bought.session_id).await.status(), PurchaseStatus::Failed, "nobody told us");
    let receipt = world.collection_from(&guest.phone)["receipt"].as_str().expect("a receipt").to_owned();

    let stranger = Guest::number(2);
    let client = world.client("yellow");
    let error = client.hotspot().resume_purchase(world.resume_ask("yellow-market", &stranger, &receipt)).await.expect_err("not theirs");
    assert_eq!(error.reason, ErrorReason::ReceiptNotFound);
    client.hotspot().resume_purchase(world.resume_ask("yellow-market", &guest, &receipt)).await.expect("the receipt proves it");
    world.run_due().await;
    assert_eq!(world.look(&bought.session_id).await.status(), PurchaseStatus::Active);
    let receipt = world.collection_from(&neighbour.phone)["receipt"].as_str().expect("a receipt").to_owned();
    client.hotspot().resume_purchase(world.resume_ask("yellow-market", &neighbour, &receipt)).await.expect("the receipt proves it");
    world.run_due().await;
    assert_eq!(world.look(&bought_too.session_id).await.status(), PurchaseStatus::Active);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn money_that_nobody_claims_is_found_in_the_list_and_waits_for_a_human() {
    let world = impatient().await;
    world.behave(json!({ "collect": "timeout_after_accept", "callback": "never", "hang_ms": 1_000 })).await;
    // Two of one amount at one time: which is whose, only people can tell.
    let guests = [Guest::number(1), Guest::number(2)];
    for guest in &guests {
        world.buy(guest).await;
    }
    world.run_due().await;
    for guest in &guests {
        world.answer_prompt(&guest.phone, "accept").await;
    }
    world.advance(5 * MINUTE);
    world.sweep().await;
    let mut open = world.sql().await.rows("SELECT kind, reference, amount_minor FROM public.reconciliation_break").await;
    for guest in &guests {
        let reference = world.collection_from(&guest.phone)["reference"].clone();
        let one = json!({ "kind": "unmatched_collection", "reference": reference, "amount_minor": 1_000 });
        assert!(open.contains(&one), "{one}, {open:?}");
        open.retain(|other| *other != one);
    }
    assert!(open.is_empty(), "{open:?}");
    world.finish_with_unbooked(2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_instead_of_an_answer_is_not_taken_for_one() {
    let world = World::new().await;
    world.behave(json!({ "collect": "html" })).await;
    let bought = world.buy(&Guest::number(1)).await;
    world.run_due().await;
    assert_eq!(world.sql().await.value("SELECT state FROM tenant.payment").await, "UNKNOWN");
    world.behave(json!({ "collect": "ok" })).await;
    world.run_after(4 * MINUTE).await;
    let purchase = world.look(&bought.session_id).await;
    assert_eq!((purchase.status(), purchase.failure_reason()), (PurchaseStatus::Failed, FailureReason::TimedOut), "told to the person in time");
    assert!(world.collections().is_empty(), "and never sent again");
    world.run_after(72 * HOUR).await;
    let open = world.sql().await.value("SELECT kind FROM public.reconciliation_break").await;
    assert_eq!(open, "no_answer", "after three days a human decides");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prompt_refused_for_too_many_calls_is_not_repeated() {
    let world = World::new().await;
    world.behave(json!({ "collect": "rate_limited", "retry_after_s": 1 })).await;
    let bought = world.buy(&Guest::number(1)).await;
    world.run_due().await;
    let purchase = world.look(&bought.session_id).await;
    assert_eq!((purchase.status(), purchase.failure_reason()), (PurchaseStatus::Failed, FailureReason::GatewayError), "told at once, to try again");
    world.behave(json!({ "collect": "ok" })).await;
    world.run_after(2 * MINUTE).await;
    world.run_after(HOUR).await;
    world.sweep().await;
    assert_eq!(world.sandbox().truth()["refused"][0]["requests"], 1, "one request");
    assert!(world.collections().is_empty(), "and none later");
    world.buy_and_pay(&Guest::number(1)).await; // the guest may try again
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_refused_for_too_many_calls_is_asked_again_when_payhero_says() {
    let world = World::new().await;
    world.behave(json!({ "status": "rate_limited", "retry_after_s": 120 })).await;
    let guest = Guest::number(1);
    let bought = world.buy(&guest).await;
    world.run_due().await;
    world.answer_prompt(&guest.phone, "accept").await;
    world.callbacks_delivered().await;
    world.run_due().await;
    let mut sql = world.sql().await;
    let mut polls = async || sql.value("SELECT polls FROM tenant.payment").await;
    assert_eq!(polls().await, 1, "the callback made us ask");
    world.sweep().await; // the list says the same
    world.behave(json!({ "status": "ok" })).await;
    world.run_after(Duration::from_secs(110)).await;
    assert_eq!((polls().await, world.look(&bought.session_id).await.status()), (1.into(), PurchaseStatus::AwaitingPayment), "left alone as it asked");
    world.run_after(Duration::from_secs(11)).await;
    assert_eq!(world.look(&bought.session_id).await.status(), PurchaseStatus::Active);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_the_list_that_move_while_it_is_read_are_all_found() {
    const ROWS: i64 = 130; // three pages
    for shift in [7, -7] {
        let world = World::new().await;
        for n in 0..ROWS {
            world.deposit(1_000 + n).await; // money that is nobody's: each row must become a break
        }
        world.behave(json!({ "list_shift": shift })).await;
        world.advance(5 * MINUTE);
        world.sweep().await;
        let found = "(SELECT DISTINCT amount_minor FROM public.reconciliation_break WHERE kind = 'unmatched_collection' AND amount_minor >= 100000) x";
        assert_eq!(world.sql().await.count(found).await, ROWS, "shifting by {shift}");
        world.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_made_before_payhero_went_dark_for_hours_is_booked_when_it_is_back() {
    let world = impatient().await;
    world.behave(json!({ "status": "dark", "hang_ms": 1_000 })).await;
    let guest = Guest::number(1);
    let bought = world.buy(&guest).await;
    world.run_due().await;
    world.answer_prompt(&guest.phone, "accept").await;
    world.callbacks_delivered().await;
    world.run_due().await;
    for _ in 0..6 {
        world.run_after(HOUR).await;
    }
    assert_eq!(world.look(&bought.session_id).await.status(), PurchaseStatus::Failed, "the person was told that it timed out");
    world.behave(json!({ "status": "ok" })).await;
    world.run_after(HOUR).await;
    let purchase = world.look(&bought.session_id).await;
    assert_eq!(purchase.status(), PurchaseStatus::Active);
    let ends = purchase.expires_at.expect("an end").seconds;
    assert!(ends > (world.app.clock.now().timestamp() + 3_500), "the hour begins when the guest can use it");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prompt_sent_while_payhero_is_dark_is_unknown_and_not_sent_again() {
    let world = impatient().await;
    world.behave(json!({ "collect": "dark", "status": "dark", "hang_ms": 1_000 })).await;
    let bought = world.buy(&Guest::number(1)).await;
    world.run_due().await;
    world.run_after(4 * MINUTE).await;
    assert_eq!(world.look(&bought.session_id).await.failure_reason(), FailureReason::TimedOut);
    world.behave(json!({ "collect": "ok", "status": "ok" })).await;
    world.run_after(HOUR).await;
    world.sweep().await;
    assert!(world.collections().is_empty(), "no second request");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_that_turns_into_a_success_is_credited() {
    let world = World::new().await;
    world.behave(json!({ "callback": "failed_then_success", "lag_ms": 600 })).await;
    let guest = Guest::number(1);
    let bought = world.buy(&guest).await;
    world.run_due().await;
    world.answer_prompt(&guest.phone, "accept").await;
    let failed = eventually("the failure is told", async || {
        world.run_due().await;
        Some(world.look(&bought.session_id).await).filter(|purchase| purchase.status() == PurchaseStatus::Failed)
    })
    .await;
    assert_eq!(failed.failure_reason(), FailureReason::TimedOut, "1037");
    world.callbacks_delivered().await;
    world.run_until(&bought.session_id, PurchaseStatus::Active, Duration::from_secs(10)).await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn money_that_comes_after_the_person_was_told_it_timed_out_still_counts() {
    let world = World::new().await;
    let guest = Guest::number(1);
    let bought = world.buy(&guest).await;
    world.run_due().await;
    world.run_after(4 * MINUTE).await;
    assert_eq!(world.look(&bought.session_id).await.failure_reason(), FailureReason::TimedOut);
    world.answer_prompt(&guest.phone, "accept").await;
    world.callbacks_delivered().await;
    world.run_due().await;
    let purchase = world.look(&bought.session_id).await;
    assert_eq!((purchase.status(), purchase.failure_reason()), (PurchaseStatus::Active, FailureReason::Unspecified));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn money_that_comes_three_days_late_still_counts() {
    let world = World::new().await;
    let guest = Guest::number(1);
    let bought = world.buy(&guest).await;
    world.run_due().await;
    world.run_after(4 * MINUTE).await;
    world.run_after(73 * HOUR).await;
    world.answer_prompt(&guest.phone, "accept").await;
    world.callbacks_delivered().await;
    world.run_due().await;
    assert_eq!(world.look(&bought.session_id).await.status(), PurchaseStatus::Active);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_is_not_indexed_yet_is_asked_about_again() {
    let world = World::new().await;
    world.behave(json!({ "status": "404_first" })).await;
    let guest = Guest::number(1);
    let bought = world.buy(&guest).await;
    world.run_due().await;
    world.answer_prompt(&guest.phone, "accept").await;
    world.callbacks_delivered().await;
    world.run_due().await;
    assert_eq!(world.look(&bought.session_id).await.status(), PurchaseStatus::AwaitingPayment);
    world.run_after(Duration::from_secs(11)).await;
    assert_eq!(world.look(&bought.session_id).await.status(), PurchaseStatus::Active);
    world.finish().await;
}
