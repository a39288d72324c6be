//! Money that goes back to whoever paid, by the gateway: it goes the way of every payout, so that it is asked for once, looked for before it is
//! given up, and told apart from every other one. Who may ask for it, and how much, is decided in `repair`.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::json;

use super::config;
use super::destination::Destination;
use super::left::LeftBecause;
use super::plan::Room;
use super::reserve::{self, AmountLock, given_today};
use super::run::brake;
use super::store::{Kind, New, Settlement};
use super::tell::{self, Notice};
use crate::app::App;
use crate::breaks::{self, BreakKind};
use crate::clock::Time;
use crate::db::Tx;
use crate::error::{Error, Reason, Result};
use crate::id::{IspId, PaymentId, RefundId, SettlementId};
use crate::ledger::{Back, PaidFrom};
use crate::money::Money;
use crate::payments::store as payment_store;
use crate::payments::{Payment, Purpose, Split};
use crate::phone::Phone;
use crate::refund;
use crate::schema::refund as rows;

/// Why it cannot be paid now. An operator who asks is not served later by itself, as an ISP is.
fn conflict(why: &LeftBecause) -> Error {
    let sentence = match why {
        LeftBecause::Wallet => "The wallet does not hold enough for it just now. Top it up, or pay it by hand.".to_owned(),
        LeftBecause::IspCap(_) | LeftBecause::PlatformCap => "The most that leaves in a day was reached. Try again tomorrow, or pay it by hand.".to_owned(),
        LeftBecause::AmountsInDoubt => {
            "Another payout of the same amount is not confirmed yet, and the two could not be told apart. Try again once it is, or pay it by hand.".to_owned()
        }
        why => why.text(),
    };
    Error::new(Reason::StateConflict, sentence)
}

/// Whether the gateway may be asked to give money back now. Locks where the ISP is paid, as everywhere before its balance.
pub async fn may_refund(tx: &mut Tx, isp: IspId) -> Result<()> {
    if let Some(why) = brake(tx).await? {
        return Err(conflict(&why));
    }
    match config::lock(tx, isp).await?.and_then(|config| config.frozen) {
        Some(reason) => Err(conflict(&LeftBecause::Frozen(reason))),
        None => Ok(()),
    }
}

/// What a payer is to get.
#[derive(Clone, Copy, Debug)]
pub struct ToPayer<'a> {
    /// Which refund.
    pub id: RefundId,
    /// Where it goes.
    pub phone: &'a Phone,
    /// How much.
    pub amount: Money,
    /// What the gateway's wallet holds for it; none: the gateway does not tell.
    pub wallet: Option<Money>,
}

/// Sets aside what is owed to a payer, and asks for sending it.
pub async fn set_aside(app: &App, tx: &mut Tx, isp: IspId, wanted: ToPayer<'_>, now: Time) -> Result<()> {
    let ToPayer { id, phone, amount, wallet } = wanted;
    if amount.whole_shillings().is_none() {
        return Err(Error::field("amount", "must be whole shillings: the payment company pays nothing else"));
    }
    let lock = AmountLock::take(tx).await?;
    let (_, all) = given_today(tx, isp, now).await?;
    // What an ISP is paid in a day bounds its owners, not its payers.
    let most = Room::of(&app.config.payouts, Money::ZERO, all, wallet).most(amount).map_err(|why| conflict(&why))?;
    if amount > most {
        return Err(Error::field("amount", format!("must be at most KES {most}: the payment company pays no more at once")));
    }
    if !lock.doubtful(tx, amount, amount).await?.is_empty() {
        return Err(conflict(&LeftBecause::AmountsInDoubt));
    }
    let destination = Destination::Mpesa { phone: phone.clone(), name: String::new() };
    let new = New {
        id: SettlementId::from(id.uuid()),
        kind: Kind::Refund,
        period: &id.to_string(),
        part: 1,
        amount,
        covers_from: None,
        covers_until: now,
        arithmetic: (Money::ZERO, Money::ZERO, Money::ZERO),
        config_version: 0,
        destination: &destination,
    };
    // To be set aside it is taken from what is owed to payers, whosever it was before.
    let owed = Back { parts: Split { commission: amount, isp: Money::ZERO }, is_subscription: false };
    reserve::write(tx, isp, &new, PaidFrom::Payer(owed), lock, now).await
}

