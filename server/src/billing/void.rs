//! Taking an invoice back. What was paid of it becomes balance, which pays what else is owed.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::json;

use super::account::{self, Move};
use super::invoice::{self, Invoice, Status};
use super::settle::{clear, settle};
use crate::audit::{self, By};
use crate::clock::Time;
use crate::connection;
use crate::db::Tx;
use crate::error::{Error, Reason, Result};
use crate::id::{InvoiceId, IspId};
use crate::money::Money;
use crate::schema;

/// Voids an invoice that is not paid whole. Doing it again changes nothing.
pub async fn void(tx: &mut Tx, isp: IspId, by: By, id: InvoiceId, reason: &str, now: Time) -> Result<Invoice> {
    let found = invoice::get(tx, isp, id).await?;
    account::lock(tx, isp, found.customer_id).await?;
    let line = match found.connection_id {
        Some(connection) => Some(connection::lock(tx, isp, connection).await?),
        None => None,
    };
    let before = invoice::get(tx, isp, id).await?; // nobody else moves it while the account is locked
    match before.status()? {
        Status::Void => return Ok(before),
        Status::Paid => return Err(Error::new(Reason::StateConflict, format!("{} is paid; it cannot be taken back.", before.invoice_number))),
        Status::Open => {}
    }
    if before.paid_minor > Money::ZERO {
        account::book(tx, isp, before.customer_id, Move::Return(id), before.paid_minor, &before.invoice_number, now).await?;
    }
    let row = schema::invoice::table.find((isp, id));
    let written = (schema::invoice::status.eq("VOID"), schema::invoice::paid_minor.eq(Money::ZERO), schema::invoice::voided_at.eq(now));
    diesel::update(row).set((written, schema::invoice::void_reason.eq(reason))).execute(&mut **tx).await?;
    settle(tx, isp, before.customer_id, None, now).await?;
    if let Some(live) = connection::live_of(tx, isp, before.customer_id).await? {
        clear(tx, isp, &live, now).await?;
    }
    if let Some(line) = line.filter(|line| line.next_act_at.is_some()) {
        // The period is not asked for any more: billing looks at once what is due then.
        connection::look_again(tx, isp, line.id, Some(now)).await?;
    }
    let facts = json!({ "number": before.invoice_number, "paid_minor": before.paid_minor.minor() });
    audit::record(tx, isp, by, "void_invoice", &id.to_string(), facts, now).await?;
    invoice::get(tx, isp, id).await
}
