//! What a refused or failed call looks like. It decides how a gRPC status is read, never what to do about it.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use tonic::{Code, Status, TimeoutExpired};
use tonic_types::StatusExt;

use crate::types::ErrorReason;

/// `ErrorInfo.domain` of the reasons that are ours; others' are not read.
const DOMAIN: &str = "netily.io";

const REASON_PREFIX: &str = "ERROR_REASON_";

/// A call that did not succeed. Branch on `reason`; show `message`.
///
/// A lost connection and a server that is away are `UNAVAILABLE` too, so that one branch serves both.
#[derive(Clone, Debug, PartialEq)]
pub struct Error {
    /// Why, in one word that stays the same over releases. From `google.rpc.ErrorInfo` where the server
    /// sent one, otherwise the nearest one for the gRPC code.
    pub reason: ErrorReason,
    /// The gRPC code.
    pub code: Code,
    /// Why, as an English sentence.
    pub message: String,
    /// The fields that are not valid, from `google.rpc.BadRequest`.
    pub field_violations: Vec<FieldViolation>,
    /// How long to wait before the next try, from `google.rpc.RetryInfo`.
    pub retry_after: Option<Duration>,
    /// What to quote to support, from `google.rpc.RequestInfo` or the metadata `netily-request-id`.
    pub request_id: Option<String>,
    /// More about the refusal, from `google.rpc.ErrorInfo.metadata`.
    pub facts: BTreeMap<String, String>,
}

/// One field that is not valid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldViolation {
    /// Path of the field in the request, as in the proto: `plan.price`.
    pub path: String,
    /// What is wrong with it, as an English sentence.
    pub description: String,
}

impl Error {
    pub(crate) fn new(reason: ErrorReason, code: Code, message: impl Into<String>) -> Self {
        Self { reason, code, message: message.into(), field_violations: Vec::new(), retry_after: None, request_id: None, facts: BTreeMap::new() }
    }

    /// The client itself was set up wrongly.
    pub(crate) fn set_up(message: impl Into<String>) -> Self {
        Self::new(ErrorReason::InvalidArgument, Code::InvalidArgument, message)
    }

    pub(crate) fn signed_out() -> Self {
        Self::new(ErrorReason::Unauthenticated, Code::Unauthenticated, "Nobody is signed in.")
    }

    pub(crate) fn deadline(after: Duration) -> Self {
        let message = format!("No answer within {} ms.", after.as_millis());
        Self::new(ErrorReason::DeadlineExceeded, Code::DeadlineExceeded, message)
    }

