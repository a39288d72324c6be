//! Statements of customers' accounts on the wire.

use netily_sdk::types::{AccountStatement, StatementEntry, StatementFormat};

use crate::app::App;
use crate::billing::statement::{self, Statement};
use crate::calendar::Days;
use crate::csv::CSV;
use crate::error::Result;
use crate::id::{CustomerId, IspId};
use crate::paper;
use crate::rpc::answer::{PDF, money, timestamp};
use crate::rpc::fields;

/// What is asked for; `from`, `to` and `format` as they came.
pub struct Wanted<'a> {
    /// The first day.
    pub from: &'a str,
    /// The last day.
    pub to: &'a str,
    /// The form.
    pub format: i32,
}

/// The statement of a customer, with a file of it if one is asked for.
pub async fn show(app: &App, isp: IspId, customer: CustomerId, wanted: &Wanted<'_>) -> Result<AccountStatement> {
    let days = Days::read(wanted.from, wanted.to, app.clock.now())?;
    let format = fields::choice::<StatementFormat>("format", wanted.format)?.unwrap_or_default();
    let (of, paper, name) = app
        .db
        .tx(isp, async |tx| {
            let of = statement::statement(tx, isp, customer, days).await?;
            let paper = if format == StatementFormat::Pdf { Some(statement::paper(tx, isp, &of).await?) } else { None };
            let name = statement::file_name(tx, isp, &of).await?;
            Ok((of, paper, name))
        })
        .await?;
    let (content, content_type, file_name) = match (format, paper) {
        (_, Some(paper)) => (paper::render(&paper)?, PDF, format!("{name}.pdf")),
        (StatementFormat::Csv, None) => (statement::csv(&of).into_bytes(), CSV, format!("{name}.csv")),
        (StatementFormat::Unspecified | StatementFormat::Pdf, None) => (Vec::new(), "", String::new()),
    };
    Ok(AccountStatement { content, content_type: content_type.to_owned(), file_name, ..entries(of) })
}

fn entries(of: Statement) -> AccountStatement {
    let entry = |entry: statement::Entry| StatementEntry {
        at: Some(timestamp(entry.at)),
        description: entry.what,
        receipt: entry.receipt,
        amount: Some(money(entry.amount)),
        balance: Some(money(entry.balance)),
    };
    AccountStatement {
        from: of.days.first.to_string(),
        to: of.days.last.to_string(),
        opening_balance: Some(money(of.opening)),
        entries: of.entries.into_iter().map(entry).collect(),
        closing_balance: Some(money(of.closing)),
        ..AccountStatement::default()
    }
}
