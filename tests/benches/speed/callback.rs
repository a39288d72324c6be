//! Callback in → credited: the callback is kept and acknowledged, the gateway asked, the payment credited, by a server and a worker
//! with the same number of connections as pgbench had.

use std::time::{Duration, Instant};

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
    let place = Place::with_shops(SHOPS, address).await;
    let http = reqwest::Client::new();
    let behaviour = format!("{}/control/payhero/behaviour", place.sandbox.url());
    http.put(&behaviour).json(&json!({ "callback": "never", "auto_answer": "accept" })).send().await.expect("behaviour").error_for_status().expect("behaviour");
    let stop = CancellationToken::new();
    let serving = tokio::spawn(serve::serve(place.app.clone(), listener, stop.clone()));
    // Prompts are sent and answered, and nobody is told.
    let mut addresses = Vec::new();
    for n in 0..PAYMENTS {
        let shop = &place.shops[n % SHOPS];
        let session = place.buy(shop, n).await;
        let token = callback_token::make(&place.app.config.callback_key, CallbackKind::Hotspot, shop.tenant.id, session.row.payment_id);
        addresses.push((format!("http://{address}/api/v1/webhooks/payhero/hotspot/{token}/"), phone(n)));
    }
    worker::run_due(&place.app).await.expect("prompts are sent");
    pgbench::prepare(&place.cluster).await;
    let tps = pgbench::rate(&place.cluster, CONNECTIONS, 5).await;
    let working = tokio::spawn(worker::work(place.app.clone(), stop.clone()));
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
    while credited(&place).await < PAYMENTS {
        assert!(begun.elapsed() < Duration::from_secs(120), "payments are credited in time");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let rate = PAYMENTS as f64 / begun.elapsed().as_secs_f64();
    stop.cancel();
    working.await.expect("the worker ends");
    serving.await.expect("the server ends").expect("well");
    vec![Verdict { what: "callback in -> credited, payments/s against pgbench tps", measured: rate, against: tps, limit: Limit::AtLeast(0.25) }]
}

async fn credited(place: &Place) -> usize {
    use diesel_async::RunQueryDsl;
    #[derive(diesel::QueryableByName)]
    struct Count {
        #[diesel(sql_type = diesel::sql_types::BigInt)]
        credits: i64,
    }
    let count: Count = place
        .app
        .db
        .across(async |tx| Ok(diesel::sql_query("SELECT count(*) AS credits FROM tenant.ledger_transaction").get_result(&mut **tx).await?))
        .await
        .expect("a count");
    usize::try_from(count.credits).unwrap_or(0)
}
