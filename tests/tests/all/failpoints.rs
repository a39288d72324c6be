//! kill -9 at every named point before and after each commit and each send of the hotspot line: nothing is lost, nothing
//! is doubled, and the guest gets online, or knows that nothing was asked of the phone.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Duration;

use futures::stream::{StreamExt as _, iter};
use netily_sdk::Client;
use netily_sdk::hotspot::{ListPlansRequest, PurchaseStatus};
use netily_tests::{Guest, World, eventually};

use crate::crash::{insist, status};
use crate::program::Program;
use crate::{failpoints_billing, failpoints_refund, failpoints_settlement};

/// After this a claim and a lease of a dead process are open.
const LEASES_OVER: Duration = Duration::from_secs(61);
/// After this the gateway's list may name a prompt that nobody knows of.
const SETTLED: Duration = Duration::from_secs(240);
const HOUR: Duration = Duration::from_secs(3_600);

/// When the guest types the PIN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pin {
    /// As soon as we know what the gateway calls it; it kills the process, sooner or later.
    AtOnce,
    /// While the server is down: the callback finds nobody.
    WhileDown,
    /// When the server is back.
    Afterwards,
    /// Long ago: the point is passed at the end of the time that was bought.
    LongAgo,
}

/// What comes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// The guest is online.
    Online,
    /// It was claimed and perhaps not sent, so it is never sent: the guest is told after three minutes, and buys again.
    NeverAsked,
    /// Sent, and its answer and callback are lost: the gateway's list shows one sum of this amount and moment.
    ByList,
    /// The time is over, and the router has forgotten the user.
    Over,
}

/// Every point of the code, and what comes of a death there.
const POINTS: [(&str, &str, Pin, Fate); 36] = [
    ("purchase", "written", Pin::Afterwards, Fate::Online),
    ("purchase", "committed", Pin::Afterwards, Fate::Online),
    ("push", "claiming", Pin::Afterwards, Fate::Online),
    ("push", "claimed", Pin::Afterwards, Fate::NeverAsked),
    ("push", "sent", Pin::WhileDown, Fate::ByList),
    ("push", "sent", Pin::Afterwards, Fate::Online),
    ("push", "recording", Pin::WhileDown, Fate::ByList),
    ("push", "recording", Pin::Afterwards, Fate::Online),
    ("push", "written", Pin::WhileDown, Fate::Online),
    ("push", "written", Pin::Afterwards, Fate::Online),
    ("push", "ended", Pin::WhileDown, Fate::Online),
    ("push", "finished", Pin::WhileDown, Fate::Online),
    ("callback", "keeping", Pin::AtOnce, Fate::Online),
    ("callback", "committed", Pin::AtOnce, Fate::Online),
    ("check", "looked", Pin::AtOnce, Fate::Online),
    ("check", "asked", Pin::AtOnce, Fate::Online),
    ("check", "granting", Pin::AtOnce, Fate::Online),
    ("check", "confirming", Pin::AtOnce, Fate::Online),
    ("check", "confirmed", Pin::AtOnce, Fate::Online),
    ("check", "ended", Pin::AtOnce, Fate::Online),
    ("check", "finished", Pin::AtOnce, Fate::Online),
    ("router_sync", "connected", Pin::AtOnce, Fate::Online),
    ("router_sync", "user_added", Pin::AtOnce, Fate::Online),
    ("router_sync", "applied", Pin::AtOnce, Fate::Online),
    ("router_sync", "activating", Pin::AtOnce, Fate::Online),
    ("router_sync", "activated", Pin::AtOnce, Fate::Online),
    ("router_sync", "ended", Pin::AtOnce, Fate::Online),
    ("router_sync", "finished", Pin::AtOnce, Fate::Online),
    ("session_end", "written", Pin::LongAgo, Fate::Over),
    ("session_end", "committed", Pin::LongAgo, Fate::Over),
    ("session_end", "ended", Pin::LongAgo, Fate::Over),
    ("session_end", "finished", Pin::LongAgo, Fate::Over),
    ("router_sync", "user_removed", Pin::LongAgo, Fate::Over),
    ("router_sync", "connected", Pin::LongAgo, Fate::Over),
    ("router_sync", "activated", Pin::LongAgo, Fate::Over),
    ("router_sync", "ended", Pin::LongAgo, Fate::Over),
];

/// Kinds of jobs whose end is a point of its own.
const KINDS: [&str; 4] = ["push", "check", "router_sync", "session_end"];

#[tokio::test(flavor = "multi_thread")]
async fn a_server_killed_at_any_point_loses_and_doubles_nothing() {
    iter(POINTS).map(|(act, point, pin, fate)| die(format!("{act} {point}"), pin, fate)).buffer_unordered(4).collect::<Vec<()>>().await;
}

async fn die(point: String, pin: Pin, fate: Fate) {
    let world = World::builder().not_serving().start().await;
    let guest = Guest::number(1);
    world.join("yellow-market", &guest).await;
    let client = world.client("yellow");
    let (program, session, ahead) = match pin {
        Pin::LongAgo => end_of_the_time(&world, &client, &guest, &point).await,
        _ => purchase(&world, &client, &guest, &point, pin, fate).await,
    };
    match fate {
        Fate::Online => until(&client, &session, PurchaseStatus::Active, &point).await,
        Fate::Over => {
            until(&client, &session, PurchaseStatus::Expired, &point).await;
            eventually(&format!("{point}: the router forgets the user"), async || {
                world.router("yellow-market").snapshot().await["users"]
                    .as_array()
                    .is_some_and(|users| users.iter().all(|user| user["comment"] != format!("netily {session}")))
                    .then_some(())
            })
            .await;
        }
        Fate::ByList => {
            until(&client, &session, PurchaseStatus::Active, &point).await;
            assert_eq!(world.sql().await.count("public.reconciliation_break WHERE closed_at IS NULL").await, 0, "{point}: it explains itself");
        }
        Fate::NeverAsked => {
            until(&client, &session, PurchaseStatus::Failed, &point).await;
            assert!(world.collections().is_empty(), "{point}: perhaps sent, so never sent again");
            let again = insist(&client, world.ask(&guest)).await;
            world.answer_prompt(&guest.phone, "accept").await;
            until(&client, &again, PurchaseStatus::Active, &point).await;
        }
    }
    let online = world.router("yellow-market").snapshot().await["active"].as_array().map(Vec::len);
    assert_eq!(online, Some(usize::from(fate != Fate::Over)), "{point}: who is online at the router");
    assert_eq!(world.collections().len(), 1, "{point}: one prompt");
    drop(program);
    world.advance(ahead);
    world.finish().await;
}

