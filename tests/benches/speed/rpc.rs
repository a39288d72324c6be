//! A trivial call through everything of ours (listener, gRPC-web, guard, caller) against the same service on a bare tonic server.

use std::time::{Duration, Instant};

use netily::serve;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use crate::place::Place;
use crate::verdict::{Limit, Verdict, median};

const CALLERS: usize = 16;
const ROUND: Duration = Duration::from_secs(3);

pub async fn run() -> Vec<Verdict> {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let ours = listener.local_addr().expect("its address");
    let place = Place::with_shops(1, ours).await;
    let stop = CancellationToken::new();
    let serving = tokio::spawn(serve::serve(place.app.clone(), listener, stop.clone()));
    let bare = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let bare_address = bare.local_addr().expect("its address");
    let (_reporter, service) = tonic_health::server::health_reporter();
    // As ours does: small answers are not held back, so that it is the servers that are compared.
    let incoming = tonic::transport::server::TcpIncoming::from(bare).with_nodelay(Some(true));
    tokio::spawn(tonic::transport::Server::builder().add_service(service).serve_with_incoming(incoming));
    let (mut mine, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        theirs.push(rate(&bare_address.to_string()).await);
        mine.push(rate(&ours.to_string()).await);
    }
    stop.cancel();
    serving.await.expect("the server ends").expect("well");
    vec![Verdict { what: "trivial call, calls/s against a bare tonic server", measured: median(mine), against: median(theirs), limit: Limit::AtLeast(0.80) }]
}

#[expect(clippy::float_arithmetic, clippy::cast_precision_loss, reason = "a rate")]
async fn rate(address: &str) -> f64 {
    let channel = Channel::from_shared(format!("http://{address}")).expect("an address").connect().await.expect("a connection");
    let begun = Instant::now();
    let callers: Vec<_> = (0..CALLERS)
        .map(|_| {
            let mut client = HealthClient::new(channel.clone());
            tokio::spawn(async move {
                let mut calls = 0usize;
                while begun.elapsed() < ROUND {
                    client.check(HealthCheckRequest { service: String::new() }).await.expect("an answer");
                    calls += 1;
                }
                calls
            })
        })
        .collect();
    let mut calls = 0;
    for caller in callers {
        calls += caller.await.expect("a caller ends well");
    }
    calls as f64 / begun.elapsed().as_secs_f64()
}
