//! Looking for what was missed: payments that nobody asks about.

use chrono::TimeDelta;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::app::App;
use crate::error::Result;
use crate::id::{IspId, PaymentId};
use crate::jobs::{self, Kind, Outcome};
use crate::payments::State;
use crate::schema::{job, payment};

const EVERY: TimeDelta = TimeDelta::seconds(30);
const BATCH: i64 = 500;

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
