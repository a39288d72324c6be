//! Alarms that ring again: a break is one while it is open, opens again when it happens again, and operators hear of it until it is ended.

use std::time::Duration;

use netily::breaks::{self, BreakKind, EndedBy, Stops};
use netily::id::IspId;
use netily_sdk::Client;
use netily_sdk::platform::{Break, CloseBreakRequest, ListBreaksRequest};
use netily_sdk::types::ErrorReason;
use netily_tests::World;
use serde_json::json;

async fn open(world: &World, kind: BreakKind, reference: &str) {
    let now = world.app.clock.now();
    world.app.db.public(async |tx| breaks::open(tx, kind, reference, None::<IspId>, None, json!({}), now).await).await.expect("opened");
}

async fn listed(operator: &Client) -> Vec<Break> {
    operator.platform().list_breaks(ListBreaksRequest::default()).await.expect("a list").breaks
}

async fn close(operator: &Client, id: &str) -> Result<(), netily_sdk::Error> {
    let ask = CloseBreakRequest { id: id.into(), reason: "Looked at".into() };
    operator.platform().close_break(ask).await.map(drop)
}

/// Messages to operators that hold these words, by mail.
async fn mails(world: &World, words: &str) -> usize {
    let mut sql = world.sql().await;
    let rows = sql.rows("SELECT body FROM tenant.message WHERE template = 'NOTICE' AND channel = 'EMAIL' ORDER BY created_at").await;
    rows.iter().filter(|row| row["body"].as_str().is_some_and(|body| body.contains(words))).count()
}

/// D3: what was closed and happens again is a new break, and is told again.
#[tokio::test(flavor = "multi_thread")]
async fn what_happens_again_after_it_was_closed_opens_and_is_told_again() {
    let world = World::new().await;
    let operator = world.operator().await;
    for time in 1..=2 {
        open(&world, BreakKind::GatewayRefuses, "invalid_argument/00000000").await;
        open(&world, BreakKind::GatewayRefuses, "invalid_argument/00000000").await;
        let found = listed(&operator).await;
        assert_eq!(found.len(), 1, "one while it is open: {found:?}");
        world.advance(Duration::from_secs(61));
        world.sweep().await;
        assert_eq!(mails(&world, "gateway refuses").await, time, "told each time");
        close(&operator, &found[0].id).await.expect("closed");
    }
    world.finish().await;
}

/// One code of the gateway stands for many troubles.
#[test]
fn two_troubles_with_one_code_are_two() {
    let float = breaks::trouble("invalid_argument", "Your service wallet balance of KES 12 is too low");
    assert_eq!(float, breaks::trouble("invalid_argument", "your service wallet balance of KES 7 is too low"), "numbers do not matter");
    assert_ne!(float, breaks::trouble("invalid_argument", "channel_id is not yours"));
}

/// What stays open is told again, in the rhythm of its kind.
#[tokio::test(flavor = "multi_thread")]
async fn what_stays_open_is_told_again_and_again() {
    let world = World::new().await;
    let _operator = world.operator().await;
    open(&world, BreakKind::UnmatchedPayout, "PO1").await;
    world.sweep().await;
    world.run_after(Duration::from_secs(1_800)).await;
    assert_eq!(mails(&world, "PO1").await, 1, "not before its time");
    world.run_after(Duration::from_secs(1_860)).await;
    assert_eq!(mails(&world, "PO1").await, 2);
    world.sql().await.run("DELETE FROM public.reconciliation_break").await;
    world.finish().await;
}

/// Ten thousand of them at once are one message, and what is more urgent is named first in it.
#[tokio::test(flavor = "multi_thread")]
async fn a_flood_hides_nothing_that_is_more_urgent() {
    let world = World::new().await;
    let operator = world.operator().await;
    let flood = "INSERT INTO public.reconciliation_break (id, kind, reference, amount_minor, opened_at)
                 SELECT gen_random_uuid(), 'unmatched_collection', 'REF' || n, 1000, now() - interval '1 minute' FROM generate_series(1, 10000) n";
    world.sql().await.run(flood).await;
    open(&world, BreakKind::ReversalSeen, "i99_example").await;
    world.sweep().await;
    let mut sql = world.sql().await;
    let body = sql.rows("SELECT body FROM tenant.message WHERE template = 'NOTICE' AND channel = 'EMAIL'").await;
    assert_eq!(body.len(), 1, "one message");
    let body = body[0]["body"].as_str().expect("a text").to_owned();
    assert!(body.contains("10000 unmatched collection"), "{body}");
    assert!(body.find("i99_example").expect("named") < body.find("REF").expect("named"), "the more urgent first: {body}");
    let untold = sql.rows("SELECT id FROM public.reconciliation_break WHERE told_at IS NULL").await;
    assert!(untold.is_empty(), "all of them are told");
    assert_eq!(listed(&operator).await.len(), 50, "a page");
    sql.run("DELETE FROM public.reconciliation_break").await;
    world.finish().await;
}

/// D2: what holds money without a place is ended by an act, not by a sentence.
#[tokio::test(flavor = "multi_thread")]
async fn money_without_a_place_is_not_closed_with_a_reason() {
    let world = World::new().await;
    let operator = world.operator().await;
    for kind in BreakKind::ALL {
        open(&world, *kind, "X").await;
        let found = listed(&operator).await.into_iter().find(|found| found.kind == kind.as_str()).expect("open");
        match kind.policy().ended_by {
            EndedBy::Act(act) => {
                let refused = close(&operator, &found.id).await.expect_err("not so");
                assert_eq!(refused.reason, ErrorReason::StateConflict);
                assert!(refused.message.contains(act), "it says what ends it: {}", refused.message);
            }
            EndedBy::Itself | EndedBy::Reason => close(&operator, &found.id).await.expect("closed"),
        }
    }
    world.sql().await.run("DELETE FROM public.reconciliation_break").await;
    world.finish().await;
}

/// The table that operators read says of every kind what the code does, in the same order, and of nothing else.
#[test]
fn operations_says_of_every_kind_how_often_it_is_told_what_it_stops_and_what_ends_it() {
    let page = include_str!("../../../docs/OPERATIONS.md");
    let section = page.split_once("| kind | what it says |").expect("the table").1;
    let rows: Vec<&str> = section.lines().skip(2).take_while(|line| line.starts_with('|')).collect();
    assert_eq!(rows.len(), BreakKind::ALL.len(), "a row for each kind");
    for (row, kind) in rows.iter().zip(BreakKind::ALL) {
        let policy = kind.policy();
        let again = match policy.again_after.num_hours() {
            1 => "each hour".to_owned(),
            24 => "each day".to_owned(),
            hours => format!("each {hours} hours"),
        };
        let stops = match policy.stops {
            Stops::Nothing => "nothing",
            Stops::PayoutsOfIsp => "payouts of its ISP",
            Stops::AllPayouts => "all payouts",
        };
        let ended_by = match policy.ended_by {
            EndedBy::Itself => "itself".to_owned(),
            EndedBy::Reason => "a reason".to_owned(),
            EndedBy::Act(act) => format!("`{act}`"),
        };
        assert!(row.starts_with(&format!("| `{}` |", kind.as_str())), "the order of the enum: {row}");
        let says = format!("| {again} | {stops} | {ended_by} |");
        assert!(row.ends_with(&says), "{row}\nshould end with\n{says}");
    }
}
