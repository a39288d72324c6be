//! Why a handler has no page of its own to show, and the page that says so.

use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use uuid::Uuid;

use super::answer;
use crate::error::{Error, Reason};
use crate::portal::{ErrorKind, ErrorPage, FormTarget, Frame};

/// Why there is no page.
#[derive(Debug)]
pub enum Refused {
    /// Something to tell the person.
    Page(ErrorKind),
    /// Something for our log.
    Broken(Error),
}

impl Refused {
    /// The page that says so. What broke is logged here, once, under the number that the person is shown.
    pub fn say(self, frame: Frame) -> Response {
        let kind = match self {
            Refused::Page(kind) => kind,
            Refused::Broken(error) => ErrorKind::ServerTrouble { request_id: logged(&error) },
        };
        let nonce = frame.nonce.clone();
        let page = ErrorPage { frame, kind };
        let status = StatusCode::from_u16(page.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        answer::page(status, &page, &nonce, FormTarget::OwnServer).unwrap_or_else(|error| {
            logged(&error);
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        })
    }
}

impl From<ErrorKind> for Refused {
    fn from(kind: ErrorKind) -> Self {
        Refused::Page(kind)
    }
}

/// What a use case answers where the page has no better place to say it. Every page asks for its router, so that is what
/// was not found; a handler that asks for something else looks first.
impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        match error.reason {
            Reason::NotFound => Refused::Page(ErrorKind::UnknownRouter),
            Reason::TenantNotFound => Refused::Page(ErrorKind::UnknownIsp),
            Reason::IspSuspended => Refused::Page(ErrorKind::IspClosed),
            Reason::RateLimited => Refused::Page(ErrorKind::TooManyTries { wait_seconds: wait_seconds(&error) }),
            _ => Refused::Broken(error),
        }
    }
}

/// When it is worth trying again, rounded up.
pub fn wait_seconds(error: &Error) -> u64 {
    error.retry_after.map_or(1, |wait| wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(1)
}

fn logged(error: &Error) -> String {
    let request_id = Uuid::new_v4().simple().to_string();
    tracing::error!(request_id, %error, "a captive page could not be shown");
    request_id
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn only_what_broke_is_our_fault() {
        let page = |error: Error| match Refused::from(error) {
            Refused::Page(kind) => Some(kind),
            Refused::Broken(_) => None,
        };
        assert_eq!(page(Error::not_found("router")), Some(ErrorKind::UnknownRouter));
        assert_eq!(page(Error::new(Reason::IspSuspended, "")), Some(ErrorKind::IspClosed));
        let limited = Error::rate_limited("", Duration::from_millis(1_500));
        assert_eq!(page(limited), Some(ErrorKind::TooManyTries { wait_seconds: 2 }));
        assert_eq!(page(Error::internal("the disk is full")), None);
        assert_eq!(page(Error::new(Reason::Unavailable, "")), None);
    }
}
