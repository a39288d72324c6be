//! Days and months of Kenya, as people name them: `2026-11-26`, `2026-11`.

use std::fmt;

use chrono::{Datelike as _, Days as DayCount, Months, NaiveDate, NaiveTime, TimeDelta, Utc};

use crate::clock::{Time, in_kenya};
use crate::error::{Error, Result};

/// The most days that are asked about at once.
const DAYS_MAX: i64 = 366;

/// The midnight in Kenya with which a day begins.
pub fn midnight(day: NaiveDate) -> Time {
    // Three hours ahead of UTC the whole year.
    day.and_time(NaiveTime::MIN).and_local_timezone(Utc).single().unwrap_or_default() - TimeDelta::hours(3)
}

/// The day that it is in Kenya.
pub fn day_of(at: Time) -> NaiveDate {
    in_kenya(at).date_naive()
}

/// Some days, one after the other: both ends are part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Days {
    /// The first one.
    pub first: NaiveDate,
    /// The last one.
    pub last: NaiveDate,
}

impl Days {
    /// Reads the fields `from` and `to`. An empty `to` is today, an empty `from` the first of the month of `to`.
    pub fn read(from: &str, to: &str, now: Time) -> Result<Days> {
        let day = |path: &str, text: &str| text.parse::<NaiveDate>().map_err(|_| Error::field(path, "must be a day such as 2026-11-26"));
        let today = day_of(now);
        let last = if to.is_empty() { today } else { day("to", to)? };
        let first = if from.is_empty() { last.with_day(1).unwrap_or(last) } else { day("from", from)? };
        if last > today {
            return Err(Error::field("to", "must not be after today"));
        }
        if first > last {
            return Err(Error::field("from", "must not be after `to`"));
        }
        if (last - first).num_days() >= DAYS_MAX || first.year() < 2000 {
            return Err(Error::field("from", format!("must be within {DAYS_MAX} days of `to`")));
        }
        Ok(Days { first, last })
    }

    /// The first moment.
    pub fn begin(self) -> Time {
        midnight(self.first)
    }

    /// The first moment after.
    pub fn end(self) -> Time {
        midnight(self.last.checked_add_days(DayCount::new(1)).unwrap_or(self.last))
    }
}

/// A month of Kenya's calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Month(NaiveDate);

impl Month {
    /// The month of a moment.
    pub fn of(at: Time) -> Month {
        Month::of_day(day_of(at))
    }

    /// The month of a day.
    pub fn of_day(day: NaiveDate) -> Month {
        Month(day.with_day(1).unwrap_or(day))
    }

    /// Reads `2026-11`.
    pub fn read(path: &str, text: &str) -> Result<Month> {
        let day = format!("{text}-01").parse::<NaiveDate>().ok().filter(|day| (2000..=9000).contains(&day.year()));
        day.map(Month).filter(|month| month.to_string() == text).ok_or_else(|| Error::field(path, "must be a month such as 2026-11"))
    }

    /// Its first day.
    pub const fn first_day(self) -> NaiveDate {
        self.0
    }

    /// Its first moment.
    pub fn begin(self) -> Time {
        midnight(self.0)
    }

    /// The first moment after it.
    pub fn end(self) -> Time {
        self.next().begin()
    }

    /// The one after it.
    #[must_use]
    pub fn next(self) -> Month {
        Month(self.0.checked_add_months(Months::new(1)).unwrap_or(self.0))
    }

    /// The one before it.
    #[must_use]
    pub fn previous(self) -> Month {
        Month(self.0.checked_sub_months(Months::new(1)).unwrap_or(self.0))
    }
}

impl fmt::Display for Month {
    /// `2026-11`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.format("%Y-%m"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn kenya(text: &str) -> Time {
        format!("{text}+03:00").parse().expect("a time")
    }

    #[test]
    fn days_and_months_begin_at_midnight_in_nairobi() {
        let days = Days::read("2026-11-01", "2026-11-30", kenya("2026-12-01T00:00:00")).expect("days");
        assert_eq!((days.begin(), days.end()), (kenya("2026-11-01T00:00:00"), kenya("2026-12-01T00:00:00")));
        let month = Month::read("month", "2026-12").expect("a month");
        assert_eq!((month.begin(), month.end()), (kenya("2026-12-01T00:00:00"), kenya("2027-01-01T00:00:00")));
        assert_eq!((month.to_string().as_str(), month.next().previous()), ("2026-12", month));
        assert_eq!(Month::of(kenya("2026-12-31T23:59:59")), month);
        assert_eq!(Month::of(kenya("2027-01-01T00:00:00")), month.next());
    }

    #[test]
    fn what_is_no_day_or_too_long_is_refused() {
        let now = kenya("2026-12-01T10:00:00");
        for (from, to) in [("2026-11-31", ""), ("x", ""), ("2026-12-02", "2026-12-01"), ("", "2026-12-02"), ("2025-11-01", "2026-12-01")] {
            assert!(Days::read(from, to, now).is_err(), "{from} {to}");
        }
        for text in ["", "2026", "2026-13", "2026-1", "2026-11-01", "1999-01", "+2026-1"] {
            assert!(Month::read("month", text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_moment_lies_in_its_month_and_in_no_other(seconds in 946_700_000i64..4_000_000_000) {
            let at = Time::from_timestamp(seconds, 0).expect("a time");
            let month = Month::of(at);
            prop_assert!(month.begin() <= at && at < month.end());
            prop_assert_eq!(Month::of(month.begin() - TimeDelta::seconds(1)), month.previous());
            prop_assert_eq!(Month::read("month", &month.to_string()).expect("a month"), month);
        }
    }
}
