//! Into which days money that the ISP took itself may be dated: not into the future, not before the ISP was here, and not into a month
//! whose books are closed.

use chrono::{Datelike as _, TimeDelta};

use crate::clock::{Time, begin_of_day, day_of_month, in_kenya};
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::id::IspId;
use crate::isp;

/// Until the end of which day of a month the one before is still open.
const OPEN_UNTIL: u32 = 10;

/// The first moment into which money may be dated: of this month, or until its tenth day of the one before.
pub fn earliest(now: Time) -> Time {
    let this = begin_of_month(now);
    if day_of_month(now) <= OPEN_UNTIL { begin_of_month(this - TimeDelta::days(1)) } else { this }
}

/// Whether money may be dated so.
pub fn may_date(received_at: Time, now: Time) -> bool {
    received_at <= now && received_at >= earliest(now)
}

fn begin_of_month(at: Time) -> Time {
    begin_of_day(at) - TimeDelta::days(i64::from(in_kenya(at).day0()))
}

/// Refuses a date that is not open.
pub async fn check(tx: &mut Tx, isp: IspId, received_at: Time, now: Time) -> Result<()> {
    if received_at > now {
        return Err(Error::field("received_at", "must not be in the future"));
    }
    if received_at < begin_of_day(isp::began_at(tx, isp).await?) {
        return Err(Error::field("received_at", "must not be before the ISP began"));
    }
    if !may_date(received_at, now) {
        let first = in_kenya(earliest(now)).format("%-d %B %Y");
        return Err(Error::field("received_at", format!("must not be before {first}: the books of that month are closed")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn kenya(text: &str) -> Time {
        format!("{text}+03:00").parse().expect("a time")
    }

    #[test]
    fn a_month_is_open_until_the_tenth_of_the_next() {
        let table = [
            ("2027-03-10T23:59:59", "2027-02-01T00:00:00"),
            ("2027-03-11T00:00:00", "2027-03-01T00:00:00"),
            ("2027-01-01T00:00:00", "2026-12-01T00:00:00"),
            ("2027-03-31T12:00:00", "2027-03-01T00:00:00"),
        ];
        for (now, first) in table {
            let (now, first) = (kenya(now), kenya(first));
            assert_eq!(earliest(now), first, "{now}");
            assert!(may_date(first, now) && may_date(now, now));
            assert!(!may_date(first - TimeDelta::seconds(1), now) && !may_date(now + TimeDelta::seconds(1), now));
        }
        assert!(!may_date(kenya("2019-01-05T00:00:00"), kenya("2027-01-05T00:00:00")));
    }

    proptest! {
        #[test]
        fn the_first_open_moment_is_the_first_of_a_month_and_only_moves_on(now in 1_600_000_000i64..2_600_000_000, later in 0i64..100_000_000) {
            let at = |seconds| Time::from_timestamp(seconds, 0).expect("a time");
            let first = earliest(at(now));
            prop_assert_eq!(day_of_month(first), 1);
            prop_assert_eq!(first, begin_of_day(first));
            prop_assert!(first <= at(now) && at(now) - first < TimeDelta::days(42));
            prop_assert!(earliest(at(now + later)) >= first);
        }
    }
}
