//! The answer to our request and the callback are both lost, and the person has paid: the list of transactions shows money that is
//! nobody's, and a payment without a reference waits. If there is exactly one of each of one amount within minutes of sending, they
//! belong together. Two candidates on either side, and only people can tell.

use chrono::TimeDelta;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::check::{named, observation, ours, unreachable};
use super::confirm::{Confirmed, confirm};
use super::push;
use crate::app::App;
use crate::clock::Time;
use crate::error::Result;
use crate::gateways::payhero::{self, TransactionRow};
use crate::id::{IspId, PaymentId};
use crate::money::Money;
use crate::payments::contradiction::contradiction;
use crate::payments::store::{self, KeyKind, Source};
use crate::payments::{Payment, State};
use crate::schema::payment;

/// How far apart a prompt and its money may be, in the time of each.
const WITHIN: TimeDelta = TimeDelta::minutes(3);

/// Joins a row of the list that nobody owns with the one payment that it can be. False: there is none, more than one, or the gateway does
/// not say that it is paid.
pub async fn join_by_amount(app: &App, row: &TransactionRow) -> Result<bool> {
    let Some((reference, amount, at)) = money_in(row) else { return Ok(false) };
    let waiting = candidates(app, amount, at).await?;
    let [(isp, id)] = waiting[..] else { return Ok(false) };
    let Some(payment) = app.db.tx(isp, async |tx| store::find(tx, isp, id).await).await? else { return Ok(false) };
    let Some(sent_at) = payment.submitted_at.filter(|_| is_in_doubt(&payment)) else { return Ok(false) };
    match only_row(app, amount, sent_at).await? {
        Some(only) if only == reference => join(app, isp, &payment, reference).await,
        _ => Ok(false),
    }
}

/// The same from the other side, for a payment that nobody knows a reference of.
pub async fn join_payment(app: &App, isp: IspId, payment: &Payment) -> Result<bool> {
    let Some(sent_at) = payment.submitted_at.filter(|_| is_in_doubt(payment)) else { return Ok(false) };
    match only_row(app, payment.amount, sent_at).await? {
        Some(reference) if candidates(app, payment.amount, sent_at).await?[..] == [(isp, payment.id)] => join(app, isp, payment, &reference).await,
        _ => Ok(false),
    }
}

/// Whether a payment waits for a reference that only the list can give.
fn is_in_doubt(payment: &Payment) -> bool {
    payment.gateway_reference.is_none() && matches!(payment.state, State::Unknown | State::Expired)
}

/// Reference, amount and time of a row that shows money which came in.
fn money_in(row: &TransactionRow) -> Option<(&str, Money, Time)> {
    let amount = row.amount_minor.map(Money::from_minor).filter(|amount| *amount > Money::ZERO && !row.is_charge())?;
    Some((row.transaction_reference.as_deref()?, amount, row.created_at?))
}

/// Payments of any ISP that money of this amount and time may belong to: those that have no reference and were sent about then, also
/// while they are being sent.
async fn candidates(app: &App, amount: Money, at: Time) -> Result<Vec<(IspId, PaymentId)>> {
    let states = [State::Submitting, State::Pending, State::Unknown, State::Expired].map(State::as_str);
    app.db
        .across(async |tx| {
            Ok(payment::table
                // A prompt is sent soon after it was asked for; the exact time decides.
                .filter(payment::state.eq_any(states).and(payment::created_at.between(at - WITHIN - WITHIN, at + WITHIN)))
                .filter(payment::gateway_reference.is_null().and(payment::amount_minor.eq(amount)))
                .filter(payment::submitted_at.between(at - WITHIN, at + WITHIN).assume_not_null())
                .limit(2)
                .select((payment::tenant_id, payment::id))
                .load(&mut **tx)
                .await?)
        })
        .await
}

/// The reference of the one row of this amount that nobody owns and that came within minutes of sending.
async fn only_row(app: &App, amount: Money, sent_at: Time) -> Result<Option<String>> {
    let may_be = |row: &TransactionRow| money_in(row).is_some_and(|(_, sum, _)| sum == amount);
    let recent = app.payhero.transactions_between(sent_at - WITHIN, Some(sent_at + WITHIN), may_be).await.map_err(unreachable)?;
    if !recent.complete {
        return Ok(None);
    }
    let mut found: Option<String> = None;
    for (reference, _, _) in recent.rows.iter().filter_map(money_in).filter(|(_, sum, at)| *sum == amount && (*at - sent_at).abs() <= WITHIN) {
        if found.as_deref() == Some(reference) || app.db.public(async |tx| store::key_owner(tx, KeyKind::Reference, reference).await).await?.is_some() {
            continue;
        }
        if found.is_some() {
            return Ok(None);
        }
        found = Some(reference.to_owned());
    }
    Ok(found)
}

/// Takes the reference if the gateway says that it is paid and names nothing that is not ours.
async fn join(app: &App, isp: IspId, payment: &Payment, reference: &str) -> Result<bool> {
    let answer = app.payhero.status(reference).await.map_err(unreachable)?;
    if answer.state != payhero::State::Success || contradiction(&named(&answer), &ours(payment)).is_some() {
        return Ok(false);
    }
    let now = app.clock.now();
    let joined = app
        .db
        .tx(isp, async |tx| {
            let Some(locked) = store::lock(tx, isp, payment.id).await?.filter(is_in_doubt) else { return Ok(false) };
            if !push::accept(tx, isp, &locked, reference, None, now).await? {
                return Ok(false);
            }
            let Some(known) = store::find(tx, isp, payment.id).await? else { return Ok(false) };
            confirm(app, tx, isp, &known, &observation(Source::Status, &answer, &ours(payment)), now)
                .await
                .map(|confirmed| confirmed == Confirmed::State(State::Succeeded))
        })
        .await?;
    if joined {
        tracing::info!(payment = %payment.id, reference, "a payment whose answer was lost was found in the list by its amount");
    }
    Ok(joined)
}
