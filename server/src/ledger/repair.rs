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

/// The gateway took a payment back, or a part of it. Netily and the ISP each lose their part.
pub fn reversal(gross: Money, split: Split, is_subscription: bool) -> Posting {
    let lines = if is_subscription {
        vec![(Account::SubscriptionRevenue, gross)]
    } else {
        vec![(Account::PlatformRevenue, split.commission), (Account::IspPayable, split.isp)]
    };
    Posting { kind: EntryKind::Reversal, lines: [lines, vec![(Account::GatewayClearing, gross.negated())]].concat() }
}

/// A payer gets money back: Netily and the ISP each give their part, and it is owed to the payer until it is paid.
pub fn refund(gross: Money, split: Split, is_subscription: bool) -> Posting {
    let Posting { mut lines, .. } = reversal(gross, split, is_subscription);
    lines.retain(|(account, _)| *account != Account::GatewayClearing);
    lines.push((Account::RefundsPayable, gross.negated()));
    Posting { kind: EntryKind::Refund, lines }
}

/// The payer got it by hand from Netily's own pocket, so what was owed to the payer is owed to Netily.
pub fn refund_by_hand(amount: Money) -> Posting {
    two_lines(EntryKind::RefundByHand, Account::RefundsPayable, Account::OwnerFloat, amount)
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
            for posting in [
                suspense(amount), suspense_release(amount), write_off(amount), write_off(amount.negated()), adjustment(amount.negated()),
                owner_movement(OwnerMovement::In, amount), owner_movement(OwnerMovement::Out, amount), refund_by_hand(amount), adopted_payout(amount),
                reversal(amount, parts, false), reversal(amount, parts, true), refund(amount, parts, false), refund(amount, parts, true),
            ] {
                prop_assert_eq!(posting.lines.iter().map(|(_, amount)| amount.minor()).sum::<i64>(), 0, "{:?}", posting);
            }
        }
    }
}
