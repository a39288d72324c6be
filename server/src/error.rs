//! The one error of the server: a reason that clients branch on, a sentence for people, and the cause for our log.

use std::fmt;
use std::time::Duration;

pub use netily_sdk::types::ErrorReason as Reason;

/// What use cases answer.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a call failed.
#[derive(Debug)]
pub struct Error {
    /// What a client branches on.
    pub reason: Reason,
    /// A sentence for people. Never holds a secret or the cause of an internal error.
    pub message: String,
    /// Fields that are not valid: path in the request, and what it must be.
    pub fields: Vec<(String, String)>,
    /// When it is worth coming back.
    pub retry_after: Option<Duration>,
    /// The cause, for the log only.
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error with a reason and a sentence.
    pub fn new(reason: Reason, message: impl Into<String>) -> Error {
        Error { reason, message: message.into(), fields: Vec::new(), retry_after: None, source: None }
    }

    /// One field is not valid.
    pub fn field(path: &str, wanted: impl Into<String>) -> Error {
        let wanted = wanted.into();
        Error { fields: vec![(path.to_owned(), wanted.clone())], ..Error::new(Reason::InvalidArgument, format!("{path} {wanted}")) }
    }

    /// There is no such thing in this ISP. The same answer for another ISP's thing and for none at all.
    pub fn not_found(what: &str) -> Error {
        Error::new(Reason::NotFound, format!("There is no such {what}."))
    }

    /// Something broke on our side; the cause goes to the log.
    pub fn internal(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
        Error { source: Some(cause.into()), ..Error::new(Reason::Internal, "Something went wrong on our side. Please try again.") }
    }

    /// The same for another who asked for the same thing.
    pub fn shared(&self) -> Error {
        Error { fields: self.fields.clone(), retry_after: self.retry_after, source: Some(self.to_string().into()), ..Error::new(self.reason, &*self.message) }
    }

    /// Too many tries; the next is taken after `wait`.
    pub fn rate_limited(message: impl Into<String>, wait: Duration) -> Error {
        Error { retry_after: Some(wait), ..Error::new(Reason::RateLimited, message) }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.reason.as_str_name(), self.message)?;
        let mut cause = self.source.as_deref().map(|cause| cause as &dyn std::error::Error);
        while let Some(one) = cause {
            write!(f, ": {one}")?;
            cause = one.source();
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

impl From<diesel::result::Error> for Error {
    fn from(cause: diesel::result::Error) -> Error {
        use diesel::result::{DatabaseErrorKind, Error as Diesel};
        match &cause {
            Diesel::DatabaseError(DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::UnableToSendCommand | DatabaseErrorKind::ReadOnlyTransaction, _)
            | Diesel::BrokenTransactionManager => unreachable_database(cause),
            Diesel::DatabaseError(_, said) if is_passing(said.message()) => unreachable_database(cause),
            _ => Error::internal(cause),
        }
    }
}

fn unreachable_database(cause: diesel::result::Error) -> Error {
    Error {
        retry_after: Some(Duration::from_secs(1)),
        source: Some(Box::new(cause)),
        ..Error::new(Reason::Unavailable, "The database is not reachable right now. Please try again.")
    }
}

/// Whether PostgreSQL says that it is going, coming or full: SQLSTATE 57P01 to 57P05 and class 53. diesel hands on the words only, not the code.
fn is_passing(message: &str) -> bool {
    const WORDS: [&str; 10] = [
        "terminating connection",
        "terminating background worker",
        "the database system is",
        "database is being accessed",
        "connection to client lost",
        "too many clients already",
        "too many connections",
        "remaining connection slots",
        "out of memory",
        "No space left on device",
    ];
    WORDS.iter().any(|words| message.contains(words))
}

/// Whether a statement failed because another row has this unique value already.
pub fn is_duplicate(error: &diesel::result::Error) -> bool {
    matches!(error, diesel::result::Error::DatabaseError(diesel::result::DatabaseErrorKind::UniqueViolation, _))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_that_goes_away_is_unavailable_and_clients_come_again() {
        use diesel::result::{DatabaseErrorKind, Error as Diesel};
        let said = |kind, words: &str| Error::from(Diesel::DatabaseError(kind, Box::new(words.to_owned())));
        for (kind, words) in [
            (DatabaseErrorKind::Unknown, "terminating connection due to administrator command"),
            (DatabaseErrorKind::Unknown, "terminating connection due to unexpected postmaster exit"),
            (DatabaseErrorKind::Unknown, "the database system is in recovery mode"),
            (DatabaseErrorKind::Unknown, "sorry, too many clients already"),
            (DatabaseErrorKind::ReadOnlyTransaction, "cannot execute SELECT FOR UPDATE in a read-only transaction"),
            (DatabaseErrorKind::ClosedConnection, "closed"),
        ] {
            let error = said(kind, words);
            assert_eq!((error.reason, error.retry_after.is_some()), (Reason::Unavailable, true), "{words}");
        }
        assert_eq!(said(DatabaseErrorKind::Unknown, "division by zero").reason, Reason::Internal);
    }
}
