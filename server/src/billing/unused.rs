//! What is left of a paid period when it is given up. Pure.

use chrono::TimeDelta;

use crate::clock::Time;
use crate::money::Money;

/// The value of the rest of a period, in whole shillings, rounded down: what was used and what comes back make the price, and
/// nobody gains by changing often.
pub fn unused(price: Money, start: Time, end: Time, now: Time) -> Money {
    worth(price, end - start, end - now.clamp(start, end.max(start)))
}

/// What so much of the time costs of which `whole` costs the price: whole shillings, rounded down.
pub fn worth(price: Money, whole: TimeDelta, part: TimeDelta) -> Money {
    if whole <= TimeDelta::zero() {
        return Money::ZERO;
    }
    let shillings = i128::from(price.minor() / 100) * i128::from(part.num_seconds()) / i128::from(whole.num_seconds().max(1));
    i64::try_from(shillings).ok().and_then(Money::from_shillings).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: i64) -> Time {
        Time::from_timestamp(1_800_000_000 + seconds, 0).expect("a time")
    }

    #[test]
    fn the_rest_of_a_period_is_worth_its_part() {
        let price = Money::from_minor(300_000);
        for (now, left) in [(0, 300_000), (15, 150_000), (30, 0), (31, 0), (-5, 300_000), (20, 100_000), (1, 290_000)] {
            assert_eq!(unused(price, at(0), at(30), at(now)), Money::from_minor(left), "{now}");
        }
        assert_eq!(unused(price, at(30), at(30), at(0)), Money::ZERO);
    }

    proptest! {
        #[test]
        fn it_is_whole_shillings_never_more_than_the_price_and_only_shrinks(price in 1i64..250_000, whole in 1i64..32_000_000, a in 0i64..40_000_000, b in 0i64..40_000_000) {
            let price = Money::from_minor(price * 100);
            let (early, late) = (a.min(b), a.max(b));
            let (first, then) = (unused(price, at(0), at(whole), at(early)), unused(price, at(0), at(whole), at(late)));
            prop_assert!(Money::ZERO <= then && then <= first && first <= price);
            prop_assert!(first.whole_shillings().is_some());
        }
    }
}
