//! Money in cents of a shilling, and Netily's rate. Checked maths, no floats; the only rounding is in `payments::split`.

use std::fmt;
use std::str::FromStr;

use rust_decimal::Decimal;

/// An amount in minor units: cents of a Kenyan shilling.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, diesel::expression::AsExpression, diesel::deserialize::FromSqlRow)]
#[diesel(sql_type = diesel::sql_types::BigInt)]
pub struct Money(i64);

impl Money {
    /// Nothing.
    pub const ZERO: Money = Money(0);

    /// From cents.
    pub const fn from_minor(minor: i64) -> Money {
        Money(minor)
    }

    /// From whole shillings; `None` when it does not fit.
    pub fn from_shillings(shillings: i64) -> Option<Money> {
        shillings.checked_mul(100).map(Money)
    }

    /// In cents.
    pub const fn minor(self) -> i64 {
        self.0
    }

    /// In shillings, when there are no cents: M-Pesa moves whole shillings only.
    pub fn whole_shillings(self) -> Option<i64> {
        (self.0 % 100 == 0).then_some(self.0 / 100)
    }

    /// The sum; `None` when it does not fit.
    pub fn checked_add(self, other: Money) -> Option<Money> {
        self.0.checked_add(other.0).map(Money)
    }

    /// The difference; `None` when it does not fit.
    pub fn checked_sub(self, other: Money) -> Option<Money> {
        self.0.checked_sub(other.0).map(Money)
    }

    /// The same amount with the other sign.
    pub fn negated(self) -> Money {
        Money(-self.0)
    }
}

impl fmt::Display for Money {
    /// `1,500.00`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let digits = (self.0.unsigned_abs() / 100).to_string();
        let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
        for (at, digit) in digits.chars().enumerate() {
            if at > 0 && (digits.len() - at).is_multiple_of(3) {
                grouped.push(',');
            }
            grouped.push(digit);
        }
        write!(f, "{sign}{grouped}.{:02}", self.0.unsigned_abs() % 100)
    }
}

/// Netily's part of a payment in basis points: 500 is 5 %.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, diesel::expression::AsExpression, diesel::deserialize::FromSqlRow)]
#[diesel(sql_type = diesel::sql_types::Integer)]
pub struct Rate(i32);

impl Rate {
    /// From basis points, 0 to 10,000.
    pub fn from_bps(bps: i32) -> Option<Rate> {
        (0..=10_000).contains(&bps).then_some(Rate(bps))
    }

    /// In basis points.
    pub const fn bps(self) -> i32 {
        self.0
    }
}

impl FromStr for Rate {
    type Err = &'static str;

    /// Reads a decimal from 0 to 1 with at most four places, as `0.05`.
    fn from_str(text: &str) -> Result<Rate, Self::Err> {
        const WANTED: &str = "must be a decimal from 0 to 1 with at most four places, as 0.05";
        let decimal = Decimal::from_str_exact(text.trim()).map_err(|_| WANTED)?;
        let bps = decimal.checked_mul(Decimal::from(10_000)).ok_or(WANTED)?.normalize();
        if bps.scale() != 0 {
            return Err(WANTED);
        }
        i32::try_from(bps.mantissa()).ok().and_then(Rate::from_bps).ok_or(WANTED)
    }
}

impl fmt::Display for Rate {
    /// `0.05`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Decimal::new(i64::from(self.0), 4).normalize())
    }
}

mod sql {
    use diesel::deserialize::{self, FromSql};
    use diesel::pg::{Pg, PgValue};
    use diesel::serialize::{self, Output, ToSql};
    use diesel::sql_types::{BigInt, Integer};

    use super::{Money, Rate};

    impl ToSql<BigInt, Pg> for Money {
        fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
            <i64 as ToSql<BigInt, Pg>>::to_sql(&self.0, out)
        }
    }

    impl FromSql<BigInt, Pg> for Money {
        fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
            <i64 as FromSql<BigInt, Pg>>::from_sql(value).map(Money)
        }
    }

    impl ToSql<Integer, Pg> for Rate {
        fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
            <i32 as ToSql<Integer, Pg>>::to_sql(&self.0, out)
        }
    }

    impl FromSql<Integer, Pg> for Rate {
        fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
            let bps = <i32 as FromSql<Integer, Pg>>::from_sql(value)?;
            Rate::from_bps(bps).ok_or_else(|| format!("{bps} basis points are not a rate").into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_prints_with_groups_and_cents() {
        for (minor, text) in
            [(0, "0.00"), (5, "0.05"), (100, "1.00"), (99_999, "999.99"), (150_000, "1,500.00"), (123_456_789, "1,234,567.89"), (-1_050, "-10.50")]
        {
            assert_eq!(Money::from_minor(minor).to_string(), text);
        }
    }

    #[test]
    fn a_rate_is_a_decimal_with_four_places() {
        for (text, bps) in [("0.05", 500), ("0", 0), ("1", 10_000), ("0.0475", 475), ("0.050000", 500), (" 0.05 ", 500)] {
            assert_eq!(text.parse::<Rate>().map(Rate::bps), Ok(bps), "{text}");
        }
        for text in ["", "5%", "1.01", "-0.05", "0.00001", "abc", "1e-2"] {
            assert!(text.parse::<Rate>().is_err(), "{text}");
        }
        assert_eq!(Rate(475).to_string(), "0.0475");
    }
}
