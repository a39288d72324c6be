//! Giving money that came in its owner. What it posts is what any payment posts: it goes the way of every success, with the operators as the
//! witness, so that receipt, split, access and messages follow from it as always.

use serde_json::json;

use super::store::{self, Done, Kind, Operators, Repair};
use super::unmatched::{self, Found, Place, QUARANTINED};
use crate::app::App;
use crate::approvals::{Act, Ask};
use crate::audit::{self, By};
use crate::billing;
use crate::breaks::{self, BreakKind};
use crate::clock::Time;
use crate::collect::{self, Confirmed};
use crate::db::Tx;
use crate::error::{Error, Reason, Result};
use crate::gateways::payhero::{self, AskError};
use crate::hotspot;
use crate::id::{CustomerId, IspId, PLATFORM, PaymentId, RowId, SessionId, UserId};
use crate::ledger;
use crate::money::Money;
use crate::payments::store::{self as payment_store, Observation, Seen, Source};
use crate::payments::{Payment, State};

/// Whose it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// A payment whose end we never learnt, or whose answer we did not believe.
    Payment(IspId, PaymentId),
    /// A guest's purchase.
    Session(IspId, SessionId),
    /// A customer: it becomes a recharge.
    Customer(IspId, CustomerId),
    /// Nobody knows yet.
    Suspense,
}

impl Target {
    const fn isp(self) -> IspId {
        match self {
            Target::Payment(isp, _) | Target::Session(isp, _) | Target::Customer(isp, _) => isp,
            Target::Suspense => PLATFORM,
        }
    }

    fn text(self) -> String {
        match self {
            Target::Payment(_, id) => id.to_string(),
            Target::Session(_, id) => id.to_string(),
            Target::Customer(_, id) => id.to_string(),
            Target::Suspense => "suspense".to_owned(),
        }
    }
}

/// What an operator asks for.
#[derive(Clone, Debug)]
pub struct Adoption {
    /// The gateway's reference, or `pay_…` of a payment whose answer was not believed.
    pub reference: String,
    /// Whose it is.
    pub target: Target,
    /// How the operator knows.
    pub note: String,
}

/// Gives money that came in its owner. Errors: NOT_FOUND when no money without an owner has this reference; STATE_CONFLICT when it does not fit.
pub async fn adopt(app: &App, by: UserId, ask: &Adoption) -> Result<Done> {
    let now = app.clock.now();
    let shown = receipt_of(app, &ask.reference).await?;
    app.db.tx(PLATFORM, async |tx| adopt_in(app, tx, by, ask, shown.clone(), now).await).await
}

/// The receipt that the gateway gives of money by its own reference: its list does not always show one.
async fn receipt_of(app: &App, reference: &str) -> Result<Option<String>> {
    if reference.parse::<PaymentId>().is_ok() {
        return Ok(None);
    }
    match app.payhero.status(reference).await {
        Ok(answer) => Ok(answer.receipt.filter(|_| answer.state == payhero::State::Success)),
        Err(AskError::Refused { .. } | AskError::NotOffered(_)) => Ok(None),
        Err(cause) => Err(collect::unreachable(cause)),
    }
}

async fn adopt_in(app: &App, tx: &mut Tx, by: UserId, ask: &Adoption, shown: Option<String>, now: Time) -> Result<Done> {
    let mut found = unmatched::lock(tx, &ask.reference).await?;
    found.receipt = shown.or(found.receipt);
    if found.amount <= Money::ZERO {
        return Err(conflict("This money went out. Say whose payout it was with `settlement adopt`, or that it is Netily's own."));
    }
    if let (Some(said), Target::Payment(_, wanted)) = (found.payment, ask.target) {
        if said != wanted {
            return Err(conflict("The gateway speaks of another payment. Believe it for that one, or write it off."));
        }
    } else if found.payment.is_some() {
        return Err(conflict("The gateway speaks of this payment: believe it for the payment itself, or write it off."));
    }
    let isp = ask.target.isp();
    let request = Ask {
        act: Act::AdoptCollection,
        subject: &ask.reference,
        isp: (isp != PLATFORM).then_some(isp),
        amount: Some(found.amount),
        content: json!({ "target": ask.target.text(), "isp": isp.to_string(), "amount_minor": found.amount.minor() }),
        note: &ask.note,
    };
    let operators = match store::operators(app, tx, by, &request, false, now).await? {
        Operators::Are(operators) => operators,
        Operators::NeedAnother(request) => return Ok(Done::Waiting(request)),
    };
    tx.act_for(isp).await?;
    let id = RowId::sortable(now);
    let payment = match ask.target {
        Target::Suspense => {
            suspend(tx, &found, id, now).await?;
            None
        }
        Target::Payment(_, payment) => Some(credit(app, tx, isp, payment, &found, &operators, &ask.note, now).await?),
        Target::Session(_, session) => {
            let payment = hotspot::session::find_session(tx, isp, session).await?.row.payment_id;
            Some(credit(app, tx, isp, payment, &found, &operators, &ask.note, now).await?)
        }
        Target::Customer(_, customer) => {
            let payment = billing::recover(app, tx, isp, customer, found.amount, now).await?;
            Some(credit(app, tx, isp, payment, &found, &operators, &ask.note, now).await?)
        }
    };
    let repair = Repair {
        id,
        kind: if payment.is_some() { Kind::Adopted } else { Kind::Suspense },
        isp_id: (isp != PLATFORM).then_some(isp),
        payment_id: payment,
        gateway_reference: found.reference.clone(),
        receipt: found.receipt.clone(),
        amount_minor: found.amount,
        note: ask.note.clone(),
        evidence: found.evidence.clone(),
        operators,
        at: now,
    };
    store::write(tx, &repair).await?;
    close(tx, &found, &by.to_string(), &ask.note, now).await?;
    let facts = json!({ "reference": ask.reference, "target": ask.target.text(), "amount_minor": found.amount.minor() });
    audit::record(tx, isp, By::User(by), "adopt_collection", &id.to_string(), facts, now).await?;
    Ok(Done::Now(Box::new(repair)))
}

