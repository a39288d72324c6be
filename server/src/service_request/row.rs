//! Rows of service requests.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::status::{Category, Status};
use crate::clock::Time;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::id::{CustomerId, IspId, ServiceRequestId};
use crate::schema::service_request;

/// A service request as it is stored.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = service_request)]
pub struct ServiceRequest {
    /// Its id.
    pub id: ServiceRequestId,
    /// Who asked.
    pub customer_id: CustomerId,
    category: String,
    /// In a few words.
    pub subject: String,
    /// In full.
    pub description: String,
    status: String,
    /// The last answer of staff; empty before the first.
    pub reply: String,
    /// When that was.
    pub replied_at: Option<Time>,
    /// Hash of the request that made it.
    pub request_hash: Vec<u8>,
    /// When it was asked.
    pub created_at: Time,
    /// When it last changed.
    pub updated_at: Time,
}

impl ServiceRequest {
    /// Where it stands.
    pub fn status(&self) -> Result<Status> {
        Status::parse(&self.status).ok_or_else(|| Error::internal(format!("{} has a strange status", self.id)))
    }

    /// What it asks for.
    pub fn category(&self) -> Result<Category> {
        Category::parse(&self.category).ok_or_else(|| Error::internal(format!("{} has a strange category", self.id)))
    }
}

/// A customer's own service request, or `NOT_FOUND`.
pub async fn get_of(tx: &mut Tx, isp: IspId, customer: CustomerId, id: ServiceRequestId) -> Result<ServiceRequest> {
    let mine = service_request::table.find((isp, id)).filter(service_request::customer_id.eq(customer));
    mine.select(ServiceRequest::as_select()).first(&mut **tx).await.optional()?.ok_or_else(not_found)
}

/// How many service requests of a customer somebody still has to do something about.
pub async fn open(tx: &mut Tx, isp: IspId, customer: CustomerId) -> Result<i64> {
    let open = service_request::status.eq_any(Status::OPEN.map(Status::as_str));
    let mine = service_request::tenant_id.eq(isp).and(service_request::customer_id.eq(customer));
    Ok(service_request::table.filter(mine.and(open)).count().get_result(&mut **tx).await?)
}

/// A service request that nobody else changes until the transaction ends, or `NOT_FOUND`.
pub(super) async fn lock(tx: &mut Tx, isp: IspId, id: ServiceRequestId) -> Result<ServiceRequest> {
    let row = service_request::table.find((isp, id)).for_update().select(ServiceRequest::as_select()).first(&mut **tx).await;
    row.optional()?.ok_or_else(not_found)
}

/// The same as it is now.
pub(super) async fn get(tx: &mut Tx, isp: IspId, id: ServiceRequestId) -> Result<ServiceRequest> {
    Ok(service_request::table.find((isp, id)).select(ServiceRequest::as_select()).first(&mut **tx).await?)
}

pub(super) fn not_found() -> Error {
    Error::not_found("service request")
}
