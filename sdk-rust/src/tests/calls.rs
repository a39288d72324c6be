//! Metadata, deadlines and repetition.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use super::stand_in::{StandIn, refusal};
use crate::Client;
use crate::hotspot::{BlockPromptsRequest, PurchaseRequest};
use crate::isp::GetPublicProfileRequest;
use crate::types::ErrorReason;

#[tokio::test]
async fn tenant_and_deadline_travel_with_the_call() {
    let server = StandIn::start().await;
    let client = server.client().with_deadline(Duration::from_secs(4));
    client.isp().get_public_profile(GetPublicProfileRequest {}).await.expect("a profile");

    assert_eq!(server.sent("GetPublicProfile", "netily-tenant"), [Some("yellow".to_owned())]);
    let timeout = server.sent("GetPublicProfile", "grpc-timeout").remove(0).expect("a timeout");
    let (digits, unit) = timeout.split_at(timeout.len() - 1);
    let scale = match unit {
        "n" => 1,
        "u" => 1_000,
        "m" => 1_000_000,
        other => panic!("unit {other}"),
    };
    let nanos = digits.parse::<u64>().expect("a number") * scale;
    assert!((3_000_000_000..=4_000_000_000).contains(&nanos), "{timeout}");
}

#[tokio::test]
async fn a_read_is_repeated_when_the_server_is_away_for_a_moment() {
    let server = StandIn::start().await;
    server.state().refusals = [refusal(Code::Unavailable, "UNAVAILABLE"), Status::unavailable("proxy")].into();
    server.client().isp().get_public_profile(GetPublicProfileRequest {}).await.expect("a profile");
    assert_eq!(server.sent("GetPublicProfile", "netily-tenant").len(), 3);
}

#[tokio::test]
async fn tries_are_counted() {
    let server = StandIn::start().await;
    server.state().refusals = vec![refusal(Code::Unavailable, "UNAVAILABLE"); 9].into();
    let refused = server.client().isp().get_public_profile(GetPublicProfileRequest {}).await.expect_err("away");
    assert_eq!(refused.reason, ErrorReason::Unavailable);
    assert_eq!(server.state().refusals.len(), 6);

    let once = server.builder().attempts(1).build().expect("a client");
    once.isp().get_public_profile(GetPublicProfileRequest {}).await.expect_err("away");
    assert_eq!(server.state().refusals.len(), 5);
}

#[tokio::test]
async fn a_purchase_is_repeated_with_the_same_request_id() {
    let server = StandIn::start().await;
    server.state().refusals = [refusal(Code::Unavailable, "UNAVAILABLE")].into();
    server.client().hotspot().purchase(PurchaseRequest::default()).await.expect("a purchase");
    server.client().hotspot().purchase(PurchaseRequest::default()).await.expect("another one");

    let ids = server.state().request_ids.clone();
    assert_eq!(ids.len(), 3);
    assert!(!ids[0].is_empty());
    assert_eq!(ids[0], ids[1]);
    assert_ne!(ids[1], ids[2]);
}

#[tokio::test]
async fn a_call_that_could_do_something_twice_is_not_repeated() {
    let server = StandIn::start().await;
    server.state().refusals = [refusal(Code::Unavailable, "UNAVAILABLE")].into();
    let refused = server.client().hotspot().block_prompts(BlockPromptsRequest::default()).await;
    assert_eq!(refused.expect_err("away").reason, ErrorReason::Unavailable);
    assert_eq!(server.sent("BlockPrompts", "netily-tenant").len(), 1);
}

#[tokio::test]
async fn a_wait_beyond_the_deadline_is_not_waited() {
    let server = StandIn::start().await;
    let mut details = ErrorDetails::with_error_info("RATE_LIMITED", "netily.io", HashMap::new());
    details.set_retry_info(Some(Duration::from_secs(3600)));
    server.state().refusals = [Status::with_error_details(Code::ResourceExhausted, "Too many tries.", details)].into();

    let begun = Instant::now();
    let refused = server.client().hotspot().purchase(PurchaseRequest::default()).await.expect_err("limited");
    assert_eq!(refused.reason, ErrorReason::RateLimited);
    assert_eq!(refused.retry_after, Some(Duration::from_secs(3600)));
    assert!(begun.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn a_server_that_hangs_meets_the_deadline() {
    let server = StandIn::start().await;
    server.state().hangs = true;
    let client = server.client().with_deadline(Duration::from_millis(100));
    let late = client.isp().get_public_profile(GetPublicProfileRequest {}).await.expect_err("no answer");
    assert_eq!((late.reason, late.code), (ErrorReason::DeadlineExceeded, Code::DeadlineExceeded));
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable() {
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port").local_addr().expect("an address");
    let client = Client::builder(format!("http://{free}")).build().expect("a client");
    let away = client.isp().get_public_profile(GetPublicProfileRequest {}).await.expect_err("nobody");
    assert_eq!((away.reason, away.code), (ErrorReason::Unavailable, Code::Unavailable), "{away}");
}

#[tokio::test]
async fn a_lost_connection_is_unavailable() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            drop(connection);
        }
    });
    let client = Client::builder(format!("http://{address}")).build().expect("a client");
    let lost = client.isp().get_public_profile(GetPublicProfileRequest {}).await.expect_err("a lost connection");
    assert_eq!(lost.reason, ErrorReason::Unavailable, "{lost}");
}
