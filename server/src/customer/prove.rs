//! A customer has proven the phone or the e-mail address. What a proof does to the status is decided in `status`.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::set_status::set_status;
use super::status::{Act, Rules};
use super::store::{self, Customer};
use crate::audit::{self, By};
use crate::clock::Time;
use crate::db::Tx;
use crate::error::Result;
use crate::id::{CustomerId, IspId};
use crate::schema::customer;

/// What was proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// That the present phone is theirs.
    Phone,
    /// That the present e-mail address is theirs.
    Email,
}

/// Writes a proof down, and lets the customer in where a proof suffices.
pub async fn prove(tx: &mut Tx, isp: IspId, id: CustomerId, proof: Proof, rules: Rules, now: Time) -> Result<Customer> {
    let before = store::lock(tx, isp, id).await?;
    let row = diesel::update(customer::table.find((isp, id)));
    let act = match proof {
        Proof::Phone => {
            row.set(customer::phone_verified_at.eq(now)).execute(&mut **tx).await?;
            "verify_phone"
        }
        Proof::Email => {
            row.set(customer::email_verified_at.eq(now)).execute(&mut **tx).await?;
            "verify_email"
        }
    };
    audit::record(tx, isp, By::Themselves(before.user_id), act, &id.to_string(), serde_json::json!({}), now).await?;
    let proven = store::get(tx, isp, id).await?;
    let status = proven.status()?;
    if rules.after_proof(status, proven.proven()) == status { Ok(proven) } else { set_status(tx, isp, id, Act::Approve, "", By::Netily, now).await }
}
