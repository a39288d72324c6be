//! Following a purchase.

use futures::StreamExt;
use tonic::Code;

use super::stand_in::{Script, StandIn, refusal};
use crate::hotspot::{Purchase, PurchaseStatus};
use crate::types::ErrorReason;

fn states(states: &[PurchaseStatus]) -> Vec<Purchase> {
    let purchase = |status: &PurchaseStatus| Purchase { status: (*status).into(), ..Default::default() };
    states.iter().map(purchase).collect()
}

async fn watched(scripts: impl IntoIterator<Item = Script>) -> (Vec<PurchaseStatus>, Option<ErrorReason>) {
    let server = StandIn::start().await;
    server.state().streams = scripts.into_iter().collect();
    let (mut seen, mut failed) = (Vec::new(), None);
    let mut stream = server.client().watch_purchase("hss_1");
    while let Some(next) = stream.next().await {
        assert_eq!(failed, None, "nothing comes after an error");
        match next {
            Ok(purchase) => seen.push(purchase.status()),
            Err(error) => failed = Some(error.reason),
        }
    }
    assert!(server.state().streams.is_empty(), "every script was played");
    (seen, failed)
}

#[tokio::test]
async fn a_dropped_stream_is_opened_again_and_repeats_nothing() {
    use PurchaseStatus::{Active, AwaitingPayment, Paid};
    let away = || Some(refusal(Code::Unavailable, "UNAVAILABLE"));
    let outcome = watched([
        (states(&[AwaitingPayment]), away()),
        (states(&[AwaitingPayment]), None),
        (states(&[AwaitingPayment, Paid]), away()),
        (states(&[Paid, Active]), None),
    ]);
    assert_eq!(outcome.await, (vec![AwaitingPayment, Paid, Active], None));
}

#[tokio::test]
async fn a_failed_purchase_ends_the_stream() {
    use PurchaseStatus::{AwaitingPayment, Failed};
    let outcome = watched([(states(&[AwaitingPayment, Failed]), None)]).await;
    assert_eq!(outcome, (vec![AwaitingPayment, Failed], None));
}

#[tokio::test]
async fn a_refusal_ends_the_stream_with_its_reason() {
    assert_eq!(watched([]).await, (vec![], Some(ErrorReason::NotFound)));
}
