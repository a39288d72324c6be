//! After a new encryption key was put in front of the others: every secret at rest is sealed anew with it, and the old key can go.
//! May be stopped and run again at any time, beside servers that work.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::app::App;
use crate::error::Result;
use crate::id::IspId;
use crate::schema::isp;
use crate::{auth, connection, notify, router};

/// How many secrets were sealed anew, by what they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Resealed {
    /// Keys of access tokens.
    pub token_keys: usize,
    /// Passwords of routers.
    pub routers: usize,
    /// Passwords of customers' devices.
    pub connections: usize,
    /// Messages that hold a code or link and wait to be sent.
    pub messages: usize,
}

/// Seals every secret at rest with the first encryption key.
pub async fn reseal(app: &App) -> Result<Resealed> {
    let mut resealed = Resealed { token_keys: auth::reseal_keys(app).await?, ..Resealed::default() };
    let isps: Vec<IspId> = app.db.public(async |tx| Ok(isp::table.select(isp::id).load(&mut **tx).await?)).await?;
    for isp in isps {
        let (routers, connections, messages) = app
            .db
            .tx(isp, async |tx| {
                let routers = router::store::reseal(app, tx, isp).await?;
                Ok((routers, connection::reseal(app, tx, isp).await?, notify::reseal(app, tx, isp).await?))
            })
            .await?;
        resealed.routers += routers;
        resealed.connections += connections;
        resealed.messages += messages;
    }
    Ok(resealed)
}
