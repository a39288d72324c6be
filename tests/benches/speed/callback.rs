//! Callback in → credited: the callback is kept and acknowledged, the gateway asked, the payment credited, by a server and a worker
//! with as many connections to the database as pgbench had.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use diesel_async::RunQueryDsl;
use netily::collect::callback_token::{self, CallbackKind};
use netily::id::{IspId, PaymentId};
use netily::{serve, worker};
use serde_json::json;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::pgbench;
use crate::place::Place;
use crate::settle::CONNECTIONS;
use crate::verdict::{Limit, Verdict};

const SHOPS: usize = 10;
const PAYMENTS: usize = 6_000;
const CREDITED: &str = "SELECT count(*) AS rows FROM tenant.ledger_transaction";
/// Callbacks that the gateway sends at once: it does not wait for one to send the next.
const SENDERS: usize = 32;

#[expect(clippy::float_arithmetic, clippy::cast_precision_loss, reason = "a rate")]
pub async fn run() -> Vec<Verdict> {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("its address");
    let place = Arc::new(Place::with_connections(SHOPS, address, CONNECTIONS).await);
    let http = reqwest::Client::new();
    let behaviour = format!("{}/control/payhero/behaviour", place.sandbox.url());
    http.put(&behaviour).json(&json!({ "callback": "never" })).send().await.expect("behaviour").error_for_status().expect("behaviour");
    let stop = CancellationToken::new();
    let serving = tokio::spawn(serve::serve(place.app.clone(), listener, stop.clone()));
    pgbench::prepare(&place.cluster).await;
    // Before and after, since half a minute lies between.
    let before = pgbench::rate(&place.cluster, CONNECTIONS, 5).await;
    buy_all(&place).await;
    // Everybody has a prompt and nobody has answered it, so that whoever asks by himself meanwhile learns nothing.
    let pushing = Instant::now();
    let working = tokio::spawn(worker::work(place.app.clone(), stop.clone()));
    until(&place, "SELECT count(*) AS rows FROM tenant.payment WHERE state = 'PENDING'").await;
    println!("callback: {PAYMENTS} prompts were sent in {:.1} s", pushing.elapsed().as_secs_f64());
    // What is measured ends at the credit: activation has a bar of its own. Its routers take the calls and say nothing.
    for shop in &place.shops {
        place.sandbox.router(&shop.sandbox_router).expect("a router").set_state(json!({ "power": "hang" })).await.expect("power");
    }
    // Whoever asks by himself has learnt nothing, and does not ask again before the callbacks are in.
    place.app.clock.set_back(Duration::from_secs(60));
    let waiting = waiting(&place, address).await;
    for (_, reference, _) in &waiting {
        let resolve = format!("{}/control/payhero/collections/{reference}/resolve", place.sandbox.url());
        let paid = json!({ "status": "SUCCESS", "callback": false });
        http.post(resolve).json(&paid).send().await.expect("paid").error_for_status().expect("paid");
    }
    assert_eq!(count(&place, CREDITED).await, 0, "nobody was credited before");
    let begun = Instant::now();
    let senders: Vec<_> = waiting
        .chunks(PAYMENTS / SENDERS + 1)
        .map(|part| {
            let (http, part) = (http.clone(), part.to_vec());
            tokio::spawn(async move {
                for (url, _, phone) in part {
                    let body = json!({ "status": true, "response": { "ResultCode": 0, "Amount": 10, "Phone": phone, "Status": "Success", "MpesaReceiptNumber": "", "CheckoutRequestID": "", "ExternalReference": "" } });
                    http.post(url).json(&body).send().await.expect("a callback").error_for_status().expect("kept");
                }
            })
        })
        .collect();
    for sender in senders {
        sender.await.expect("callbacks are sent");
    }
    until(&place, CREDITED).await;
    let rate = PAYMENTS as f64 / begun.elapsed().as_secs_f64();
    stop.cancel();
    working.await.expect("the worker ends");
    serving.await.expect("the server ends").expect("well");
    let tps = f64::midpoint(before, pgbench::rate(&place.cluster, CONNECTIONS, 5).await);
    vec![Verdict { what: "callback in -> credited, payments/s against pgbench tps", measured: rate, against: tps, limit: Limit::AtLeast(0.25) }]
}

async fn buy_all(place: &Arc<Place>) {
    let buyers = (0..CONNECTIONS).map(|buyer| {
        let place = place.clone();
        tokio::spawn(async move {
            for n in (buyer..PAYMENTS).step_by(CONNECTIONS) {
                place.buy(&place.shops[n % SHOPS], n).await;
            }
        })
    });
    for buyer in buyers.collect::<Vec<_>>() {
        buyer.await.expect("a buyer ends well");
    }
}

/// Of each prompt: where the gateway calls back, our reference, and the phone.
async fn waiting(place: &Place, address: SocketAddr) -> Vec<(String, String, String)> {
    use diesel::QueryDsl as _;
    use netily::schema::payment::dsl;
    let columns = (dsl::tenant_id, dsl::id, dsl::external_reference, dsl::phone);
    let rows: Vec<(IspId, PaymentId, String, String)> =
        place.app.db.across(async |tx| Ok(dsl::payment.select(columns).load(&mut **tx).await?)).await.expect("payments");
    let of = |(isp, id, reference, phone)| {
        let token = callback_token::make(&place.app.config.callback_key, CallbackKind::Hotspot, isp, id);
        (format!("http://{address}/api/v1/webhooks/payhero/hotspot/{token}/"), reference, phone)
    };
    rows.into_iter().map(of).collect()
}

/// Waits until a count over all ISPs has reached the number of payments.
async fn until(place: &Place, what: &str) {
    let begun = Instant::now();
    loop {
        let found = count(place, what).await;
        if found >= PAYMENTS {
            return;
        }
        assert!(begun.elapsed() < Duration::from_secs(120), "{what} reaches {PAYMENTS} in time, and is {found}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn count(place: &Place, what: &str) -> usize {
    #[derive(diesel::QueryableByName)]
    struct Count {
        #[diesel(sql_type = diesel::sql_types::BigInt)]
        rows: i64,
    }
    let found: Count = place.app.db.across(async |tx| Ok(diesel::sql_query(what).get_result(&mut **tx).await?)).await.expect("a count");
    usize::try_from(found.rows).expect("a count")
}
