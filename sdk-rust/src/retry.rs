//! When a failed call is worth another try, and how long to wait before it. Never decides for calls that
//! could do something twice: those are `Repeat::Never`.

use std::time::Duration;

use tonic::Code;

use crate::Error;

/// Whether doing a call twice is the same as doing it once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// It only reads, or carries a `request_id`.
    Safe,
    /// It may have been done although no answer came.
    Never,
}

/// Waits that double from `first` to at most `most`; each is drawn from its upper half, so that clients
/// cut off together do not come back together.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Backoff {
    first: Duration,
    most: Duration,
}

/// Between the tries of one call, which its deadline bounds.
pub(crate) const CALLS: Backoff = Backoff { first: Duration::from_millis(100), most: Duration::from_secs(2) };

/// Between the openings of a dropped stream.
pub(crate) const STREAMS: Backoff = Backoff { first: Duration::from_millis(250), most: Duration::from_secs(10) };

impl Backoff {
    /// How long to wait after this many failures in a row; none when another try is of no use.
    pub(crate) fn pause(self, error: &Error, failures: u32) -> Option<Duration> {
        let transient = error.code == Code::Unavailable || error.retry_after.is_some();
        transient.then(|| self.drawn(failures).max(error.retry_after.unwrap_or_default()))
    }

    fn drawn(self, failures: u32) -> Duration {
        let doublings = failures.saturating_sub(1).min(16);
        let longest = self.first.saturating_mul(1 << doublings).min(self.most);
        rand::random_range(longest / 2..=longest)
    }
}

#[cfg(test)]
mod tests {
    use tonic::Status;

    use super::*;
    use crate::types::ErrorReason;

    #[test]
    fn waits_double_up_to_the_most() {
        let away = Error::from(Status::unavailable("away"));
        for (failures, longest_ms) in [(1, 100), (2, 200), (3, 400), (5, 1600), (6, 2000), (400, 2000)] {
            let pause = CALLS.pause(&away, failures).expect("a pause");
            let longest = Duration::from_millis(longest_ms);
            assert!(pause >= longest / 2 && pause <= longest, "{failures}: {pause:?}");
        }
    }

    #[test]
    fn the_server_says_how_long() {
        let mut limited = Error::new(ErrorReason::RateLimited, Code::ResourceExhausted, "slow down");
        assert_eq!(CALLS.pause(&limited, 1), None);
        limited.retry_after = Some(Duration::from_secs(60));
        assert_eq!(CALLS.pause(&limited, 1), Some(Duration::from_secs(60)));
    }

    #[test]
    fn a_refusal_is_final() {
        for code in [Code::NotFound, Code::InvalidArgument, Code::Internal, Code::DeadlineExceeded] {
            assert_eq!(CALLS.pause(&Error::from(Status::new(code, "no")), 1), None);
        }
    }
}
