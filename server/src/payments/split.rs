//! How a payment is parted between Netily and the ISP. Pure; the parts always sum to the whole.

use crate::money::{Money, Rate};

/// The parts of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Split {
    /// Netily's.
    pub commission: Money,
    /// The ISP's: gross less commission, so that no cent is made or lost.
    pub isp: Money,
}

/// Parts `gross`: the commission is gross × rate, rounded half to even to the cent.
pub fn split(gross: Money, rate: Rate) -> Split {
    let product = i128::from(gross.minor()) * i128::from(rate.bps());
    let (quotient, rest) = (product.div_euclid(10_000), product.rem_euclid(10_000));
    let up = rest > 5_000 || (rest == 5_000 && quotient % 2 != 0);
    // The commission lies between nothing and the gross, so it fits wherever the gross does.
    let commission = i64::try_from(quotient + i128::from(up)).unwrap_or(gross.minor());
    Split { commission: Money::from_minor(commission), isp: Money::from_minor(gross.minor() - commission) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rust_decimal::{Decimal, RoundingStrategy};

    use super::*;

    #[test]
    fn five_percent_of_whole_shillings_is_exact() {
        for (gross, commission, isp) in [(1_000, 50, 950), (100, 5, 95), (5_000, 250, 4_750), (30_000, 1_500, 28_500)] {
            let parts = split(Money::from_minor(gross), Rate::from_bps(500).expect("a rate"));
            assert_eq!((parts.commission.minor(), parts.isp.minor()), (commission, isp));
        }
    }

    #[test]
    fn halves_go_to_the_even_cent() {
        for (gross, commission) in [(10, 0), (30, 2), (50, 2), (70, 4)] {
            assert_eq!(split(Money::from_minor(gross), Rate::from_bps(500).expect("a rate")).commission.minor(), commission, "{gross}");
        }
    }

    proptest! {
        #[test]
        fn parts_sum_to_the_whole_and_agree_with_decimal_rounding(gross in 0i64..1_000_000_000_000, bps in 0i32..=10_000) {
            let parts = split(Money::from_minor(gross), Rate::from_bps(bps).expect("a rate"));
            prop_assert_eq!(parts.commission.minor() + parts.isp.minor(), gross);
            prop_assert!(parts.commission.minor() >= 0 && parts.isp.minor() >= 0);
            let exact = Decimal::from(gross) * Decimal::new(i64::from(bps), 4);
            prop_assert_eq!(Decimal::from(parts.commission.minor()), exact.round_dp_with_strategy(0, RoundingStrategy::MidpointNearestEven));
        }
    }
}
