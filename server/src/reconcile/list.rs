//! The gateway's list of transactions against our books: what is ours and not final is asked about, what the gateway charged is booked,
//! and money that is nobody's becomes a break.

use chrono::{TimeDelta, Timelike as _};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::app::App;
use crate::breaks::{self, BreakKind};
use crate::clock::{Time, in_kenya};
use crate::collect::{self, unreachable};
use crate::error::Result;
use crate::gateways::payhero::{AskError, TransactionRow};
use crate::id::IspId;
use crate::jobs::{self, Kind, Outcome};
use crate::ledger;
use crate::money::Money;
use crate::payments::store::{self, KeyKind};
use crate::schema::job;
use crate::settlement;
use crate::settlement::state::State;

const EVERY: TimeDelta = TimeDelta::minutes(5);
const OVER: TimeDelta = TimeDelta::hours(2);
/// At two in the morning it is read again, as far back as we ask about anything.
const NIGHTLY_OVER: TimeDelta = TimeDelta::hours(72);
/// A row younger than this may belong to a request whose answer we are still waiting for.
const SETTLING: TimeDelta = TimeDelta::minutes(2);
/// The provider through whose wallet the money goes, so that its charges are taken from the money itself.
const WALLET: &str = "sasapay";

/// The job `list_sweep`.
pub async fn list_sweep(app: &App) -> Result<Outcome> {
    let now = app.clock.now();
    let local = in_kenya(now);
    let over = if local.hour() == 2 && local.minute() < 5 { NIGHTLY_OVER } else { OVER };
    let recent = match app.payhero.recent_transactions(now - over).await {
        Ok(recent) => recent,
        Err(AskError::NotOffered(_)) => return Ok(Outcome::Again(now + TimeDelta::hours(1))),
        Err(cause) => return Ok(Outcome::Retry(now + EVERY, unreachable(cause).to_string())),
    };
    for row in recent.rows {
        take(app, &row, now).await?;
    }
    Ok(Outcome::Again(now + EVERY))
}

async fn take(app: &App, row: &TransactionRow, now: Time) -> Result<()> {
    let (Some(reference), Some(amount)) = (row.transaction_reference.as_deref(), row.amount_minor.filter(|amount| *amount != 0)) else { return Ok(()) };
    let owner = app.db.public(async |tx| store::key_owner(tx, KeyKind::Reference, reference).await).await?;
    let amount = Money::from_minor(amount);
    match owner {
        Some((isp, subject)) if is_charge(row) => charge(app, isp, subject, amount, now).await,
        Some((isp, subject)) if amount > Money::ZERO => app.db.public(async |tx| wake_payment(tx, isp, subject, now).await).await,
        Some((isp, subject)) => wake_settlement(app, isp, subject, now).await,
        None if is_charge(row) || row.created_at.is_some_and(|at| at >= now - SETTLING) => Ok(()),
        None if joined(app, row).await => Ok(()),
        None => {
            let kind = if amount > Money::ZERO { BreakKind::UnmatchedCollection } else { BreakKind::UnmatchedPayout };
            let detail =
                serde_json::json!({ "transaction_type": row.transaction_type, "provider_reference": row.provider_reference, "description": row.description });
            app.db.public(async |tx| breaks::open(tx, kind, reference, None, Some(amount), detail, now).await).await
        }
    }
}

/// Whether a row could be joined with the one payment that it can be. What cannot be asked now is asked in the next turn.
async fn joined(app: &App, row: &TransactionRow) -> bool {
    collect::join_by_amount(app, row).await.unwrap_or_else(|error| {
        tracing::warn!(%error, "a row of the gateway's list could not be joined with a payment");
        false
    })
}

fn is_charge(row: &TransactionRow) -> bool {
    row.provider_reference.as_deref().is_some_and(|provider| provider.starts_with("cost_")) || row.transaction_type.as_deref() == Some("service_charge")
}

/// Books what the gateway charged for a payment or settlement, once. Charges of another wallet than the money's are not ours to book.
async fn charge(app: &App, isp: IspId, subject: Uuid, amount: Money, now: Time) -> Result<()> {
    if app.config.payhero.provider != WALLET {
        return Ok(());
    }
    app.db.tx(isp, async |tx| ledger::post(tx, isp, &ledger::fee(amount.negated()), subject, now).await.map(drop)).await
}

/// A payment of ours stands in the list: if we still wait for its end, ask now.
async fn wake_payment(tx: &mut crate::db::Tx, isp: IspId, id: Uuid, now: Time) -> Result<()> {
    let waits = job::table.filter(job::kind.eq(Kind::Check.as_str()).and(job::subject.eq(id)));
    let waits: bool = diesel::select(diesel::dsl::exists(waits)).get_result(&mut **tx).await?;
    if waits { jobs::enqueue(tx, Kind::Check, isp, id, now, now).await } else { Ok(()) }
}

/// A settlement of ours stands in the list as money that left. Whatever we think of it, it is asked about, also when it had failed.
async fn wake_settlement(app: &App, isp: IspId, id: Uuid, now: Time) -> Result<()> {
    app.db
        .tx(isp, async |tx| match settlement::store::find(tx, isp, id.into()).await? {
            Some(found) if found.state()? != State::Completed => jobs::enqueue(tx, Kind::SettlementCheck, isp, id, now, now).await,
            _ => Ok(()),
        })
        .await
}
