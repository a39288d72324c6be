//! The one writer of a customer's status. It tells nobody: messages and alerts are the caller's.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::json;

use super::status::{Act, Status};
use super::store::{self, Customer};
use crate::audit::{self, By};
use crate::auth;
use crate::clock::Time;
use crate::connection;
use crate::db::Tx;
use crate::error::{Error, Reason, Result};
use crate::id::{CustomerId, IspId};
use crate::schema::customer;

/// Does something to a customer's status and writes it in the audit log, or `STATE_CONFLICT`. Who may not be signed in any longer
/// is signed out everywhere. `reason` is what the customer may read, or empty; the audit log, which forgets nothing, is spared words
/// that may name somebody.
pub async fn set_status(tx: &mut Tx, isp: IspId, id: CustomerId, act: Act, reason: &str, by: By, now: Time) -> Result<Customer> {
    let before = store::lock(tx, isp, id).await?;
    let from = before.status()?;
    let Some(to) = act.after(from) else {
        return Err(Error::new(Reason::StateConflict, format!("This customer is {}, so this cannot be done.", from.as_str())));
    };
    diesel::update(customer::table.find((isp, id)))
        .set((
            customer::status.eq(to.as_str()),
            customer::status_reason.eq(reason),
            customer::approved_at.eq(before.approved_at.or((to == Status::Active).then_some(now))),
            customer::closed_at.eq((to == Status::Closed).then_some(now)),
        ))
        .execute(&mut **tx)
        .await?;
    if !to.may_sign_in() {
        auth::end_all(tx, isp, before.user_id, None, act.audit_name(), now).await?;
    }
    // A line is up only for who is ACTIVE.
    connection::customer_changed(tx, isp, id, now).await?;
    let facts = json!({ "from": from.as_str(), "to": to.as_str() });
    audit::record(tx, isp, by, act.audit_name(), &id.to_string(), facts, now).await?;
    store::get(tx, isp, id).await
}
