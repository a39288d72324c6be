//! What an error looks like on the wire: one table gives the gRPC code and the HTTP status of every reason. An internal error is logged
//! here, once, with its causes; the client gets a sentence that says nothing of them.

use std::collections::HashMap;
use std::time::Duration;

use axum::response::Response;
use http::StatusCode;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation, StatusExt as _};

use crate::error::{Error, Reason};

/// `ErrorInfo.domain` of every reason.
const DOMAIN: &str = "netily.io";
const INTERNAL: &str = "Something went wrong on our side. Please try again.";
/// When to come back where nobody said otherwise.
const RETRY: Duration = Duration::from_secs(1);

/// The gRPC code and the HTTP status of a reason.
pub const fn codes(reason: Reason) -> (Code, StatusCode) {
    match reason {
        Reason::Unspecified | Reason::Internal => (Code::Internal, StatusCode::INTERNAL_SERVER_ERROR),
        Reason::Unavailable => (Code::Unavailable, StatusCode::SERVICE_UNAVAILABLE),
        Reason::DeadlineExceeded => (Code::DeadlineExceeded, StatusCode::GATEWAY_TIMEOUT),
        Reason::InvalidArgument | Reason::TenantMismatch | Reason::TenantRequired | Reason::AddressRefused | Reason::OtpInvalid | Reason::LinkInvalid => {
            (Code::InvalidArgument, StatusCode::BAD_REQUEST)
        }
        Reason::TenantNotFound | Reason::NotFound | Reason::ReceiptNotFound => (Code::NotFound, StatusCode::NOT_FOUND),
        Reason::Unauthenticated | Reason::TokenInvalid | Reason::RefreshTokenInvalid | Reason::WrongCredentials => {
            (Code::Unauthenticated, StatusCode::UNAUTHORIZED)
        }
        Reason::PermissionDenied | Reason::RegistrationClosed => (Code::PermissionDenied, StatusCode::FORBIDDEN),
        Reason::RateLimited => (Code::ResourceExhausted, StatusCode::TOO_MANY_REQUESTS),
        Reason::RequestIdReused | Reason::AlreadyExists => (Code::AlreadyExists, StatusCode::CONFLICT),
        // Not UNAVAILABLE: that invites clients to try again at once, and a router that is off stays off.
        Reason::PlanNotAvailable
        | Reason::PhoneBlocked
        | Reason::PurchaseEnded
        | Reason::IspSuspended
        | Reason::RouterUnreachable
        | Reason::CustomerNotActive
        | Reason::PhoneNotVerified
        | Reason::StateConflict
        | Reason::LastOwner
        | Reason::LimitReached
        | Reason::SubscriptionPastDue => (Code::FailedPrecondition, StatusCode::CONFLICT),
        Reason::Unimplemented => (Code::Unimplemented, StatusCode::NOT_FOUND),
    }
}

/// The reason as it travels: without the prefix of the enum.
pub fn name(reason: Reason) -> &'static str {
    let name = reason.as_str_name();
    name.strip_prefix("ERROR_REASON_").unwrap_or(name)
}

/// The status of an error, with its details. Logs what broke on our side.
pub fn of(error: Error, request_id: &str) -> Status {
    log(&error, request_id);
    let (code, _) = codes(error.reason);
    let message = if code == Code::Internal { INTERNAL.to_owned() } else { error.message };
    let mut details = ErrorDetails::with_error_info(name(error.reason), DOMAIN, HashMap::from([("request_id".to_owned(), request_id.to_owned())]));
    details.set_request_info(request_id, "");
    if !error.fields.is_empty() {
        details.set_bad_request(error.fields.into_iter().map(|(field, wanted)| FieldViolation::new(field, wanted)).collect::<Vec<_>>());
    }
    let wait = error.retry_after.or(matches!(code, Code::Unavailable | Code::ResourceExhausted).then_some(RETRY));
    if wait.is_some() {
        details.set_retry_info(wait);
    }
    Status::with_error_details(code, message, details)
}

/// The same as a whole answer, for layers that stand before the services.
pub fn response(error: Error, request_id: &str) -> Response {
    of(error, request_id).into_http()
}

