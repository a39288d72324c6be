//! The one writer of a payment's fate. An observation comes in, and in one transaction the state, the ledger and what
//! was bought follow from it, or none of them.

use diesel_async::RunQueryDsl;

use crate::clock::Time;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::hotspot;
use crate::id::{IspId, LedgerId, PaymentId, RowId};
use crate::ledger;
use crate::payments::store::{self, Change, Observation, Seen};
use crate::payments::{Event, FailureReason, Payment, Purpose, State, next, split};
use crate::schema::functions;

/// What an observation came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confirmed {
    /// The payment is now in this state.
    State(State),
    /// It contradicts what we know; a human decides.
    Quarantined,
}

/// Keeps what the gateway said and does what follows from it.
pub async fn confirm(tx: &mut Tx, isp: IspId, id: PaymentId, observation: &Observation, now: Time) -> Result<Confirmed> {
    let payment = store::lock(tx, isp, id).await?.ok_or_else(|| Error::internal(format!("{id} is gone")))?;
    if observation.seen == Seen::Success && payment.state != State::Succeeded {
        return succeed(tx, isp, &payment, observation, now).await;
    }
    store::record(tx, isp, id, observation, now).await?;
    if observation.seen == Seen::Failed {
        advance(tx, isp, &payment, Event::SeenFailed, Change::default(), Some(observation.failure.unwrap_or(FailureReason::GatewayError)), now).await?;
        return Ok(Confirmed::State(next(payment.state, Event::SeenFailed)));
    }
    Ok(Confirmed::State(payment.state))
}

/// Credits a payment that the gateway says is paid.
async fn succeed(tx: &mut Tx, isp: IspId, payment: &Payment, observation: &Observation, now: Time) -> Result<Confirmed> {
    let contradiction = match observation.amount {
        _ if next(payment.state, Event::SeenSuccess) != State::Succeeded => Some("paid_before_sent"),
        Some(seen) if seen != payment.amount => Some("amount_mismatch"),
        _ => None,
    };
    if let Some(kind) = contradiction {
        store::record(tx, isp, payment.id, observation, now).await?;
        return quarantine(tx, isp, payment, kind, observation, now).await;
    }
    if book(tx, isp, payment, observation, now).await? == Booked::ReceiptReused {
        return quarantine(tx, isp, payment, "receipt_reused", observation, now).await;
    }
    deliver(tx, isp, payment, now).await?;
    Ok(Confirmed::State(State::Succeeded))
}

#[derive(PartialEq, Eq)]
enum Booked {
    Credited,
    ReceiptReused,
}

/// Observation, receipt, state and credit in one call, which keeps its plan: this is the hottest act there is.
async fn book(tx: &mut Tx, isp: IspId, payment: &Payment, observation: &Observation, now: Time) -> Result<Booked> {
    let posting = ledger::credit(payment.amount, split(payment.amount, payment.rate));
    let (accounts, amounts): (Vec<&str>, Vec<i64>) = posting.lines.iter().map(|(account, amount)| (account.as_str(), amount.minor())).unzip();
    let act = functions::book_payment(
        isp,
        payment.id,
        payment.state.as_str(),
        RowId::sortable(now),
        observation.source.as_str(),
        observation.amount,
        observation.receipt.as_deref(),
        &observation.body,
        LedgerId::sortable(now),
        posting.kind,
        accounts,
        amounts,
        now,
    );
    let booked: String = diesel::select(act).get_result(&mut **tx).await?;
    Ok(if booked == "BOOKED" { Booked::Credited } else { Booked::ReceiptReused })
}

/// Gives the payer what was bought.
async fn deliver(tx: &mut Tx, isp: IspId, payment: &Payment, now: Time) -> Result<()> {
    match payment.purpose {
        Purpose::Hotspot => hotspot::grant(tx, isp, payment.id, now).await,
        Purpose::Recharge | Purpose::Invoice | Purpose::Subscription => Err(Error::internal(format!("{} is sold nowhere yet", payment.purpose.as_str()))),
    }
}

/// Every transition but success. The same state is written when the event says nothing new but `change` does.
pub(super) async fn advance(tx: &mut Tx, isp: IspId, payment: &Payment, event: Event, change: Change, failure: Option<FailureReason>, now: Time) -> Result<()> {
    let to = next(payment.state, event);
    let ended = matches!(to, State::Failed | State::Expired);
    let change = match failure {
        Some(reason) if to != payment.state => Change { failure_reason: Some(Some(reason.as_str().to_owned())), ..change },
        _ => change,
    };
    let change = if to == State::Submitting { change } else { Change { claim_token: Some(None), claim_until: Some(None), ..change } };
    store::change(tx, isp, payment, to, change, now).await?;
    if ended && to != payment.state && payment.purpose == Purpose::Hotspot {
        hotspot::payment_failed(tx, isp, payment.id).await?;
    }
    Ok(())
}

async fn quarantine(tx: &mut Tx, isp: IspId, payment: &Payment, kind: &str, observation: &Observation, now: Time) -> Result<Confirmed> {
    let detail = serde_json::json!({ "amount_minor": payment.amount.minor(), "seen_amount_minor": observation.amount.map(|amount| amount.minor()), "receipt": observation.receipt, "answer": observation.body });
    store::open_break(tx, kind, &payment.id.uuid().to_string(), Some(isp), Some(payment.amount), detail, now).await?;
    Ok(Confirmed::Quarantined)
}
