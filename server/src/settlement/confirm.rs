//! The one writer of a settlement's fate. Proof comes in, and in one transaction the state and the ledger follow from it, or neither.

use serde_json::json;

use super::config::{self, Verification};
use super::state::{Event, State, next};
use super::store::{self, Change, Kind, Settlement};
use super::tell::{self, Notice};
use super::to_payer;
use super::withdraw::fee_of;
use crate::app::App;
use crate::breaks::{self, BreakKind};
use crate::clock::Time;
use crate::collect::unreadable;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::failpoint;
use crate::id::{IspId, SettlementId};
use crate::ledger::{self, Payout};
use crate::money::Money;
use crate::payments::contradiction::Contradiction;
use crate::payments::store::{KeyKind, Observation, Seen, claim_key, record};

/// What is open about a settlement until its fate is known.
const DOUBTS: [BreakKind; 7] = [
    BreakKind::UnreadableAnswer,
    BreakKind::SettlementUnknown,
    BreakKind::SettlementNeedsReview,
    BreakKind::SettlementAnswerContradicts,
    BreakKind::SettlementAmountMismatch,
    BreakKind::SettlementPaidBeforeSent,
    BreakKind::SettlementReceiptReused,
];

/// What became of an observation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confirmed {
    /// The settlement is now in this state.
    State(State),
    /// It contradicts what we know; a human decides.
    Quarantined,
}

/// Keeps what the gateway said of a settlement and does what follows from it.
pub async fn confirm(app: &App, tx: &mut Tx, isp: IspId, id: SettlementId, observation: &Observation, now: Time) -> Result<Confirmed> {
    let settlement = store::lock(tx, isp, id).await?.ok_or_else(|| Error::internal(format!("{id} is gone")))?;
    let state = settlement.state()?;
    if state == State::Completed {
        return Ok(Confirmed::State(state));
    }
    record(tx, isp, id.uuid(), observation, now).await?;
    match observation.seen {
        Seen::Success => {
            // Lists show money that leaves with a minus.
            let other = observation.amount.is_some_and(|seen| seen.minor().abs() != settlement.amount_minor.minor());
            let contradiction = match next(state, Event::SeenSuccess) {
                State::Completed if other => Some(BreakKind::SettlementAmountMismatch),
                State::Completed => None,
                _ => Some(BreakKind::SettlementPaidBeforeSent),
            };
            if let Some(kind) = contradiction {
                return quarantine(tx, isp, &settlement, kind, observation, now).await;
            }
            let receipt = observation.receipt.clone().unwrap_or_default();
            if !receipt.is_empty() && !claim_key(tx, isp, id.uuid(), KeyKind::Receipt, &receipt, now).await? {
                return quarantine(tx, isp, &settlement, BreakKind::SettlementReceiptReused, observation, now).await;
            }
            complete(app, tx, isp, &settlement, Event::SeenSuccess, &receipt, now).await?;
            Ok(Confirmed::State(State::Completed))
        }
        Seen::Failed => {
            let to = next(state, Event::SeenFailed);
            if to != state {
                let why = observation.body.get("message").and_then(|message| message.as_str()).unwrap_or("The gateway says that it was not paid.");
                release(app, tx, isp, &settlement, Event::SeenFailed, why, now).await?;
            }
            Ok(Confirmed::State(to))
        }
        // It failed already, and that something else failed is no news.
        Seen::Contradicts { paid: false, .. } if state == State::Failed => Ok(Confirmed::State(state)),
        Seen::Contradicts { what, .. } => {
            let kind = if what == Contradiction::Amount { BreakKind::SettlementAmountMismatch } else { BreakKind::SettlementAnswerContradicts };
            quarantine(tx, isp, &settlement, kind, observation, now).await
        }
        Seen::Unreadable => {
            unreadable(tx, isp, id.uuid(), settlement.amount_minor, observation, now).await?;
            Ok(Confirmed::State(state))
        }
        Seen::Queued | Seen::Absent | Seen::Refused => Ok(Confirmed::State(state)),
    }
}

