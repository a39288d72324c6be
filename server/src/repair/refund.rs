//! A payer gets money back. Netily gives its commission back in proportion, and the ISP's part leaves what it is owed, which may go below nothing.
//! Never more than is left of the payment, and to another phone than the one that paid only by two operators.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::reverse::{Returned, agreed, credited, left_of, made_before};
use super::store::Operators;
use super::unmatched::{self, Found, Place};
use crate::app::App;
use crate::approvals::{Act, Ask};
use crate::audit::{self, By};
use crate::breaks::{self, BreakKind};
use crate::clock::Time;
use crate::db::Tx;
use crate::error::{Error, Reason, Result};
use crate::failpoint;
use crate::id::{IspId, PaymentId, RefundId, RequestId, UserId};
use crate::ledger::{self, Back, PaidByHand};
use crate::money::Money;
use crate::payments::store as payment_store;
use crate::payments::{Payment, Purpose};
use crate::phone::Phone;
use crate::refund::{self, Kind, New};
use crate::schema::refund as rows;
use crate::settlement::{self, Notice, ToPayer};

/// How the payer gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// Netily's people paid it already, and this proves it.
    ByHand(String),
    /// The gateway pays it from the wallet, to the phone.
    Gateway,
}

/// What an operator asks for.
#[derive(Clone, Debug)]
pub struct Refunding {
    /// Who had been paid.
    pub isp: IspId,
    /// By which payment.
    pub payment: PaymentId,
    /// How much; none: all that is left.
    pub amount: Option<Money>,
    /// How.
    pub way: Way,
    /// Another phone than the one that paid.
    pub phone: Option<Phone>,
    /// Why.
    pub note: String,
    /// The client's id of the request.
    pub request: RequestId,
    /// Hash of the request's content.
    pub request_hash: Vec<u8>,
}

/// Gives a payer money back. Errors: STATE_CONFLICT when nothing was credited, nothing is left of it, or payouts are stopped or frozen.
pub async fn refund(app: &App, by: UserId, ask: &Refunding) -> Result<Returned> {
    let now = app.clock.now();
    let wallet = if ask.way == Way::Gateway { settlement::room(app).await? } else { None };
    let done = app.db.tx(ask.isp, async |tx| refund_in(app, tx, by, ask, wallet, now).await).await;
    failpoint::reached("refund", "refunded");
    done
}

async fn refund_in(app: &App, tx: &mut Tx, by: UserId, ask: &Refunding, wallet: Option<Money>, now: Time) -> Result<Returned> {
    let isp = ask.isp;
    let payment = payment_store::lock(tx, isp, ask.payment).await?.ok_or_else(|| Error::not_found("payment"))?;
    if let Some(done) = made_before(tx, isp, ask.request, &ask.request_hash).await? {
        return Ok(Returned::Now(Box::new(done)));
    }
    let kept = credited(tx, isp, &payment).await?;
    let left = left_of(&payment, kept);
    if left <= Money::ZERO {
        return Err(Error::new(Reason::StateConflict, "All of this payment went back already, or is on its way back."));
    }
    let amount = ask.amount.unwrap_or(left);
    if amount > left {
        return Err(Error::field("amount", format!("must be at most the KES {left} that are left of the payment")));
    }
    let to = ask.phone.as_ref().or(payment.phone.as_ref());
    let is_other = ask.phone.is_some() && ask.phone != payment.phone;
    let (kind, reference) = match &ask.way {
        Way::ByHand(reference) => (Kind::ByHand, reference.as_str()),
        Way::Gateway => (Kind::Gateway, ""),
    };
    let mut from_wallet = None;
    if kind == Kind::ByHand {
        refuse_twice(tx, isp, payment.id, reference).await?;
        from_wallet = left_the_wallet(tx, reference, amount).await?;
    } else if to.is_none() {
        return Err(Error::field("phone_number", "must be set: the phone that paid is forgotten"));
    }
    let subject = payment.id.to_string();
    let other_phone = to.filter(|_| is_other).map(|phone| unreadable(app, phone));
    let content = json!({ "amount_minor": amount.minor(), "kind": kind.as_str(), "reference": reference, "phone": other_phone });
    let request = Ask { act: Act::Refund, subject: &subject, isp: Some(isp), amount: Some(amount), content, note: &ask.note };
    let operators = match agreed(app, tx, by, &request, is_other, now).await? {
        Operators::Are(operators) => operators,
        Operators::NeedAnother(request) => return Ok(Returned::Waiting(request)),
    };
    if kind == Kind::Gateway {
        settlement::may_refund(tx, isp).await?;
    }
    let parts = refund::parts(&payment, kept, amount);
    let new = New {
        id: RefundId::sortable(now),
        kind,
        payment: payment.id,
        amount,
        parts,
        excess: Money::ZERO,
        reference,
        row_name: "",
        note: &ask.note,
        operators: &operators,
        request: ask.request,
        request_hash: &ask.request_hash,
    };
    post(tx, isp, &payment, &new, now).await?;
    refund::write(tx, isp, &new, now).await?;
    refund::leaves_account(tx, isp, &payment, amount, now).await?;
    match (kind, to) {
        (Kind::Gateway, Some(phone)) => settlement::set_aside(app, tx, isp, ToPayer { id: new.id, phone, amount, wallet }, now).await?,
        _ => {
            let from = if from_wallet.is_some() { PaidByHand::Wallet } else { PaidByHand::OwnPocket };
            ledger::post(tx, isp, &ledger::refund_by_hand(amount, from), new.id.uuid(), now).await?;
            if let Some(found) = &from_wallet {
                unmatched::take_key(tx, found, isp, new.id.uuid(), now).await?;
                breaks::close_as(tx, BreakKind::UnmatchedPayout, reference, &by.to_string(), &ask.note, now).await?;
            }
            refund::tell_customer(tx, isp, &payment, amount, now).await?;
            if amount == left {
                refund::ends(tx, isp, &payment, now).await?;
            }
            tell(app, tx, isp, &payment, amount, parts.isp, now).await?;
        }
    }
    let facts = json!({ "payment": subject, "amount_minor": amount.minor(), "kind": kind.as_str() });
    audit::record(tx, isp, By::User(by), "refund_payment", &new.id.to_string(), facts, now).await?;
    failpoint::reached("refund", "refunding");
    Ok(Returned::Now(Box::new(refund::find(tx, isp, new.id).await?)))
}

