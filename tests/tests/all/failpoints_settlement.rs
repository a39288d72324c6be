//! kill -9 at every named point of a settlement: the gateway is asked at most once, and the books say what it did.

use std::time::Duration;

use futures::stream::{StreamExt as _, iter};
use netily_sdk::payout::{GetBalanceRequest, ListSettlementsRequest, SettlementFrequency, SettlementStatus};
use netily_tests::{Access, World, eventually, kes};
use serde_json::json;

use crate::program::Program;

/// After this a claim and a lease of a dead process are open.
const LEASES_OVER: Duration = Duration::from_secs(61);
/// The run of the night is over.
const MORNING: Duration = Duration::from_secs(26 * 3_600);

/// Points at which nothing has left yet, or its answer is known or can be asked for.
pub const PAYING: [(&str, &str); 10] = [
    ("settlement", "reserving"),
    ("settlement", "claiming"),
    ("settlement", "claimed"),
    ("settlement", "sent"),
    ("settlement", "recording"),
    ("settlement", "written"),
    ("settlement", "asked"),
    ("settlement", "confirming"),
    ("settlement", "confirmed"),
    ("settlement", "settling"),
];
/// Points of giving money back.
pub const RELEASING: [(&str, &str); 1] = [("settlement", "releasing")];

#[tokio::test(flavor = "multi_thread")]
async fn a_settlement_whose_worker_is_killed_at_any_point_is_asked_for_once() {
    let points = PAYING.into_iter().map(|point| (point, false)).chain(RELEASING.into_iter().map(|point| (point, true)));
    iter(points).map(|((act, point), fails)| pay(format!("{act} {point}"), fails)).buffer_unordered(4).collect::<Vec<()>>().await;
}

async fn pay(point: String, fails: bool) {
    let world = World::builder().not_serving().start().await;
    let first = Program::start(&world, Duration::ZERO);
    eventually("the server is there", async || world.client("yellow").selfservice().list_plans(Default::default()).await.ok()).await;
    let owner = world.signed_in("yellow", Access::Owner).await;
    owner.payout().set_payout_config(world.payout_ask("yellow", SettlementFrequency::Daily)).await.expect("set");
    first.kill();
    // Proven without a test payment: the points shall be those of the settlement.
    world.sql().await.run("UPDATE tenant.payout_config SET verification_status = 'VERIFIED', verified_at = now(), held_until = now()").await;
    let staff = world.customer_phone("yellow");
    let program = Program::start(&world, Duration::ZERO);
    let customer = eventually("a customer signs in", async || {
        world.client("yellow").selfservice().list_plans(Default::default()).await.ok()?;
        Some(world.customer("yellow").await)
    })
    .await;
    world.initiate(&customer, netily_sdk::selfservice::initiate_payment_request::Target::Amount(kes(300))).await.expect("asked for");
    world.answer_prompt(&staff, "accept").await;
    eventually("it is booked", async || (world.sql().await.count("tenant.ledger_transaction").await == 1).then_some(())).await;
    program.kill();
    if fails {
        world.behave(json!({ "payout_result": "failed" })).await;
    }
    Program::dying_at(&world, MORNING, &point).died(&point).await;
    let ahead = MORNING + LEASES_OVER;
    let program = Program::start(&world, ahead);
    let owner = eventually("the owner signs in", async || {
        world.client("yellow").selfservice().list_plans(Default::default()).await.ok()?;
        Some(world.signed_in("yellow", Access::Owner).await)
    })
    .await;
    let ended = eventually(&format!("{point}: it ends"), async || {
        let listed = owner.payout().list_settlements(ListSettlementsRequest::default()).await.ok()?.settlements;
        listed.into_iter().find(|one| matches!(one.status(), SettlementStatus::Completed | SettlementStatus::Failed | SettlementStatus::Unknown))
    })
    .await;
    let requests: u64 = world.payouts().iter().map(|paid| paid["requests"].as_u64().unwrap_or(0)).sum();
    assert!(requests <= 1, "{point}: {requests} requests");
    assert_eq!(world.sql().await.count("tenant.settlement").await, 1, "{point}");
    let balance = owner.payout().get_balance(GetBalanceRequest {}).await.expect("a balance");
    let owed = |settled: i64| Some(kes(settled));
    match ended.status() {
        SettlementStatus::Completed => assert_eq!((balance.pending, balance.in_transit, balance.paid_out), (owed(0), owed(0), owed(285)), "{point}"),
        SettlementStatus::Failed => assert_eq!((balance.pending, balance.in_transit, balance.paid_out), (owed(285), owed(0), owed(0)), "{point}"),
        // The process died between the claim and the answer: whether anything left nobody here can tell, and it is frozen.
        _ => assert_eq!((balance.pending, balance.in_transit, balance.paid_out), (owed(0), owed(285), owed(0)), "{point}"),
    }
    drop(program);
    world.advance(ahead);
    world.finish().await;
}
