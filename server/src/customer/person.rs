//! A customer with the account, as staff see one: alone, and in lists.

use diesel::dsl::exists;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::search;
use super::status::Status;
use super::store::Customer;
use crate::auth::User;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::id::{CustomerId, IspId};
use crate::page::{Cursor, PageAsk};
use crate::schema::{customer, customer_search, user_account};

/// A customer and the account.
#[derive(Clone, Debug)]
pub struct Person {
    /// The customer.
    pub customer: Customer,
    /// The account.
    pub user: User,
}

/// The customer and the account, or `NOT_FOUND`.
pub async fn person(tx: &mut Tx, isp: IspId, id: CustomerId) -> Result<Person> {
    let account = user_account::tenant_id.eq(customer::tenant_id).and(user_account::id.eq(customer::user_id));
    let row: Option<(Customer, User)> = customer::table
        .inner_join(user_account::table.on(account))
        .filter(customer::tenant_id.eq(isp).and(customer::id.eq(id)))
        .select((Customer::as_select(), User::as_select()))
        .first(&mut **tx)
        .await
        .optional()?;
    row.map(|(customer, user)| Person { customer, user }).ok_or_else(|| Error::not_found("customer"))
}

/// A page of customers, newest first: in a status, and whom each word of `typed` finds.
pub async fn list(tx: &mut Tx, isp: IspId, status: Option<Status>, typed: &str, page: PageAsk) -> Result<(Vec<Person>, String)> {
    let before = page.before();
    let account = user_account::tenant_id.eq(customer::tenant_id).and(user_account::id.eq(customer::user_id));
    let mut query = customer::table
        .inner_join(user_account::table.on(account))
        .filter(customer::tenant_id.eq(isp))
        .filter(customer::created_at.lt(before.at).or(customer::created_at.eq(before.at).and(customer::id.lt(before.id))))
        .order((customer::created_at.desc(), customer::id.desc()))
        .limit(page.size + 1)
        .select((Customer::as_select(), User::as_select()))
        .into_boxed();
    if let Some(status) = status {
        query = query.filter(customer::status.eq(status.as_str()));
    }
    for beginning in search::wanted(typed) {
        let (first, end) = search::range(&beginning);
        let theirs = customer_search::tenant_id.eq(customer::tenant_id).and(customer_search::customer_id.eq(customer::id));
        let begins_so = customer_search::word.ge(first).and(customer_search::word.lt(end));
        query = query.filter(exists(customer_search::table.filter(theirs.and(begins_so))));
    }
    let rows: Vec<(Customer, User)> = query.load(&mut **tx).await?;
    let (rows, next) = page.cut(rows, |(row, _)| Cursor { at: row.created_at, id: row.id.uuid() });
    Ok((rows.into_iter().map(|(customer, user)| Person { customer, user }).collect(), next))
}
