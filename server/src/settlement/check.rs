//! Asks the gateway how a settlement stands until there is an answer that ends it. Silence ends nothing: after a day people find out.
//!
//! Without a reference of our own (the answer to our request was lost) there are two ways to one. A callback under the settlement's own
//! address may lend it; or the gateway's list shows money that left in exactly our amount within minutes of our sending (`lost`), and no
//! other settlement of that amount is in doubt. Either is taken only if it is nobody else's and the gateway, asked by it, says a final word.

use std::time::Duration;

use chrono::TimeDelta;
use serde_json::json;

use super::confirm::{Confirmed, confirm};
use super::doubt;
use super::lost;
use super::send;
use super::state::{Event, State, next};
use super::store::{self, Change, Kind as SettlementKind, Settlement};
use super::tell::{self, Notice};
use crate::app::App;
use crate::breaks::{self, BreakKind};
use crate::clock::Time;
use crate::collect::{self, Said, named, observation, unreachable};
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::failpoint;
use crate::gateways::payhero::{self, AskError, Recent, TransactionRow};
use crate::id::{IspId, PaymentId, SettlementId};
use crate::jobs::{Outcome, backoff};
use crate::payments::contradiction::{contradiction, is_reference};
use crate::payments::store::{KeyKind, Observation, Source, key_owner};

const FIRST_WAIT: Duration = Duration::from_secs(10);
const LONGEST_WAIT: Duration = Duration::from_secs(15 * 60);
/// After that people find out.
const REVIEW_AFTER: TimeDelta = TimeDelta::hours(24);
/// How long we go on asking, by ourselves, also after a failure: a late success is a success.
const ASK_FOR: TimeDelta = TimeDelta::hours(72);

/// The job `settlement_check` of one settlement.
pub async fn check(app: &App, isp: IspId, id: SettlementId) -> Result<Outcome> {
    let asked_at = app.clock.now();
    let Some((settlement, hints)) = app.db.tx(isp, async |tx| look(app, tx, isp, id, asked_at).await).await? else { return Ok(Outcome::Done) };
    if settlement.state()? == State::Completed {
        app.db.tx(isp, async |tx| collect::close(tx, subject(id), "IGNORED", "The settlement is paid already.", asked_at, asked_at).await).await?;
        return Ok(Outcome::Done);
    }
    let answer = ask(app, isp, &settlement, &hints).await;
    failpoint::reached("settlement", "asked");
    let now = app.clock.now();
    let state = match answer {
        Ok(Some(observation)) => app.db.tx(isp, async |tx| answered(app, tx, isp, &settlement, &observation, asked_at, now).await).await?,
        Ok(None) => app.db.tx(isp, async |tx| count_poll(tx, isp, id, now).await).await?,
        Err(error) => {
            tracing::warn!(settlement = %id, %error, "the gateway did not say how a settlement stands");
            app.db.tx(isp, async |tx| count_poll(tx, isp, id, now).await).await?
        }
    };
    failpoint::reached("settlement", "confirmed");
    Ok(again(&settlement, state, now))
}

/// Callbacks are kept by the id of what they are about.
fn subject(id: SettlementId) -> PaymentId {
    id.uuid().into()
}