/// What a settlement is paid from.
pub(super) async fn paid_from(tx: &mut Tx, isp: IspId, of: &Settlement) -> Result<PaidFrom> {
    Ok(match of.kind()? {
        Kind::Settlement => PaidFrom::Owed,
        Kind::Test => PaidFrom::Netily,
        Kind::Refund => {
            let (payment, parts) = of_payment(tx, isp, of).await?;
            PaidFrom::Payer(Back { parts, is_subscription: payment.purpose == Purpose::Subscription })
        }
    })
}

async fn of_payment(tx: &mut Tx, isp: IspId, of: &Settlement) -> Result<(Payment, Split)> {
    let row = rows::table.find((isp, RefundId::from(of.id.uuid()))).select((rows::payment_id, rows::commission_minor, rows::isp_minor));
    let row: Option<(PaymentId, Money, Money)> = row.first(&mut **tx).await.optional()?;
    let (id, commission, part) = row.ok_or_else(|| Error::internal(format!("{} gives nothing back", of.id)))?;
    let payment = payment_store::find(tx, isp, id).await?.ok_or_else(|| Error::internal(format!("{id} is gone")))?;
    Ok((payment, Split { commission, isp: part }))
}

/// The payer has it. `late`: although it had failed, and was taken back for that.
pub(super) async fn paid(app: &App, tx: &mut Tx, isp: IspId, of: &Settlement, late: bool, now: Time) -> Result<()> {
    let (payment, parts) = of_payment(tx, isp, of).await?;
    if late {
        refund::leaves_account(tx, isp, &payment, of.amount_minor, now).await?;
        breaks::close(tx, BreakKind::RefundFailed, &of.id.uuid().to_string(), "It was paid after all.", now).await?;
    }
    let kept = refund::kept(tx, isp, payment.id).await?;
    if kept.amount > payment.amount {
        // It was given back another way meanwhile: nobody can take it from the payer again, so people must know.
        let detail = json!({ "payment": payment.id.to_string(), "refund": RefundId::from(of.id.uuid()).to_string(), "paid_minor": payment.amount.minor(), "refunded_minor": kept.amount.minor() });
        breaks::open(tx, BreakKind::PaidTwice, &of.id.uuid().to_string(), Some(isp), None, detail, now).await?;
    }
    if kept.amount >= payment.amount {
        refund::ends(tx, isp, &payment, now).await?;
    }
    refund::tell_customer(tx, isp, &payment, of.amount_minor, now).await?;
    if parts.isp > Money::ZERO {
        let receipt = payment.mpesa_receipt.clone().unwrap_or_default();
        tell::to_owners(app, tx, isp, &Notice::Refunded { amount: of.amount_minor, part: parts.isp, receipt }, now).await?;
    }
    Ok(())
}

/// The payer did not get it, provably: Netily and the ISP have it again, and so has a customer's account. Operators hear of it.
pub(super) async fn not_paid(tx: &mut Tx, isp: IspId, of: &Settlement, why: &str, now: Time) -> Result<()> {
    let (payment, _) = of_payment(tx, isp, of).await?;
    refund::did_not_arrive(tx, isp, &payment, of.amount_minor, now).await?;
    let detail = json!({ "payment": payment.id.to_string(), "refund": RefundId::from(of.id.uuid()).to_string(), "why": why });
    breaks::open(tx, BreakKind::RefundFailed, &of.id.uuid().to_string(), Some(isp), Some(of.amount_minor), detail, now).await
}
