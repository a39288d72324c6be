//! Putting a plan on a customer.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::store::{self, Access, Billing, Connection};
use crate::clock::Time;
use crate::db::Tx;
use crate::error::{Error, Reason, Result, is_duplicate};
use crate::id::{ConnectionId, CustomerId, IspId, RequestId, ServicePlanId};
use crate::schema::connection;

/// A connection to be made. It is on no router yet.
#[derive(Clone, Debug)]
pub struct NewConnection {
    /// Whose it is.
    pub customer: CustomerId,
    /// The plan and its version.
    pub plan: (ServicePlanId, i32),
    /// How it is paid.
    pub billing: Billing,
    /// How the device will sign in.
    pub access: Access,
    /// The request of staff, and the hash of its content.
    pub request: Option<(RequestId, Vec<u8>)>,
}

impl NewConnection {
    /// What a customer makes who pays for a plan before anybody came to install it.
    pub fn bought(customer: CustomerId, plan: ServicePlanId, version: i32) -> NewConnection {
        NewConnection { customer, plan: (plan, version), billing: Billing::Prepaid, access: Access::Pppoe, request: None }
    }
}

/// Makes a connection that waits for money, or `STATE_CONFLICT` when the customer has one. The same request again gives the one it made:
/// the answer says whether it is new.
pub async fn create(tx: &mut Tx, isp: IspId, new: NewConnection, now: Time) -> Result<(Connection, bool)> {
    let id = ConnectionId::sortable(now);
    let (request_id, request_hash) = new.request.map(|(id, hash)| (id.0, hash)).unzip();
    if let Some(request) = request_id {
        let before = connection::table.filter(connection::tenant_id.eq(isp).and(connection::request_id.eq(request)));
        let found: Option<Connection> = before.select(Connection::as_select()).first(&mut **tx).await.optional()?;
        if let Some(found) = found {
            let same = found.request_hash == request_hash;
            return if same { Ok((found, false)) } else { Err(Error::new(Reason::RequestIdReused, "This request_id was used before with other content.")) };
        }
    }
    let made = diesel::insert_into(connection::table)
        .values((
            (connection::tenant_id.eq(isp), connection::id.eq(id), connection::customer_id.eq(new.customer)),
            (connection::plan_id.eq(new.plan.0), connection::plan_version.eq(new.plan.1), connection::billing.eq(new.billing.as_str())),
            (connection::access.eq(new.access.as_str()), connection::created_at.eq(now)),
            (connection::request_id.eq(request_id), connection::request_hash.eq(request_hash)),
        ))
        .execute(&mut **tx)
        .await;
    match made {
        Err(cause) if is_duplicate(&cause) => Err(Error::new(Reason::StateConflict, "This customer has a connection already. Change or end that one.")),
        other => {
            other?;
            Ok((store::get(tx, isp, id).await?, true))
        }
    }
}
