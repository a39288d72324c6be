//! A customer asks for something. A customer may have so many requests open and make so many a day, so that staff are not flooded.

use chrono::TimeDelta;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::row::{self, ServiceRequest};
use super::status::Category;
use crate::clock::Time;
use crate::customer;
use crate::db::Tx;
use crate::error::{Error, Reason, Result};
use crate::id::{CustomerId, IspId, RequestId, ServiceRequestId};
use crate::schema::service_request;

/// How many requests of a customer may be open.
pub const OPEN_MOST: i64 = 10;
/// How many a customer may make in 24 hours.
pub const PER_DAY: i64 = 20;

/// What a customer asks for.
#[derive(Clone, Debug)]
pub struct Draft {
    /// In a few words.
    pub subject: String,
    /// In full.
    pub description: String,
    /// What it asks for.
    pub category: Category,
    /// The client's id of the request.
    pub request_id: RequestId,
    /// Hash of the request's content.
    pub request_hash: Vec<u8>,
}

/// Files a service request; the same request again gives the one it made.
pub async fn create(tx: &mut Tx, isp: IspId, customer: CustomerId, draft: &Draft, now: Time) -> Result<ServiceRequest> {
    // Requests of one customer wait for each other here, so that what is counted is exact.
    customer::lock(tx, isp, customer).await?;
    if let Some(before) = repeated(tx, isp, customer, draft).await? {
        return Ok(before);
    }
    if row::open(tx, isp, customer).await? >= OPEN_MOST {
        let sentence = format!("You have {OPEN_MOST} open requests. Wait for an answer, or take one back.");
        return Err(Error::new(Reason::StateConflict, sentence));
    }
    refuse_flood(tx, isp, customer, now).await?;
    let id = ServiceRequestId::sortable(now);
    diesel::insert_into(service_request::table)
        .values((
            (service_request::tenant_id.eq(isp), service_request::id.eq(id), service_request::customer_id.eq(customer)),
            (service_request::subject.eq(&draft.subject), service_request::description.eq(&draft.description)),
            (service_request::category.eq(draft.category.as_str()), service_request::request_id.eq(draft.request_id.0)),
            (service_request::request_hash.eq(&draft.request_hash), service_request::created_at.eq(now), service_request::updated_at.eq(now)),
        ))
        .execute(&mut **tx)
        .await?;
    row::get(tx, isp, id).await
}

async fn repeated(tx: &mut Tx, isp: IspId, customer: CustomerId, draft: &Draft) -> Result<Option<ServiceRequest>> {
    let before: Option<ServiceRequest> = service_request::table
        .filter(service_request::tenant_id.eq(isp).and(service_request::customer_id.eq(customer)))
        .filter(service_request::request_id.eq(draft.request_id.0))
        .select(ServiceRequest::as_select())
        .first(&mut **tx)
        .await
        .optional()?;
    match before {
        Some(before) if before.request_hash != draft.request_hash => {
            Err(Error::new(Reason::RequestIdReused, "This request_id was used before with other content."))
        }
        before => Ok(before),
    }
}

/// Twenty in any 24 hours: the next may be made when the twentieth before it is a day old.
async fn refuse_flood(tx: &mut Tx, isp: IspId, customer: CustomerId, now: Time) -> Result<()> {
    let day = TimeDelta::days(1);
    let twentieth: Option<Time> = service_request::table
        .filter(service_request::tenant_id.eq(isp).and(service_request::customer_id.eq(customer)))
        .filter(service_request::created_at.gt(now - day))
        .order(service_request::created_at.desc())
        .offset(PER_DAY - 1)
        .select(service_request::created_at)
        .first(&mut **tx)
        .await
        .optional()?;
    match twentieth {
        Some(at) => {
            let wait = (at + day - now).to_std().unwrap_or_default();
            Err(Error::rate_limited(format!("You made {PER_DAY} requests within a day. Please come back later, or call us."), wait))
        }
        None => Ok(()),
    }
}
