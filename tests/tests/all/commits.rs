//! The connection to PostgreSQL is cut exactly between a commit and its answer, at each commit of a purchase in turn: the
//! server cannot know what was done, and nothing is lost or doubled all the same.

use std::time::Duration;

use netily::worker;
use netily_sdk::hotspot::{PurchaseRequest, PurchaseStatus};
use netily_sdk::types::ErrorReason;
use netily_tests::{Guest, World};

/// A purchase has at least so many commits: else the wire does not see them.
const COMMITS_AT_LEAST: usize = 15;

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_between_any_commit_and_its_answer_loses_and_doubles_nothing() {
    let world = World::builder().wired().start().await;
    world.buy_and_pay(&Guest::number(0)).await; // the sweeps run, and are not due for a while
    let mut never_asked = Vec::new();
    for n in 0.. {
        let guest = Guest::number(u16::try_from(n + 1).expect("a purchase has not that many commits"));
        world.wire().cut_at(n);
        let asked = purchase(&world, &guest).await;
        let cut = world.wire().end();
        assert_eq!(world.collections().iter().filter(|one| one["phone"] == guest.phone).count(), usize::from(asked), "commit {n}: prompts");
        if !asked {
            never_asked.push(n);
        }
        if !cut {
            assert!(asked && n >= COMMITS_AT_LEAST, "{n} commits were seen");
            break;
        }
    }
    assert_eq!(never_asked.len(), 1, "a claim of which nobody knows is never repeated, everything else is: {never_asked:?}");
    world.finish().await;
}

/// A guest buys and pays. True when that ended on line; false when nothing was asked of the phone, and the guest was told.
async fn purchase(world: &World, guest: &Guest) -> bool {
    let session = insist(world, world.ask(guest)).await;
    for _ in 0..12 {
        run_due(world).await;
        let waiting = world.collections().iter().any(|one| one["phone"] == guest.phone && one["status"] == "QUEUED");
        if waiting {
            world.answer_prompt(&guest.phone, "accept").await;
            world.callbacks_delivered().await;
            run_due(world).await;
        }
        match status(world, &session).await {
            PurchaseStatus::Active => return true,
            PurchaseStatus::Failed => {
                assert!(world.collections().iter().all(|one| one["phone"] != guest.phone), "whose phone rang is not told that it failed");
                return false;
            }
            _ => world.advance(Duration::from_secs(31)),
        }
    }
    panic!("{guest:?} waits for ever");
}

/// The same request until there is an answer. A cut connection is a reason to come back, and is told as one.
async fn insist(world: &World, ask: PurchaseRequest) -> String {
    loop {
        match world.client("yellow").hotspot().purchase(ask.clone()).await {
            Ok(answer) => return answer.purchase.expect("a purchase").session_id,
            Err(error) => assert_eq!(error.reason, ErrorReason::Unavailable, "{error}"),
        }
    }
}

async fn status(world: &World, session: &str) -> PurchaseStatus {
    let ask = netily_sdk::hotspot::GetPurchaseStatusRequest { session_id: session.to_owned() };
    loop {
        match world.client("yellow").hotspot().get_purchase_status(ask.clone()).await {
            Ok(answer) => return answer.purchase.expect("a purchase").status(),
            Err(error) => assert_eq!(error.reason, ErrorReason::Unavailable, "{error}"),
        }
    }
}

/// A claim whose answer is cut off leaves its jobs to whoever comes after their lease.
async fn run_due(world: &World) {
    while worker::run_due(&world.app).await.is_err() {}
}
