//! What comes by itself: paying whoever is due, and finding settlements that no job works on, since a process died.

use chrono::TimeDelta;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::run::{Scope, run};
use super::state::State;
use crate::app::App;
use crate::error::{Reason, Result};
use crate::id::{IspId, SettlementId};
use crate::jobs::{self, Kind, Outcome};
use crate::schema::{job, settlement};

const EVERY: TimeDelta = TimeDelta::seconds(60);
const BATCH: i64 = 500;

/// The job `settlement_sweep`.
pub async fn settlement_sweep(app: &App) -> Result<Outcome> {
    let now = app.clock.now();
    find_strays(app).await?;
    match run(app, Scope::default(), false).await {
        Ok(ran) => {
            for made in ran.due.iter().filter_map(|due| due.made.as_ref()) {
                tracing::info!(settlement = %made.id, amount = %made.amount_minor, period = made.period, "an ISP is being paid");
            }
            Ok(Outcome::Again(now + EVERY))
        }
        // Stopped by an operator, or by a rule that does not hold: who did it knows.
        Err(error) if error.reason == Reason::StateConflict => Ok(Outcome::Again(now + EVERY)),
        Err(error) => Ok(Outcome::Retry(now + EVERY, error.to_string())),
    }
}

/// Makes sure that every settlement without an end has a job that works on it.
async fn find_strays(app: &App) -> Result<()> {
    let now = app.clock.now();
    let open: Vec<&str> = State::ALL.into_iter().filter(|state| state.is_open()).map(State::as_str).collect();
    let stray: Vec<(IspId, SettlementId, String)> = app
        .db
        .across(async |tx| {
            Ok(settlement::table
                .filter(settlement::state.eq_any(open))
                .filter(diesel::dsl::not(diesel::dsl::exists(
                    job::table.filter(job::subject.eq(settlement::id).and(job::kind.eq_any([Kind::SettlementSend.as_str(), Kind::SettlementCheck.as_str()]))),
                )))
                .order(settlement::created_at)
                .limit(BATCH)
                .select((settlement::tenant_id, settlement::id, settlement::state))
                .load(&mut **tx)
                .await?)
        })
        .await?;
    for (isp, id, state) in &stray {
        let kind = if state == State::Pending.as_str() { Kind::SettlementSend } else { Kind::SettlementCheck };
        app.db.public(async |tx| jobs::enqueue(tx, kind, *isp, id.uuid(), now, now).await).await?;
    }
    Ok(())
}
