//! One HTTP exchange with PayHero: what was sent for certain, and what came back.
//! It caps the answer and names the fault; it never reads meaning into a body and never repeats.

use std::error::Error;
use std::time::Duration;

use reqwest::RequestBuilder;
use reqwest::header::{HeaderMap, RETRY_AFTER};

/// The largest answer that is read.
pub(super) const ANSWER_MAX_BYTES: usize = 64 * 1024;

/// A complete answer, its status and its bytes.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
    /// How long the server asks to be left alone.
    pub(super) retry_after: Option<Duration>,
}

/// An exchange that ended without a complete answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Name look-up, TCP, TLS or the making of the request failed: no byte of it left.
    #[error("nothing was sent: {0}")]
    NotSent(String),
    /// The deadline passed after the connection stood.
    #[error("no answer within the deadline")]
    TimedOut,
    /// The connection broke before a status line came.
    #[error("the connection broke before an answer: {0}")]
    Broken(String),
    /// The answer stopped before its announced end.
    #[error("the answer with status {status} was cut short")]
    Cut {
        /// HTTP status of the part that came.
        status: u16,
    },
    /// The answer is larger than 64 KiB.
    #[error("the answer with status {status} is too large")]
    TooLarge {
        /// HTTP status of the part that came.
        status: u16,
    },
}

/// Sends the request once and reads at most [`ANSWER_MAX_BYTES`].
pub(super) async fn exchange(request: RequestBuilder) -> Result<Answer, Fault> {
    let result = read(request).await;
    match &result {
        Ok(answer) => {
            tracing::debug!(status = answer.status, bytes = answer.body.len(), "payhero answered");
        }
        Err(fault) => tracing::warn!(%fault, "payhero gave no answer"),
    }
    result
}

async fn read(request: RequestBuilder) -> Result<Answer, Fault> {
    let mut response = request.send().await.map_err(sending_fault)?;
    let status = response.status().as_u16();
    let retry_after = retry_after(response.headers());
    let announced = response.content_length().unwrap_or(0);
    if announced > ANSWER_MAX_BYTES as u64 {
        return Err(Fault::TooLarge { status });
    }
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(part)) if body.len() + part.len() > ANSWER_MAX_BYTES => {
                return Err(Fault::TooLarge { status });
            }
            Ok(Some(part)) => body.extend_from_slice(&part),
            Ok(None) => return Ok(Answer { status, body, retry_after }),
            Err(error) if error.is_timeout() => return Err(Fault::TimedOut),
            Err(_) => return Err(Fault::Cut { status }),
        }
    }
}

/// `Retry-After` in seconds; its other form, a date, depends on the clock of the server and is not read.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

/// The library reports a connect error only for faults before the first byte of a request,
/// including a connect timeout, so the order of these questions matters.
fn sending_fault(error: reqwest::Error) -> Fault {
    if error.is_builder() || error.is_connect() {
        Fault::NotSent(chain(&error.without_url()))
    } else if error.is_timeout() {
        Fault::TimedOut
    } else {
        Fault::Broken(chain(&error.without_url()))
    }
}

/// An error with its causes, since the outermost one says only that something failed.
pub(super) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}
