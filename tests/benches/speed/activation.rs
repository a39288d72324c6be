//! Paid → user on the router, at 20 a second over ten routers; and the same while one of them hangs.

use std::sync::Arc;
use std::time::{Duration, Instant};

use netily::hotspot::{self, Status};
use netily::wake::Wake;
use netily::{serve, worker};
use serde_json::json;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::place::{Place, Shop, phone};
use crate::verdict::{Limit, Verdict, p95};

const ROUTERS: usize = 10;
const PER_SECOND: usize = 20;
const SECONDS: usize = 10;

pub async fn run() -> Vec<Verdict> {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("its address");
    let place = Arc::new(Place::with_shops(ROUTERS, address).await);
    let stop = CancellationToken::new();
    let serving = tokio::spawn(serve::serve(place.app.clone(), listener, stop.clone()));
    let working = tokio::spawn(worker::work(place.app.clone(), stop.clone()));
    // The last router is left out of both figures; it hangs in the second, with guests who wait for it.
    let well = p95(round(&place, 0, false).await);
    let hung = p95(round(&place, 10_000, true).await);
    place.sandbox.router(&place.shops[ROUTERS - 1].sandbox_router).expect("a router").set_state(json!({ "power": "on" })).await.expect("power");
    stop.cancel();
    working.await.expect("the worker ends");
    serving.await.expect("the server ends").expect("well");
    vec![
        Verdict { what: "paid -> user on the router, p95 in s at 20/s, against 1 s", measured: well, against: 1.0, limit: Limit::AtMost(1.0) },
        Verdict { what: "the same p95 with one hung router among ten", measured: hung, against: well, limit: Limit::AtMost(1.2) },
    ]
}

/// Seconds from the PIN to ACTIVE, of guests at the first nine routers.
async fn round(place: &Arc<Place>, first: usize, hang: bool) -> Vec<f64> {
    if hang {
        let router = place.sandbox.router(&place.shops[ROUTERS - 1].sandbox_router).expect("a router");
        router.set_state(json!({ "power": "hang" })).await.expect("power");
    }
    let mut guests = Vec::new();
    let mut tick = tokio::time::interval(Duration::from_millis(1_000 / PER_SECOND as u64));
    for n in 0..PER_SECOND * SECONDS {
        tick.tick().await;
        let shop = place.shops[n % ROUTERS].clone();
        let (place, counted) = (place.clone(), n % ROUTERS != ROUTERS - 1);
        let guest = tokio::spawn(async move { guest(&place, &shop, first + n, counted).await });
        if counted {
            guests.push(guest);
        }
    }
    let mut times = Vec::new();
    for guest in guests {
        times.push(guest.await.expect("a guest gets online"));
    }
    times
}

async fn guest(place: &Place, shop: &Shop, n: usize, wait: bool) -> f64 {
    let session = place.buy(shop, n).await;
    let mut changes = place.app.wakes.watch(Wake::Purchase(session.row.id));
    let (http, phone) = (reqwest::Client::new(), format!("{}/control/phones/{}", place.sandbox.url(), phone(n)));
    let prompt = loop {
        let seen: serde_json::Value = http.get(&phone).send().await.expect("the phone").json().await.expect("its screen");
        if let Some(id) = seen["prompts"][0]["id"].as_str() {
            break id.to_owned();
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    let paid = Instant::now();
    http.post(format!("{phone}/prompts/{prompt}")).json(&json!({ "answer": "accept" })).send().await.expect("the PIN").error_for_status().expect("taken");
    if wait {
        loop {
            let now = place.app.db.tx(shop.tenant.id, async |tx| hotspot::find_session(tx, shop.tenant.id, session.row.id).await).await.expect("a session");
            if now.status == Status::Active {
                break;
            }
            assert!(paid.elapsed() < Duration::from_secs(60), "a guest waits for ever");
            let _ = tokio::time::timeout(Duration::from_secs(1), changes.changed()).await;
        }
    }
    paid.elapsed().as_secs_f64()
}
