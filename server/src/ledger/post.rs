//! What is posted for each act: lines that balance by construction. Writing them is one call of the database, made by the
//! one writer of the act; payments have it inside a larger call.

use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::clock::Time;
use crate::db::Tx;
use crate::error::Result;
use crate::id::{IspId, LedgerId};
use crate::money::Money;
use crate::payments::Split;
use crate::schema::functions;

/// Accounts. Those of the platform have no balance row: they are sums.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Account {
    /// What the gateway holds for us.
    GatewayClearing,
    /// Netily's commission.
    PlatformRevenue,
    /// What ISPs pay Netily for the platform.
    SubscriptionRevenue,
    /// What the gateway charges, and test payments: Netily's cost.
    GatewayFees,
    /// What Netily owes the ISP.
    IspPayable,
    /// What is reserved for payments to the ISP whose end is not known.
    PayoutInTransit,
}

impl Account {
    /// As the database writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Account::GatewayClearing => "GATEWAY_CLEARING",
            Account::PlatformRevenue => "PLATFORM_REVENUE",
            Account::SubscriptionRevenue => "SUBSCRIPTION_REVENUE",
            Account::GatewayFees => "GATEWAY_FEES",
            Account::IspPayable => "ISP_PAYABLE",
            Account::PayoutInTransit => "PAYOUT_IN_TRANSIT",
        }
    }
}

/// A transaction to be posted: + is a debit, - a credit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posting {
    /// Its kind; together with what it books it is posted once.
    pub kind: &'static str,
    /// Its lines, which sum to nothing.
    pub lines: Vec<(Account, Money)>,
}

/// A payment came in: the gateway holds the whole; Netily and the ISP own their parts.
pub fn credit(gross: Money, split: Split) -> Posting {
    let lines = vec![(Account::GatewayClearing, gross), (Account::PlatformRevenue, split.commission.negated()), (Account::IspPayable, split.isp.negated())];
    Posting { kind: "PAYMENT_CREDIT", lines }
}

/// An ISP paid for the platform: all of it is Netily's.
pub fn subscription(gross: Money) -> Posting {
    Posting { kind: "SUBSCRIPTION_CREDIT", lines: vec![(Account::GatewayClearing, gross), (Account::SubscriptionRevenue, gross.negated())] }
}

/// What a payment to an ISP is paid from: what it is owed, or, for the small payment that proves a destination, Netily's own money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PaidFrom {
    /// What Netily owes the ISP.
    Owed,
    /// Netily's own.
    Netily,
}

impl PaidFrom {
    const fn account(self) -> Account {
        match self {
            PaidFrom::Owed => Account::IspPayable,
            PaidFrom::Netily => Account::GatewayFees,
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

/// A step of a payment to an ISP.
pub fn payout(step: Payout, amount: Money, from: PaidFrom) -> Posting {
    let (kind, debit, credit) = match step {
        Payout::Reserved => ("PAYOUT_RESERVE", from.account(), Account::PayoutInTransit),
        Payout::Settled => ("PAYOUT_SETTLE", Account::PayoutInTransit, Account::GatewayClearing),
        Payout::Released => ("PAYOUT_RELEASE", Account::PayoutInTransit, from.account()),
        Payout::LateSuccess => ("PAYOUT_LATE_SUCCESS", from.account(), Account::GatewayClearing),
    };
    Posting { kind, lines: vec![(debit, amount), (credit, amount.negated())] }
}

/// The gateway charged us.
pub fn fee(amount: Money) -> Posting {
    Posting { kind: "GATEWAY_FEE", lines: vec![(Account::GatewayFees, amount), (Account::GatewayClearing, amount.negated())] }
}

/// Writes a posting. False, and nothing is written, when it was written before.
pub async fn post(tx: &mut Tx, isp: IspId, posting: &Posting, reference: Uuid, now: Time) -> Result<bool> {
    let (accounts, amounts): (Vec<&str>, Vec<i64>) = posting.lines.iter().map(|(account, amount)| (account.as_str(), amount.minor())).unzip();
    let act = functions::post(isp, LedgerId::sortable(now), posting.kind, reference, now, accounts, amounts);
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
    fn a_payout_balances_and_every_way_of_it_leaves_nothing_on_its_way() {
        for from in [PaidFrom::Owed, PaidFrom::Netily] {
            let total = |steps: &[Payout], account: Account| {
                let lines = steps.iter().flat_map(|step| payout(*step, Money::from_minor(95_000), from).lines);
                lines.filter(|(of, _)| *of == account).map(|(_, amount)| amount.minor()).sum::<i64>()
            };
            let settled = [Payout::Reserved, Payout::Settled];
            let released = [Payout::Reserved, Payout::Released];
            let late = [Payout::Reserved, Payout::Released, Payout::LateSuccess];
            for (steps, paid) in [(&settled[..], true), (&released, false), (&late, true)] {
                assert_eq!(total(steps, Account::PayoutInTransit), 0, "{steps:?}");
                assert_eq!(total(steps, from.account()), if paid { 95_000 } else { 0 }, "{steps:?}");
                assert_eq!(total(steps, Account::GatewayClearing), if paid { -95_000 } else { 0 }, "{steps:?}");
            }
        }
    }
}
