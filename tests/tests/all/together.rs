//! What comes at the same time is written together, and each part of a lot fares as it would alone.

use futures::future::join_all;
use netily::collect;
use netily::id::{IspId, PaymentId};
use netily::money::Money;
use netily::payments::store::{Observation, Seen, Source, find, find_many};
use netily::payments::{Payment, State};
use netily_tests::{Guest, World};
use serde_json::json;
use uuid::Uuid;

/// The payment of a guest of `yellow`, as it is read before the gateway is asked, and its receipt.
async fn paid(world: &World, guest: &Guest) -> (IspId, Payment, String) {
    let mut sql = world.sql().await;
    let row = sql.row(&format!("SELECT tenant_id, id FROM tenant.payment WHERE phone = '{}'", guest.phone)).await;
    let id = |name: &str| row[name].as_str().and_then(|text| text.parse::<Uuid>().ok()).expect("an id");
    let (isp, payment) = (IspId::from(id("tenant_id")), PaymentId::from(id("id")));
    let known = world.app.db.tx(isp, async |tx| find(tx, isp, payment).await).await.expect("read").expect("a payment");
    let receipt = world.collection_from(&guest.phone)["receipt"].as_str().expect("a receipt").to_owned();
    (isp, known, receipt)
}

#[tokio::test(flavor = "multi_thread")]
async fn payments_are_looked_at_in_the_order_of_the_question_and_under_their_own_isp_only() {
    let world = World::new().await;
    let guests = [Guest::number(1), Guest::number(2)];
    let mut known = Vec::new();
    for guest in &guests {
        world.buy(guest).await;
    }
    world.run_due().await;
    for guest in &guests {
        world.answer_prompt(&guest.phone, "accept").await;
        let (isp, payment, _) = paid(&world, guest).await;
        known.push((isp, payment.id));
    }
    let [(yellow, first), (_, second)] = known[..] else { panic!("two payments") };
    let (other, nobody) = (IspId::from(Uuid::new_v4()), PaymentId::from(Uuid::new_v4()));
    let wanted = [(yellow, second), (other, first), (yellow, nobody), (yellow, first), (yellow, second)];
    let found = world.app.db.statement(async |tx| find_many(tx, &wanted).await).await.expect("read");
    let ids: Vec<Option<PaymentId>> = found.iter().map(|found| found.as_ref().map(|payment| payment.id)).collect();
    assert_eq!(ids, [Some(second), None, None, Some(first), Some(second)]);
    let alone = world.app.db.tx(yellow, async |tx| find(tx, yellow, first).await).await.expect("read");
    assert_eq!(format!("{:?}", found[3]), format!("{alone:?}"), "every field is the same as when it is read alone");
    world.run_due().await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_special_harms_no_other_of_its_lot() {
    const SAME_RECEIPT: usize = 2;
    const CONTRADICTED: usize = 3;
    const STALE: usize = 4;
    let world = World::new().await;
    world.behave(json!({ "callback": "never" })).await;
    let guests: Vec<Guest> = (1..=8).map(Guest::number).collect();
    for guest in &guests {
        world.buy(guest).await;
    }
    world.run_due().await;
    for guest in &guests {
        world.answer_prompt(&guest.phone, "accept").await;
    }

    // Callbacks of all of them at once: true ones, one of which comes twice, one that is no callback, one that names another amount.
    let url = |guest: &Guest| world.collection_from(&guest.phone)["callback_url"].as_str().expect("an address").to_owned();
    let body = |amount: u32| json!({ "status": true, "response": { "ResultCode": 0, "Amount": amount, "Status": "Success" } }).to_string();
    let mut posts: Vec<(String, String)> = guests.iter().map(|guest| (url(guest), body(10))).collect();
    posts[CONTRADICTED].1 = body(1);
    posts.push(posts[0].clone());
    posts.push((url(&guests[1]), "<html>".to_owned()));
    let answers = join_all(posts.into_iter().map(|(url, body)| {
        let world = &world;
        async move { world.post(&url, body.into_bytes()).await }
    }))
    .await;
    assert!(answers.iter().all(|status| *status == 200), "{answers:?}");
    let mut sql = world.sql().await;
    let kept =
        sql.row("SELECT count(*) AS n, sum(deliveries)::bigint AS came, count(*) FILTER (WHERE state = 'DEAD') AS dead FROM public.webhook_delivery").await;
    assert_eq!(kept, json!({ "n": 9, "came": 10, "dead": 1 }));
    assert_eq!(sql.count("public.job WHERE kind = 'check' AND run_at <= now()").await, 8, "each payment is asked about once");

    let mut known = Vec::new();
    for guest in &guests {
        known.push(paid(&world, guest).await);
    }
    known[SAME_RECEIPT].2 = known[0].2.clone();
    known[STALE].1.state = State::Unknown;
    let now = world.app.clock.now();
    let states = join_all(known.iter().map(|(isp, payment, receipt)| {
        let observation = Observation {
            source: Source::Status,
            seen: Seen::Success,
            amount: Some(Money::from_minor(1_000)),
            receipt: Some(receipt.clone()),
            failure: None,
            body: json!({}),
        };
        collect::answered(&world.app, *isp, payment, observation, now, now)
    }))
    .await;
    for (at, state) in states.into_iter().enumerate() {
        let wanted = if at == SAME_RECEIPT { State::Pending } else { State::Succeeded };
        assert_eq!(state.expect("booked"), wanted, "guest {at}");
    }

    // The callback of the payment that nobody may book goes to a human with it.
    for (kind, many) in [("callback_contradicts", 2), ("receipt_reused", 1)] {
        assert_eq!(sql.count(&format!("public.reconciliation_break WHERE kind = '{kind}' AND closed_at IS NULL")).await, many, "{kind}");
    }
    let observed = sql.rows("SELECT count(*) AS n FROM tenant.gateway_observation GROUP BY payment_id").await;
    assert_eq!((observed.len(), observed.iter().all(|row| row["n"] == 1)), (8, true), "each answer is kept once: {observed:?}");
    for (state, many) in [("APPLIED", 6), ("QUARANTINED", 2), ("DEAD", 1)] {
        assert_eq!(sql.count(&format!("public.webhook_delivery WHERE state = '{state}'")).await, many, "{state}");
    }
    assert_eq!(sql.count("tenant.hotspot_session WHERE status = 'PAID'").await, 7);
    world.finish_with_unbooked(1).await;
}
