//! Uses a customer's balance for what is owed: open invoices, oldest first, in part if need be. An invoice of a period that is paid
//! whole extends the connection. Called in the transaction of whatever made money come in or an invoice come up.

use std::cmp::Reverse;

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::account::{self, Move};
use super::extend::{GRACE, extend, grace};
use super::invoice::{self, Invoice, Status};
use super::terms;
use crate::clock::Time;
use crate::connection::{self, Billing, Connection, Suspended};
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::id::{CustomerId, InvoiceId, IspId};
use crate::money::Money;
use crate::schema;

/// Pays open invoices from the balance, `first` before all others, and gives those that are paid whole now. The account is locked by
/// the caller.
pub async fn settle(tx: &mut Tx, isp: IspId, customer: CustomerId, first: Option<InvoiceId>, now: Time) -> Result<Vec<Invoice>> {
    pay_open(tx, isp, customer, first, false, now).await
}

/// Pays what is so long overdue that it keeps the connection off, before anything new is bought.
pub async fn settle_overdue(tx: &mut Tx, isp: IspId, customer: CustomerId, now: Time) -> Result<Vec<Invoice>> {
    pay_open(tx, isp, customer, None, true, now).await
}

async fn pay_open(tx: &mut Tx, isp: IspId, customer: CustomerId, first: Option<InvoiceId>, only_overdue: bool, now: Time) -> Result<Vec<Invoice>> {
    let mut balance = account::balance(tx, isp, customer).await?;
    if balance <= Money::ZERO {
        return Ok(Vec::new());
    }
    // The connection is locked before the invoices, as everywhere.
    let line = connection::live_of(tx, isp, customer).await?;
    let mut open = invoice::open_of(tx, isp, customer).await?;
    if only_overdue {
        open.retain(|invoice| keeps_off(invoice, now));
    }
    open.sort_by_key(|invoice| Reverse(Some(invoice.id) == first)); // stable: the others stay oldest first
    let (mut paid, mut extended, wanted) = (Vec::new(), false, open.len());
    for owed in open {
        let part = owed.owed().min(balance);
        if part <= Money::ZERO {
            break;
        }
        balance = account::book(tx, isp, customer, Move::Invoice(owed.id), part, "", now).await?;
        let so_far = owed.paid_minor.checked_add(part).ok_or_else(|| Error::internal("a sum that does not fit"))?;
        let whole = so_far == owed.total_minor;
        let row = schema::invoice::table.find((isp, owed.id));
        let status = if whole { Status::Paid } else { Status::Open };
        let written = (schema::invoice::paid_minor.eq(so_far), schema::invoice::status.eq(status.as_str()), schema::invoice::paid_at.eq(whole.then_some(now)));
        diesel::update(row).set(written).execute(&mut **tx).await?;
        if !whole {
            break;
        }
        if let (Some(line), Some(plan), Some(version)) = (line.as_ref().filter(|line| Some(line.id) == owed.connection_id), owed.plan_id, owed.plan_version) {
            let terms = terms::get(tx, isp, plan, version).await?;
            let period = extend(tx, isp, line, &terms, now).await?;
            // Paid late, it pays for the time from then on: the paper says what was delivered.
            let delivered = (schema::invoice::period_start.eq(period.start), schema::invoice::period_end.eq(period.end));
            diesel::update(row).set(delivered).execute(&mut **tx).await?;
            extended = true;
        }
        paid.push(invoice::get(tx, isp, owed.id).await?);
    }
    if let Some(line) = line {
        if paid.len() < wanted {
            // What is still owed may keep it off: billing looks at once.
            connection::look_again(tx, isp, line.id, Some(now)).await?;
        } else if !extended && !paid.is_empty() {
            clear(tx, isp, &line, now).await?;
        }
    }
    Ok(paid)
}

/// Whether an invoice keeps the connection off until it is paid. Those for a period have a rule of their own.
fn keeps_off(invoice: &Invoice, now: Time) -> bool {
    !invoice.is_period() && now >= invoice.due_at + GRACE
}

/// A locked connection that was cut off for a debt comes on again when nothing is owed that keeps it off, if its time is paid.
pub(super) async fn clear(tx: &mut Tx, isp: IspId, line: &Connection, now: Time) -> Result<()> {
    let paid = line.paid_until.is_some_and(|until| until + grace(line.billing().unwrap_or(Billing::Prepaid)) > now);
    if !paid || line.suspended()? != Some(Suspended::Unpaid) {
        return Ok(());
    }
    if invoice::open_of(tx, isp, line.customer_id).await?.iter().any(|open| keeps_off(open, now)) {
        return Ok(());
    }
    connection::come_on(tx, isp, line, now).await
}
