//! What is posted when something is put right: money without an owner, corrections, and what goes back to a payer. Pure; every line of it is decided
//! here. Who may do it, and on what evidence, is the business of the slice `repair`.

use super::post::{Account, EntryKind, Posting};
use crate::money::Money;
use crate::payments::Split;

fn two_lines(kind: EntryKind, debit: Account, credit: Account, amount: Money) -> Posting {
    Posting { kind, lines: vec![(debit, amount), (credit, amount.negated())] }
}

/// Money came in and nobody knows whose it is.
pub fn suspense(amount: Money) -> Posting {
    two_lines(EntryKind::Suspense, Account::GatewayClearing, Account::Suspense, amount)
}

/// Its owner is known: it leaves suspense, and is credited as any payment by a posting of its own.
pub fn suspense_release(amount: Money) -> Posting {
    two_lines(EntryKind::SuspenseRelease, Account::Suspense, Account::GatewayClearing, amount)
}

/// Money belongs to nobody: more than nothing came in, less than nothing went out.
pub fn write_off(amount: Money) -> Posting {
    two_lines(EntryKind::WriteOff, Account::GatewayClearing, Account::WriteOffs, amount)
}

/// Which way Netily's own money went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnerMovement {
    /// Float into the wallet.
    In,
    /// Commission, or float, out of it.
    Out,
}

/// Netily's own money went into or out of the wallet.
pub fn owner_movement(way: OwnerMovement, amount: Money) -> Posting {
    match way {
        OwnerMovement::In => two_lines(EntryKind::OwnerMovement, Account::GatewayClearing, Account::OwnerFloat, amount),
        OwnerMovement::Out => two_lines(EntryKind::OwnerMovement, Account::OwnerFloat, Account::GatewayClearing, amount),
    }
}

/// What an ISP is owed is corrected, at Netily's cost or to its profit: more than nothing is in the ISP's favour.
pub fn adjustment(in_favour: Money) -> Posting {
    two_lines(EntryKind::Adjustment, Account::PlatformRevenue, Account::IspPayable, in_favour)
}

/// What goes back of a payment, and whose money it was: all of what an ISP had paid for the platform is Netily's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Back {
    /// Netily's part and the ISP's.
    pub parts: Split,
    /// Whether an ISP had paid for the platform.
    pub is_subscription: bool,
}

impl Back {
    /// The lines that take it from Netily and the ISP. A part of nothing has no line.
    pub(super) fn lines(self) -> Vec<(Account, Money)> {
        let revenue = if self.is_subscription { Account::SubscriptionRevenue } else { Account::PlatformRevenue };
        let mut lines = vec![(revenue, self.parts.commission), (Account::IspPayable, self.parts.isp)];
        lines.retain(|(_, amount)| *amount != Money::ZERO);
        lines
    }
}

/// The gateway took a payment back, or a part of it. Netily and the ISP each lose their part; what it took beyond the payment Netily bears.
pub fn reversal(back: Back, amount: Money, excess: Money) -> Posting {
    let taken = Money::from_minor(amount.minor().saturating_add(excess.minor()));
    let mut lines = back.lines();
    lines.extend([(Account::WriteOffs, excess), (Account::GatewayClearing, taken.negated())]);
    lines.retain(|(_, amount)| *amount != Money::ZERO);
    Posting { kind: EntryKind::Reversal, lines }
}

/// A payer gets money back: Netily and the ISP each give their part, and it is owed to the payer until it is paid.
pub fn refund(back: Back, amount: Money) -> Posting {
    Posting { kind: EntryKind::Refund, lines: [back.lines(), vec![(Account::RefundsPayable, amount.negated())]].concat() }
}

/// From where a payer got money by hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PaidByHand {
    /// From Netily's own pocket: what was owed to the payer is owed to Netily.
    OwnPocket,
    /// From the wallet, by Netily's people.
    Wallet,
}

/// The payer got it by hand.
pub fn refund_by_hand(amount: Money, from: PaidByHand) -> Posting {
    let credit = match from {
        PaidByHand::OwnPocket => Account::OwnerFloat,
        PaidByHand::Wallet => Account::GatewayClearing,
    };
    two_lines(EntryKind::RefundByHand, Account::RefundsPayable, credit, amount)
}

/// A payout that the books did not know was paid to the ISP.
pub fn adopted_payout(amount: Money) -> Posting {
    two_lines(EntryKind::PayoutAdopted, Account::IspPayable, Account::GatewayClearing, amount)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::money::Rate;
    use crate::payments::split;

    proptest! {
        #[test]
        fn every_repair_balances(amount in 1_i64..1_000_000_000, bps in 0_i32..=10_000) {
            let amount = Money::from_minor(amount);
            let parts = split(amount, Rate::from_bps(bps).expect("a rate"));
            let isps = Back { parts, is_subscription: false };
            let own = Back { parts: Split { commission: amount, isp: Money::ZERO }, is_subscription: true };
            for posting in [
                suspense(amount), suspense_release(amount), write_off(amount), write_off(amount.negated()), adjustment(amount.negated()),
                owner_movement(OwnerMovement::In, amount), owner_movement(OwnerMovement::Out, amount), adopted_payout(amount),
                refund_by_hand(amount, PaidByHand::OwnPocket), refund_by_hand(amount, PaidByHand::Wallet),
                reversal(isps, amount, Money::ZERO), reversal(isps, amount, amount), reversal(own, amount, Money::ZERO), refund(isps, amount), refund(own, amount),
            ] {
                prop_assert!(posting.lines.iter().all(|(_, amount)| *amount != Money::ZERO), "{:?}", posting);
                prop_assert_eq!(posting.lines.iter().map(|(_, amount)| amount.minor()).sum::<i64>(), 0, "{:?}", posting);
            }
        }
    }
}