/// The guest buys from a process that dies at the point, and goes on with the one that comes after it.
async fn purchase(world: &World, client: &Client, guest: &Guest, point: &str, pin: Pin, fate: Fate) -> (Program, String, Duration) {
    let ahead = if fate == Fate::ByList { SETTLED } else { LEASES_OVER };
    let doomed = Program::dying_at(world, Duration::ZERO, point);
    let buying = async {
        let session = insist(client, world.ask(guest)).await;
        if pin == Pin::AtOnce {
            // A phone can be faster than the gateway's answer to us. Were the process to die with neither that answer nor the
            // callback written, the payment's fate would be `ByList`.
            let mut sql = world.sql().await;
            eventually(&format!("{point}: the gateway's answer is written"), async || {
                (sql.value("SELECT state FROM tenant.payment").await == "PENDING").then_some(())
            })
            .await;
            world.answer_prompt(&guest.phone, "accept").await;
        }
        session
    };
    let dying = async {
        doomed.died(point).await;
        if pin == Pin::WhileDown {
            world.answer_prompt(&guest.phone, "accept").await;
            world.callbacks_delivered().await;
        }
        let program = Program::start(world, ahead);
        if pin == Pin::Afterwards && fate == Fate::Online {
            let plans = ListPlansRequest { router_id: world.router_id("yellow-market") };
            eventually("the server is back", async || client.hotspot().list_plans(plans.clone()).await.ok()).await;
            world.answer_prompt(&guest.phone, "accept").await;
        }
        program
    };
    let (session, program) = tokio::join!(buying, dying);
    if fate != Fate::NeverAsked {
        return (program, session, ahead);
    }
    // One process finds the claim of the dead one, and one that comes later that the time is over.
    let mut sql = world.sql().await;
    eventually("the claim is found", async || (sql.value("SELECT state FROM tenant.payment").await == "UNKNOWN").then_some(())).await;
    program.kill();
    (Program::start(world, SETTLED), session, SETTLED)
}

/// The guest was online for an hour; the process that ends it dies.
async fn end_of_the_time(world: &World, client: &Client, guest: &Guest, point: &str) -> (Program, String, Duration) {
    let first = Program::start(world, Duration::ZERO);
    let session = insist(client, world.ask(guest)).await;
    world.answer_prompt(&guest.phone, "accept").await;
    until(client, &session, PurchaseStatus::Active, point).await;
    first.kill();
    Program::dying_at(world, HOUR + LEASES_OVER, point).died(point).await;
    let ahead = HOUR + LEASES_OVER + LEASES_OVER;
    (Program::start(world, ahead), session, ahead)
}

async fn until(client: &Client, session: &str, wanted: PurchaseStatus, point: &str) {
    let mut last = None;
    eventually(&format!("{point}: {}", wanted.as_str_name()), async || {
        let now = status(client, session).await;
        if now != last {
            // Shown when the test fails: where the purchase got stuck.
            println!("{point}: {now:?}");
            last = now;
        }
        (now? == wanted).then_some(())
    })
    .await;
}

#[test]
fn the_points_in_the_code_are_those_of_the_table() {
    let mut found = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("../server/src")];
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = fs::read_to_string(&path).expect("a source");
            for call in text.split("failpoint::reached(").skip(1) {
                let (act, point) = call.split_once(", ").expect("an act and a point");
                let point = point.split('"').nth(1).expect("a point in quotes");
                match act.trim_matches('"') {
                    "job.kind.as_str()" => found.extend(KINDS.map(|kind| format!("{kind} {point}"))),
                    act => found.push(format!("{act} {point}")),
                }
            }
        }
    }
    let once: BTreeSet<&String> = found.iter().collect();
    assert_eq!(once.len(), found.len(), "each point stands once in the code: {found:#?}");
    let settlement = failpoints_settlement::PAYING.into_iter().chain(failpoints_settlement::RELEASING);
    let refunds = failpoints_refund::REVERSING.into_iter().chain(failpoints_refund::REFUNDING);
    let billing = failpoints_billing::PAYING.into_iter().chain(failpoints_billing::RUNNING).chain(settlement).chain(refunds);
    let table: BTreeSet<String> = POINTS.iter().map(|(act, point, ..)| (*act, *point)).chain(billing).map(|(act, point)| format!("{act} {point}")).collect();
    assert_eq!(once, table.iter().collect(), "the code on the left, the table on the right");
}

#[test]
fn only_the_tests_ask_for_points() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let manifest = |of: &str| fs::read_to_string(root.join(of).join("Cargo.toml")).expect("a manifest");
    let server = manifest("server");
    assert!(server.contains("failpoints = []") && !server.contains("default = "), "a feature that is off");
    for other in ["", "sandbox", "sdk-rust"] {
        assert!(!manifest(other).contains("failpoints"), "{other}");
    }
    assert!(manifest("tests").contains("features = [\"failpoints\"]"));
}
