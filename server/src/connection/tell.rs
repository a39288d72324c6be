//! Asking that a router be brought to what its connections want.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::store::Connection;
use crate::clock::Time;
use crate::db::Tx;
use crate::error::Result;
use crate::id::{CustomerId, IspId, RouterId};
use crate::jobs::{self, Kind};
use crate::schema::connection;

/// The router, if there is one, is to be brought to what the row says, now.
pub(super) async fn tell_router(tx: &mut Tx, isp: IspId, changed: &Connection, now: Time) -> Result<()> {
    let Some(router) = changed.router_id else { return Ok(()) };
    diesel::update(connection::table.find((isp, changed.id)))
        .set((connection::router_pending.eq(true), connection::router_asked.eq(connection::router_asked + 1)))
        .execute(&mut **tx)
        .await?;
    ask_for(tx, isp, router, now).await
}

/// Asks for a router's turn.
pub(super) async fn ask_for(tx: &mut Tx, isp: IspId, router: RouterId, now: Time) -> Result<()> {
    jobs::enqueue(tx, Kind::ConnectionSync, isp, router.uuid(), now, now).await
}

/// How a customer stands has changed: whether the line may be up follows from it.
pub async fn customer_changed(tx: &mut Tx, isp: IspId, customer: CustomerId, now: Time) -> Result<()> {
    let live = connection::table.filter(connection::tenant_id.eq(isp).and(connection::customer_id.eq(customer)).and(connection::status.ne("ENDED")));
    let live: Option<Connection> = live.select(Connection::as_select()).first(&mut **tx).await.optional()?;
    match live {
        Some(live) => tell_router(tx, isp, &live, now).await,
        None => Ok(()),
    }
}
