//! What providers report later about messages that they took. A report names a message by the provider's own id only.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::clock::Time;
use crate::db::Tx;
use crate::error::Result;
use crate::id::{IspId, MessageId};
use crate::schema::message_receipt;

/// Remembers which message the provider's id stands for, so that a report can be understood.
pub(super) async fn expect(tx: &mut Tx, provider_id: &str, tenant: IspId, id: MessageId, now: Time) -> Result<()> {
    if provider_id.is_empty() {
        return Ok(());
    }
    diesel::insert_into(message_receipt::table)
        .values((
            (message_receipt::provider_id.eq(provider_id), message_receipt::isp_id.eq(tenant)),
            (message_receipt::message_id.eq(id), message_receipt::created_at.eq(now)),
        ))
        .on_conflict_do_nothing()
        .execute(&mut **tx)
        .await?;
    Ok(())
}
