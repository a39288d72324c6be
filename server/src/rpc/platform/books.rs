//! The books of a month, on the wire.

use netily_sdk::platform as pb;

use super::repair::{approval, note};
use crate::app::App;
use crate::books::{self, Book, Line, Reopening, TrialBalance};
use crate::calendar::Month;
use crate::error::Result;
use crate::id::UserId;
use crate::rpc::answer::{money, timestamp};

/// The accounts of a month.
pub async fn trial_balance(app: &App, ask: pb::GetTrialBalanceRequest) -> Result<pb::GetTrialBalanceResponse> {
    let month = Month::read("month", &ask.month)?;
    let trial = app.db.across(async |tx| books::trial_balance(tx, month).await).await?;
    Ok(pb::GetTrialBalanceResponse { trial_balance: Some(show(app, trial).await?) })
}

/// Closes a month.
pub async fn close(app: &App, by: UserId, ask: pb::CloseMonthRequest) -> Result<pb::CloseMonthResponse> {
    let trial = books::close(app, by, Month::read("month", &ask.month)?).await?;
    Ok(pb::CloseMonthResponse { trial_balance: Some(show(app, trial).await?) })
}

/// Opens a month again.
pub async fn reopen(app: &App, by: UserId, ask: pb::ReopenMonthRequest) -> Result<pb::ReopenMonthResponse> {
    let month = Month::read("month", &ask.month)?;
    Ok(match books::reopen(app, by, month, &note(&ask.note)?).await? {
        Reopening::Done => pb::ReopenMonthResponse { needs_another_operator: false, approval: None },
        Reopening::Waiting(request) => pb::ReopenMonthResponse { needs_another_operator: true, approval: Some(approval(app, *request).await?) },
    })
}

async fn show(app: &App, of: TrialBalance) -> Result<pb::TrialBalance> {
    let month = of.month;
    let closed = app.db.public(async |tx| books::closed(tx, month).await).await?;
    let [_, debits, credits, balance] = of.totals();
    Ok(pb::TrialBalance {
        month: month.to_string(),
        lines: of.lines.into_iter().map(line).collect(),
        total_debits: Some(money(debits)),
        total_credits: Some(money(credits)),
        total_balance: Some(money(balance)),
        closed_at: closed.map(|(at, _)| timestamp(at)),
        closed_by: closed.map(|(_, by)| by.to_string()).unwrap_or_default(),
    })
}

fn line(of: Line) -> pb::TrialBalanceLine {
    let book = match of.book {
        Book::Ledger => pb::Book::Ledger,
        Book::Customers => pb::Book::Customers,
        Book::Cash => pb::Book::Cash,
    };
    pb::TrialBalanceLine {
        opening: Some(money(of.opening)),
        debits: Some(money(of.debit)),
        credits: Some(money(of.credit)),
        balance: Some(money(of.balance())),
        isp_slug: of.slug,
        book: book.into(),
        account: of.account,
    }
}
