//! Asks the gateway about a payment until there is an answer that ends it. Callbacks only make it ask sooner.
//!
//! Without a reference of our own (the answer to our request was lost) a callback under the payment's own address may
//! lend one: it is taken only if no other payment has it and the gateway's list of transactions shows it with our
//! amount, since a forged callback could carry the reference of somebody else's payment.

use std::time::Duration;

use chrono::TimeDelta;

use super::book::Success;
use super::confirm::{self, ASK_FOR, Confirmed, confirm};
use super::{hint, join, push};
use crate::app::App;
use crate::breaks::{self, BreakKind};
use crate::clock::Time;
use crate::db::{Db, Tx};
use crate::error::{Error, Reason, Result};
use crate::failpoint;
use crate::gateways::payhero::{self, AskError, Recent, StatusAnswer, TransactionRow};
use crate::id::{IspId, PaymentId};
use crate::jobs::{Outcome, backoff};
use crate::money::Money;
use crate::payments::contradiction::{Named, Ours, Party, contradiction, is_reference};
use crate::payments::store::{self, Change, Observation, Seen, Source};
use crate::payments::{Event, FailureReason, Payment, State};
use crate::together::{self, Together};

const FIRST_WAIT: Duration = Duration::from_secs(10);
const LONGEST_WAIT: Duration = Duration::from_secs(15 * 60);
/// A payment that failed is asked about so soon once more, and then so long after its prompt was sent, each once.
const AT_ONCE_AFTER_A_FAILURE: TimeDelta = TimeDelta::minutes(1);
const AFTER_A_FAILURE: [TimeDelta; 3] = [TimeDelta::minutes(10), TimeDelta::hours(1), TimeDelta::hours(24)];
/// When a payment's row in the list may have been written: clocks differ, and a prompt is answered within minutes.
const LISTED_BEFORE: TimeDelta = TimeDelta::minutes(5);
const LISTED_AFTER: TimeDelta = TimeDelta::hours(6);

/// The job `check` of one payment.
pub async fn check(app: &App, isp: IspId, id: PaymentId) -> Result<Outcome> {
    let asked_at = app.clock.now();
    let Some((payment, hints)) = look(app, isp, id, asked_at).await? else { return Ok(Outcome::Done) };
    if payment.state == State::Succeeded {
        app.db.tx(isp, async |tx| hint::close(tx, id, "IGNORED", "The payment has succeeded already.", asked_at, asked_at).await).await?;
        return Ok(Outcome::Done);
    }
    failpoint::reached("check", "looked");
    if hints.is_empty() && is_worth_joining(&payment, asked_at) && join::join_payment(app, isp, &payment).await.unwrap_or(false) {
        return Ok(Outcome::Done);
    }
    let answer = ask(app, isp, &payment, &hints).await;
    failpoint::reached("check", "asked");
    let now = app.clock.now();
    let mut rest = TimeDelta::zero();
    let state = match answer {
        Ok(Some(observation)) => answered(app, isp, &payment, observation, asked_at, now).await?,
        Ok(None) => app.db.tx(isp, async |tx| unanswered(tx, isp, id, true, now).await).await?,
        Err(error) => {
            tracing::warn!(payment = %id, %error, "the gateway did not say how a payment stands");
            rest = error.retry_after.map_or(rest, |wait| TimeDelta::from_std(wait.min(LONGEST_WAIT)).unwrap_or(rest));
            app.db.tx(isp, async |tx| unanswered(tx, isp, id, false, now).await).await?
        }
    };
    failpoint::reached("check", "confirmed");
    again(app, isp, &payment, state, rest, now).await
}

/// Where checks that begin at the same time read their payments together.
pub struct Looks {
    payments: Together<(IspId, PaymentId), Result<Option<Payment>>>,
}

impl Looks {
    /// The tasks that read. They end with it.
    pub fn start(db: Db) -> Looks {
        let read = move |lot: Vec<(IspId, PaymentId)>| {
            let db = db.clone();
            async move {
                match db.surely(async |tx| store::find_many(tx, &lot).await).await {
                    Ok(found) => found.into_iter().map(Ok).collect(),
                    Err(error) => lot.iter().map(|_| Err(error.shared())).collect(),
                }
            }
        };
        Looks { payments: Together::start(together::MOST, read) }
    }
}

fn is_abandoned(payment: &Payment, now: Time) -> bool {
    payment.state == State::Submitting && payment.claim_until.is_none_or(|until| until <= now)
}

fn is_too_late(payment: &Payment, now: Time) -> bool {
    now >= payment.expires_at && matches!(payment.state, State::Pending | State::Unknown)
}