/// Reads the settlement, and what callbacks said of it if there is no reference of our own to ask by. Hands it to people after a day.
async fn look(app: &App, tx: &mut Tx, isp: IspId, id: SettlementId, now: Time) -> Result<Option<(Settlement, Vec<Said>)>> {
    let Some(mut settlement) = store::lock(tx, isp, id).await? else { return Ok(None) };
    let state = settlement.state()?;
    let abandoned = state == State::Processing && settlement.gateway_reference.is_none() && settlement.claim_until.is_none_or(|until| until <= now);
    let day_passed = next(state, Event::DayPassed) != state && settlement.sent_at.is_some_and(|sent| now >= sent + REVIEW_AFTER);
    if abandoned && !day_passed {
        send::unclear(tx, isp, &settlement, "The process that sent it died.", now).await?;
    } else if day_passed {
        store::change(tx, isp, &settlement, State::NeedsReview, Change::default(), now).await?;
        let detail = json!({ "reference": settlement.gateway_reference, "external_reference": settlement.external_reference });
        breaks::open(tx, BreakKind::SettlementNeedsReview, &id.uuid().to_string(), Some(isp), Some(settlement.amount_minor), detail, now).await?;
        if settlement.kind()? == SettlementKind::Settlement {
            tell::owners(app, tx, isp, None, &Notice::InReview { amount: settlement.amount_minor }, now).await?;
        }
    }
    if abandoned || day_passed {
        settlement = store::find(tx, isp, id).await?.ok_or_else(|| Error::internal(format!("{id} is gone")))?;
    }
    let hints = if settlement.gateway_reference.is_none() { collect::said(tx, subject(id)).await? } else { Vec::new() };
    Ok(Some((settlement, hints)))
}

/// Books an answer, and closes the callbacks that it deals with.
async fn answered(app: &App, tx: &mut Tx, isp: IspId, settlement: &Settlement, observation: &Observation, asked_at: Time, now: Time) -> Result<State> {
    let confirmed = confirm(app, tx, isp, settlement.id, observation, now).await?;
    let (state, note) = match confirmed {
        Confirmed::State(_) => ("APPLIED", "The gateway was asked."),
        Confirmed::Quarantined => ("QUARANTINED", "The gateway's answer contradicts what we know."),
    };
    collect::close(tx, subject(settlement.id), state, note, asked_at, now).await?;
    failpoint::reached("settlement", "confirming");
    match confirmed {
        Confirmed::State(State::Completed) => Ok(State::Completed),
        _ => count_poll(tx, isp, settlement.id, now).await,
    }
}

async fn count_poll(tx: &mut Tx, isp: IspId, id: SettlementId, now: Time) -> Result<State> {
    let settlement = store::lock(tx, isp, id).await?.ok_or_else(|| Error::internal(format!("{id} is gone")))?;
    let state = settlement.state()?;
    store::change(tx, isp, &settlement, state, Change { polls: Some(settlement.polls + 1), ..Change::default() }, now).await?;
    Ok(state)
}

/// When to ask next. One that people look at is asked about until they are done.
fn again(settlement: &Settlement, state: State, now: Time) -> Outcome {
    let over = settlement.sent_at.is_none_or(|sent| now >= sent + ASK_FOR);
    let nothing_to_come = match state {
        State::Completed | State::Pending => true,
        // What was never taken cannot be paid late.
        State::Failed => over || settlement.gateway_reference.is_none(),
        State::Processing | State::Unknown | State::NeedsReview => false,
    };
    if nothing_to_come { Outcome::Done } else { Outcome::Again(now + backoff(settlement.polls + 1, FIRST_WAIT, LONGEST_WAIT)) }
}

/// One question, by the best key there is. `None`: there is no key to ask by.
async fn ask(app: &App, isp: IspId, settlement: &Settlement, hints: &[Said]) -> Result<Option<Observation>> {
    if let Some(reference) = &settlement.gateway_reference {
        let answer = app.payhero.status(reference).await.map_err(unreachable)?;
        return Ok(Some(observation(Source::Status, &answer, &settlement.ours())));
    }
    for candidate in hints.iter().flat_map(Said::candidates) {
        if let Some(observation) = adopt(app, isp, settlement, candidate, None).await? {
            return Ok(Some(observation));
        }
    }
    match by_amount(app, settlement).await? {
        Some(row) => adopt(app, isp, settlement, row.transaction_reference.as_deref().unwrap_or_default(), Some(&row)).await,
        None => Ok(None),
    }
}

