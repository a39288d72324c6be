//! Prompt bombing: anybody on the WiFi can make a stranger's phone ring, so prompts are limited.

use std::time::Duration;

use netily_sdk::hotspot::PurchaseStatus;
use netily_sdk::types::ErrorReason;
use netily_sdk::{Error, hotspot};
use netily_tests::{Guest, World};
use serde_json::json;

/// Asks for prompts until one is refused: how many came through, and the refusal.
async fn until_refused(world: &World, guest: impl Fn(u16) -> Guest) -> (usize, Error) {
    world.behave(json!({ "collect": "refuse" })).await; // each ends at once, so that the next may begin
    for n in 0..50 {
        match world.client("yellow").hotspot().purchase(world.ask(&guest(n))).await {
            Ok(hotspot::PurchaseResponse { purchase }) => {
                world.run_due().await;
                let id = purchase.expect("a purchase").session_id;
                assert_eq!(world.look(&id).await.status(), PurchaseStatus::Failed);
            }
            Err(error) => return (usize::from(n), error),
        }
    }
    panic!("fifty prompts in a row");
}

fn is_limit(error: &Error) -> bool {
    error.reason == ErrorReason::RateLimited && error.retry_after.is_some_and(|wait| wait > Duration::ZERO)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_gets_four_prompts_and_then_one_every_five_minutes() {
    let world = World::new().await;
    let victim = Guest::number(1).phone;
    let (rang, error) = until_refused(&world, |n| Guest { phone: victim.clone(), ..Guest::number(n) }).await;
    assert!(rang == 4 && is_limit(&error), "{rang}: {error}");
    let wait = error.retry_after.expect("a wait");
    world.advance(wait + Duration::from_secs(1));
    let (rang, _) = until_refused(&world, |n| Guest { phone: victim.clone(), ..Guest::number(100 + n) }).await;
    assert_eq!(rang, 1, "after the wait that was told there is one more");
    // The same phone at another ISP is that ISP's business.
    world.buy_at("blue-harbour", &Guest { phone: victim, ..Guest::number(1) }).await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_makes_six_prompts_and_no_more() {
    let world = World::new().await;
    let device = Guest::number(1).mac;
    let (rang, error) = until_refused(&world, |n| Guest { mac: device.clone(), ..Guest::number(n) }).await;
    assert!(rang == 6 && is_limit(&error), "{rang}: {error}");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_guests_of_an_isp_together_are_limited_and_no_other_isp() {
    let world = World::new().await;
    let full = "INSERT INTO public.rate_limit SELECT 'prompt/isp/' || id, now() + interval '38 seconds' FROM public.isp WHERE slug = 'yellow'";
    world.sql().await.run(full).await;
    let error = world.client("yellow").hotspot().purchase(world.ask(&Guest::number(1))).await.expect_err("refused");
    assert!(is_limit(&error), "{error}");
    world.buy_at("blue-harbour", &Guest::number(1)).await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_calls_from_one_address_together_are_limited() {
    let world = World::new().await;
    world.sql().await.run("INSERT INTO public.rate_limit VALUES ('prompt/address/127.0.0.1', now() + interval '68 seconds')").await;
    let error = world.client("yellow").hotspot().purchase(world.ask(&Guest::number(1))).await.expect_err("refused");
    assert!(is_limit(&error), "{error}");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_prompt_uses_up_nobody_elses_allowance() {
    let world = World::new().await;
    world.sql().await.run("INSERT INTO public.rate_limit VALUES ('prompt/address/127.0.0.1', now() + interval '68 seconds')").await;
    let guest = Guest::number(1);
    for _ in 0..10 {
        let error = world.client("yellow").hotspot().purchase(world.ask(&guest)).await.expect_err("refused");
        assert!(is_limit(&error), "{error}");
    }
    world.sql().await.run("DELETE FROM public.rate_limit WHERE key LIKE 'prompt/address/%'").await;
    world.buy(&guest).await; // the phone's own four are untouched
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_passwords_wait_longer_and_longer_but_lock_nobody_out() {
    let world = World::new().await;
    let owner = &world.seeded.isps[0].owner;
    let client = world.client("yellow");
    for _ in 0..5 {
        let error = client.sign_in(&owner.identifier, "not the password").await.expect_err("refused");
        assert_eq!(error.reason, ErrorReason::WrongCredentials);
    }
    let error = client.sign_in(&owner.identifier, &owner.password).await.expect_err("has to wait");
    assert!(is_limit(&error), "{error}");
    world.advance(error.retry_after.expect("a wait") + Duration::from_secs(1));
    client.sign_in(&owner.identifier, &owner.password).await.expect("signs in after the wait");
    let unknown = client.sign_in("nobody@yellow.example", "not the password").await.expect_err("refused");
    assert_eq!(unknown.reason, ErrorReason::WrongCredentials, "the same answer for an account that is none");
    world.finish().await;
}
