//! The layers in their order, over the routes as they are served, without a database: what is refused before a service is reached.

use std::collections::HashMap;

use axum::body::Body;
use axum::extract::Request;
use axum::routing::get;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, ORIGIN};
use http::{HeaderMap, StatusCode, Version};
use http_body_util::BodyExt as _;
use tonic::Code;
use tonic_types::StatusExt as _;
use tower::ServiceExt as _;

use super::*;
use crate::clock::Clock;
use crate::config::Config;

const STAFF_CALL: &str = "/netily.router.v1.RouterService/ListRouters";
const PUBLIC_CALL: &str = "/netily.isp.v1.IspService/GetPublicProfile";
const HEALTH: &str = "/grpc.health.v1.Health/Check";

/// The whole server as it is merged, with a page beside the calls. Nothing listens at the address of the database.
fn server() -> Router {
    server_until(CancellationToken::new())
}

fn server_until(stop: CancellationToken) -> Router {
    let (key, callback) = ("ab".repeat(32), "http://127.0.0.1:1/callback");
    let settings = HashMap::from(
        [
            ("DATABASE_URL", "postgres://netily_app@127.0.0.1:1/netily"),
            ("NETILY_BASE_DOMAIN", "localhost"),
            ("NETILY_TOKEN_KEYS", &format!("one:{key}")),
            ("NETILY_ENCRYPTION_KEYS", &format!("1:{key}")),
            ("NETILY_CALLBACK_KEY", &key),
            ("PAYHERO_BASE_URL", "http://127.0.0.1:1/"),
            ("PAYHERO_AUTH", "Basic nothing"),
            ("PAYHERO_CHANNEL_ID", "1"),
            ("PAYHERO_NETWORK_CODE", "63902"),
            ("PAYHERO_SUBSCRIPTION_CALLBACK", callback),
            ("PAYHERO_HOTSPOT_CALLBACK", callback),
            ("PAYHERO_BILLING_CALLBACK", callback),
            ("PAYHERO_PAYOUT_CALLBACK", callback),
            ("SMS_BASE_URL", "http://127.0.0.1:1/"),
            ("SMS_USERNAME", "nobody"),
            ("SMS_API_KEY", "nothing"),
            ("SMTP_URL", "smtp://127.0.0.1:1"),
            ("MAIL_FROM", "nobody@example.com"),
            ("NETILY_PUBLIC_URL", "http://{isp}.localhost"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned())),
    );
    let config = Config::from_map(&settings).expect("a configuration");
    let app = App::open(config, Clock::default(), true).expect("opens");
    routes(app, stop).merge(Router::new().route("/page", get(|| async { "a page" }))).fallback(|| async { StatusCode::NOT_FOUND })
}

/// An empty message, framed.
const EMPTY: &[u8] = &[0, 0, 0, 0, 0];

fn ask(path: &str) -> Request {
    framed(path, EMPTY.to_vec())
}

fn framed(path: &str, body: Vec<u8>) -> Request {
    Request::post(path)
        .version(Version::HTTP_2)
        .header(HOST, "127.0.0.1:8000")
        .header(CONTENT_TYPE, "application/grpc")
        .body(Body::from(body))
        .expect("a request")
}

fn with(mut request: Request, name: http::HeaderName, value: &str) -> Request {
    request.headers_mut().insert(name, value.parse().expect("a value"));
    request
}

/// Code and reason of a refusal, which has its details and its id.
async fn refused(request: Request) -> (Code, String) {
    let response = server().oneshot(request).await.expect("an answer");
    let status = tonic::Status::from_header_map(response.headers()).expect("a refusal");
    let info = status.get_details_error_info().expect("details");
    assert_eq!(response.headers()[front::REQUEST_ID].to_str().ok(), info.metadata.get("request_id").map(String::as_str));
    (status.code(), info.reason)
}

#[tokio::test]
async fn who_is_not_let_in_is_told_why() {
    assert_eq!(refused(ask(STAFF_CALL)).await, (Code::Unauthenticated, "UNAUTHENTICATED".into()));
    for path in [STAFF_CALL, PUBLIC_CALL] {
        assert_eq!(refused(with(ask(path), AUTHORIZATION, "Bearer nonsense")).await, (Code::Unauthenticated, "TOKEN_INVALID".into()), "{path}");
        assert_eq!(refused(with(ask(path), AUTHORIZATION, "Basic nonsense")).await, (Code::Unauthenticated, "TOKEN_INVALID".into()), "{path}");
    }
    assert_eq!(refused(ask(PUBLIC_CALL)).await, (Code::InvalidArgument, "TENANT_REQUIRED".into()));
    assert_eq!(refused(with(ask(PUBLIC_CALL), ORIGIN, "http://evil.example")).await, (Code::PermissionDenied, "PERMISSION_DENIED".into()));
}

