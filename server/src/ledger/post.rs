//! What is posted for each act: lines that balance by construction. Writing them is one call of the database, made by the
//! one writer of the act; payments have it inside a larger call.

use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::repair::Back;
use crate::clock::Time;
use crate::db::Tx;
use crate::error::Result;
use crate::id::{IspId, LedgerId};
use crate::money::Money;
use crate::payments::Split;
use crate::schema::functions;

crate::text_enum! {
    /// Accounts. Those of the platform have no balance row: they are sums.
    pub enum Account {
        /// What the gateway holds for us.
        GatewayClearing = "GATEWAY_CLEARING",
        /// Netily's commission.
        PlatformRevenue = "PLATFORM_REVENUE",
        /// What ISPs pay Netily for the platform.
        SubscriptionRevenue = "SUBSCRIPTION_REVENUE",
        /// What the gateway charges, and test payments: Netily's cost.
        GatewayFees = "GATEWAY_FEES",
        /// Money that came in and whose owner is not known yet.
        Suspense = "SUSPENSE",
        /// Money that came or went and belongs to nobody.
        WriteOffs = "WRITE_OFFS",
        /// What Netily put into the wallet itself, less what it took out.
        OwnerFloat = "OWNER_FLOAT",
        /// What Netily owes the ISP. May be less than nothing after a reversal: the next credits make it good.
        IspPayable = "ISP_PAYABLE",
        /// What is reserved for payments to the ISP whose end is not known.
        PayoutInTransit = "PAYOUT_IN_TRANSIT",
        /// What payers get back and have not got yet.
        RefundsPayable = "REFUNDS_PAYABLE",
    }
}

crate::text_enum! {
    /// What is booked. Together with the id of what it books, each is posted once.
    pub enum EntryKind {
        /// A payment came in.
        PaymentCredit = "PAYMENT_CREDIT",
        /// An ISP paid for the platform.
        SubscriptionCredit = "SUBSCRIPTION_CREDIT",
        /// Money is set aside for an ISP or for a refund.
        PayoutReserve = "PAYOUT_RESERVE",
        /// What was set aside was paid.
        PayoutSettle = "PAYOUT_SETTLE",
        /// What was set aside was not paid and goes back.
        PayoutRelease = "PAYOUT_RELEASE",
        /// What had gone back was paid after all.
        PayoutLateSuccess = "PAYOUT_LATE_SUCCESS",
        /// A payout that the books did not know was an ISP's.
        PayoutAdopted = "PAYOUT_ADOPTED",
        /// The gateway charged us.
        GatewayFee = "GATEWAY_FEE",
        /// An ISP pays for being paid at once.
        WithdrawalFee = "WITHDRAWAL_FEE",
        /// A payer gets money back.
        Refund = "REFUND",
        /// A payer got it back by hand, not through the gateway.
        RefundByHand = "REFUND_BY_HAND",
        /// The gateway took back what was credited.
        Reversal = "REVERSAL",
        /// Two operators correct what an ISP is owed.
        Adjustment = "ADJUSTMENT",
        /// Money came in whose owner is not known.
        Suspense = "SUSPENSE",
        /// Its owner is known.
        SuspenseRelease = "SUSPENSE_RELEASE",
        /// Money belongs to nobody.
        WriteOff = "WRITE_OFF",
        /// Netily's own money went into or out of the wallet.
        OwnerMovement = "OWNER_MOVEMENT",
    }
}

/// A transaction to be posted: + is a debit, - a credit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posting {
    /// Its kind; together with what it books it is posted once.
    pub kind: EntryKind,
    /// Its lines, which sum to nothing.
    pub lines: Vec<(Account, Money)>,
}

/// A payment came in: the gateway holds the whole; Netily and the ISP own their parts.
pub fn credit(gross: Money, split: Split) -> Posting {
    let lines = vec![(Account::GatewayClearing, gross), (Account::PlatformRevenue, split.commission.negated()), (Account::IspPayable, split.isp.negated())];
    Posting { kind: EntryKind::PaymentCredit, lines }
}

/// An ISP paid for the platform: all of it is Netily's.
pub fn subscription(gross: Money) -> Posting {
    Posting { kind: EntryKind::SubscriptionCredit, lines: vec![(Account::GatewayClearing, gross), (Account::SubscriptionRevenue, gross.negated())] }
}

/// What is paid from: what an ISP is owed; for the small payment that proves a destination, Netily's own money; or what a payer gets back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PaidFrom {
    /// What Netily owes the ISP.
    Owed,
    /// Netily's own.
    Netily,
    /// What a payer gets back, of which Netily and the ISP each gave a part. Should it not be paid, each has its part again.
    Payer(Back),
}

impl PaidFrom {
    /// The lines that take an amount from there.
    fn taken(self, step: Payout, amount: Money) -> Vec<(Account, Money)> {
        match (self, step) {
            (PaidFrom::Owed, _) => vec![(Account::IspPayable, amount)],
            (PaidFrom::Netily, _) => vec![(Account::GatewayFees, amount)],
            (PaidFrom::Payer(_), Payout::Reserved | Payout::Settled) => vec![(Account::RefundsPayable, amount)],
            (PaidFrom::Payer(back), Payout::Released | Payout::LateSuccess) => back.lines(),
        }
    }
}