    /// The reason without its prefix, as it travels: `TENANT_NOT_FOUND`.
    pub fn reason_name(&self) -> &'static str {
        let name = self.reason.as_str_name();
        name.strip_prefix(REASON_PREFIX).unwrap_or(name)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.reason_name(), self.message)?;
        for FieldViolation { path, description } in &self.field_violations {
            write!(f, " [{path}: {description}]")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

impl From<Status> for Error {
    fn from(status: Status) -> Self {
        if let Some(error) = without_an_answer(&status) {
            return error;
        }
        let details = status.get_error_details();
        let mut error = Self::new(reason_of(status.code()), status.code(), status.message());
        if let Some(info) = details.error_info().filter(|info| info.domain == DOMAIN) {
            let known = ErrorReason::from_str_name(&format!("{REASON_PREFIX}{}", info.reason));
            error.reason = known.unwrap_or(error.reason);
            error.facts = info.metadata.clone().into_iter().collect();
        }
        if let Some(bad) = details.bad_request() {
            let violations = bad.field_violations.iter();
            error.field_violations = violations.map(|bad| FieldViolation { path: bad.field.clone(), description: bad.description.clone() }).collect();
        }
        error.retry_after = details.retry_info().and_then(|info| info.retry_delay);
        let header = status.metadata().get("netily-request-id").and_then(|id| id.to_str().ok());
        let detail = details.request_info().map(|info| info.request_id.as_str());
        error.request_id = detail.or(header).map(str::to_owned);
        error
    }
}

/// A status that tonic made because no answer came has a source; one that came over the wire has none.
fn without_an_answer(status: &Status) -> Option<Error> {
    let first = std::error::Error::source(status)?;
    let mut causes = std::iter::successors(Some(first), |cause| cause.source());
    if causes.any(|cause| cause.is::<TimeoutExpired>()) {
        return Some(Error::new(ErrorReason::DeadlineExceeded, Code::DeadlineExceeded, status.message()));
    }
    let deepest = std::iter::successors(Some(first), |cause| cause.source()).last();
    let message = format!("The server cannot be reached: {}.", deepest.unwrap_or(first));
    Some(Error::new(ErrorReason::Unavailable, Code::Unavailable, message))
}

/// For answers without our ErrorInfo: proxies, and parts of the server that never saw our code.
fn reason_of(code: Code) -> ErrorReason {
    match code {
        Code::InvalidArgument | Code::OutOfRange => ErrorReason::InvalidArgument,
        Code::DeadlineExceeded => ErrorReason::DeadlineExceeded,
        Code::NotFound => ErrorReason::NotFound,
        Code::AlreadyExists => ErrorReason::AlreadyExists,
        Code::PermissionDenied => ErrorReason::PermissionDenied,
        Code::ResourceExhausted => ErrorReason::RateLimited,
        Code::Unimplemented => ErrorReason::Unimplemented,
        Code::Unavailable => ErrorReason::Unavailable,
        Code::Unauthenticated => ErrorReason::Unauthenticated,
        Code::Internal | Code::Unknown | Code::DataLoss => ErrorReason::Internal,
        Code::Ok | Code::Cancelled | Code::FailedPrecondition | Code::Aborted => ErrorReason::Unspecified,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use tonic_types::{ErrorDetails, StatusExt};

    use super::*;

    #[test]
    fn every_detail_of_a_refusal_is_read() {
        let mut details = ErrorDetails::with_error_info("RATE_LIMITED", "netily.io", HashMap::from([("limit".to_owned(), "phone".to_owned())]));
        details.add_bad_request_violation("phone_number", "is not a Kenyan mobile number");
        details.set_retry_info(Some(Duration::from_secs(7)));
        details.set_request_info("req_1", "");
        let status = Status::with_error_details(Code::ResourceExhausted, "Too many tries.", details);

        let error = Error::from(status);

        assert_eq!(error.reason, ErrorReason::RateLimited);
        assert_eq!(error.reason_name(), "RATE_LIMITED");
        assert_eq!(error.code, Code::ResourceExhausted);
        assert_eq!(error.retry_after, Some(Duration::from_secs(7)));
        assert_eq!(error.request_id.as_deref(), Some("req_1"));
        assert_eq!(error.facts["limit"], "phone");
        assert_eq!(error.to_string(), "RATE_LIMITED: Too many tries. [phone_number: is not a Kenyan mobile number]");
    }

    #[test]
    fn without_our_error_info_the_code_gives_the_reason() {
        let foreign = ErrorDetails::with_error_info("TENANT_NOT_FOUND", "example.com", HashMap::new());
        let newer = ErrorDetails::with_error_info("A_REASON_OF_TOMORROW", DOMAIN, HashMap::new());
        for details in [foreign, newer] {
            let error = Error::from(Status::with_error_details(Code::NotFound, "no", details));
            assert_eq!(error.reason, ErrorReason::NotFound);
        }
        assert_eq!(Error::from(Status::unavailable("bad gateway")).reason, ErrorReason::Unavailable);
    }

    #[test]
    fn the_request_id_is_also_read_from_metadata() {
        let mut status = Status::internal("Something broke on our side.");
        status.metadata_mut().insert("netily-request-id", "req_2".parse().expect("a value"));
        assert_eq!(Error::from(status).request_id.as_deref(), Some("req_2"));
    }
}