fn conflict(sentence: &str) -> Error {
    Error::new(Reason::StateConflict, sentence)
}

/// Ends the breaks that were about this money.
pub(super) async fn close(tx: &mut Tx, found: &Found, by: &str, reason: &str, now: Time) -> Result<()> {
    let kinds: &[BreakKind] = if found.payment.is_some() { &QUARANTINED } else { &[BreakKind::UnmatchedCollection, BreakKind::UnmatchedPayout] };
    let reference = found.payment.map_or_else(|| found.reference.clone().unwrap_or_default(), |id| id.uuid().to_string());
    for kind in kinds {
        breaks::close_as(tx, *kind, &reference, by, reason, now).await?;
    }
    Ok(())
}

async fn suspend(tx: &mut Tx, found: &Found, id: RowId, now: Time) -> Result<()> {
    if matches!(found.place, Place::Suspense(_)) {
        return Err(conflict("It is in suspense already."));
    }
    unmatched::take_key(tx, found, PLATFORM, id.uuid(), now).await?;
    ledger::post(tx, PLATFORM, &ledger::suspense(found.amount), id.uuid(), now).await.map(drop)
}

/// Books the money to a payment, as its success.
#[expect(clippy::too_many_arguments, reason = "what is booked to whom, and on whose word")]
async fn credit(app: &App, tx: &mut Tx, isp: IspId, id: PaymentId, found: &Found, operators: &[uuid::Uuid], note: &str, now: Time) -> Result<PaymentId> {
    let payment = payment_store::lock(tx, isp, id).await?.ok_or_else(|| Error::not_found("payment"))?;
    if payment.state == State::Succeeded {
        return Err(conflict("This payment is credited already. Money that was paid twice belongs to the customer, or into suspense."));
    }
    if payment.amount != found.amount {
        let sentence =
            format!("The payment is of KES {}, and this money is KES {}. Give it to the customer, or put it into suspense.", payment.amount, found.amount);
        return Err(conflict(&sentence));
    }
    let payment = take(tx, isp, payment, found, now).await?;
    // A receipt that another payment has is why it was not believed: the operators are the proof then.
    let receipt = found.receipt.clone().filter(|_| found.place != Place::Break(BreakKind::ReceiptReused));
    let body = json!({ "operators": operators, "note": note, "evidence": found.evidence });
    let observation = Observation { source: Source::Manual, seen: Seen::Success, amount: None, receipt, failure: None, body };
    match collect::confirm(app, tx, isp, &payment, &observation, now).await? {
        Confirmed::State(State::Succeeded) => Ok(id),
        Confirmed::State(_) | Confirmed::Quarantined => {
            Err(conflict("This payment cannot have been paid: its prompt was never sent, or its receipt is another payment's."))
        }
    }
}

/// Gives the payment the gateway's reference of the money, out of suspense if it was there.
async fn take(tx: &mut Tx, isp: IspId, payment: Payment, found: &Found, now: Time) -> Result<Payment> {
    let Some(reference) = &found.reference else { return Ok(payment) };
    if payment.gateway_reference.as_ref().is_some_and(|known| known != reference) {
        return Err(conflict("The gateway gave this payment another reference. Ask about that one, or give this money to the customer."));
    }
    unmatched::take_key(tx, found, isp, payment.id.uuid(), now).await?;
    if let Place::Suspense(before) = found.place {
        ledger::post(tx, isp, &ledger::suspense_release(found.amount), before.uuid(), now).await?;
    }
    collect::accept(tx, isp, &payment, reference, None, now).await?;
    payment_store::lock(tx, isp, payment.id).await?.ok_or_else(|| Error::not_found("payment"))
}
