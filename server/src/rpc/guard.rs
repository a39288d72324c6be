//! Keeps one call from harming the others: deadlines, panics, and how many run at once. Decides nothing about what a call asks.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use futures::{FutureExt as _, StreamExt as _, stream};
use http::{HeaderMap, HeaderValue};
use http_body::Frame;
use http_body_util::{BodyStream, StreamBody};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use super::front::CallId;
use super::{roles, status};
use crate::error::{Error, Reason};

/// Calls that run at once in one process. Each needs the database for some milliseconds, so a queue longer than this is no use to anybody.
const CALLS: usize = 512;
/// Streams that are open at once in one process.
const STREAMS: usize = 2_048;
/// The longest that a call may take, and what it may take when it does not say.
const DEADLINE: Duration = Duration::from_secs(30);
/// How long a stream stays open. It then ends as if all were said; whoever wants more opens it again.
const STREAM_LIVES: Duration = Duration::from_secs(600);

/// The places of one process.
pub struct Guard {
    calls: Arc<Semaphore>,
    streams: Arc<Semaphore>,
    stop: CancellationToken,
}

impl Guard {
    /// All places free. Streams end when `stop` is cancelled.
    pub fn new(stop: CancellationToken) -> Arc<Guard> {
        Arc::new(Guard { calls: Arc::new(Semaphore::new(CALLS)), streams: Arc::new(Semaphore::new(STREAMS)), stop })
    }
}

/// The layer.
pub async fn guard(State(guard): State<Arc<Guard>>, request: Request, next: Next) -> Response {
    let CallId(id) = CallId::of(&request);
    let streams = roles::streams(request.uri().path());
    let places = if streams { &guard.streams } else { &guard.calls };
    let Ok(place) = places.clone().try_acquire_owned() else {
        return status::response(Error::new(Reason::Unavailable, "Very much is going on right now. Please try again."), &id);
    };
    let deadline = deadline(request.headers());
    let answer = tokio::time::timeout(deadline, next.run(request));
    match AssertUnwindSafe(answer).catch_unwind().await {
        Ok(Ok(response)) if streams => response.map(|body| bounded(body, place, guard.stop.clone(), id)),
        Ok(Ok(response)) => response,
        Ok(Err(_)) => status::response(Error::new(Reason::DeadlineExceeded, "This took too long. Please try again."), &id),
        Err(panic) => status::response(panicked(&*panic), &id),
    }
}

/// A stream that gives its place back when it ends, and ends politely after a while and when the process stops.
fn bounded(body: Body, place: OwnedSemaphorePermit, stop: CancellationToken, id: String) -> Body {
    let ends = Box::pin(async move {
        // The first of both is enough.
        let _ = tokio::time::timeout(STREAM_LIVES, stop.cancelled()).await;
    });
    let frames = stream::unfold(Some((BodyStream::new(body), ends, place)), move |open| {
        let id = id.clone();
        async move {
            let (mut frames, mut ends, place) = open?;
            let next = tokio::select! {
                next = AssertUnwindSafe(frames.next()).catch_unwind() => next,
                () = &mut ends => return Some((Ok(Frame::trailers(polite_end())), None)),
            };
            match next {
                Ok(frame) => Some((frame?, Some((frames, ends, place)))),
                Err(panic) => Some((Ok(Frame::trailers(status::response(panicked(&*panic), &id).headers().clone())), None)),
            }
        }
    });
    Body::new(StreamBody::new(frames))
}

fn polite_end() -> HeaderMap {
    HeaderMap::from_iter([(http::HeaderName::from_static("grpc-status"), HeaderValue::from_static("0"))])
}

fn panicked(panic: &(dyn Any + Send)) -> Error {
    let said = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    Error::internal(format!("panic: {}", said.unwrap_or("without words")))
}

/// What is left of the time that the caller allows, by `grpc-timeout`: at most eight digits and a unit, as in gRPC over HTTP/2.
fn deadline(headers: &HeaderMap) -> Duration {
    let asked = headers.get("grpc-timeout").and_then(|value| parse_timeout(value.to_str().ok()?));
    asked.map_or(DEADLINE, |asked| asked.min(DEADLINE))
}

