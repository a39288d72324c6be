//! Posting: lines that balance by construction, written by one statement.

use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::clock::Time;
use crate::db::Tx;
use crate::error::Result;
use crate::id::{IspId, LedgerId, PaymentId};
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
    /// What Netily owes the ISP.
    IspPayable,
}

impl Account {
    const fn as_str(self) -> &'static str {
        match self {
            Account::GatewayClearing => "GATEWAY_CLEARING",
            Account::PlatformRevenue => "PLATFORM_REVENUE",
            Account::IspPayable => "ISP_PAYABLE",
        }
    }
}

/// A payment came in: the gateway holds `split`'s whole; Netily and the ISP own their parts. False when it was booked
/// before.
pub async fn credit_payment(tx: &mut Tx, isp: IspId, payment: PaymentId, gross: Money, split: Split, now: Time) -> Result<bool> {
    let lines = [(Account::GatewayClearing, gross), (Account::PlatformRevenue, split.commission.negated()), (Account::IspPayable, split.isp.negated())];
    post(tx, isp, "PAYMENT_CREDIT", payment.uuid(), &lines, now).await
}

async fn post(tx: &mut Tx, isp: IspId, kind: &str, reference: Uuid, lines: &[(Account, Money)], now: Time) -> Result<bool> {
    let (accounts, amounts): (Vec<&str>, Vec<i64>) = lines.iter().map(|(account, amount)| (account.as_str(), amount.minor())).unzip();
    let post = functions::post(isp, LedgerId::sortable(now), kind, reference, now, accounts, amounts);
    Ok(diesel::select(post).get_result(&mut **tx).await?)
}
