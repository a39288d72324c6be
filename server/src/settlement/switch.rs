//! The switch that stops every payout. What was sent is asked about all the same.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::json;

use crate::app::App;
use crate::audit::{self, By};
use crate::clock::Time;
use crate::db::Tx;
use crate::error::Result;
use crate::id::PLATFORM;
use crate::schema::payout_switch;

/// How the switch stands.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = payout_switch)]
pub struct Switch {
    /// Since when payouts are stopped; none: they are not.
    pub stopped_at: Option<Time>,
    /// By whom: an operator, or `netily` for a rule that does not hold.
    pub stopped_by: String,
    /// Why.
    pub reason: String,
}

/// How it stands.
pub async fn read(tx: &mut Tx) -> Result<Switch> {
    Ok(payout_switch::table.find(true).select(Switch::as_select()).first(&mut **tx).await?)
}

/// Stops payouts, or lets them go on. A second stop keeps the first reason.
pub async fn set(app: &App, by: By, stopped: bool, reason: &str) -> Result<()> {
    let now = app.clock.now();
    app.db
        .tx(PLATFORM, async |tx| {
            use payout_switch::dsl;
            let row = dsl::payout_switch.find(true).for_update().select(Switch::as_select()).first(&mut **tx).await?;
            if row.stopped_at.is_some() == stopped {
                return Ok(());
            }
            let to = (dsl::stopped_at.eq(stopped.then_some(now)), dsl::stopped_by.eq(by.text()), dsl::reason.eq(reason));
            diesel::update(dsl::payout_switch.find(true)).set(to).execute(&mut **tx).await?;
            let act = if stopped { "stop_payouts" } else { "resume_payouts" };
            tracing::warn!(act, reason, "the switch of payouts was moved");
            audit::record(tx, PLATFORM, by, act, "", json!({ "reason": reason }), now).await
        })
        .await
}
