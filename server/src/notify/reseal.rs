//! Sealing anew, after a new encryption key, what waits to be sent.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::app::App;
use crate::db::Tx;
use crate::error::Result;
use crate::id::{IspId, MessageId};
use crate::notify::message::Message;
use crate::schema::message;

/// Seals an ISP's secret messages anew with the first encryption key; tells how many were not.
pub async fn reseal(app: &App, tx: &mut Tx, tenant: IspId) -> Result<usize> {
    let waiting = message::table.filter(message::tenant_id.eq(tenant).and(message::body_sealed.is_not_null()));
    let rows: Vec<(MessageId, Option<Vec<u8>>)> = waiting.select((message::id, message::body_sealed)).for_no_key_update().load(&mut **tx).await?;
    let mut changed = 0;
    for (id, sealed) in rows {
        if let Some(anew) = app.seal.reseal(&Message::row(tenant, id), &sealed.unwrap_or_default())? {
            diesel::update(message::table.find((tenant, id))).set(message::body_sealed.eq(anew)).execute(&mut **tx).await?;
            changed += 1;
        }
    }
    Ok(changed)
}
