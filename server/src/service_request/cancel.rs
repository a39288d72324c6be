//! A customer takes a service request back.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::row::{self, ServiceRequest};
use super::status::Status;
use crate::clock::Time;
use crate::db::Tx;
use crate::error::{Error, Reason, Result};
use crate::id::{CustomerId, IspId, ServiceRequestId};
use crate::schema::service_request;

/// Takes a service request back; doing it again changes nothing. `STATE_CONFLICT` once somebody works on it.
pub async fn cancel(tx: &mut Tx, isp: IspId, customer: CustomerId, id: ServiceRequestId, now: Time) -> Result<ServiceRequest> {
    let before = row::lock(tx, isp, id).await?;
    if before.customer_id != customer {
        return Err(row::not_found());
    }
    match before.status()? {
        Status::Cancelled => return Ok(before),
        status if status.may_be_taken_back() => {}
        status => return Err(Error::new(Reason::StateConflict, format!("This request is {}, so it cannot be taken back.", status.as_str()))),
    }
    diesel::update(service_request::table.find((isp, id)))
        .set((service_request::status.eq(Status::Cancelled.as_str()), service_request::updated_at.eq(now)))
        .execute(&mut **tx)
        .await?;
    row::get(tx, isp, id).await
}
