//! What a customer has left is ended by an act of an owner: written off, or paid back by hand. Netily sends nothing and its ledger knows
//! nothing of it: the ISP has the money.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::json;

use super::account::{self, Move};
use crate::app::App;
use crate::audit::{self, By};
use crate::clock::Time;
use crate::customer;
use crate::db::Tx;
use crate::error::{Error, Reason, Result};
use crate::id::{CustomerId, IspId, RequestId};
use crate::money::Money;
use crate::page::{Cursor, PageAsk};
use crate::schema::{balance_withdrawal, customer as customer_table, customer_account};

/// How a balance is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The ISP keeps it, or forgives what is below nothing.
    WriteOff,
    /// The ISP gave it back itself.
    PaidBack,
}

/// What an owner writes down.
#[derive(Clone, Debug)]
pub struct Withdrawal {
    /// Whose balance.
    pub customer: CustomerId,
    /// How it is ended.
    pub ending: Ending,
    /// How much; `None`: all of it.
    pub amount: Option<Money>,
    /// Why.
    pub reason: String,
    /// The client's id of the request.
    pub request_id: RequestId,
    /// Hash of the request's content.
    pub request_hash: Vec<u8>,
}

/// Ends a balance, whole or in part. Gives what went, below nothing when a debt was forgiven, and what is left. The same request again
/// does nothing again.
pub async fn withdraw(app: &App, isp: IspId, by: By, ask: &Withdrawal) -> Result<(Money, Money)> {
    let now = app.clock.now();
    app.db.tx(isp, async |tx| write(tx, isp, by, ask, now).await).await
}

async fn write(tx: &mut Tx, isp: IspId, by: By, ask: &Withdrawal, now: Time) -> Result<(Money, Money)> {
    use balance_withdrawal::dsl;
    let customer = customer::get(tx, isp, ask.customer).await?.id;
    let balance = account::lock(tx, isp, customer).await?;
    let before = dsl::balance_withdrawal.filter(dsl::tenant_id.eq(isp).and(dsl::request_id.eq(ask.request_id.0)));
    let before: Option<(Money, Vec<u8>)> = before.select((dsl::amount_minor, dsl::request_hash)).first(&mut **tx).await.optional()?;
    if let Some((amount, hash)) = before {
        return if hash == ask.request_hash {
            Ok((amount.negated(), balance))
        } else {
            Err(Error::new(Reason::RequestIdReused, "This request_id was used before with other content."))
        };
    }
    let (what, most) = movement(ask.ending, balance)?;
    let amount = ask.amount.unwrap_or(most);
    if amount <= Money::ZERO || amount > most {
        return Err(Error::field("amount", format!("must be above nothing and at most KES {most}")));
    }
    let booked = account::book_entry(tx, isp, customer, what, amount, "", now).await?;
    let kind = match ask.ending {
        Ending::WriteOff => "WRITE_OFF",
        Ending::PaidBack => "PAID_BACK",
    };
    diesel::insert_into(dsl::balance_withdrawal)
        .values((
            (dsl::tenant_id.eq(isp), dsl::id.eq(booked.id), dsl::customer_id.eq(customer), dsl::kind.eq(kind)),
            (dsl::amount_minor.eq(booked.amount), dsl::reason.eq(&ask.reason), dsl::made_by.eq(by.text())),
            (dsl::request_id.eq(ask.request_id.0), dsl::request_hash.eq(&ask.request_hash), dsl::created_at.eq(now)),
        ))
        .execute(&mut **tx)
        .await?;
    let facts = json!({ "amount_minor": booked.amount.minor(), "left_minor": booked.balance.minor() });
    let act = match ask.ending {
        Ending::WriteOff => "write_off_balance",
        Ending::PaidBack => "record_balance_paid_back",
    };
    audit::record(tx, isp, by, act, &customer.to_string(), facts, now).await?;
    Ok((booked.amount.negated(), booked.balance))
}

/// Which movement ends a balance, and the most that it may move. Pure.
fn movement(ending: Ending, balance: Money) -> Result<(Move, Money)> {
    match ending {
        Ending::WriteOff if balance < Money::ZERO => Ok((Move::Forgive, balance.negated())),
        Ending::WriteOff if balance > Money::ZERO => Ok((Move::WriteOff, balance)),
        Ending::PaidBack if balance > Money::ZERO => Ok((Move::PaidBack, balance)),
        Ending::WriteOff | Ending::PaidBack => Err(Error::new(Reason::StateConflict, "There is nothing in the account.")),
    }
}

/// The balance of somebody who left.
#[derive(Clone, Debug, Queryable)]
pub struct Left {
    /// Who.
    pub customer: CustomerId,
    /// The number that people use.
    pub customer_code: String,
    /// `CLOSED` or `REJECTED`.
    pub status: String,
    /// When the customer left.
    pub closed_at: Option<Time>,
    /// When the customer came.
    created_at: Time,
    /// What is left.
    pub balance: Money,
}

/// Balances of customers who left or were refused, newest customers first.
pub async fn list_left(tx: &mut Tx, isp: IspId, page: PageAsk) -> Result<(Vec<Left>, String)> {
    let before = page.before();
    let theirs = customer_account::tenant_id.eq(customer_table::tenant_id).and(customer_account::customer_id.eq(customer_table::id));
    let rows: Vec<Left> = customer_table::table
        .inner_join(customer_account::table.on(theirs))
        .filter(customer_table::tenant_id.eq(isp).and(customer_table::status.eq_any(["CLOSED", "REJECTED"])))
        .filter(customer_account::balance_minor.ne(Money::ZERO))
        .filter(customer_table::created_at.lt(before.at).or(customer_table::created_at.eq(before.at).and(customer_table::id.lt(before.id))))
        .order((customer_table::created_at.desc(), customer_table::id.desc()))
        .limit(page.size + 1)
        .select((
            customer_table::id,
            customer_table::customer_code,
            customer_table::status,
            customer_table::closed_at,
            customer_table::created_at,
            customer_account::balance_minor,
        ))
        .load(&mut **tx)
        .await?;
    Ok(page.cut(rows, |row| Cursor { at: row.created_at, id: row.customer.uuid() }))
}
