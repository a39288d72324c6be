//! Stopping an ISP and letting it go on. A stopped one sells and changes nothing; which calls it may still make is said with the
//! table of roles. What its guests have paid for is delivered all the same.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::isps::{Isp, find_isp};
use crate::app::App;
use crate::audit::{self, By};
use crate::clock::Time;
use crate::error::Result;
use crate::schema::isp;

/// Suspends an ISP; doing it again changes the reason.
pub async fn suspend_isp(app: &App, by: By, id_or_slug: &str, reason: &str) -> Result<Isp> {
    let found = find_isp(app, id_or_slug).await?;
    let now = app.clock.now();
    let since = found.suspended_at.unwrap_or(now);
    app.db
        .tx(found.id, async |tx| {
            diesel::update(isp::table.find(found.id))
                .set((isp::status.eq("SUSPENDED"), isp::suspended_at.eq(since), isp::suspended_reason.eq(reason)))
                .execute(&mut **tx)
                .await?;
            audit::record(tx, found.id, by, "suspend_isp", &found.id.to_string(), serde_json::json!({ "reason": reason }), now).await
        })
        .await?;
    find_isp(app, id_or_slug).await
}

/// Lets a suspended ISP go on; one that is open stays as it is.
pub async fn reactivate_isp(app: &App, by: By, id_or_slug: &str) -> Result<Isp> {
    let found = find_isp(app, id_or_slug).await?;
    if found.suspended_at.is_none() {
        return Ok(found);
    }
    let now = app.clock.now();
    app.db
        .tx(found.id, async |tx| {
            diesel::update(isp::table.find(found.id))
                .set((isp::status.eq("ACTIVE"), isp::suspended_at.eq(None::<Time>), isp::suspended_reason.eq("")))
                .execute(&mut **tx)
                .await?;
            audit::record(tx, found.id, by, "reactivate_isp", &found.id.to_string(), serde_json::json!({}), now).await
        })
        .await?;
    find_isp(app, id_or_slug).await
}
