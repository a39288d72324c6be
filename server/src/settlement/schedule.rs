//! When an ISP is paid: periods that end at midnight in Nairobi. Pure.

use chrono::{Datelike as _, Days, Months, NaiveDate, TimeDelta};

use crate::clock::{Time, begin_of_day, in_kenya};

/// How often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frequency {
    /// After each day.
    Daily,
    /// On Mondays.
    Weekly,
    /// On every second Monday.
    Biweekly,
    /// On the first of the month.
    Monthly,
}

impl Frequency {
    /// Every one.
    pub const ALL: [Frequency; 4] = [Frequency::Daily, Frequency::Weekly, Frequency::Biweekly, Frequency::Monthly];

    /// As the database writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Frequency::Daily => "DAILY",
            Frequency::Weekly => "WEEKLY",
            Frequency::Biweekly => "BIWEEKLY",
            Frequency::Monthly => "MONTHLY",
        }
    }

    /// From what the database wrote.
    pub fn parse(text: &str) -> Option<Frequency> {
        Frequency::ALL.into_iter().find(|one| one.as_str() == text)
    }

    /// When the last period ended: a midnight that is not after `now`.
    pub fn last_end(self, now: Time) -> Time {
        let midnight = begin_of_day(now);
        let day = in_kenya(midnight).date_naive();
        let since = match self {
            Frequency::Daily => 0,
            Frequency::Weekly => i64::from(day.weekday().num_days_from_monday()),
            Frequency::Biweekly => (day - a_monday()).num_days().rem_euclid(14),
            Frequency::Monthly => i64::from(day.day0()),
        };
        midnight - TimeDelta::days(since)
    }

    /// When the period that runs now ends: the first end after `now`.
    pub fn next_end(self, now: Time) -> Time {
        let last = self.last_end(now);
        let day = in_kenya(last).date_naive();
        let next = match self {
            Frequency::Daily => day + Days::new(1),
            Frequency::Weekly => day + Days::new(7),
            Frequency::Biweekly => day + Days::new(14),
            Frequency::Monthly => day + Months::new(1),
        };
        last + (next - day)
    }
}

/// Fortnights are counted from here.
fn a_monday() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 1, 5).unwrap_or_else(|| unreachable!("a day of the calendar"))
}

/// The name of the period that ended then: the day that begins.
pub fn period_name(end: Time) -> String {
    in_kenya(end).format("%Y-%m-%d").to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn kenya(text: &str) -> Time {
        format!("{text}+03:00").parse().expect("a time")
    }

    #[test]
    fn periods_end_at_midnight_of_their_day() {
        #[rustfmt::skip]
        let rows = [
            (Frequency::Daily, "2026-11-26T00:00:00", "2026-11-26T00:00:00", "2026-11-27T00:00:00"),
            (Frequency::Daily, "2026-11-26T23:59:59", "2026-11-26T00:00:00", "2026-11-27T00:00:00"),
            (Frequency::Weekly, "2026-11-26T12:00:00", "2026-11-23T00:00:00", "2026-11-30T00:00:00"),
            (Frequency::Weekly, "2026-11-23T00:00:00", "2026-11-23T00:00:00", "2026-11-30T00:00:00"),
            (Frequency::Biweekly, "2026-01-05T00:00:00", "2026-01-05T00:00:00", "2026-01-19T00:00:00"),
            (Frequency::Biweekly, "2026-01-18T23:00:00", "2026-01-05T00:00:00", "2026-01-19T00:00:00"),
            (Frequency::Biweekly, "2025-12-31T00:00:00", "2025-12-22T00:00:00", "2026-01-05T00:00:00"),
            (Frequency::Monthly, "2028-02-29T10:00:00", "2028-02-01T00:00:00", "2028-03-01T00:00:00"),
            (Frequency::Monthly, "2026-12-01T00:00:00", "2026-12-01T00:00:00", "2027-01-01T00:00:00"),
        ];
        for (frequency, now, last, next) in rows {
            assert_eq!(frequency.last_end(kenya(now)), kenya(last), "{frequency:?} at {now}");
            assert_eq!(frequency.next_end(kenya(now)), kenya(next), "{frequency:?} at {now}");
        }
        // Nine in the evening in London is midnight in Nairobi.
        assert_eq!(period_name(Frequency::Daily.last_end("2026-11-25T21:00:00Z".parse().expect("a time"))), "2026-11-26");
        assert_eq!(period_name(Frequency::Daily.last_end("2026-11-25T20:59:59Z".parse().expect("a time"))), "2026-11-25");
    }

    proptest! {
        #[test]
        fn a_moment_is_in_one_period(seconds in 1_600_000_000_i64..2_200_000_000, which in 0_usize..4) {
            let (now, frequency) = (Time::from_timestamp(seconds, 0).expect("a time"), Frequency::ALL[which]);
            let (last, next) = (frequency.last_end(now), frequency.next_end(now));
            prop_assert!(last <= now && now < next);
            prop_assert_eq!(frequency.last_end(next), next);
            prop_assert_eq!(frequency.last_end(next - TimeDelta::seconds(1)), last);
        }
    }
}
