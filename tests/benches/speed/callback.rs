//! Callback in → credited: the callback is kept and acknowledged, the gateway asked, the payment credited, by a server and a worker
//! with the same number of connections as pgbench had.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use diesel_async::RunQueryDsl;
use netily::collect::callback_token::{self, CallbackKind};
use netily::{serve, worker};
use serde_json::json;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::pgbench;
use crate::place::{Place, phone};
use crate::settle::CONNECTIONS;
use crate::verdict::{Limit, Verdict};

const SHOPS: usize = 10;
const PAYMENTS: usize = 1_500;

#[expect(clippy::float_arithmetic, clippy::cast_precision_loss, reason = "a rate")]
pub async fn run() -> Vec<Verdict> {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("its address");
    let place = Arc::new(Place::with_shops(SHOPS, address).await);
    let http = reqwest::Client::new();
    let behaviour = format!("{}/control/payhero/behaviour", place.sandbox.url());
    http.put(&behaviour).json(&json!({ "callback": "never", "auto_answer": "accept" })).send().await.expect("behaviour").error_for_status().expect("behaviour");
    let stop = CancellationToken::new();
    let serving = tokio::spawn(serve::serve(place.app.clone(), listener, stop.clone()));
    pgbench::prepare(&place.cluster).await;
    let tps = pgbench::rate(&place.cluster, CONNECTIONS, 5).await;
    let addresses = buy_all(&place, address).await;
    // Prompts are sent and answered, and nobody is told. All of this takes less than the ten seconds after which we would
    // ask by ourselves, so that it is the callbacks that are measured.
    let working = tokio::spawn(worker::work(place.app.clone(), stop.clone()));
    until(&place, "SELECT count(*) AS rows FROM tenant.payment WHERE state = 'PENDING'").await;
    let begun = Instant::now();
    let senders: Vec<_> = addresses
        .chunks(PAYMENTS / CONNECTIONS + 1)
        .map(|part| {
            let (http, part) = (http.clone(), part.to_vec());
            tokio::spawn(async move {
                for (url, phone) in part {
                    let body = json!({ "status": true, "response": { "ResultCode": 0, "Amount": 10, "Phone": phone, "Status": "Success", "MpesaReceiptNumber": "", "CheckoutRequestID": "", "ExternalReference": "" } });
                    http.post(url).json(&body).send().await.expect("a callback").error_for_status().expect("kept");
                }
            })
        })
        .collect();
    for sender in senders {
        sender.await.expect("callbacks are sent");
    }
    until(&place, "SELECT count(*) AS rows FROM tenant.ledger_transaction").await;
    let rate = PAYMENTS as f64 / begun.elapsed().as_secs_f64();
    stop.cancel();
    working.await.expect("the worker ends");
    serving.await.expect("the server ends").expect("well");
    vec![Verdict { what: "callback in -> credited, payments/s against pgbench tps", measured: rate, against: tps, limit: Limit::AtLeast(0.25) }]
}

/// The purchases, and the callback address and phone of each.
async fn buy_all(place: &Arc<Place>, address: SocketAddr) -> Vec<(String, String)> {
    let buyers: Vec<_> = (0..CONNECTIONS)
        .map(|buyer| {
            let place = place.clone();
            tokio::spawn(async move {
                let mut addresses = Vec::new();
                for n in (buyer..PAYMENTS).step_by(CONNECTIONS) {
                    let shop = &place.shops[n % SHOPS];
                    let session = place.buy(shop, n).await;
                    let token = callback_token::make(&place.app.config.callback_key, CallbackKind::Hotspot, shop.tenant.id, session.row.payment_id);
                    addresses.push((format!("http://{address}/api/v1/webhooks/payhero/hotspot/{token}/"), phone(n)));
                }
                addresses
            })
        })
        .collect();
    let mut all = Vec::new();
    for buyer in buyers {
        all.extend(buyer.await.expect("a buyer ends well"));
    }
    all
}

/// Waits until a count over all ISPs has reached the number of payments.
async fn until(place: &Place, count: &str) {
    #[derive(diesel::QueryableByName)]
    struct Count {
        #[diesel(sql_type = diesel::sql_types::BigInt)]
        rows: i64,
    }
    let begun = Instant::now();
    loop {
        let found: Count = place.app.db.across(async |tx| Ok(diesel::sql_query(count).get_result(&mut **tx).await?)).await.expect("a count");
        if usize::try_from(found.rows).is_ok_and(|rows| rows >= PAYMENTS) {
            return;
        }
        assert!(begun.elapsed() < Duration::from_secs(120), "{count} reaches {PAYMENTS} in time, and is {}", found.rows);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
