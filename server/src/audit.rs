//! Who did what: sign-ins, changes of roles, of people and of payout details, manual money acts. Append-only; never holds a
//! secret or a whole phone number.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::Value;

use crate::clock::Time;
use crate::db::Tx;
use crate::error::Result;
use crate::id::{IspId, RowId, UserId};
use crate::schema::audit_event;

/// Who acted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// A person with an account of this ISP, or of the platform.
    User(UserId),
    /// Somebody who is not signed in, by a proof of their own: a code, a link.
    Themselves(UserId),
    /// A rule of ours.
    Netily,
}

impl By {
    /// As it is written in rows.
    pub fn text(self) -> String {
        match self {
            By::User(user) | By::Themselves(user) => user.to_string(),
            By::Netily => "netily".to_owned(),
        }
    }
}

/// Writes what happened, in the transaction in which it happens. `act` is a verb and a noun in snake case, `subject` an id.
pub async fn record(tx: &mut Tx, isp: IspId, by: By, act: &str, subject: &str, facts: Value, now: Time) -> Result<()> {
    diesel::insert_into(audit_event::table)
        .values((
            (audit_event::tenant_id.eq(isp), audit_event::id.eq(RowId::sortable(now)), audit_event::actor.eq(by.text())),
            (audit_event::act.eq(act), audit_event::subject.eq(subject), audit_event::facts.eq(facts), audit_event::at.eq(now)),
        ))
        .execute(&mut **tx)
        .await?;
    Ok(())
}
