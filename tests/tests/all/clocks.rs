//! Clocks that jump, and machines that do not agree on the time: money is neither lost nor doubled, and selling goes on.

use std::time::Duration;

use netily::app::App;
use netily::clock::Clock;
use netily::worker;
use netily_sdk::hotspot::PurchaseStatus;
use netily_tests::{Guest, World, eventually};
use serde_json::json;
use tokio_util::sync::CancellationToken;

const HOUR: Duration = Duration::from_secs(3_600);
const TEN_MINUTES: Duration = Duration::from_secs(600);

/// How far a purchase is when the clock jumps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moment {
    /// Taken; the prompt is to be sent.
    Taken,
    /// The prompt is on the phone.
    Prompted,
    /// Paid, and told by a callback; nobody has asked yet.
    Told,
    /// Booked; the router is off.
    Booked,
}

#[tokio::test(flavor = "multi_thread")]
async fn a_purchase_goes_through_whenever_the_clock_jumps() {
    for forward in [true, false] {
        let world = World::new().await;
        for (n, moment) in (0..).zip([Moment::Taken, Moment::Prompted, Moment::Told, Moment::Booked]) {
            let (guest, neighbour) = (Guest::number(2 * n), Guest::number(2 * n + 1));
            let bought = begin(&world, &guest, moment).await;
            if forward {
                world.advance(HOUR)
            } else {
                world.set_back(TEN_MINUTES)
            }
            let beside = world.buy(&neighbour).await; // whoever comes now is served, whatever the clock said before
            let online = see_through(&world, &guest, &bought).await;
            // A prompt that is an hour late is not sent; everything else comes to its end.
            assert_eq!(online, !(forward && moment == Moment::Taken), "{moment:?}, forward {forward}");
            assert!(see_through(&world, &neighbour, &beside.session_id).await, "the neighbour of {moment:?}, forward {forward}");
        }
        world.finish().await;
    }
}

async fn begin(world: &World, guest: &Guest, moment: Moment) -> String {
    let power = |state: &'static str| world.router("yellow-market").set_state(json!({ "power": state }));
    power(if moment == Moment::Booked { "off" } else { "on" }).await.expect("switched");
    let bought = world.buy(guest).await.session_id;
    if moment != Moment::Taken {
        world.run_due().await;
    }
    if matches!(moment, Moment::Told | Moment::Booked) {
        world.answer_prompt(&guest.phone, "accept").await;
        world.callbacks_delivered().await;
    }
    if moment == Moment::Booked {
        world.run_due().await;
        assert_eq!(world.look(&bought).await.status(), PurchaseStatus::Paid);
        power("on").await.expect("switched");
    }
    bought
}

/// Lets time pass until the guest is online, or was told that it failed without having been asked.
async fn see_through(world: &World, guest: &Guest, session: &str) -> bool {
    for _ in 0..20 {
        world.run_due().await;
        let mine: Vec<_> = world.collections().into_iter().filter(|one| one["phone"] == guest.phone).collect();
        if mine.iter().any(|one| one["status"] == "QUEUED") {
            world.answer_prompt(&guest.phone, "accept").await;
            world.callbacks_delivered().await;
            world.run_due().await;
        }
        match world.look(session).await.status() {
            PurchaseStatus::Active | PurchaseStatus::Expired => return true,
            PurchaseStatus::Failed if mine.is_empty() => return false,
            _ => world.advance(Duration::from_secs(61)),
        }
    }
    panic!("{guest:?} waits for ever");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_whose_clock_is_an_hour_ahead_doubles_and_loses_nothing() {
    let world = World::working().await;
    world.behave(json!({ "auto_answer": "accept", "auto_answer_delay_ms": 20 })).await;
    let clock = Clock::default();
    clock.advance(HOUR);
    let stop = CancellationToken::new();
    let skewed = App::open(world.app.config.clone(), clock, true).expect("another machine's doors");
    let skewed = tokio::spawn(worker::work(skewed, stop.clone()));
    for n in 0..20 {
        let guest = Guest::number(n);
        let bought = world.buy(&guest).await;
        eventually("it ends", async || {
            let asked = world.collections().iter().any(|one| one["phone"] == guest.phone);
            match world.look(&bought.session_id).await.status() {
                PurchaseStatus::Active | PurchaseStatus::Expired => Some(()),
                PurchaseStatus::Failed if !asked => Some(()), // it was the other one's, who took the prompt for an old one
                _ => None,
            }
        })
        .await;
    }
    stop.cancel();
    skewed.await.expect("it ends well");
    world.callbacks_delivered().await;
    world.finish().await;
}
