//! Closing a month, and opening it again. What was closed is written down with its sums. Months are closed in their order, so that one day
//! parts what is closed from what is open; only the newest closed one is opened again, and by two operators.

use chrono::TimeDelta;
use diesel::prelude::*;
use diesel::sql_types::{Nullable, Timestamptz};
use diesel_async::RunQueryDsl;
use serde_json::json;

use super::open::{ALONE, standing};
use super::trial::{TrialBalance, trial_balance};
use crate::app::App;
use crate::approvals::{self, Act, Approval, Request};
use crate::audit::{self, By};
use crate::calendar::Month;
use crate::clock::Time;
use crate::db::Tx;
use crate::error::{Error, Reason, Result};
use crate::id::{PLATFORM, RowId, UserId};
use crate::schema::{month_close, month_close_line};

/// What began before a month was over is booked within this time after it.
pub const SETTLED_AFTER: TimeDelta = TimeDelta::hours(1);

/// Closes a month and gives what was written down. Errors: STATE_CONFLICT when it is not over for an hour, is closed, an earlier one is not,
/// or its ledger does not balance.
pub async fn close(app: &App, by: UserId, month: Month) -> Result<TrialBalance> {
    let now = app.clock.now();
    app.db.tx(PLATFORM, async |tx| write(tx, by, month, now).await).await
}

async fn write(tx: &mut Tx, by: UserId, month: Month, now: Time) -> Result<TrialBalance> {
    if now < month.end() + SETTLED_AFTER {
        return Err(Error::new(Reason::StateConflict, format!("{month} is not over for an hour yet.")));
    }
    let closed = standing(tx, ALONE).await?;
    let first = match closed.last {
        Some(last) => Some(last.next()),
        None => first_month(tx).await?,
    };
    match first {
        Some(first) if month > first => return Err(Error::new(Reason::StateConflict, format!("Months are closed in their order: close {first} first."))),
        Some(_) if closed.last.is_some_and(|last| month <= last) => return Err(Error::new(Reason::StateConflict, format!("{month} is closed."))),
        Some(first) if month < first => return Err(Error::new(Reason::StateConflict, format!("The books begin with {first}."))),
        _ => {}
    }
    let trial = across(tx, month).await?;
    if !trial.balances() {
        return Err(Error::new(Reason::StateConflict, format!("The ledger of {month} does not balance: look at GetTrialBalance and CheckLedger.")));
    }
    let id = RowId::sortable(now);
    let row = (month_close::id.eq(id), month_close::month.eq(month.first_day()), month_close::closed_by.eq(by), month_close::closed_at.eq(now));
    diesel::insert_into(month_close::table).values(row).execute(&mut **tx).await?;
    for lines in trial.lines.chunks(1_000) {
        use month_close_line::dsl;
        let rows: Vec<_> = lines
            .iter()
            .map(|line| {
                let sums = (dsl::opening_minor.eq(line.opening), dsl::debit_minor.eq(line.debit), dsl::credit_minor.eq(line.credit));
                (dsl::close_id.eq(id), dsl::isp_id.eq(line.isp_id), dsl::book.eq(line.book), dsl::account.eq(&line.account), sums)
            })
            .collect();
        diesel::insert_into(dsl::month_close_line).values(rows).execute(&mut **tx).await?;
    }
    let [_, debits, _, _] = trial.totals();
    let facts = json!({ "month": month.to_string(), "lines": trial.lines.len(), "debits_minor": debits.minor() });
    audit::record(tx, PLATFORM, By::User(by), "close_month", &month.to_string(), facts, now).await?;
    Ok(trial)
}

/// The trial balance in a transaction that writes: the one look across puts on the role that may only read, and takes it off again.
async fn across(tx: &mut Tx, month: Month) -> Result<TrialBalance> {
    diesel::sql_query("SET LOCAL ROLE netily_platform").execute(&mut **tx).await?;
    let trial = trial_balance(tx, month).await?;
    diesel::sql_query("SET LOCAL ROLE NONE").execute(&mut **tx).await?;
    Ok(trial)
}

/// The first month that has a movement of the platform's ledger or an ISP.
async fn first_month(tx: &mut Tx) -> Result<Option<Month>> {
    #[derive(diesel::QueryableByName)]
    struct Row {
        #[diesel(sql_type = Nullable<Timestamptz>)]
        at: Option<Time>,
    }
    let row: Row =
        diesel::sql_query("SELECT min(created_at) AS at FROM public.isp WHERE id <> '00000000-0000-0000-0000-000000000000'").get_result(&mut **tx).await?;
    Ok(row.at.map(Month::of))
}

/// Whether a month is open again.
#[derive(Clone, Debug)]
pub enum Reopening {
    /// It is.
    Done,
    /// Another operator must ask for the same.
    Waiting(Box<Request>),
}

/// Opens the newest closed month again, once two operators ask for it. Errors: STATE_CONFLICT when it is not closed or a later one is.
pub async fn reopen(app: &App, by: UserId, month: Month, note: &str) -> Result<Reopening> {
    let now = app.clock.now();
    app.db
        .tx(PLATFORM, async |tx| {
            let closed = standing(tx, ALONE).await?;
            match closed.last {
                Some(last) if last == month => {}
                Some(last) if last > month => return Err(Error::new(Reason::StateConflict, format!("Open {last} again first: it was closed later."))),
                _ => return Err(Error::new(Reason::StateConflict, format!("{month} is not closed."))),
            }
            let subject = month.to_string();
            let ask = approvals::Ask { act: Act::ReopenMonth, subject: &subject, isp: None, amount: None, content: json!({ "month": subject }), note };
            let operators = match approvals::ask(tx, by, &ask, now).await? {
                Approval::Given(operators) => operators,
                Approval::Waiting(request) => return Ok(Reopening::Waiting(request)),
            };
            let open = month_close::table.filter(month_close::month.eq(month.first_day()).and(month_close::reopened_at.is_null()));
            let ids: Vec<uuid::Uuid> = operators.iter().map(|operator| operator.uuid()).collect();
            let written = (month_close::reopened_by.eq(ids), month_close::reopened_at.eq(now), month_close::reopen_note.eq(note));
            diesel::update(open).set(written).execute(&mut **tx).await?;
            audit::record(tx, PLATFORM, By::User(by), "reopen_month", &subject, json!({ "note": note }), now).await?;
            Ok(Reopening::Done)
        })
        .await
}

/// When a month was closed and by whom; `None` while it is open.
pub async fn closed(tx: &mut Tx, month: Month) -> Result<Option<(Time, UserId)>> {
    let open = month_close::table.filter(month_close::month.eq(month.first_day()).and(month_close::reopened_at.is_null()));
    Ok(open.select((month_close::closed_at, month_close::closed_by)).first(&mut **tx).await.optional()?)
}
