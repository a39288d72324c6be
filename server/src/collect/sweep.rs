//! Looking for what was missed: payments that nobody asks about, and money in the gateway's list that is nobody's.

use chrono::TimeDelta;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::check::unreachable;
use crate::app::App;
use crate::error::Result;
use crate::gateways::payhero::AskError;
use crate::id::{IspId, PaymentId};
use crate::jobs::{self, Kind, Outcome};
use crate::money::Money;
use crate::payments::State;
use crate::payments::store::{self, KeyKind};
use crate::schema::{job, payment};

const EVERY: TimeDelta = TimeDelta::seconds(30);
const LIST_EVERY: TimeDelta = TimeDelta::minutes(5);
const LIST_OVER: TimeDelta = TimeDelta::hours(2);
const BATCH: i64 = 500;
/// A row younger than this may belong to a request whose answer we are still waiting for.
const SETTLING: TimeDelta = TimeDelta::minutes(2);

/// Makes sure that every payment without an end has a job that works on it.
pub async fn payment_sweep(app: &App) -> Result<Outcome> {
    let now = app.clock.now();
    let open: Vec<&str> = [State::Created, State::Submitting, State::Pending, State::Unknown, State::Expired].map(State::as_str).to_vec();
    let stray: Vec<(IspId, PaymentId, String)> = app
        .db
        .across(async |tx| {
            Ok(payment::table
                .filter(payment::state.eq_any(open).and(payment::created_at.gt(now - TimeDelta::hours(73))))
                .filter(diesel::dsl::not(diesel::dsl::exists(
                    job::table.filter(job::subject.eq(payment::id).and(job::kind.eq_any([Kind::Push.as_str(), Kind::Check.as_str()]))),
                )))
                .order(payment::created_at)
                .limit(BATCH)
                .select((payment::tenant_id, payment::id, payment::state))
                .load(&mut **tx)
                .await?)
        })
        .await?;
    for (isp, id, state) in &stray {
        let kind = if matches!(State::parse(state), Some(State::Created | State::Submitting)) { Kind::Push } else { Kind::Check };
        app.db.public(async |tx| jobs::enqueue(tx, kind, *isp, id.uuid(), now, now).await).await?;
    }
    Ok(Outcome::Again(now + EVERY))
}

/// Reads the gateway's list: a row of ours that is not final is asked about; money that no payment of ours explains
/// becomes a break.
pub async fn list_sweep(app: &App) -> Result<Outcome> {
    let now = app.clock.now();
    let recent = match app.payhero.recent_transactions(now - LIST_OVER).await {
        Ok(recent) => recent,
        Err(AskError::NotOffered(_)) => return Ok(Outcome::Again(now + TimeDelta::hours(1))),
        Err(cause) => return Ok(Outcome::Retry(now + LIST_EVERY, unreachable(cause).to_string())),
    };
    for row in recent.rows {
        let Some(reference) = row.transaction_reference.as_deref() else { continue };
        let fee = row.provider_reference.as_deref().is_some_and(|provider| provider.starts_with("cost_"))
            || row.transaction_type.as_deref() == Some("service_charge");
        let Some(amount) = row.amount_minor.filter(|amount| *amount > 0 && !fee) else { continue };
        let settled = row.created_at.is_none_or(|at| at < now - SETTLING);
        app.db
            .public(async |tx| {
                let owner = store::key_owner(tx, KeyKind::Reference, reference).await?;
                match owner {
                    Some(payment) => wake_unfinished(tx, payment, now).await,
                    None if settled => {
                        let detail = serde_json::json!({ "transaction_type": row.transaction_type, "provider_reference": row.provider_reference, "description": row.description });
                        store::open_break(tx, "unmatched_collection", reference, None, Some(Money::from_minor(amount)), detail, now).await
                    }
                    None => Ok(()),
                }
            })
            .await?;
    }
    Ok(Outcome::Again(now + LIST_EVERY))
}

/// A payment of ours stands in the list: if we still wait for its end, ask now.
async fn wake_unfinished(tx: &mut crate::db::Tx, id: PaymentId, now: crate::clock::Time) -> Result<()> {
    let waiting: Option<IspId> =
        job::table.filter(job::kind.eq(Kind::Check.as_str()).and(job::subject.eq(id.uuid()))).select(job::isp_id).first(&mut **tx).await.optional()?;
    match waiting {
        Some(isp) => jobs::enqueue(tx, Kind::Check, isp, id.uuid(), now, now).await,
        None => Ok(()),
    }
}