/// Reads the payment, and what callbacks said of it if there is no reference of our own to ask by. Lets its time run out.
async fn look(app: &App, isp: IspId, id: PaymentId, now: Time) -> Result<Option<(Payment, Vec<hint::Said>)>> {
    let Some(payment) = app.looks.payments.ask((isp, id)).await?? else { return Ok(None) };
    if payment.gateway_reference.is_some() && !is_abandoned(&payment, now) && !is_too_late(&payment, now) {
        return Ok(Some((payment, Vec::new())));
    }
    app.db.tx(isp, async |tx| look_closely(tx, isp, id, now).await).await
}

async fn look_closely(tx: &mut Tx, isp: IspId, id: PaymentId, now: Time) -> Result<Option<(Payment, Vec<hint::Said>)>> {
    let Some(mut payment) = store::find(tx, isp, id).await? else { return Ok(None) };
    if is_abandoned(&payment, now) || is_too_late(&payment, now) {
        let Some(locked) = store::lock(tx, isp, id).await? else { return Ok(None) };
        if is_abandoned(&locked, now) {
            push::unclear(tx, isp, &locked, now).await?;
        } else if is_too_late(&locked, now) {
            confirm::advance(tx, isp, &locked, Event::DeadlinePassed, Change::default(), Some(FailureReason::TimedOut), now).await?;
        }
        let Some(changed) = store::find(tx, isp, id).await? else { return Ok(None) };
        payment = changed;
    }
    let hints = if payment.gateway_reference.is_none() { hint::said(tx, id).await? } else { Vec::new() };
    Ok(Some((payment, hints)))
}

/// Books an answer to a question that was asked then, and closes the callbacks that it deals with. Gives where the payment stands.
/// Successes of the hotspot are booked together with others that come at the same time.
pub async fn answered(app: &App, isp: IspId, payment: &Payment, observation: Observation, asked_at: Time, now: Time) -> Result<State> {
    let success = Success { isp, payment: payment.clone(), observation, asked_at: Some(asked_at), now };
    if app.bookings.book(&success).await? {
        return Ok(State::Succeeded);
    }
    app.db.tx(isp, async |tx| answered_alone(app, tx, isp, payment, success.observation, asked_at, now).await).await
}

async fn answered_alone(app: &App, tx: &mut Tx, isp: IspId, payment: &Payment, mut observation: Observation, asked_at: Time, now: Time) -> Result<State> {
    if observation.seen == Seen::Failed && observation.failure.is_none() {
        // The status says that it failed and not why; a callback may. For people only: no state follows from it.
        observation.failure = hint::said(tx, payment.id).await?.iter().find_map(|said| said.failure);
    }
    let confirmed = confirm(app, tx, isp, payment, &observation, now).await?;
    hint::close_answered(tx, isp, payment, confirmed, asked_at, now).await?;
    match confirmed {
        Confirmed::State(State::Succeeded) => Ok(State::Succeeded),
        _ => count_poll(tx, isp, payment.id, now).await,
    }
}

/// Nothing was learnt. `no_key`: there was nothing to ask by, which leaves callbacks without a proof.
async fn unanswered(tx: &mut Tx, isp: IspId, id: PaymentId, no_key: bool, now: Time) -> Result<State> {
    if no_key {
        hint::give_up_unproven(tx, isp, id, now).await?;
    }
    count_poll(tx, isp, id, now).await
}

async fn count_poll(tx: &mut Tx, isp: IspId, id: PaymentId, now: Time) -> Result<State> {
    let payment = store::lock(tx, isp, id).await?.ok_or_else(|| Error::internal(format!("{id} is gone")))?;
    store::change(tx, isp, &payment, payment.state, Change { polls: Some(payment.polls + 1), ..Change::default() }, now).await?;
    Ok(payment.state)
}

/// When to ask next: after `rest` at the soonest, but for the moment in which the person must be told that the time is over.
async fn again(app: &App, isp: IspId, payment: &Payment, state: State, rest: TimeDelta, now: Time) -> Result<Outcome> {
    if matches!(state, State::Succeeded | State::Created) {
        return Ok(Outcome::Done);
    }
    if now >= payment.created_at + ASK_FOR {
        return app.db.tx(isp, async |tx| give_up(tx, isp, payment, state, now).await).await.map(|()| Outcome::Done);
    }
    if state == State::Failed {
        let next = after_a_failure(payment.state == State::Failed, payment.submitted_at.unwrap_or(payment.created_at), now);
        return Ok(next.map_or(Outcome::Done, |at| Outcome::Again(at.max(now + rest))));
    }
    let wait = backoff(payment.polls + 1, FIRST_WAIT, LONGEST_WAIT).max(rest);
    let deadline = (now < payment.expires_at && state.is_open()).then_some(payment.expires_at);
    Ok(Outcome::Again(deadline.map_or(now + wait, |deadline| deadline.min(now + wait))))
}