/// What tonic itself refuses (a message that is too large or is none) gets the details that every refusal has. tonic calls an unreadable
/// message an internal error; the fault is the caller's.
pub fn explained(answer: Response, request_id: &str) -> Response {
    let bare = Status::from_header_map(answer.headers()).filter(|status| status.code() != Code::Ok && status.details().is_empty());
    match bare {
        None => answer,
        Some(status) if status.code() == Code::Unimplemented => response(Error::new(Reason::Unimplemented, status.message()), request_id),
        Some(status) => response(Error::new(Reason::InvalidArgument, format!("The request could not be read: {}", status.message())), request_id),
    }
}

fn log(error: &Error, request_id: &str) {
    if codes(error.reason).0 == Code::Internal {
        tracing::error!(request_id, %error, "a call failed on our side");
    } else if error.source.is_some() {
        tracing::warn!(request_id, %error, "a call was not served");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The whole table. A change here is a change of the contract.
    #[test]
    fn every_reason_has_its_codes() {
        let table: Vec<String> = (0..)
            .map_while(|number| Reason::try_from(number).ok())
            .map(|reason| {
                let (code, http) = codes(reason);
                format!("{} {code:?} {}", name(reason), http.as_u16())
            })
            .collect();
        let wanted = [
            "UNSPECIFIED Internal 500",
            "INTERNAL Internal 500",
            "UNAVAILABLE Unavailable 503",
            "DEADLINE_EXCEEDED DeadlineExceeded 504",
            "INVALID_ARGUMENT InvalidArgument 400",
            "TENANT_NOT_FOUND NotFound 404",
            "TENANT_MISMATCH InvalidArgument 400",
            "TENANT_REQUIRED InvalidArgument 400",
            "UNAUTHENTICATED Unauthenticated 401",
            "TOKEN_INVALID Unauthenticated 401",
            "REFRESH_TOKEN_INVALID Unauthenticated 401",
            "PERMISSION_DENIED PermissionDenied 403",
            "WRONG_CREDENTIALS Unauthenticated 401",
            "RATE_LIMITED ResourceExhausted 429",
            "NOT_FOUND NotFound 404",
            "REQUEST_ID_REUSED AlreadyExists 409",
            "ALREADY_EXISTS AlreadyExists 409",
            "PLAN_NOT_AVAILABLE FailedPrecondition 409",
            "PHONE_BLOCKED FailedPrecondition 409",
            "RECEIPT_NOT_FOUND NotFound 404",
            "PURCHASE_ENDED FailedPrecondition 409",
            "ADDRESS_REFUSED InvalidArgument 400",
            "ROUTER_UNREACHABLE FailedPrecondition 409",
            "ISP_SUSPENDED FailedPrecondition 409",
            "UNIMPLEMENTED Unimplemented 404",
            "REGISTRATION_CLOSED PermissionDenied 403",
            "OTP_INVALID InvalidArgument 400",
            "LINK_INVALID InvalidArgument 400",
            "CUSTOMER_NOT_ACTIVE FailedPrecondition 409",
            "PHONE_NOT_VERIFIED FailedPrecondition 409",
            "STATE_CONFLICT FailedPrecondition 409",
            "LAST_OWNER FailedPrecondition 409",
            "LIMIT_REACHED FailedPrecondition 409",
            "SUBSCRIPTION_PAST_DUE FailedPrecondition 409",
        ];
        assert_eq!(table, wanted);
    }

    #[test]
    fn details_name_the_reason_the_fields_and_when_to_come_back() {
        let status = of(Error::field("plan.price", "must be whole shillings"), "the-call");
        let info = status.get_details_error_info().expect("an ErrorInfo");
        assert_eq!((info.reason.as_str(), info.domain.as_str()), ("INVALID_ARGUMENT", "netily.io"));
        assert_eq!(info.metadata["request_id"], "the-call");
        let bad = status.get_details_bad_request().expect("a BadRequest");
        assert_eq!((bad.field_violations[0].field.as_str(), bad.field_violations[0].description.as_str()), ("plan.price", "must be whole shillings"));
        assert!(status.get_details_retry_info().is_none());

        let busy = of(Error::rate_limited("Too many tries.", Duration::from_secs(7)), "the-call");
        assert_eq!(busy.get_details_retry_info().and_then(|info| info.retry_delay), Some(Duration::from_secs(7)));
    }

    #[test]
    fn causes_and_sentences_of_internal_errors_stay_inside() {
        for error in [Error::internal("password of netily_app is wrong"), Error::new(Reason::Internal, "row 7 is strange")] {
            let status = of(error, "the-call");
            assert_eq!(status.message(), INTERNAL);
            assert!(!String::from_utf8_lossy(status.details()).contains("netily_app"));
        }
    }
}