/// What becomes of money on its way to an ISP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Payout {
    /// It is set aside before anything is sent.
    Reserved,
    /// It was paid.
    Settled,
    /// It was provably not paid, and goes back.
    Released,
    /// It was paid although it was given back.
    LateSuccess,
}

/// A step of a payment to an ISP, or to a payer.
pub fn payout(step: Payout, amount: Money, from: PaidFrom) -> Posting {
    let taken = from.taken(step, amount);
    let (kind, lines) = match step {
        Payout::Reserved => (EntryKind::PayoutReserve, [taken, vec![(Account::PayoutInTransit, amount.negated())]].concat()),
        Payout::Settled => (EntryKind::PayoutSettle, vec![(Account::PayoutInTransit, amount), (Account::GatewayClearing, amount.negated())]),
        Payout::Released => {
            let back = taken.into_iter().map(|(account, amount)| (account, amount.negated())).collect();
            (EntryKind::PayoutRelease, [vec![(Account::PayoutInTransit, amount)], back].concat())
        }
        Payout::LateSuccess => (EntryKind::PayoutLateSuccess, [taken, vec![(Account::GatewayClearing, amount.negated())]].concat()),
    };
    Posting { kind, lines }
}

/// An ISP took what it is owed between two payouts, which has its price.
pub fn withdrawal_fee(fee: Money) -> Posting {
    Posting { kind: EntryKind::WithdrawalFee, lines: vec![(Account::IspPayable, fee), (Account::PlatformRevenue, fee.negated())] }
}

/// The gateway charged us.
pub fn fee(amount: Money) -> Posting {
    Posting { kind: EntryKind::GatewayFee, lines: vec![(Account::GatewayFees, amount), (Account::GatewayClearing, amount.negated())] }
}

/// Writes a posting. False, and nothing is written, when it was written before.
pub async fn post(tx: &mut Tx, isp: IspId, posting: &Posting, reference: Uuid, now: Time) -> Result<bool> {
    let (accounts, amounts): (Vec<&str>, Vec<i64>) = posting.lines.iter().map(|(account, amount)| (account.as_str(), amount.minor())).unzip();
    let act = functions::post(isp, LedgerId::sortable(now), posting.kind.as_str(), reference, now, accounts, amounts);
    Ok(diesel::select(act).get_result(&mut **tx).await?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Rate;
    use crate::payments::split;

    #[test]
    fn a_credit_balances() {
        for (gross, bps) in [(1_000, 500), (9_900, 475), (100, 10_000), (30_000, 0)] {
            let gross = Money::from_minor(gross);
            let posting = credit(gross, split(gross, Rate::from_bps(bps).expect("a rate")));
            assert_eq!(posting.lines.iter().map(|(_, amount)| amount.minor()).sum::<i64>(), 0);
        }
    }

    #[test]
    fn a_refund_takes_both_parts_once_it_is_paid_and_none_when_it_is_not() {
        let amount = Money::from_minor(100_000);
        let back = Back { parts: split(amount, Rate::from_bps(500).expect("a rate")), is_subscription: false };
        let total = |steps: &[Payout], account: Account| {
            let begins = super::super::repair::refund(back, amount).lines;
            let lines = begins.into_iter().chain(steps.iter().flat_map(|step| payout(*step, amount, PaidFrom::Payer(back)).lines));
            lines.filter(|(of, _)| *of == account).map(|(_, amount)| amount.minor()).sum::<i64>()
        };
        let ways = [
            (&[Payout::Reserved, Payout::Settled][..], true),
            (&[Payout::Reserved, Payout::Released], false),
            (&[Payout::Reserved, Payout::Released, Payout::LateSuccess], true),
        ];
        for (steps, is_paid) in ways {
            assert_eq!((total(steps, Account::PayoutInTransit), total(steps, Account::RefundsPayable)), (0, 0), "{steps:?}");
            let parts = (total(steps, Account::PlatformRevenue), total(steps, Account::IspPayable), total(steps, Account::GatewayClearing));
            assert_eq!(parts, if is_paid { (5_000, 95_000, -100_000) } else { (0, 0, 0) }, "{steps:?}");
        }
    }

    #[test]
    fn a_payout_balances_and_every_way_of_it_leaves_nothing_on_its_way() {
        for (from, source) in [(PaidFrom::Owed, Account::IspPayable), (PaidFrom::Netily, Account::GatewayFees)] {
            let total = |steps: &[Payout], account: Account| {
                let lines = steps.iter().flat_map(|step| payout(*step, Money::from_minor(95_000), from).lines);
                lines.filter(|(of, _)| *of == account).map(|(_, amount)| amount.minor()).sum::<i64>()
            };
            let settled = [Payout::Reserved, Payout::Settled];
            let released = [Payout::Reserved, Payout::Released];
            let late = [Payout::Reserved, Payout::Released, Payout::LateSuccess];
            for (steps, paid) in [(&settled[..], true), (&released, false), (&late, true)] {
                assert_eq!(total(steps, Account::PayoutInTransit), 0, "{steps:?}");
                assert_eq!(total(steps, source), if paid { 95_000 } else { 0 }, "{steps:?}");
                assert_eq!(total(steps, Account::GatewayClearing), if paid { -95_000 } else { 0 }, "{steps:?}");
            }
        }
    }
}
