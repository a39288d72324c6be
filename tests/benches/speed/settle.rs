//! `settle`: a verified success → credited, split, and the router's job queued, through our own store.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use netily::app::App;
use netily::collect;
use netily::id::IspId;
use netily::jobs::Lane;
use netily::money::Money;
use netily::payments::store::{Observation, Seen, Source, find};
use netily::payments::{Payment, State};

use crate::pgbench;
use crate::place::Place;
use crate::verdict::{Limit, Verdict, median};

pub const CONNECTIONS: usize = 8;
const SHOPS: usize = 20;
const EACH: usize = 600;
const ROUNDS: usize = 3;

pub async fn run() -> Vec<Verdict> {
    let place = Place::with_connections(SHOPS, ([127, 0, 0, 1], 1).into(), CONNECTIONS).await;
    pgbench::prepare(&place.cluster).await;
    let payments = place.pending_payments(EACH).await;
    // Interleaved over the ISPs, as payments come in; in rounds, so that both see the machine in the same moods. Each is read before:
    // it is at hand when the gateway's answer is there, since it was read to ask.
    let mut order = Vec::new();
    for at in (0..EACH).flat_map(|n| (0..SHOPS).map(move |shop| shop * EACH + n)) {
        let (isp, id) = payments[at];
        let known = place.app.db.tx(isp, async |tx| find(tx, isp, id).await).await.expect("read").expect("a payment");
        order.push((isp, known));
    }
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for round in order.chunks(order.len() / ROUNDS) {
        theirs.push(pgbench::rate(&place.cluster, CONNECTIONS, 5).await);
        ours.push(settle(&place.app, round).await);
    }
    println!("settle, rounds: ours {ours:.0?}, pgbench {theirs:.0?}");
    vec![Verdict { what: "settle, payments/s against pgbench tps", measured: median(ours), against: median(theirs), limit: Limit::AtLeast(0.60) }]
}

#[expect(clippy::float_arithmetic, clippy::cast_precision_loss, reason = "a rate")]
async fn settle(app: &Arc<App>, payments: &[(IspId, Payment)]) -> f64 {
    let (next, payments) = (Arc::new(AtomicUsize::new(0)), Arc::new(payments.to_vec()));
    let begun = Instant::now();
    let workers: Vec<_> = (0..Lane::Check.places())
        .map(|_| {
            let (app, next, payments) = (app.clone(), next.clone(), payments.clone());
            tokio::spawn(async move {
                while let Some((isp, known)) = payments.get(next.fetch_add(1, Ordering::Relaxed)) {
                    settle_one(&app, *isp, known).await;
                }
            })
        })
        .collect();
    for worker in workers {
        worker.await.expect("a worker ends well");
    }
    payments.len() as f64 / begun.elapsed().as_secs_f64()
}

async fn settle_one(app: &App, isp: IspId, known: &Payment) {
    let observation = Observation {
        source: Source::Status,
        seen: Seen::Success,
        amount: Some(Money::from_minor(1_000)),
        receipt: Some(format!("R{}", known.id.uuid().simple())),
        failure: None,
        body: serde_json::json!({ "status": "SUCCESS" }),
    };
    let now = app.clock.now();
    let stands = collect::answered(app, isp, known, observation, now, now).await.expect("settled");
    assert_eq!(stands, State::Succeeded);
}
