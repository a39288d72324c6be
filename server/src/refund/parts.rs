//! How Netily and the ISP part what goes back. Pure.

use crate::money::Money;
use crate::payments::{Payment, Purpose, Split, split};

/// What went back of a payment so far and did not fail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// How much.
    pub amount: Money,
    /// Netily's part of it.
    pub commission: Money,
}

/// The parts of the next `amount` that goes back: Netily's is what makes its part of everything that went back proportional, as the split of
/// the payment was. So the last part of a payment gives back the last cent of its commission. Of a subscription all is Netily's.
pub fn parts(of: &Payment, before: Kept, amount: Money) -> Split {
    let commission = if of.purpose == Purpose::Subscription {
        amount
    } else {
        let all = Money::from_minor(before.amount.minor().saturating_add(amount.minor()));
        let missing = split(all, of.rate).commission.minor() - before.commission.minor();
        Money::from_minor(missing.clamp(0, amount.minor()))
    };
    Split { commission, isp: Money::from_minor(amount.minor() - commission.minor()) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::id::PaymentId;
    use crate::money::Rate;
    use crate::payments::State;

    fn payment(minor: i64, bps: i32, purpose: Purpose) -> Payment {
        let at = crate::clock::Time::from_timestamp(1_764_547_200, 0).expect("a time");
        Payment {
            id: PaymentId::unguessable(),
            purpose,
            subject: String::new(),
            request_hash: Vec::new(),
            external_reference: String::new(),
            amount: Money::from_minor(minor),
            rate: Rate::from_bps(bps).expect("a rate"),
            phone: None,
            state: State::Succeeded,
            failure: None,
            gateway_reference: None,
            mpesa_receipt: None,
            claim_token: None,
            claim_until: None,
            polls: 0,
            hinted_at: None,
            submitted_at: None,
            expires_at: at,
            created_at: at,
        }
    }

    #[test]
    fn the_whole_gives_back_what_was_taken_and_a_subscription_is_netilys() {
        let of = payment(100_000, 500, Purpose::Hotspot);
        assert_eq!(parts(&of, Kept::default(), of.amount), split(of.amount, of.rate));
        let half = parts(&of, Kept::default(), Money::from_minor(50_000));
        assert_eq!((half.commission.minor(), half.isp.minor()), (2_500, 47_500));
        let own = payment(100_000, 500, Purpose::Subscription);
        assert_eq!(parts(&own, Kept::default(), Money::from_minor(30_000)).commission.minor(), 30_000);
    }

    proptest! {
        /// However a payment goes back in parts, each part is shared and together they are the split of the payment.
        #[test]
        fn parts_of_parts_sum_to_the_split(pieces in prop::collection::vec(1_i64..500_000, 1..12), bps in 0_i32..=10_000) {
            let of = payment(pieces.iter().sum(), bps, Purpose::Invoice);
            let mut kept = Kept::default();
            for piece in pieces {
                let piece = Money::from_minor(piece);
                let part = parts(&of, kept, piece);
                prop_assert!(part.commission >= Money::ZERO && part.isp >= Money::ZERO);
                prop_assert_eq!(part.commission.minor() + part.isp.minor(), piece.minor());
                kept.amount = Money::from_minor(kept.amount.minor() + piece.minor());
                kept.commission = Money::from_minor(kept.commission.minor() + part.commission.minor());
                prop_assert_eq!(kept.commission, split(kept.amount, of.rate).commission, "in proportion after each part");
            }
            prop_assert_eq!(kept.commission, split(of.amount, of.rate).commission);
        }
    }
}