/// When to ask once more about what failed: a success may come late, and the list and callbacks tell of it as well. Pure.
fn after_a_failure(failed_before: bool, sent_at: Time, now: Time) -> Option<Time> {
    if !failed_before {
        return Some(now + AT_ONCE_AFTER_A_FAILURE);
    }
    AFTER_A_FAILURE.iter().map(|after| sent_at + *after).find(|at| *at > now)
}

/// After three days only a human can tell.
async fn give_up(tx: &mut Tx, isp: IspId, payment: &Payment, state: State, now: Time) -> Result<()> {
    if state == State::Failed {
        return Ok(());
    }
    breaks::open(tx, BreakKind::NoAnswer, &payment.id.uuid().to_string(), Some(isp), Some(payment.amount), serde_json::json!({ "state": state.as_str() }), now)
        .await
}

/// Whether to look for a payment without a reference in the list, by its amount: when the money must stand there, and not for ever, since
/// the sweep of the list does the same.
fn is_worth_joining(payment: &Payment, now: Time) -> bool {
    payment.gateway_reference.is_none() && payment.submitted_at.is_some_and(|sent| (TimeDelta::minutes(2)..TimeDelta::hours(1)).contains(&(now - sent)))
}

/// One question, by the best key there is. `None`: there is no key to ask by.
async fn ask(app: &App, isp: IspId, payment: &Payment, hints: &[hint::Said]) -> Result<Option<Observation>> {
    if let Some(reference) = &payment.gateway_reference {
        let answer = app.payhero.status(reference).await.map_err(unreachable)?;
        return Ok(Some(observation(Source::Status, &answer, &ours(payment))));
    }
    for said in hints {
        for candidate in said.candidates() {
            if let Some(observation) = adopt(app, isp, payment, candidate).await? {
                return Ok(Some(observation));
            }
        }
    }
    Ok(None)
}

/// Tries a name that did not come from our own call. Its status must be a final one, and either the answer names our own
/// reference or the list of transactions shows it, unused, with our amount.
async fn adopt(app: &App, isp: IspId, payment: &Payment, candidate: &str) -> Result<Option<Observation>> {
    let answer = app.payhero.status(candidate).await.map_err(unreachable)?;
    if !matches!(answer.state, payhero::State::Success | payhero::State::Failed) {
        return Ok(None);
    }
    let reference = match &answer.external_reference {
        Some(theirs) if !is_reference(theirs, &payment.external_reference) => return Ok(None),
        Some(_) => answer.reference.clone().unwrap_or_else(|| candidate.to_owned()),
        // A failure of we do not know whose payment says nothing of ours.
        None if answer.state == payhero::State::Failed => return Ok(None),
        None if contradiction(&named(&answer), &ours(payment)).is_some() => return Ok(None),
        None => match listed(app, payment, candidate, &answer).await? {
            Some(reference) => reference,
            None => return Ok(None),
        },
    };
    let now = app.clock.now();
    let adopted = app
        .db
        .tx(isp, async |tx| {
            let Some(payment) = store::lock(tx, isp, payment.id).await? else { return Ok(false) };
            push::accept(tx, isp, &payment, &reference, None, now).await
        })
        .await?;
    Ok(adopted.then(|| observation(Source::Status, &answer, &ours(payment))))
}

/// The reference of the row of the list of transactions that shows one of these names with our amount. Only the time in which the money
/// can have come is read; if that could not be read to its end, nothing is known.
async fn listed(app: &App, payment: &Payment, candidate: &str, answer: &StatusAnswer) -> Result<Option<String>> {
    let names = [Some(candidate), answer.receipt.as_deref(), answer.reference.as_deref()];
    let ours = |row: &TransactionRow| {
        let mut shown = [row.transaction_reference.as_deref(), row.provider_reference.as_deref()].into_iter().flatten();
        row.amount_minor == Some(payment.amount.minor()) && shown.any(|name| names.contains(&Some(name)))
    };
    let (from, to) = (payment.created_at - LISTED_BEFORE, payment.created_at + LISTED_AFTER);
    let rows = app.payhero.transactions_between(from, Some(to), ours).await.and_then(Recent::known).map_err(unreachable)?;
    Ok(rows.into_iter().find_map(|row| row.transaction_reference))
}

