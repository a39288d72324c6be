//! An invoice of staff's own, which the customer's balance pays at once as far as it reaches.

use chrono::TimeDelta;
use serde_json::json;

use super::account;
use super::invoice::{self, Invoice, Line, NewInvoice};
use super::run::{self, tell_of_invoice};
use super::settle::settle;
use crate::app::App;
use crate::audit::{self, By};
use crate::clock::Time;
use crate::connection;
use crate::customer;
use crate::db::Tx;
use crate::error::{Error, Reason, Result};
use crate::id::{CustomerId, IspId, RequestId};

/// How long there is to pay when staff say nothing.
pub(super) const PAY_WITHIN: TimeDelta = TimeDelta::days(7);

/// What staff write.
#[derive(Clone, Debug)]
pub struct Manual {
    /// Whom it is for.
    pub customer: CustomerId,
    /// At least one, of whole shillings.
    pub lines: Vec<Line>,
    /// When it should be paid; `None`: in seven days.
    pub due_at: Option<Time>,
    /// Words.
    pub note: String,
    /// The client's id of the request, and the hash of its content.
    pub request: (RequestId, Vec<u8>),
}

/// Writes it. The same request again gives the invoice it made.
pub async fn write_invoice(app: &App, tx: &mut Tx, isp: IspId, by: By, ask: Manual, now: Time) -> Result<Invoice> {
    let customer = customer::get(tx, isp, ask.customer).await?;
    if matches!(customer.status()?, customer::Status::Rejected | customer::Status::Closed) {
        return Err(Error::new(Reason::CustomerNotActive, "This account is closed or was refused."));
    }
    if ask.due_at.is_some_and(|due| due < now) {
        return Err(Error::field("due_at", "must not be in the past"));
    }
    account::lock(tx, isp, customer.id).await?;
    let due_at = ask.due_at.unwrap_or(now + PAY_WITHIN);
    let new = NewInvoice { customer: customer.id, connection: None, period: None, lines: ask.lines, due_at, note: ask.note, request: Some(ask.request) };
    let (made, is_new) = invoice::make(tx, isp, new, now).await?;
    if !is_new {
        return Ok(made);
    }
    settle(tx, isp, customer.id, None, now).await?;
    let made = invoice::get(tx, isp, made.id).await?;
    tell_of_invoice(app, tx, isp, &made, now).await?;
    if let Some(line) = connection::live_of(tx, isp, customer.id).await? {
        // Not paid in time it takes the connection off.
        run::look(app, tx, isp, line.id, now).await?;
    }
    audit::record(tx, isp, by, "create_invoice", &made.id.to_string(), json!({ "number": made.invoice_number, "total_minor": made.total_minor.minor() }), now)
        .await?;
    Ok(made)
}
