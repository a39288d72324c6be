//! The only door to the wall clock. Use cases ask once and hand `now` to the pure rules; tests move it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::{DateTime, Datelike as _, FixedOffset, TimeDelta, Utc};

/// A moment.
pub type Time = DateTime<Utc>;

/// The day of the month at a moment in Kenya: what later monthly periods keep.
pub fn day_of_month(at: Time) -> u32 {
    in_kenya(at).day()
}

/// The midnight in Kenya that is not after a moment.
pub fn begin_of_day(at: Time) -> Time {
    let local = in_kenya(at);
    at - local.time().signed_duration_since(chrono::NaiveTime::MIN)
}

/// A moment on Kenya's clocks: three hours ahead of UTC the whole year, since 1960.
pub fn in_kenya(at: Time) -> DateTime<FixedOffset> {
    const THREE_HOURS: i32 = 3 * 3600;
    at.with_timezone(&FixedOffset::east_opt(THREE_HOURS).unwrap_or_else(|| unreachable!("three hours are within a day")))
}

/// The system's clock, moved by as much as a test asked for.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    moved_ms: Arc<AtomicI64>,
}

impl Clock {
    /// The time now.
    #[expect(clippy::disallowed_methods, reason = "this is the one door to the system's clock")]
    pub fn now(&self) -> Time {
        Utc::now() + TimeDelta::milliseconds(self.moved_ms.load(Ordering::Relaxed))
    }

    /// Moves this clock and all its clones forward.
    pub fn advance(&self, by: Duration) {
        self.moved_ms.fetch_add(i64::try_from(by.as_millis()).unwrap_or(i64::MAX), Ordering::Relaxed);
    }

    /// Moves them back, as a machine's clock that was wrong is.
    pub fn set_back(&self, by: Duration) {
        self.moved_ms.fetch_sub(i64::try_from(by.as_millis()).unwrap_or(i64::MAX), Ordering::Relaxed);
    }
}