/// A guest shows the receipt of a payment that we could not follow: asked by the receipt, under the same conditions.
pub async fn adopt_receipt(app: &App, isp: IspId, id: PaymentId, receipt: &str) -> Result<Option<State>> {
    let Some(payment) = app.db.tx(isp, async |tx| store::find(tx, isp, id).await).await? else { return Ok(None) };
    let observation = match &payment.gateway_reference {
        Some(reference) => Some(observation(Source::Status, &app.payhero.status(reference).await.map_err(unreachable)?, &ours(&payment))),
        None => adopt(app, isp, &payment, receipt).await?,
    };
    let Some(observation) = observation.filter(|observation| observation.receipt.as_deref() == Some(receipt)) else { return Ok(None) };
    let now = app.clock.now();
    let confirmed = app.db.tx(isp, async |tx| confirm(app, tx, isp, &payment, &observation, now).await).await?;
    Ok(match confirmed {
        Confirmed::State(state) => Some(state),
        Confirmed::Quarantined => None,
    })
}

/// What we know of a payment, to compare answers with.
pub(super) fn ours(payment: &Payment) -> Ours<'_> {
    Ours {
        external_reference: &payment.external_reference,
        amount: payment.amount,
        party: payment.phone.as_ref().map_or(Party::Nobody, |phone| Party::Phone(phone.digits())),
        leaves: false,
    }
}

/// What an answer names.
pub fn named(answer: &StatusAnswer) -> Named<'_> {
    Named {
        external_reference: answer.external_reference.as_deref(),
        amount: answer.amount_minor.map(Money::from_minor),
        phone: answer.phone.as_deref(),
        account: answer.account.as_deref(),
    }
}

/// What an answer says of a payment of ours, or of a settlement, in our words. A final word that is about another one as far as it names
/// any is neither a success nor a failure of ours.
pub fn observation(source: Source, answer: &StatusAnswer, ours: &Ours<'_>) -> Observation {
    let believed = |seen: Seen| contradiction(&named(answer), ours).map_or(seen, |what| Seen::Contradicts { what, paid: seen == Seen::Success });
    let seen = match &answer.state {
        payhero::State::Success => believed(Seen::Success),
        payhero::State::Failed => believed(Seen::Failed),
        payhero::State::NotIndexed => Seen::Absent,
        payhero::State::Queued => Seen::Queued,
        payhero::State::Unrecognised(word) => {
            tracing::warn!(word, "the gateway said a word that nobody documented");
            Seen::Unreadable
        }
    };
    let told = answer.result_code.is_some() || answer.message.is_some();
    let failure = (seen == Seen::Failed && told).then(|| payhero::reason(answer.result_code, answer.message.as_deref().unwrap_or_default()).into());
    Observation {
        source,
        seen,
        amount: answer.amount_minor.map(Money::from_minor),
        receipt: answer.receipt.clone(),
        failure,
        body: payhero::redact_body(answer.body.clone()),
    }
}

/// The gateway did not answer a question.
pub fn unreachable(cause: AskError) -> Error {
    let retry_after = if let AskError::RateLimited { retry_after } = &cause { *retry_after } else { None };
    Error { retry_after, source: Some(Box::new(cause)), ..Error::new(Reason::Unavailable, "The payment company is not reachable right now.") }
}

impl From<payhero::FailureReason> for FailureReason {
    fn from(theirs: payhero::FailureReason) -> FailureReason {
        match theirs {
            payhero::FailureReason::CancelledByUser => FailureReason::CancelledByUser,
            payhero::FailureReason::InsufficientFunds => FailureReason::InsufficientFunds,
            payhero::FailureReason::WrongPin => FailureReason::WrongPin,
            payhero::FailureReason::TimedOut => FailureReason::TimedOut,
            payhero::FailureReason::PhoneUnreachable => FailureReason::PhoneUnreachable,
            payhero::FailureReason::LimitExceeded => FailureReason::LimitExceeded,
            payhero::FailureReason::GatewayError => FailureReason::GatewayError,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_failed_is_asked_about_four_times_more() {
        let sent = Time::from_timestamp(1_800_000_000, 0).expect("a time");
        let failed = sent + TimeDelta::seconds(30);
        let mut asked = vec![after_a_failure(false, sent, failed).expect("soon")];
        while let Some(at) = after_a_failure(true, sent, *asked.last().expect("the last")) {
            asked.push(at);
            assert!(asked.len() < 10);
        }
        let after: Vec<i64> = asked.iter().map(|at| (*at - sent).num_seconds()).collect();
        assert_eq!(after, [90, 600, 3_600, 86_400]);
    }
}
