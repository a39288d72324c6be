//! For how long one price is paid: some days, weeks or months. Pure.

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
}

#[cfg(test)]
mod tests {
    use super::*;

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
