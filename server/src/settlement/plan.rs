//! How much may leave at most for one ISP, when there is not enough for all. Pure. Those owed longest are asked first, and nobody waits
//! for one who is owed more than there is: such a one gets what there is.

use super::left::LeftBecause;
use crate::config::Payouts;
use crate::money::Money;

/// What the gateway may charge for one payment, besides the amount.
pub const CHARGE: Money = Money::from_minor(2_000);

/// What is left to be given out.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    /// The most of one payment.
    pub payment: Money,
    /// What the ISP may still be paid today.
    pub isp_day: Money,
    /// The most that an ISP is paid in a day, to be named.
    pub isp_cap: Money,
    /// What all may still be paid today.
    pub day: Money,
    /// What the wallet holds and nobody waits for; none: the gateway does not tell.
    pub wallet: Option<Money>,
}

impl Room {
    /// The room of an ISP, of what it and all were given today.
    pub fn of(bounds: &Payouts, own: Money, all: Money, wallet: Option<Money>) -> Room {
        let left = |cap: Money, given: Money| cap.checked_sub(given).unwrap_or_default().max(Money::ZERO);
        Room {
            payment: bounds.cap_per_payment,
            isp_day: left(bounds.cap_per_isp_day, own),
            isp_cap: bounds.cap_per_isp_day,
            day: left(bounds.cap_per_day, all),
            wallet,
        }
    }

    /// The most that may leave in one payment, if that is worth a payment to an ISP that wants at least so much.
    pub fn most(&self, minimum: Money) -> Result<Money, LeftBecause> {
        let wallet = self.wallet.map(|wallet| wallet.checked_sub(CHARGE).unwrap_or_default().max(Money::ZERO));
        if self.isp_day < minimum {
            return Err(LeftBecause::IspCap(self.isp_cap));
        }
        if self.day < minimum {
            return Err(LeftBecause::PlatformCap);
        }
        if wallet.is_some_and(|wallet| wallet < minimum) {
            return Err(LeftBecause::Wallet);
        }
        let most = self.payment.min(self.isp_day).min(self.day);
        Ok(wallet.map_or(most, |wallet| most.min(wallet)))
    }
}

/// What is left of the wallet once a payment was reserved.
pub fn after(wallet: Option<Money>, amount: Money) -> Option<Money> {
    wallet.map(|wallet| wallet.checked_sub(amount).and_then(|left| left.checked_sub(CHARGE)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn kes(shillings: i64) -> Money {
        Money::from_minor(shillings * 100)
    }

    fn room(wallet: i64) -> Room {
        Room { payment: kes(150_000), isp_day: kes(500_000), isp_cap: kes(500_000), day: kes(5_000_000), wallet: Some(kes(wallet)) }
    }

    /// What each of some ISPs gets, in their order: what is owed, and the minimum.
    fn paid(isps: &[(i64, i64)], wallet: i64) -> Vec<Result<Money, LeftBecause>> {
        let mut left = Some(kes(wallet));
        isps.iter()
            .map(|(owed, minimum)| {
                let most = Room { wallet: left, ..room(0) }.most(kes(*minimum))?;
                let amount = kes(*owed).min(Money::from_minor(most.minor() / 100 * 100));
                left = after(left, amount);
                Ok(amount)
            })
            .collect()
    }

    #[test]
    fn a_large_one_gets_what_there_is_and_a_small_one_is_not_blocked() {
        let got = paid(&[(400_000, 100), (1_000, 100), (500, 100)], 152_000);
        assert_eq!(got, [Ok(kes(150_000)), Ok(kes(1_000)), Ok(kes(500))], "a payment has a cap, and the rest is the others'");
        let got = paid(&[(90_000, 100_000), (500, 100)], 2_000);
        assert_eq!(got, [Err(LeftBecause::Wallet), Ok(kes(500))], "what is below its minimum is no payment, and the next one is paid");
    }

    #[test]
    fn what_binds_is_named() {
        assert_eq!(Room { isp_day: kes(99), ..room(9_000) }.most(kes(100)), Err(LeftBecause::IspCap(kes(500_000))));
        assert_eq!(Room { day: kes(99), ..room(9_000) }.most(kes(100)), Err(LeftBecause::PlatformCap));
        assert_eq!(room(119).most(kes(100)), Err(LeftBecause::Wallet), "the charge of the payment must be there too");
        assert_eq!(room(120).most(kes(100)), Ok(kes(100)));
        assert_eq!(Room { wallet: None, ..room(0) }.most(kes(100)), Ok(kes(150_000)), "a gateway that does not tell stops nobody");
        assert_eq!(room(-500).most(kes(100)), Err(LeftBecause::Wallet));
    }

    proptest! {
        #[test]
        fn nobody_is_blocked_and_the_wallet_is_never_overdrawn(
            isps in proptest::collection::vec((100_i64..400_000, 10_i64..5_000), 1..30), wallet in 0_i64..2_000_000) {
            let isps: Vec<(i64, i64)> = isps.into_iter().map(|(owed, minimum)| (owed.max(minimum), minimum)).collect();
            let mut left = wallet;
            for ((owed, minimum), got) in isps.iter().zip(paid(&isps, wallet)) {
                let charge = CHARGE.minor() / 100;
                match got {
                    Ok(amount) => {
                        let amount = amount.minor() / 100;
                        prop_assert!(amount >= *minimum && amount <= 150_000 && amount <= *owed);
                        // Less than everything only where one payment or the wallet cannot hold more.
                        prop_assert!(amount == *owed || amount == 150_000 || amount == left - charge);
                        left -= amount + charge;
                        prop_assert!(left >= 0);
                    }
                    Err(why) => {
                        prop_assert_eq!(why, LeftBecause::Wallet);
                        prop_assert!(left - charge < *minimum, "who fits into what is left is paid");
                    }
                }
            }
        }
    }
}
