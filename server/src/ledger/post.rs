//! What is posted for each act: lines that balance by construction. Writing them is one call of the database, made by the
//! one writer of the act.

use crate::money::Money;
use crate::payments::Split;

/// Accounts. Those of the platform have no balance row: they are sums.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Account {
    /// What the gateway holds for us.
    GatewayClearing,
    /// Netily's commission.
    PlatformRevenue,
    /// What ISPs pay Netily for the platform.
    SubscriptionRevenue,
    /// What Netily owes the ISP.
    IspPayable,
}

impl Account {
    /// As the database writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Account::GatewayClearing => "GATEWAY_CLEARING",
            Account::PlatformRevenue => "PLATFORM_REVENUE",
            Account::SubscriptionRevenue => "SUBSCRIPTION_REVENUE",
            Account::IspPayable => "ISP_PAYABLE",
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
}