/// What two operators compare who name a phone: the request of the first one is kept, and the phone must not be.
fn unreadable(app: &App, phone: &Phone) -> String {
    let hash = Sha256::new_with_prefix(app.config.callback_key.as_slice()).chain_update(phone.digits()).finalize();
    format!("{phone} {}", hex::encode(hash.get(..8).unwrap_or_default()))
}

/// Takes it from Netily and the ISP: it is owed to the payer.
async fn post(tx: &mut Tx, isp: IspId, payment: &Payment, new: &New<'_>, now: Time) -> Result<()> {
    let back = Back { parts: new.parts, is_subscription: payment.purpose == Purpose::Subscription };
    if ledger::post(tx, isp, &ledger::refund(back, new.amount), new.id.uuid(), now).await? {
        Ok(())
    } else {
        Err(Error::internal(format!("{} was posted before", new.id)))
    }
}

/// Owners of the ISP hear what leaves their balance. Of what an ISP had paid for the platform nothing does.
async fn tell(app: &App, tx: &mut Tx, isp: IspId, payment: &Payment, amount: Money, part: Money, now: Time) -> Result<()> {
    if part <= Money::ZERO {
        return Ok(());
    }
    let receipt = payment.mpesa_receipt.clone().unwrap_or_default();
    settlement::tell_owners(app, tx, isp, &Notice::Refunded { amount, part, receipt }, now).await
}

/// What was paid by hand once is not written down twice for the same payment.
async fn refuse_twice(tx: &mut Tx, isp: IspId, payment: PaymentId, reference: &str) -> Result<()> {
    let same =
        rows::table.filter(rows::tenant_id.eq(isp).and(rows::payment_id.eq(payment)).and(rows::kind.eq(Kind::ByHand)).and(rows::reference.eq(reference)));
    let before: Option<RefundId> = same.select(rows::id).first(&mut **tx).await.optional()?;
    match before {
        Some(id) => Err(Error::field("by_hand_reference", format!("is the one of {id}: it was written down before"))),
        None => Ok(()),
    }
}

/// The gateway's row, if what was paid by hand left the wallet and stands open as unmatched.
async fn left_the_wallet(tx: &mut Tx, reference: &str, amount: Money) -> Result<Option<Found>> {
    if !breaks::is_open(tx, BreakKind::UnmatchedPayout, reference).await? {
        return Ok(None);
    }
    let found = unmatched::lock(tx, reference).await?;
    if found.place != Place::Break(BreakKind::UnmatchedPayout) || found.amount != amount.negated() {
        return Err(Error::field("amount", format!("must be the KES {} that left the wallet under this reference", found.amount.negated())));
    }
    Ok(Some(found))
}