/// It was paid: the money leaves the books. The guard asks for the observation.
pub(super) async fn complete(app: &App, tx: &mut Tx, isp: IspId, of: &Settlement, event: Event, receipt: &str, now: Time) -> Result<()> {
    let (from, kind) = (of.state()?, of.kind()?);
    let late = from == State::Failed;
    let step = if late { Payout::LateSuccess } else { Payout::Settled };
    let source = to_payer::paid_from(tx, isp, of).await?;
    if !ledger::post(tx, isp, &ledger::payout(step, of.amount_minor, source), of.id.uuid(), now).await? {
        return Err(Error::internal(format!("{} was settled before", of.id)));
    }
    // What a withdrawal costs is taken once it was paid, however late.
    let fee = fee_of(tx, isp, of.id).await?;
    if fee > Money::ZERO && !ledger::post(tx, isp, &ledger::withdrawal_fee(fee), of.id.uuid(), now).await? {
        return Err(Error::internal(format!("the fee of {} was taken before", of.id)));
    }
    let change = Change {
        receipt: Some(receipt.to_owned()),
        failure_reason: Some(String::new()),
        claim_token: Some(None),
        claim_until: Some(None),
        completed_at: Some(now),
        ..Change::default()
    };
    store::change(tx, isp, of, next(from, event), change, now).await?;
    failpoint::reached("settlement", "settling");
    let reference = of.id.uuid().to_string();
    for kind in DOUBTS {
        breaks::close(tx, kind, &reference, "It was paid.", now).await?;
    }
    if kind == Kind::Refund {
        return to_payer::paid(app, tx, isp, of, late, now).await;
    }
    if late {
        // What was given back was paid after all: until somebody has looked, nothing more is.
        let detail = json!({ "receipt": receipt });
        breaks::open(tx, BreakKind::SettlementLateSuccess, &reference, Some(isp), Some(of.amount_minor), detail, now).await?;
        if kind == Kind::Settlement {
            config::freeze(tx, isp, "A payment that had failed was paid after all.", now).await?;
            tell::owners(app, tx, isp, None, &Notice::Frozen, now).await?;
        }
    }
    if kind == Kind::Settlement {
        let notice = Notice::Paid { amount: of.amount_minor, to: of.destination()?.masked(), receipt: receipt.to_owned() };
        tell::owners(app, tx, isp, None, &notice, now).await?;
    }
    Ok(())
}

/// It was provably not paid, by the fault of where it goes as far as is known: the money goes back. The guard asks for the proof.
pub(super) async fn release(app: &App, tx: &mut Tx, isp: IspId, of: &Settlement, event: Event, why: &str, now: Time) -> Result<()> {
    let notice = Notice::Failed { amount: of.amount_minor, to: of.masked_destination()? };
    release_for(app, tx, isp, of, event, Unpaid { why, fault: Fault::Destination, notice }, now).await
}

/// Whose doing it was that a settlement was not paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// Netily's, or its gateway's: it is tried again within the day.
    Ours,
    /// Where it goes did not take it, as far as is known.
    Destination,
    /// Nobody's: it was taken back before it was sent.
    Withdrawn,
}

/// Why a settlement was not paid, and what its owners are told.
pub(super) struct Unpaid<'a> {
    /// For people who look at it.
    pub why: &'a str,
    /// Whose doing it was.
    pub fault: Fault,
    /// What owners are told.
    pub notice: Notice,
}

/// The same, when it is known why.
pub(super) async fn release_for(app: &App, tx: &mut Tx, isp: IspId, of: &Settlement, event: Event, unpaid: Unpaid<'_>, now: Time) -> Result<()> {
    let (from, kind) = (of.state()?, of.kind()?);
    let source = to_payer::paid_from(tx, isp, of).await?;
    if !ledger::post(tx, isp, &ledger::payout(Payout::Released, of.amount_minor, source), of.id.uuid(), now).await? {
        return Err(Error::internal(format!("{} was released before", of.id)));
    }
    let change = Change {
        failure_reason: Some(unpaid.why.chars().take(300).collect()),
        claim_token: Some(None),
        claim_until: Some(None),
        completed_at: Some(now),
        ..Change::default()
    };
    store::change(tx, isp, of, next(from, event), change, now).await?;
    if unpaid.fault == Fault::Ours {
        store::blame_netily(tx, isp, of.id).await?;
    }
    failpoint::reached("settlement", "releasing");
    let reference = of.id.uuid().to_string();
    for kind in DOUBTS {
        breaks::close(tx, kind, &reference, "It was not paid.", now).await?;
    }
    match kind {
        Kind::Test => {
            if let Some(config) = config::lock(tx, isp).await?.filter(|config| config.version == of.config_version && config.verification == Verification::Sent)
            {
                config::set_verification(tx, isp, Verification::Failed, config.tries, now).await?;
            }
            Ok(())
        }
        Kind::Refund => to_payer::not_paid(tx, isp, of, unpaid.why, now).await,
        // What is tried again each hour is told once.
        Kind::Settlement if unpaid.fault == Fault::Ours && of.part > 1 => Ok(()),
        Kind::Settlement => tell::owners(app, tx, isp, None, &unpaid.notice, now).await,
    }
}

async fn quarantine(tx: &mut Tx, isp: IspId, of: &Settlement, kind: BreakKind, observation: &Observation, now: Time) -> Result<Confirmed> {
    let what = if let Seen::Contradicts { what, .. } = observation.seen { what.as_str() } else { "" };
    let detail = json!({ "what": what, "amount_minor": of.amount_minor.minor(), "seen_amount_minor": observation.amount.map(|amount| amount.minor()), "receipt": observation.receipt, "answer": observation.body });
    breaks::open(tx, kind, &of.id.uuid().to_string(), Some(isp), Some(of.amount_minor), detail, now).await?;
    Ok(Confirmed::Quarantined)
}
