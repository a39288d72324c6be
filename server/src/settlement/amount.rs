//! How much is paid. Pure: whole shillings, no more than the cap, and no amount of a settlement of which nobody knows whether it was paid.

use std::collections::HashSet;

use crate::money::Money;

/// How far below what is owed an amount may go to be its own: the rest is carried.
pub const STEPS: i64 = 5_000;

/// What becomes of what is owed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Payout {
    /// So much is paid and the rest is carried.
    Pay(Money),
    /// Less than the ISP wants to be paid at once.
    BelowMinimum,
    /// Every amount that would do is in doubt.
    NoFreeAmount,
}

/// What is paid of what is owed. `doubtful`: amounts of settlements of which nobody knows whether they were paid, which are nearly always
/// none. Any number of settlements may have one amount otherwise.
pub fn payout(owed: Money, minimum: Money, cap: Money, doubtful: &HashSet<Money>) -> Payout {
    let whole = Money::from_minor(owed.minor().div_euclid(100) * 100);
    if whole < minimum || whole <= Money::ZERO {
        return Payout::BelowMinimum;
    }
    let most = whole.min(cap);
    // An ISP that wants to be paid from so much on gets no less.
    let least = minimum.minor().max(100).min(most.minor()).max(most.minor() - STEPS * 100);
    let mut amount = most.minor();
    while amount >= least {
        if !doubtful.contains(&Money::from_minor(amount)) {
            return Payout::Pay(Money::from_minor(amount));
        }
        amount -= 100;
    }
    Payout::NoFreeAmount
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn kes(shillings: i64) -> Money {
        Money::from_minor(shillings * 100)
    }

    #[test]
    fn whole_shillings_within_the_cap_and_not_below_the_minimum() {
        let none = HashSet::new();
        #[rustfmt::skip]
        let rows = [
            (999, kes(10), Payout::BelowMinimum), // KES 9.99
            (1_000, kes(10), Payout::Pay(kes(10))),
            (1_099, kes(10), Payout::Pay(kes(10))),
            (95_050, kes(100), Payout::Pay(kes(950))),
            (15_000_000, kes(100), Payout::Pay(kes(150_000))),
            (15_000_100, kes(100), Payout::Pay(kes(150_000))), // KES 150,001: the rest is another settlement
            (0, kes(1), Payout::BelowMinimum),
            (-500, kes(1), Payout::BelowMinimum),
        ];
        for (owed, minimum, wanted) in rows {
            assert_eq!(payout(Money::from_minor(owed), minimum, kes(150_000), &none), wanted, "{owed}");
        }
    }

    #[test]
    fn an_amount_that_is_in_doubt_gives_way_to_the_next_lower_one() {
        let doubtful: HashSet<Money> = [kes(950), kes(949)].into();
        assert_eq!(payout(kes(950), kes(100), kes(150_000), &doubtful), Payout::Pay(kes(948)));
        assert_eq!(payout(kes(950), kes(949), kes(150_000), &doubtful), Payout::NoFreeAmount, "never below the minimum");
    }

    proptest! {
        #[test]
        fn no_cent_is_lost(owed in -10_000_i64..200_000_000, minimum in 1_i64..1_000, taken in 0_i64..50) {
            let owed = Money::from_minor(owed);
            let doubtful: HashSet<Money> = (0..taken).map(|step| Money::from_minor((owed.minor().div_euclid(100) - step) * 100)).collect();
            if let Payout::Pay(amount) = payout(owed, kes(minimum), kes(150_000), &doubtful) {
                let carried = owed.checked_sub(amount).expect("fits");
                prop_assert!(amount.whole_shillings().is_some() && amount >= kes(minimum) && amount <= kes(150_000));
                prop_assert!(carried >= Money::ZERO);
                prop_assert!(!doubtful.contains(&amount));
            }
        }
    }
}
