//! The one writer of a payment's fate. An observation comes in, and in one transaction the state, the ledger and what
//! was bought follow from it, or none of them.

use chrono::TimeDelta;
use diesel_async::RunQueryDsl;
use serde_json::json;
use uuid::Uuid;

use super::book::{self, Booked, Success};
use super::failing;
use crate::app::App;
use crate::billing;
use crate::breaks::{self, BreakKind};
use crate::clock::Time;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::failpoint;
use crate::hotspot;
use crate::id::{IspId, LedgerId, RowId};
use crate::ledger;
use crate::money::Money;
use crate::payments::contradiction::Contradiction;
use crate::payments::store::{self, Change, Observation, Seen};
use crate::payments::{Event, FailureReason, Payment, Purpose, State, next, split};
use crate::schema::functions;
use crate::subscription;
use crate::wake::Wake;

/// How long we go on asking before a human must look.
pub(super) const ASK_FOR: TimeDelta = TimeDelta::hours(72);
/// Whoever was asked about so often is looked at alone: a break may be waiting for its end.
pub(super) const ASKED_OFTEN: i32 = 3;

/// What an observation came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confirmed {
    /// The payment is now in this state.
    State(State),
    /// It contradicts what we know; a human decides.
    Quarantined,
}

/// Keeps what the gateway said of a payment and does what follows from it. `known` is the payment as it was read, without a lock,
/// when the question was asked; should it have changed meanwhile, it is read again.
pub async fn confirm(app: &App, tx: &mut Tx, isp: IspId, known: &Payment, observation: &Observation, now: Time) -> Result<Confirmed> {
    if observation.seen == Seen::Success && known.state != State::Succeeded {
        match succeed(app, tx, isp, known, observation, now).await? {
            Some(confirmed) => return Ok(confirmed),
            None => tracing::debug!(payment = %known.id, "a payment changed while the gateway was asked"),
        }
    }
    let payment = store::lock(tx, isp, known.id).await?.ok_or_else(|| Error::internal(format!("{} is gone", known.id)))?;
    if observation.seen == Seen::Success && payment.state != State::Succeeded {
        // It is locked: it cannot change once more.
        return succeed(app, tx, isp, &payment, observation, now).await?.ok_or_else(|| Error::internal(format!("{} changed under its lock", payment.id)));
    }
    store::record(tx, isp, payment.id.uuid(), observation, now).await?;
    match observation.seen {
        Seen::Failed => {
            let failure = observation.failure.unwrap_or(FailureReason::GatewayError);
            advance(tx, isp, &payment, Event::SeenFailed, Change::default(), Some(failure), now).await?;
            let to = next(payment.state, Event::SeenFailed);
            if to != payment.state {
                told_apart(tx, isp, &payment, observation.seen, now).await?;
                if observation.failure == Some(FailureReason::GatewayError) {
                    failing::look(tx, isp, &payment, &observation.body, now).await?;
                }
            }
            Ok(Confirmed::State(to))
        }
        Seen::Contradicts { paid: false, .. } if matches!(payment.state, State::Failed | State::Expired) => Ok(Confirmed::State(payment.state)),
        Seen::Contradicts { what, .. } if payment.state != State::Succeeded => {
            let kind = if what == Contradiction::Amount { BreakKind::AmountMismatch } else { BreakKind::AnswerContradicts };
            asked_often(tx, isp, &payment, now).await?;
            quarantine(tx, isp, &payment, kind, observation, now).await
        }
        Seen::Unreadable if payment.state != State::Succeeded => {
            if unreadable(tx, isp, payment.id.uuid(), payment.amount, observation, now).await? {
                asked_often(tx, isp, &payment, now).await?;
            }
            Ok(Confirmed::State(payment.state))
        }
        _ => Ok(Confirmed::State(payment.state)),
    }
}

/// So many answers that we cannot read are told to operators, or the first one after so long.
const UNREADABLE: i64 = ASKED_OFTEN as i64;
const UNREADABLE_FOR: TimeDelta = TimeDelta::minutes(10);

/// An answer about a payment or settlement could not be read. Nothing follows from it; if it does not stop, people must look. Gives whether
/// they must.
pub async fn unreadable(tx: &mut Tx, isp: IspId, subject: Uuid, amount: Money, observation: &Observation, now: Time) -> Result<bool> {
    let (times, since) = store::unreadable(tx, isp, subject).await?;
    if times < UNREADABLE && since.is_none_or(|since| now < since + UNREADABLE_FOR) {
        return Ok(false);
    }
    let detail = json!({ "answer": observation.body });
    breaks::open(tx, BreakKind::UnreadableAnswer, &subject.to_string(), Some(isp), Some(amount), detail, now).await.map(|()| true)
}

/// From now on the payment counts as one that was asked about often: whatever ends it looks for breaks to be closed.
async fn asked_often(tx: &mut Tx, isp: IspId, payment: &Payment, now: Time) -> Result<()> {
    let polls = payment.polls.max(ASKED_OFTEN);
    store::change(tx, isp, payment, payment.state, Change { polls: Some(polls), ..Change::default() }, now).await
}