#[tokio::test]
async fn what_is_no_call_is_unimplemented_and_never_a_page() {
    for path in ["/netily.isp.v1.IspService/Nothing", "/netily.nothing.v1.NothingService/Nothing"] {
        assert_eq!(refused(ask(path)).await, (Code::Unimplemented, "UNIMPLEMENTED".into()), "{path}");
    }
    let foreign = server().oneshot(ask("/grpc.nothing.v1.Nothing/Nothing")).await.expect("an answer");
    assert_eq!(tonic::Status::from_header_map(foreign.headers()).map(|status| status.code()), Some(Code::Unimplemented));
}

#[tokio::test]
async fn a_message_that_cannot_be_read_is_the_callers_fault() {
    let unreadable = vec![0, 0, 0, 0, 2, 0xff, 0xff];
    assert_eq!(refused(framed("/netily.auth.v1.AuthService/SignIn", unreadable)).await, (Code::InvalidArgument, "INVALID_ARGUMENT".into()));
    let mut large = vec![0];
    large.extend(u32::try_from(REQUEST_MAX + 1).expect("fits").to_be_bytes());
    large.resize(5 + REQUEST_MAX + 1, 0);
    assert_eq!(refused(framed("/netily.auth.v1.AuthService/SignIn", large)).await, (Code::InvalidArgument, "INVALID_ARGUMENT".into()));
}

#[tokio::test]
async fn a_missing_database_is_unavailable_with_a_time_to_come_back() {
    let request = with(ask(PUBLIC_CALL), HOST, "yellow.localhost:8000");
    let response = server().oneshot(request).await.expect("an answer");
    let status = tonic::Status::from_header_map(response.headers()).expect("a refusal");
    assert_eq!(status.code(), Code::Unavailable);
    assert!(status.get_details_retry_info().is_some());
}

#[tokio::test]
async fn health_and_reflection_need_nobody() {
    let response = server().oneshot(ask(HEALTH)).await.expect("an answer");
    let body = response.into_body().collect().await.expect("a body");
    assert_eq!(body.trailers().and_then(|trailers| trailers.get("grpc-status")).map(http::HeaderValue::as_bytes), Some(b"0".as_slice()));
    assert_eq!(body.to_bytes().as_ref(), [0, 0, 0, 0, 2, 8, 1], "SERVING");
    for version in ["v1", "v1alpha"] {
        // list_services = ""
        let list = framed(&format!("/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo"), vec![0, 0, 0, 0, 2, 0x3a, 0]);
        let body = server().oneshot(list).await.expect("an answer").into_body().collect().await.expect("a body").to_bytes();
        assert!(String::from_utf8_lossy(&body).contains("netily.hotspot.v1.HotspotService"), "{version}");
    }
}

#[tokio::test]
async fn browsers_speak_grpc_web_over_http_1_and_nothing_else() {
    let web = |content_type: &str| {
        let mut request = with(with(ask(HEALTH), CONTENT_TYPE, content_type), ORIGIN, "http://127.0.0.1:8000");
        *request.version_mut() = Version::HTTP_11;
        server().oneshot(request)
    };
    let answer = web("application/grpc-web+proto").await.expect("an answer");
    assert_eq!((answer.status(), answer.headers()[CONTENT_TYPE].as_bytes()), (StatusCode::OK, b"application/grpc-web+proto".as_slice()));
    let body = answer.into_body().collect().await.expect("a body").to_bytes();
    assert!(String::from_utf8_lossy(&body).contains("grpc-status:0"), "the trailers are in the body");
    for other in ["text/plain", "application/json", "application/x-www-form-urlencoded"] {
        assert_eq!(web(other).await.expect("an answer").status(), StatusCode::BAD_REQUEST, "{other}");
    }
    let over_h2 = server().oneshot(with(ask(HEALTH), CONTENT_TYPE, "text/plain")).await.expect("an answer");
    assert_eq!(over_h2.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[tokio::test]
async fn an_open_stream_ends_politely_when_the_process_stops() {
    let stop = CancellationToken::new();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let stopping = stop.clone();
    let served = axum::serve(listener, server_until(stop.clone())).with_graceful_shutdown(async move { stopping.cancelled().await });
    let serving = tokio::spawn(served.into_future());
    let channel = tonic::transport::Endpoint::from_shared(format!("http://{address}")).expect("an address").connect().await.expect("connects");
    let mut health = tonic_health::pb::health_client::HealthClient::new(channel);
    let mut states = health.watch(tonic_health::pb::HealthCheckRequest::default()).await.expect("a stream").into_inner();
    assert_eq!(states.message().await.expect("a state").map(|state| state.status()), Some(tonic_health::pb::health_check_response::ServingStatus::Serving));
    stop.cancel();
    while states.message().await.expect("no error at the end").is_some() {}
    drop(health);
    serving.await.expect("runs").expect("ends");
}

#[tokio::test]
async fn pages_beside_the_calls_are_left_alone() {
    let page = |path: &str| server().oneshot(Request::get(path).body(Body::empty()).expect("a request"));
    let found = page("/page").await.expect("an answer");
    assert_eq!((found.status(), found.headers().contains_key(front::REQUEST_ID)), (StatusCode::OK, false));
    let missing: HeaderMap = page("/missing").await.expect("an answer").headers().clone();
    assert!(!missing.contains_key("grpc-status"));
}
