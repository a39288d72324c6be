//! For how long one price is paid: some days, weeks or months, in Kenya's time. Pure.

use chrono::{Datelike as _, Months, NaiveDate, TimeDelta, Utc};

use crate::clock::{Time, in_kenya};

/// What a period is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Days of 24 hours.
    Day,
    /// Weeks of seven days.
    Week,
    /// Months of the calendar.
    Month,
}

impl Unit {
    /// Every unit.
    pub const ALL: [Unit; 3] = [Unit::Day, Unit::Week, Unit::Month];

    /// As the database writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Unit::Day => "DAY",
            Unit::Week => "WEEK",
            Unit::Month => "MONTH",
        }
    }

    /// From what the database wrote.
    pub fn parse(text: &str) -> Option<Unit> {
        Unit::ALL.into_iter().find(|unit| unit.as_str() == text)
    }

    /// The most of them in one period: about a year.
    pub const fn most(self) -> i32 {
        match self {
            Unit::Day => 366,
            Unit::Week => 52,
            Unit::Month => 12,
        }
    }
}

/// A billing period of at most about a year.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    unit: Unit,
    count: i32,
}

impl Period {
    /// So many of a unit; `None` when there are too few or too many.
    pub fn new(unit: Unit, count: i32) -> Option<Period> {
        (1..=unit.most()).contains(&count).then_some(Period { unit, count })
    }

    /// What it is counted in.
    pub const fn unit(self) -> Unit {
        self.unit
    }

    /// How many.
    pub const fn count(self) -> i32 {
        self.count
    }

    /// The end of the period that begins at `start`, itself not in it. Months keep the day `anchor` where they have it, and end a
    /// period on their last day where they do not: 31 January, 28 February, 31 March. `None` at the end of the calendar.
    pub fn end(self, start: Time, anchor: u32) -> Option<Time> {
        let days = match self.unit {
            Unit::Day => self.count,
            Unit::Week => self.count * 7,
            Unit::Month => return self.months_after(start, anchor),
        };
        start.checked_add_signed(TimeDelta::try_days(i64::from(days))?)
    }

    fn months_after(self, start: Time, anchor: u32) -> Option<Time> {
        let local = in_kenya(start);
        let first = local.date_naive().with_day(1)?.checked_add_months(Months::new(u32::try_from(self.count).ok()?))?;
        let day = anchor.clamp(1, days_in_month(first)?);
        let end = first.with_day(day)?.and_time(local.time()).and_local_timezone(local.timezone()).single()?;
        Some(end.with_timezone(&Utc))
    }
}

fn days_in_month(first: NaiveDate) -> Option<u32> {
    first.checked_add_months(Months::new(1))?.pred_opt().map(|last| last.day())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kenya(text: &str) -> Time {
        format!("{text}+03:00").parse().expect("a time")
    }

    #[test]
    fn a_month_keeps_its_day() {
        let month = Period::new(Unit::Month, 1).expect("a month");
        let mut at = kenya("2027-12-31T00:00:00");
        for end in ["2028-01-31T00:00:00", "2028-02-29T00:00:00", "2028-03-31T00:00:00", "2028-04-30T00:00:00"] {
            at = month.end(at, 31).expect("an end");
            assert_eq!(at, kenya(end));
        }
        // Half past midnight in Kenya is the day before in UTC.
        assert_eq!(month.end(kenya("2027-03-01T00:30:00"), 1), Some(kenya("2027-04-01T00:30:00")));
        assert_eq!(Period::new(Unit::Week, 2).expect("weeks").end(kenya("2027-02-20T10:00:00"), 20), Some(kenya("2027-03-06T10:00:00")));
    }

    #[test]
    fn a_period_is_from_one_day_to_a_year() {
        for (unit, most) in [(Unit::Day, 366), (Unit::Week, 52), (Unit::Month, 12)] {
            assert!(Period::new(unit, 1).is_some() && Period::new(unit, most).is_some(), "{unit:?}");
            for wrong in [i32::MIN, -1, 0, most + 1, i32::MAX] {
                assert_eq!(Period::new(unit, wrong), None, "{unit:?} {wrong}");
            }
            assert_eq!(Unit::parse(unit.as_str()), Some(unit));
        }
        assert_eq!(Unit::parse("YEAR"), None);
    }
}
