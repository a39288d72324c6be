//! Into which days what happened earlier may be dated: not into the future, and not into a month whose books are closed. A month is closed
//! by operators, and closes by itself for what is dated back after the tenth day of the next one; one that was opened again is open.

use chrono::Datelike as _;
use diesel::sql_types::{Date, Nullable};
use diesel_async::RunQueryDsl;

use crate::calendar::{Month, day_of};
use crate::clock::{Time, in_kenya};
use crate::db::Tx;
use crate::error::{Error, Result};

/// Until the end of which day of a month the one before is still open.
const OPEN_UNTIL: u32 = 10;

/// How the months stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Closed {
    /// The newest month that is closed: every earlier one is, too.
    pub last: Option<Month>,
    /// The oldest month that was opened again and is not closed.
    pub reopened: Option<Month>,
}

/// The first moment into which something may be dated.
pub fn first_open(now: Time, closed: Closed) -> Time {
    let this = Month::of(now);
    let calendar = if day_of(now).day() <= OPEN_UNTIL { this.previous() } else { this };
    let open = closed.reopened.map_or(calendar, |month| month.min(calendar));
    closed.last.map_or(open, |month| open.max(month.next())).begin()
}

/// Whether something may be dated so.
pub fn may_date(at: Time, now: Time, closed: Closed) -> bool {
    at <= now && at >= first_open(now, closed)
}

/// How the months stand now. A month is closed by nobody else until the transaction ends.
pub(super) async fn standing(tx: &mut Tx, lock: &'static str) -> Result<Closed> {
    #[derive(diesel::QueryableByName)]
    struct Row {
        #[diesel(sql_type = Nullable<Date>)]
        last: Option<chrono::NaiveDate>,
        #[diesel(sql_type = Nullable<Date>)]
        reopened: Option<chrono::NaiveDate>,
    }
    const STANDING: &str = "
        SELECT max(month) FILTER (WHERE reopened_at IS NULL) AS last,
               min(month) FILTER (WHERE reopened_at IS NOT NULL
                 AND NOT EXISTS (SELECT FROM public.month_close o WHERE o.month = c.month AND o.reopened_at IS NULL)) AS reopened
        FROM public.month_close c";
    // By itself: what others closed before the lock was given is seen by the statement after it.
    diesel::sql_query(lock).execute(&mut **tx).await?;
    let row: Row = diesel::sql_query(STANDING).get_result(&mut **tx).await?;
    Ok(Closed { last: row.last.map(Month::of_day), reopened: row.reopened.map(Month::of_day) })
}

/// Whoever dates something back: many at once, but not while a month is being closed.
const SHARED: &str = "SELECT pg_advisory_xact_lock_shared(hashtextextended('netily books', 0))";
/// Whoever closes a month.
pub(super) const ALONE: &str = "SELECT pg_advisory_xact_lock(hashtextextended('netily books', 0))";

/// Refuses a date that is in the future or in a closed month; `path` names the field. Until the transaction ends no month is closed.
pub async fn check(tx: &mut Tx, path: &str, at: Time, now: Time) -> Result<()> {
    if at > now {
        return Err(Error::field(path, "must not be in the future"));
    }
    // A month is closed only after it is over.
    if Month::of(at) == Month::of(now) {
        return Ok(());
    }
    let closed = standing(tx, SHARED).await?;
    if may_date(at, now, closed) {
        return Ok(());
    }
    let first = in_kenya(first_open(now, closed)).format("%-d %B %Y");
    Err(Error::field(path, format!("must not be before {first}: the books of that month are closed")))
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use proptest::prelude::*;

    use super::*;

    fn kenya(text: &str) -> Time {
        format!("{text}+03:00").parse().expect("a time")
    }

    fn month(text: &str) -> Option<Month> {
        Some(Month::read("month", text).expect("a month"))
    }

    #[test]
    fn a_month_is_open_until_the_tenth_of_the_next_or_until_it_is_closed_or_after_it_was_opened_again() {
        let none = Closed::default();
        let closed = Closed { last: month("2027-02"), reopened: None };
        let reopened = Closed { last: month("2027-01"), reopened: month("2027-02") };
        let table = [
            ("2027-03-10T23:59:59", none, "2027-02-01T00:00:00"),
            ("2027-03-11T00:00:00", none, "2027-03-01T00:00:00"),
            ("2027-01-01T00:00:00", none, "2026-12-01T00:00:00"),
            ("2027-03-31T12:00:00", none, "2027-03-01T00:00:00"),
            ("2027-03-05T00:00:00", closed, "2027-03-01T00:00:00"),
            ("2027-03-20T00:00:00", reopened, "2027-02-01T00:00:00"),
            ("2027-03-05T00:00:00", Closed { last: month("2027-01"), reopened: None }, "2027-02-01T00:00:00"),
        ];
        for (now, closed, first) in table {
            let (now, first) = (kenya(now), kenya(first));
            assert_eq!(first_open(now, closed), first, "{now} {closed:?}");
            assert!(may_date(first, now, closed) && may_date(now, now, closed));
            assert!(!may_date(first - TimeDelta::seconds(1), now, closed) && !may_date(now + TimeDelta::seconds(1), now, closed));
        }
    }

    proptest! {
        #[test]
        fn no_closed_month_is_open_and_the_present_one_is(now in 1_600_000_000i64..2_600_000_000, behind in 1u32..40, again in proptest::option::of(0u32..40)) {
            let now = Time::from_timestamp(now, 0).expect("a time");
            let back = |months: u32| (0..months).fold(Month::of(now), |month, _| month.previous());
            let last = back(behind);
            let closed = Closed { last: Some(last), reopened: again.map(back).filter(|month| *month > last) };
            let first = first_open(now, closed);
            prop_assert!(first >= last.end() && first <= Month::of(now).begin());
            prop_assert_eq!(first, Month::of(first).begin());
            prop_assert!(may_date(now, now, closed) && !may_date(last.end() - TimeDelta::seconds(1), now, closed));
        }
    }
}
