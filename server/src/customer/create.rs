//! A new customer: account, row, number and search words, all or none. Who may make one is decided by the caller.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::search;
use super::status::Status;
use super::store::Customer;
use crate::allowance::{self, Thing};
use crate::auth::{self, NewUser, User};
use crate::clock::Time;
use crate::counter;
use crate::db::Tx;
use crate::error::{Error, Reason, Result};
use crate::id::{CustomerId, IspId, RequestId};
use crate::schema::customer;

/// Who wrote a customer down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegisteredBy {
    /// Themselves.
    Themselves,
    /// Staff of the ISP.
    Staff,
}

impl RegisteredBy {
    /// As the database writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            RegisteredBy::Themselves => "SELF",
            RegisteredBy::Staff => "STAFF",
        }
    }
}

/// A customer to be made.
#[derive(Clone, Debug)]
pub struct NewCustomer {
    /// The account, with the role of a customer.
    pub user: NewUser,
    /// National id card.
    pub id_number: Option<String>,
    /// How it stands at first.
    pub status: Status,
    /// Who wrote it down.
    pub registered_by: RegisteredBy,
    /// The client's id of the request.
    pub request_id: RequestId,
    /// Hash of the request's content.
    pub request_hash: Vec<u8>,
}

/// Makes a customer, and the account. `LIMIT_REACHED` when the ISP's plan is for no more; `ALREADY_EXISTS` names `email` or `phone_number` when somebody has it; since the transaction is lost then,
/// ask `repeated` in a new one, for the first of two equal requests may have won.
pub async fn create(tx: &mut Tx, isp: IspId, new: &NewCustomer, now: Time) -> Result<(Customer, User)> {
    let user = auth::create_user(tx, isp, &new.user, now).await?;
    allowance::allow(tx, isp, Thing::Customer).await?;
    // From here on other new customers of this ISP wait for the end of the transaction.
    let number = i32::try_from(counter::next(tx, isp, "customer").await?).map_err(Error::internal)?;
    let code = format!("CUST-{number:04}");
    let made: Customer = diesel::insert_into(customer::table)
        .values((
            (customer::tenant_id.eq(isp), customer::id.eq(CustomerId::sortable(now)), customer::user_id.eq(user.id)),
            (customer::number.eq(number), customer::customer_code.eq(&code)),
            (customer::status.eq(new.status.as_str()), customer::id_number.eq(&new.id_number), customer::registered_by.eq(new.registered_by.as_str())),
            (customer::approved_at.eq((new.status == Status::Active).then_some(now)), customer::created_at.eq(now)),
            (customer::request_id.eq(new.request_id.0), customer::request_hash.eq(&new.request_hash)),
        ))
        .returning(Customer::as_returning())
        .get_result(&mut **tx)
        .await?;
    search::write_first(tx, isp, &made, &user).await?;
    Ok((made, user))
}

/// The customer that this request made before; `REQUEST_ID_REUSED` if that was another request.
pub async fn repeated(tx: &mut Tx, isp: IspId, id: RequestId, hash: &[u8]) -> Result<Option<Customer>> {
    let before: Option<Customer> = customer::table
        .filter(customer::tenant_id.eq(isp).and(customer::request_id.eq(id.0)))
        .select(Customer::as_select())
        .first(&mut **tx)
        .await
        .optional()?;
    match before {
        Some(before) if before.request_hash != hash => Err(Error::new(Reason::RequestIdReused, "This request_id was used before with other content.")),
        before => Ok(before),
    }
}