fn parse_timeout(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let count: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(count * 3_600)),
        "M" => Some(Duration::from_secs(count * 60)),
        "S" => Some(Duration::from_secs(count)),
        "m" => Some(Duration::from_millis(count)),
        "u" => Some(Duration::from_micros(count)),
        "n" => Some(Duration::from_nanos(count)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::middleware;
    use axum::routing::post;
    use http_body_util::BodyExt as _;
    use tonic::Code;
    use tonic::Status;
    use tower::ServiceExt as _;

    use super::*;

    const CALL: &str = "/netily.isp.v1.IspService/GetPublicProfile";
    const STREAM: &str = "/netily.hotspot.v1.HotspotService/WatchPurchase";

    fn behind(guard: &Arc<Guard>, path: &str, handler: axum::routing::MethodRouter) -> Router {
        Router::new().route(path, handler).layer(middleware::from_fn_with_state(guard.clone(), super::guard))
    }

    fn ask(path: &str, timeout: &str) -> Request {
        Request::post(path).header("grpc-timeout", timeout).body(Body::empty()).expect("a request")
    }

    async fn code(router: Router, request: Request) -> Option<Code> {
        let response = router.oneshot(request).await.expect("an answer");
        Status::from_header_map(response.headers()).map(|status| status.code())
    }

    #[test]
    fn a_callers_time_is_read_and_capped() {
        for (text, wanted) in [
            ("5S", Duration::from_secs(5)),
            ("250m", Duration::from_millis(250)),
            ("7u", Duration::from_micros(7)),
            ("1n", Duration::from_nanos(1)),
            ("1M", DEADLINE),
            ("99999999H", DEADLINE),
            ("", DEADLINE),
            ("S", DEADLINE),
            ("-1S", DEADLINE),
            ("123456789S", DEADLINE),
            ("5é", DEADLINE),
        ] {
            let headers = HeaderMap::from_iter([(http::HeaderName::from_static("grpc-timeout"), HeaderValue::from_bytes(text.as_bytes()).expect("a value"))]);
            assert_eq!(deadline(&headers), wanted, "{text}");
        }
        assert_eq!(deadline(&HeaderMap::new()), DEADLINE);
    }

    #[tokio::test]
    async fn a_panic_is_an_internal_error_and_a_late_answer_a_missed_deadline() {
        let guard = Guard::new(CancellationToken::new());
        let panics = behind(&guard, CALL, post(|| async { panic!("on purpose") as Response }));
        assert_eq!(code(panics, ask(CALL, "1S")).await, Some(Code::Internal));
        let hangs = behind(&guard, CALL, post(std::future::pending::<Response>));
        assert_eq!(code(hangs, ask(CALL, "5m")).await, Some(Code::DeadlineExceeded));
        assert_eq!(guard.calls.available_permits(), CALLS, "every place was given back");
    }

    #[tokio::test]
    async fn what_finds_no_place_is_told_to_come_back() {
        let guard = Guard::new(CancellationToken::new());
        let all = guard.calls.clone().try_acquire_many_owned(u32::try_from(CALLS).expect("fits")).expect("all places");
        let fine = behind(&guard, CALL, post(|| async { "fine" }));
        assert_eq!(code(fine.clone(), ask(CALL, "1S")).await, Some(Code::Unavailable));
        drop(all);
        assert_eq!(code(fine, ask(CALL, "1S")).await, None);
    }

    #[tokio::test]
    async fn a_stream_keeps_its_place_and_ends_politely_when_the_process_stops() {
        let stop = CancellationToken::new();
        let guard = Guard::new(stop.clone());
        let silent = || async { Body::from_stream(stream::pending::<Result<bytes::Bytes, std::convert::Infallible>>()) };
        let response = behind(&guard, STREAM, post(silent)).oneshot(ask(STREAM, "1S")).await.expect("an answer");
        assert_eq!(guard.streams.available_permits(), STREAMS - 1);
        stop.cancel();
        let end = response.into_body().collect().await.expect("an end");
        assert_eq!(end.trailers().and_then(|trailers| trailers.get("grpc-status")).map(HeaderValue::as_bytes), Some(b"0".as_slice()));
        assert_eq!(guard.streams.available_permits(), STREAMS);
    }
}
