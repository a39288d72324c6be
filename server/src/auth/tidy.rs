//! Deleting what nobody can use any longer: expired tokens and codes, sign-ins and links of long ago, counts of wrong passwords.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::{code, link, sending, session, sign_in};
use crate::app::App;
use crate::error::Result;
use crate::id::IspId;
use crate::schema::isp;

/// Tidies up each ISP, and the platform itself, in a transaction of its own.
pub async fn tidy(app: &App) -> Result<()> {
    let now = app.clock.now();
    let tenants: Vec<IspId> = app.db.public(async |tx| Ok(isp::table.select(isp::id).load(&mut **tx).await?)).await?;
    for tenant in tenants {
        app.db
            .tx(tenant, async |tx| {
                session::tidy(tx, tenant, now).await?;
                sign_in::tidy_failures(tx, tenant, now).await?;
                code::tidy(tx, tenant, now).await?;
                link::tidy(tx, tenant, now).await?;
                sending::tidy(tx, tenant, now).await
            })
            .await?;
    }
    Ok(())
}
