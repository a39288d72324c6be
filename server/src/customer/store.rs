//! Rows of customers.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::status::{Proven, Status};
use crate::clock::Time;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::id::{CustomerId, IspId, UserId};
use crate::schema::customer;

/// A customer as stored. Name, phone and e-mail address are those of the account.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = customer)]
pub struct Customer {
    /// Its id.
    pub id: CustomerId,
    /// The account.
    pub user_id: UserId,
    /// `CUST-0001`: the number that people use.
    pub customer_code: String,
    status: String,
    /// Why staff rejected or suspended; else empty.
    pub status_reason: String,
    /// National id card, when it was asked for.
    pub id_number: Option<String>,
    /// `SELF` or `STAFF`.
    pub registered_by: String,
    /// When the present phone was proven.
    pub phone_verified_at: Option<Time>,
    /// When the present e-mail address was proven.
    pub email_verified_at: Option<Time>,
    /// When it first became ACTIVE.
    pub approved_at: Option<Time>,
    /// When it was closed.
    pub closed_at: Option<Time>,
    /// Since when the personal fields are gone.
    pub erased_at: Option<Time>,
    /// Hash of the request that made it.
    pub request_hash: Vec<u8>,
    /// When it was made.
    pub created_at: Time,
}

impl Customer {
    /// How it stands.
    pub fn status(&self) -> Result<Status> {
        Status::parse(&self.status).ok_or_else(|| Error::internal(format!("{} has a strange status", self.id)))
    }

    /// What it has proven.
    pub fn proven(&self) -> Proven {
        Proven { phone: self.phone_verified_at.is_some(), email: self.email_verified_at.is_some() }
    }
}

/// The customer, or `NOT_FOUND`.
pub async fn get(tx: &mut Tx, isp: IspId, id: CustomerId) -> Result<Customer> {
    customer::table.find((isp, id)).select(Customer::as_select()).first(&mut **tx).await.optional()?.ok_or_else(|| Error::not_found("customer"))
}

/// The same, and nobody else changes it until the transaction ends.
pub async fn lock(tx: &mut Tx, isp: IspId, id: CustomerId) -> Result<Customer> {
    let row = customer::table.find((isp, id)).for_no_key_update().select(Customer::as_select()).first(&mut **tx).await.optional()?;
    row.ok_or_else(|| Error::not_found("customer"))
}

/// The customer with this account, or `NOT_FOUND`.
pub async fn of_user(tx: &mut Tx, isp: IspId, user: UserId) -> Result<Customer> {
    let row =
        customer::table.filter(customer::tenant_id.eq(isp).and(customer::user_id.eq(user))).select(Customer::as_select()).first(&mut **tx).await.optional()?;
    row.ok_or_else(|| Error::not_found("customer"))
}

/// Writes the number of the id card, or takes it away.
pub async fn set_id_number(tx: &mut Tx, isp: IspId, id: CustomerId, number: Option<&str>) -> Result<()> {
    diesel::update(customer::table.find((isp, id))).set(customer::id_number.eq(number)).execute(&mut **tx).await?;
    Ok(())
}
