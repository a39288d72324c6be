//! Lists of service requests: a customer's own, and all of an ISP with who asked.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::row::ServiceRequest;
use super::status::{Category, Status};
use crate::db::Tx;
use crate::error::Result;
use crate::id::{CustomerId, IspId, ServiceRequestId};
use crate::page::{Cursor, PageAsk};
use crate::schema::{customer, service_request, user_account};

/// A service request, and who asked.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The request.
    pub request: ServiceRequest,
    /// `CUST-0001`.
    pub customer_code: String,
    /// Given and family name.
    pub customer_name: String,
}

type Row = (ServiceRequest, String, String, String);

impl Asked {
    fn of((request, customer_code, first, last): Row) -> Asked {
        Asked { request, customer_code, customer_name: format!("{first} {last}").trim().to_owned() }
    }
}

/// Which service requests.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted {
    /// Only in this state.
    pub status: Option<Status>,
    /// Only of this category.
    pub category: Option<Category>,
    /// Only of this customer.
    pub customer: Option<CustomerId>,
}

/// A page of service requests of an ISP, newest first.
pub async fn list(tx: &mut Tx, isp: IspId, wanted: Wanted, page: PageAsk) -> Result<(Vec<Asked>, String)> {
    let before = page.before();
    let mut query = with_who(isp)
        .filter(service_request::created_at.lt(before.at).or(service_request::created_at.eq(before.at).and(service_request::id.lt(before.id))))
        .order((service_request::created_at.desc(), service_request::id.desc()))
        .limit(page.size + 1)
        .into_boxed();
    if let Some(status) = wanted.status {
        query = query.filter(service_request::status.eq(status.as_str()));
    }
    if let Some(category) = wanted.category {
        query = query.filter(service_request::category.eq(category.as_str()));
    }
    if let Some(customer) = wanted.customer {
        query = query.filter(service_request::customer_id.eq(customer));
    }
    let rows: Vec<Row> = query.load(&mut **tx).await?;
    let (rows, next) = page.cut(rows, |(request, ..): &Row| Cursor { at: request.created_at, id: request.id.uuid() });
    Ok((rows.into_iter().map(Asked::of).collect(), next))
}

/// One service request with who asked.
pub(super) async fn one(tx: &mut Tx, isp: IspId, id: ServiceRequestId) -> Result<Asked> {
    Ok(Asked::of(with_who(isp).filter(service_request::id.eq(id)).first(&mut **tx).await?))
}

/// A page of a customer's own service requests, newest first.
pub async fn of_customer(tx: &mut Tx, isp: IspId, customer: CustomerId, page: PageAsk) -> Result<(Vec<ServiceRequest>, String)> {
    let before = page.before();
    let rows = service_request::table
        .filter(service_request::tenant_id.eq(isp).and(service_request::customer_id.eq(customer)))
        .filter(service_request::created_at.lt(before.at).or(service_request::created_at.eq(before.at).and(service_request::id.lt(before.id))))
        .order((service_request::created_at.desc(), service_request::id.desc()))
        .limit(page.size + 1)
        .select(ServiceRequest::as_select())
        .load(&mut **tx)
        .await?;
    Ok(page.cut(rows, |row: &ServiceRequest| Cursor { at: row.created_at, id: row.id.uuid() }))
}

#[diesel::dsl::auto_type(no_type_alias)]
fn with_who(isp: IspId) -> _ {
    let of_customer = customer::tenant_id.eq(service_request::tenant_id).and(customer::id.eq(service_request::customer_id));
    let of_account = user_account::tenant_id.eq(customer::tenant_id).and(user_account::id.eq(customer::user_id));
    let select: diesel::dsl::AsSelect<ServiceRequest, diesel::pg::Pg> = ServiceRequest::as_select();
    service_request::table
        .inner_join(customer::table.on(of_customer))
        .inner_join(user_account::table.on(of_account))
        .filter(service_request::tenant_id.eq(isp))
        .select((select, customer::customer_code, user_account::first_name, user_account::last_name))
}
