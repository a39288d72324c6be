//! The wall clock of the stand-ins, in milliseconds since 1970. Prompts must die on time after a restart, so no monotonic clock.

use std::time::Duration;

use chrono::{DateTime, FixedOffset, SecondsFormat, Utc};

/// Milliseconds since 1970.
#[expect(clippy::disallowed_methods, reason = "the outside world runs on the wall clock, whatever a test does with the product's")]
pub(crate) fn now_ms() -> i64 {
    Utc::now().timestamp_millis()
}

/// Sleeps until a moment of the wall clock, or not at all if it is past.
pub(crate) async fn sleep_until(at_ms: i64) {
    let wait_ms = at_ms.saturating_sub(now_ms()).max(0).unsigned_abs();
    tokio::time::sleep(Duration::from_millis(wait_ms)).await;
}

/// `2026-02-03T07:15:40.112000Z`, the form of PayHero's times.
pub(crate) fn rfc3339(at_ms: i64) -> String {
    utc(at_ms).to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// The same moment on a clock in Nairobi, which has no summer time.
pub(crate) fn nairobi(at_ms: i64) -> DateTime<FixedOffset> {
    const EAST_SECONDS: i32 = 3 * 3600;
    let zone = FixedOffset::east_opt(EAST_SECONDS).unwrap_or_else(|| unreachable!("three hours are a valid offset"));
    utc(at_ms).with_timezone(&zone)
}

fn utc(at_ms: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(at_ms).unwrap_or_default()
}
