//! Two paid prompts for one purchase: the second shilling buys time or becomes balance, and somebody is told.

use std::time::Duration;

use netily_sdk::hotspot::{Purchase, PurchaseStatus};
use netily_sdk::selfservice::initiate_payment_request::Target;
use netily_tests::{Access, Guest, Plan, World, shillings};
use serde_json::json;

const MINUTE: Duration = Duration::from_secs(60);

fn seconds_left(world: &World, purchase: &Purchase) -> i64 {
    purchase.expires_at.as_ref().expect("an end").seconds - world.app.clock.now().timestamp()
}

async fn told(world: &World) -> i64 {
    world.sql().await.count("public.reconciliation_break WHERE kind = 'paid_twice' AND closed_at IS NULL").await
}

/// Users of a router that are ours and enabled.
async fn users(world: &World) -> Vec<serde_json::Value> {
    let held = world.router("yellow-market").snapshot().await;
    held["users"].as_array().expect("a list").iter().filter(|user| user["name"].as_str().is_some_and(|name| name.starts_with("n-"))).cloned().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_prompts_that_are_both_paid_give_the_time_of_both_and_are_told() {
    let world = World::new().await;
    let guest = Guest::number(1);
    world.join("yellow-market", &guest).await;
    let first = world.buy(&guest).await;
    world.run_due().await;
    world.run_after(Duration::from_secs(181)).await;
    assert_eq!(world.look(&first.session_id).await.status(), PurchaseStatus::Failed, "told that it timed out");
    let second = world.buy(&guest).await;
    assert_ne!(first.session_id, second.session_id);
    world.run_due().await;
    world.answer_prompt(&guest.phone, "accept").await;
    world.answer_prompt(&guest.phone, "accept").await;
    world.callbacks_delivered().await;
    for _ in 0..3 {
        world.run_after(MINUTE).await;
    }
    let (one, other) = (world.look(&first.session_id).await, world.look(&second.session_id).await);
    assert_eq!((one.status(), other.status()), (PurchaseStatus::Active, PurchaseStatus::Active));
    assert_eq!((&one.username, one.expires_at), (&other.username, other.expires_at), "one session on the router");
    let left = seconds_left(&world, &one);
    assert!((7_200 - 600..=7_200).contains(&left), "two hours: {left}");
    let held = users(&world).await;
    assert_eq!(held.len(), 1, "{held:?}");
    assert_eq!(held[0]["name"], one.username.as_str());
    assert_eq!(told(&world).await, 1);

    // Either page goes on to its end, and then both are over.
    world.advance(70 * MINUTE);
    world.sweep().await;
    assert_eq!(world.look(&second.session_id).await.status(), PurchaseStatus::Active, "the second hour");
    world.advance(60 * MINUTE);
    world.sweep().await;
    for bought in [&first, &second] {
        assert_eq!(world.look(&bought.session_id).await.status(), PurchaseStatus::Expired);
    }
    assert!(users(&world).await.is_empty());
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_buys_more_of_the_same_while_online_has_it_after_what_runs_and_another_plan_beside_it() {
    let world = World::new().await;
    let guest = Guest::number(1);
    world.join("yellow-market", &guest).await;
    let first = world.buy_and_pay(&guest).await;
    world.run_after(10 * MINUTE).await;
    let second = world.buy_and_pay(&guest).await;
    let left = seconds_left(&world, &second);
    assert!((6_600 - 120..=6_600).contains(&left), "what was left and an hour: {left}");
    assert_eq!(second.expires_at, world.look(&first.session_id).await.expires_at);
    assert_eq!(told(&world).await, 0, "that is no mistake");
    // The receipt of either leads to the one session.
    let moved = Guest { mac: "AA:BB:CC:00:99:99".into(), ip: "10.5.9.9".into(), ..guest.clone() };
    world.join("yellow-market", &moved).await;
    let ask = world.resume_ask("yellow-market", &moved, &second.mpesa_receipt);
    world.client("yellow").hotspot().resume_purchase(ask).await.expect("resumed");
    world.run_due().await;
    assert_eq!(users(&world).await.len(), 1);
    // A day is another thing than an hour.
    let ask = world.ask_at("yellow-market", &moved, Plan::Day);
    let day = world.client("yellow").hotspot().purchase(ask).await.expect("taken").purchase.expect("a purchase");
    world.run_due().await;
    world.answer_prompt(&guest.phone, "accept").await;
    world.callbacks_delivered().await;
    world.run_due().await;
    let day = world.look(&day.session_id).await;
    assert!((86_400 - 120..=86_400).contains(&seconds_left(&world, &day)));
    assert_eq!(users(&world).await.len(), 2);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invoice_and_a_month_that_are_paid_twice_are_told_and_nothing_is_lost() {
    let world = World::new().await;
    let (customer, staff) = (world.customer("yellow").await, world.signed_in("yellow", Access::Staff).await);
    let (id, phone) = (world.customer_id(&customer).await, world.customer_phone("yellow"));
    let twice = async |target: Target| {
        world.initiate(&customer, target.clone()).await.expect("asked for");
        world.run_due().await;
        world.run_after(Duration::from_secs(181)).await;
        world.initiate(&customer, target).await.expect("asked for anew");
        world.run_due().await;
        world.answer_prompt(&phone, "accept").await;
        world.answer_prompt(&phone, "accept").await;
        world.callbacks_delivered().await;
        for _ in 0..4 {
            world.run_after(MINUTE).await;
        }
    };
    let invoice = world.invoice(&staff, &id, 1_000).await;
    twice(Target::InvoiceId(invoice.id)).await;
    assert_eq!((shillings(&world.dashboard(&customer).await.account_balance), told(&world).await), (1_000, 1));
    twice(Target::PlanId(world.service_plan(0))).await;
    assert_eq!(told(&world).await, 2);
    let line = world.dashboard(&customer).await.connection.expect("a line");
    let days = (line.paid_until.expect("an end").seconds - world.app.clock.now().timestamp()) / 86_400;
    assert!((56..=62).contains(&days), "two months: {days}");
    // One recharge after the other is no mistake.
    world.pay(&customer, Target::PlanId(world.service_plan(0))).await;
    assert_eq!(told(&world).await, 2);
    let sums = world.sql().await.rows("SELECT amount_minor FROM public.reconciliation_break WHERE kind = 'paid_twice'").await;
    assert!(sums.iter().all(|row| row["amount_minor"] == json!(null)), "the money is booked: {sums:?}");
    world.finish().await;
}
