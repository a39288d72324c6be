//! Uses a customer's balance for what is owed: open invoices, oldest first, in part if need be. An invoice of a period that is paid
//! whole extends the connection. Called in the transaction of whatever made money come in or an invoice come up.

use std::cmp::Reverse;

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::account::{self, Move};
use super::extend::extend;
use super::invoice::{self, Invoice, Status};
use super::terms;
use crate::clock::Time;
use crate::connection;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::id::{CustomerId, InvoiceId, IspId};
use crate::money::Money;
use crate::schema;

/// Pays open invoices from the balance, `first` before all others, and gives those that are paid whole now. The account is locked by
/// the caller.
pub async fn settle(tx: &mut Tx, isp: IspId, customer: CustomerId, first: Option<InvoiceId>, now: Time) -> Result<Vec<Invoice>> {
    let mut balance = account::balance(tx, isp, customer).await?;
    if balance == Money::ZERO {
        return Ok(Vec::new());
    }
    // The connection is locked before the invoices, as everywhere.
    let line = connection::live_of(tx, isp, customer).await?;
    let mut open = invoice::open_of(tx, isp, customer).await?;
    open.sort_by_key(|invoice| Reverse(Some(invoice.id) == first)); // stable: the others stay oldest first
    let mut paid = Vec::new();
    for owed in open {
        let part = owed.owed().min(balance);
        if part == Money::ZERO {
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
            extend(tx, isp, line, &terms, now).await?;
        }
        paid.push(invoice::get(tx, isp, owed.id).await?);
    }
    Ok(paid)
}