/// Tries a name that did not come from our own call. Its status must be a final one, and either the answer names our own reference or
/// the list shows it (`row`, if that was found already) as money that left at our moment, unused, with our amount.
async fn adopt(app: &App, isp: IspId, settlement: &Settlement, candidate: &str, row: Option<&TransactionRow>) -> Result<Option<Observation>> {
    let answer = app.payhero.status(candidate).await.map_err(unreachable)?;
    if !matches!(answer.state, payhero::State::Success | payhero::State::Failed) {
        return Ok(None);
    }
    let ours = settlement.ours();
    let reference = match &answer.external_reference {
        Some(theirs) if !is_reference(theirs, ours.external_reference) => return Ok(None),
        Some(_) => answer.reference.clone().unwrap_or_else(|| candidate.to_owned()),
        // A failure of we do not know whose payment says nothing of ours.
        None if answer.state == payhero::State::Failed => return Ok(None),
        None if contradiction(&named(&answer), &ours).is_some() => return Ok(None),
        None => {
            let names = [Some(candidate), answer.receipt.as_deref(), answer.reference.as_deref()];
            let shows = |row: &TransactionRow| {
                let mut shown = [row.transaction_reference.as_deref(), row.provider_reference.as_deref()].into_iter().flatten();
                shown.any(|name| names.contains(&Some(name)))
            };
            let row = match row {
                Some(row) => Some(row.clone()),
                None => rows(app, settlement).await?.rows.into_iter().find(shows),
            };
            let Some(reference) = row.and_then(|row| row.transaction_reference) else { return Ok(None) };
            reference
        }
    };
    let now = app.clock.now();
    let adopted = app
        .db
        .tx(isp, async |tx| {
            let free = key_owner(tx, KeyKind::Reference, &reference).await?.is_none_or(|(_, owner)| owner == settlement.id.uuid());
            let Some(locked) = store::lock(tx, isp, settlement.id).await?.filter(|_| free) else { return Ok(false) };
            send::accept(tx, isp, &locked, &reference, now).await
        })
        .await?;
    Ok(adopted.then(|| observation(Source::Status, &answer, &ours)))
}

/// The one row of the list that shows money leaving in our amount at our moment, that is nobody's yet and cannot be another one's whose
/// answer got lost too.
async fn by_amount(app: &App, settlement: &Settlement) -> Result<Option<TransactionRow>> {
    let listed = rows(app, settlement).await?;
    if !listed.complete {
        // What was not read may be ours.
        return Ok(None);
    }
    app.db
        .public(async |tx| {
            // Read after the list: whatever stands there was sent before, and is in doubt, or its names are known by now.
            let others = doubt::others(tx, settlement.id, settlement.amount_minor).await?;
            let mut free: Vec<TransactionRow> = Vec::new();
            for row in listed.rows {
                let Some(reference) = row.transaction_reference.as_deref() else { continue };
                let owned = key_owner(tx, KeyKind::Reference, reference).await?.is_some()
                    || match row.provider_reference.as_deref() {
                        Some(receipt) => key_owner(tx, KeyKind::Receipt, receipt).await?.is_some(),
                        None => false,
                    };
                if !owned && !free.iter().any(|other| other.transaction_reference.as_deref() == Some(reference)) {
                    free.push(row);
                }
            }
            // Two of them would be one too many to tell ours.
            let one = if free.len() == 1 { free.pop() } else { None };
            Ok(one.filter(|row| row.created_at.is_some_and(|at| !lost::may_be_anothers(at, &others))))
        })
        .await
}

/// Rows of the list that can be this settlement. None any more once it was looked for long enough.
async fn rows(app: &App, settlement: &Settlement) -> Result<Recent> {
    let none = Recent { rows: Vec::new(), complete: true };
    let Some(sent_at) = settlement.sent_at.filter(|sent| app.clock.now() < *sent + lost::SEARCH_FOR) else { return Ok(none) };
    let ours = settlement.ours();
    let may_be = |row: &TransactionRow| lost::may_be(row, &ours, sent_at);
    // Only the time in which its money can have left is read, however long ago it is.
    match app.payhero.transactions_between(sent_at - lost::EARLY, Some(sent_at + lost::LATE), may_be).await {
        Ok(recent) => Ok(recent),
        Err(AskError::NotOffered(_)) => Ok(none),
        Err(cause) => Err(unreachable(cause)),
    }
}
