//! kill -9 of the server and of PostgreSQL in the middle of purchases: nothing is lost and nothing is doubled.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use netily_sdk::hotspot::{GetPurchaseStatusRequest, PurchaseRequest, PurchaseStatus};
use netily_sdk::types::ErrorReason;
use netily_sdk::{Client, Error};
use netily_tests::{Guest, LIMIT, TestCluster, World, eventually};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::program::Program;

pub fn is_away(error: &Error) -> bool {
    matches!(error.reason, ErrorReason::Unavailable | ErrorReason::DeadlineExceeded | ErrorReason::Internal)
}

/// Buys as a page does that does not give up: the same request until there is an answer.
pub async fn insist(client: &Client, ask: PurchaseRequest) -> String {
    eventually("the purchase is taken", async || match client.hotspot().purchase(ask.clone()).await {
        Ok(answer) => answer.purchase.map(|purchase| purchase.session_id),
        Err(error) if is_away(&error) => None,
        Err(error) => panic!("{error}"),
    })
    .await
}

pub async fn status(client: &Client, session_id: &str) -> Option<PurchaseStatus> {
    match client.hotspot().get_purchase_status(GetPurchaseStatusRequest { session_id: session_id.to_owned() }).await {
        Ok(answer) => answer.purchase.map(|purchase| purchase.status()),
        Err(error) if is_away(&error) => None,
        Err(error) => panic!("{error}"),
    }
}

/// Guests come in waves, one for each kill, so that each kill finds prompts on their way.
const WAVES: usize = 4;
const WAVE: usize = 6;

fn guests() -> Vec<Guest> {
    (0..).map(Guest::number).take(WAVES * WAVE).collect()
}

/// Everybody buys in the wave that is theirs, and insists: the sessions, in the guests' order.
async fn buy_in_waves(world: &World, client: &Client, guests: &[Guest], wave: &watch::Sender<usize>) -> Vec<String> {
    let buy = async |n: usize, guest: &Guest| {
        wave.subscribe().wait_for(|wave| n / WAVE < *wave).await.expect("the waves come");
        insist(client, world.ask(guest)).await
    };
    join_all(guests.iter().enumerate().map(|(n, guest)| buy(n, guest))).await
}

/// Lets the next wave come and waits until PayHero has taken so many of its prompts.
async fn next_wave(world: &World, guests: &[Guest], wave: &watch::Sender<usize>, prompts: usize) {
    let mine: Vec<&str> = guests.iter().skip(*wave.borrow() * WAVE).take(WAVE).map(|guest| guest.phone.as_str()).collect();
    wave.send_modify(|wave| *wave += 1);
    let taken = |truth: &Value| {
        let all = truth["collections"].as_array().expect("a list");
        all.iter().filter(|one| one["phone"].as_str().is_some_and(|phone| mine.contains(&phone))).count()
    };
    world.sandbox().wait_for_truth(LIMIT, |truth| taken(truth) >= prompts).await.expect("prompts go out");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_loses_and_doubles_nothing() {
    let world = World::builder().not_serving().start().await;
    world.behave(json!({ "auto_answer": "accept", "auto_answer_delay_ms": 30 })).await;
    let guests = guests();
    let wave = watch::Sender::new(0);
    let client = world.client("yellow");
    let buying = buy_in_waves(&world, &client, &guests, &wave);
    let killing = async {
        let mut ahead = Duration::ZERO;
        for prompts in [1, 3, 5, 6] {
            let program = Program::start(&world, ahead);
            next_wave(&world, &guests, &wave, prompts).await;
            program.kill();
            ahead += Duration::from_secs(61); // a claim whose holder died is open after a minute
        }
        (Program::start(&world, ahead), ahead)
    };
    let (sessions, (program, ahead)) = tokio::join!(buying, killing);
    world.callbacks_delivered().await;
    // Whose answer and callback both got lost has a receipt on the phone, and uses it.
    let mut claimed = 0;
    for (guest, session) in guests.iter().zip(&sessions) {
        eventually("the guest is online", async || {
            let now = status(&client, session).await?;
            if now != PurchaseStatus::Active && world.collections().iter().any(|one| one["phone"] == guest.phone && one["status"] == "SUCCESS") {
                let receipt = world.collection_from(&guest.phone)["receipt"].as_str().map(str::to_owned)?;
                claimed += usize::from(client.hotspot().resume_purchase(world.resume_ask("yellow-market", guest, &receipt)).await.is_ok());
            }
            // A prompt that never went out is not sent again, and its guest is told so: nothing was paid.
            let unsent = world.collections().iter().all(|one| one["phone"] != guest.phone);
            (now == PurchaseStatus::Active || unsent).then_some(())
        })
        .await;
    }
    println!("{claimed} of {} payments were claimed by their receipts", guests.len());
    drop(program);
    world.advance(ahead);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_postgresql_loses_and_doubles_nothing() {
    let cluster = tokio::task::spawn_blocking(|| Arc::new(TestCluster::start("killed"))).await.expect("a cluster of its own");
    let world = World::builder().working().on(cluster.clone()).start().await;
    world.behave(json!({ "auto_answer": "accept", "auto_answer_delay_ms": 30 })).await;
    let guests = guests();
    let wave = watch::Sender::new(0);
    let client = world.client("yellow");
    let buying = buy_in_waves(&world, &client, &guests, &wave);
    let killing = async {
        for prompts in [1, 3, 5, 6] {
            next_wave(&world, &guests, &wave, prompts).await;
            let cluster = cluster.clone();
            let kill = move || {
                cluster.postgres().kill_postmaster();
                cluster.postgres().wait_until_ready(LIMIT).expect("it comes back");
            };
            tokio::task::spawn_blocking(kill).await.expect("PostgreSQL is killed");
        }
    };
    let (sessions, ()) = tokio::join!(buying, killing);
    world.callbacks_delivered().await;
    for (guest, session) in guests.iter().zip(&sessions) {
        eventually("the guest is online", async || {
            world.advance(Duration::from_secs(5));
            let now = status(&client, session).await?;
            if now == PurchaseStatus::Failed
                && let Some(receipt) =
                    world.collections().iter().find(|one| one["phone"] == guest.phone && one["status"] == "SUCCESS").and_then(|one| one["receipt"].as_str())
            {
                // The answer to the prompt and its callback fell into the same gap.
                let _ = client.hotspot().resume_purchase(world.resume_ask("yellow-market", guest, receipt)).await;
            }
            let unsent = now == PurchaseStatus::Failed && world.collections().iter().all(|one| one["phone"] != guest.phone);
            (now == PurchaseStatus::Active || unsent).then_some(())
        })
        .await;
    }
    world.finish().await;
}
