//! Reads the answer to a question, which changes nothing and may be repeated.
//! An error here says only that nothing was learnt; it never says anything about money.

use std::time::Duration;

use serde_json::Value;

use super::call::{Answer, Fault};
use super::fields::Fields;
use super::outcome::{RefusalKind, kind_of_status, kind_of_text, means_not_processed};
use super::redact::{excerpt, redact_text};

/// Why a question stayed without an answer. Ask again later, whichever it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// No complete answer came.
    #[error(transparent)]
    NoAnswer(#[from] Fault),
    /// 401 or 403: every question will fail until an operator mends the key.
    #[error("PayHero refuses the credentials (status {status})")]
    Credentials {
        /// HTTP status.
        status: u16,
    },
    /// 429: ask less often.
    #[error("PayHero asks for fewer calls")]
    RateLimited {
        /// How long to wait at least, where PayHero says so.
        retry_after: Option<Duration>,
    },
    /// Another 4xx with a JSON error body.
    #[error("PayHero refuses the question (status {status}): {message}")]
    Refused {
        /// HTTP status.
        status: u16,
        /// What the refusal is about.
        kind: RefusalKind,
        /// PayHero's words, masked.
        message: String,
    },
    /// A 5xx or 408.
    #[error("PayHero is in trouble (status {status}): {excerpt}")]
    Unavailable {
        /// HTTP status.
        status: u16,
        /// Begin of the body, masked.
        excerpt: String,
    },
    /// HTML, a redirect, or JSON in a form that is not known.
    #[error("status {status} is no documented answer: {excerpt}")]
    Undocumented {
        /// HTTP status.
        status: u16,
        /// Begin of the body, masked.
        excerpt: String,
    },
    /// This question is documented for the other API generation only.
    #[error("this API generation documents no {0}")]
    NotOffered(&'static str),
    /// What was asked for is longer than one look may be.
    #[error("PayHero's list is longer than one look may be")]
    TooLong,
}

/// The object of a 2xx answer, or why there is none.
pub(super) fn object(answer: &Answer) -> Result<Fields, AskError> {
    let status = answer.status;
    let fields = Fields::read(&answer.body);
    match (status, fields) {
        (200..=299, Some(fields)) => Ok(fields),
        (401 | 403, _) => Err(AskError::Credentials { status }),
        (429, _) => Err(AskError::RateLimited { retry_after: answer.retry_after }),
        (408 | 500.., _) => Err(AskError::Unavailable { status, excerpt: excerpt(&answer.body) }),
        (_, Some(fields)) if means_not_processed(status) => {
            let message = fields.first_text(&["error_message", "message", "error"]).unwrap_or_default();
            let kind = kind_of_text(&message).or_else(|| kind_of_status(status)).unwrap_or(RefusalKind::Other);
            Err(AskError::Refused { status, kind, message: redact_text(&message) })
        }
        _ => Err(undocumented(answer)),
    }
}

/// The whole body for keeping as evidence, `null` where it is no JSON.
pub(super) fn evidence(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).unwrap_or(Value::Null)
}

pub(super) fn undocumented(answer: &Answer) -> AskError {
    AskError::Undocumented { status: answer.status, excerpt: excerpt(&answer.body) }
}