/// An answer that is about ours, and that we can read, ends what earlier ones left open. A success that contradicted is not explained by a
/// failure: that one waits for people.
async fn told_apart(tx: &mut Tx, isp: IspId, payment: &Payment, seen: Seen, now: Time) -> Result<()> {
    if payment.polls < ASKED_OFTEN {
        return Ok(());
    }
    let reference = payment.id.uuid().to_string();
    breaks::close(tx, BreakKind::UnreadableAnswer, &reference, "The gateway's answer could be read.", now).await?;
    if seen == Seen::Success || !store::contradicted_as_paid(tx, isp, payment.id.uuid()).await? {
        for kind in [BreakKind::AnswerContradicts, BreakKind::AmountMismatch] {
            breaks::close(tx, kind, &reference, "A later answer of the gateway is about this payment.", now).await?;
        }
    }
    Ok(())
}

/// Credits a payment that the gateway says is paid. `None`: it is no longer in the state in which it was read, and nothing was written.
async fn succeed(app: &App, tx: &mut Tx, isp: IspId, payment: &Payment, observation: &Observation, now: Time) -> Result<Option<Confirmed>> {
    let contradiction = match observation.amount {
        _ if next(payment.state, Event::SeenSuccess) != State::Succeeded => Some(BreakKind::PaidBeforeSent),
        Some(seen) if seen != payment.amount => Some(BreakKind::AmountMismatch),
        _ => None,
    };
    if let Some(kind) = contradiction {
        if store::lock(tx, isp, payment.id).await?.is_none_or(|locked| locked.state != payment.state) {
            return Ok(None);
        }
        store::record(tx, isp, payment.id.uuid(), observation, now).await?;
        return quarantine(tx, isp, payment, kind, observation, now).await.map(Some);
    }
    match book(app, tx, isp, payment, observation, now).await? {
        Booked::Credited => {
            told_apart(tx, isp, payment, observation.seen, now).await?;
            if now >= payment.created_at + ASK_FOR {
                // What was given up has come: no human need look for it any more.
                breaks::close(tx, BreakKind::NoAnswer, &payment.id.uuid().to_string(), "The payment succeeded.", now).await?;
            }
            Ok(Some(Confirmed::State(State::Succeeded)))
        }
        Booked::ReceiptReused => {
            store::record(tx, isp, payment.id.uuid(), observation, now).await?;
            quarantine(tx, isp, payment, BreakKind::ReceiptReused, observation, now).await.map(Some)
        }
        Booked::Stale | Booked::Contradicted => Ok(None),
    }
}

/// Observation, receipt, state and credit in one call, and what was bought.
async fn book(app: &App, tx: &mut Tx, isp: IspId, payment: &Payment, observation: &Observation, now: Time) -> Result<Booked> {
    if payment.purpose == Purpose::Hotspot {
        let alone = Success { isp, payment: payment.clone(), observation: observation.clone(), asked_at: None, now };
        return book::book(tx, &[alone]).await?.pop().ok_or_else(|| Error::internal("booking said nothing"));
    }
    let posting = if payment.purpose == Purpose::Subscription {
        ledger::subscription(payment.amount)
    } else {
        ledger::credit(payment.amount, split(payment.amount, payment.rate))
    };
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
        posting.kind.as_str(),
        accounts,
        amounts,
        now,
    );
    let said: String = diesel::select(act).get_result(&mut **tx).await?;
    let booked = Booked::parse(&said)?;
    if booked == Booked::Credited {
        if payment.purpose == Purpose::Subscription {
            subscription::paid(tx, isp, payment, now).await?;
        } else {
            billing::paid(app, tx, isp, payment, observation.receipt.as_deref().unwrap_or_default(), now).await?;
        }
        tx.wake(Wake::Payment(payment.id));
        failpoint::reached("check", "crediting");
    }
    Ok(booked)
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
    if to != payment.state {
        match payment.purpose {
            Purpose::Hotspot if ended => hotspot::payment_failed(tx, isp, payment.id).await?,
            Purpose::Recharge | Purpose::Invoice if ended => billing::payment_failed(tx, isp, payment, now).await?,
            _ => {}
        }
        if payment.purpose != Purpose::Hotspot {
            tx.wake(Wake::Payment(payment.id));
        }
    }
    Ok(())
}

async fn quarantine(tx: &mut Tx, isp: IspId, payment: &Payment, kind: BreakKind, observation: &Observation, now: Time) -> Result<Confirmed> {
    let what = if let Seen::Contradicts { what, .. } = observation.seen { what.as_str() } else { "" };
    let detail = json!({ "what": what, "amount_minor": payment.amount.minor(), "seen_amount_minor": observation.amount.map(|amount| amount.minor()), "receipt": observation.receipt, "answer": observation.body });
    breaks::open(tx, kind, &payment.id.uuid().to_string(), Some(isp), Some(payment.amount), detail, now).await?;
    Ok(Confirmed::Quarantined)
}
