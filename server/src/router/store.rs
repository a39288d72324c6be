//! Rows of routers.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::app::App;
use crate::clock::Time;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::id::{IspId, RouterId};
use crate::jobs::{self, Kind};
use crate::page::{Cursor, PageAsk};
use crate::schema::{hotspot_session, router};

/// A router as it is stored. Its password stays sealed.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = router)]
pub struct Router {
    /// Its id.
    pub id: RouterId,
    /// Name for people.
    pub name: String,
    /// Where its API is.
    pub host: String,
    /// TCP port of the API.
    pub port: i32,
    /// Whether the API is called over TLS.
    pub use_tls: bool,
    /// The pinned certificate.
    pub certificate_sha256: Option<Vec<u8>>,
    /// API user.
    pub username: String,
    /// Its password, sealed.
    pub password_sealed: Vec<u8>,
    /// Name of the hotspot server; `all` for every one.
    pub hotspot_server: String,
    /// Hash of the request that registered it.
    pub request_hash: Vec<u8>,
    /// When it was registered.
    pub created_at: Time,
    /// When it last answered.
    pub last_seen_at: Option<Time>,
    /// What went wrong last, if the last call did.
    pub last_error: Option<String>,
}

impl Router {
    /// What a sealed password is bound to.
    pub fn row(isp: IspId, id: RouterId) -> String {
        format!("router/{isp}/{id}")
    }
}

/// The router, or `NOT_FOUND`.
pub async fn get(tx: &mut Tx, isp: IspId, id: RouterId) -> Result<Router> {
    find(tx, isp, id).await?.ok_or_else(|| Error::not_found("router"))
}

/// The router.
pub async fn find(tx: &mut Tx, isp: IspId, id: RouterId) -> Result<Option<Router>> {
    Ok(router::table.find((isp, id)).select(Router::as_select()).first(&mut **tx).await.optional()?)
}

/// A page of the ISP's routers, newest first.
pub async fn list(tx: &mut Tx, isp: IspId, page: PageAsk) -> Result<(Vec<Router>, String)> {
    let before = page.before();
    let rows = router::table
        .filter(router::tenant_id.eq(isp))
        .filter(router::created_at.lt(before.at).or(router::created_at.eq(before.at).and(router::id.lt(before.id))))
        .order((router::created_at.desc(), router::id.desc()))
        .limit(page.size + 1)
        .select(Router::as_select())
        .load(&mut **tx)
        .await?;
    Ok(page.cut(rows, |row: &Router| Cursor { at: row.created_at, id: row.id.uuid() }))
}

/// How many paid purchases wait for each of some routers.
pub async fn waiting(tx: &mut Tx, isp: IspId, ids: &[RouterId]) -> Result<HashMap<RouterId, i64>> {
    let rows: Vec<(RouterId, i64)> = hotspot_session::table
        .filter(hotspot_session::tenant_id.eq(isp).and(hotspot_session::router_id.eq_any(ids)).and(hotspot_session::status.eq("PAID")))
        .group_by(hotspot_session::router_id)
        .select((hotspot_session::router_id, diesel::dsl::count_star()))
        .load(&mut **tx)
        .await?;
    Ok(rows.into_iter().collect())
}

/// Remembers how the last call went.
pub async fn seen(tx: &mut Tx, isp: IspId, id: RouterId, problem: Option<&str>, now: Time) -> Result<()> {
    let row = router::table.find((isp, id));
    match problem {
        None => diesel::update(row).set((router::last_seen_at.eq(now), router::last_error.eq(None::<String>))).execute(&mut **tx).await?,
        Some(problem) => diesel::update(row).set(router::last_error.eq(problem)).execute(&mut **tx).await?,
    };
    Ok(())
}

/// Asks that the router be brought to what our rows say, now.
pub async fn allow(tx: &mut Tx, isp: IspId, id: RouterId, now: Time) -> Result<()> {
    jobs::enqueue(tx, Kind::RouterSync, isp, id.uuid(), now, now).await
}

/// Seals the passwords of an ISP's routers anew with the first encryption key; tells how many were not.
pub async fn reseal(app: &App, tx: &mut Tx, isp: IspId) -> Result<usize> {
    let mine = router::table.filter(router::tenant_id.eq(isp));
    let rows: Vec<(RouterId, Vec<u8>)> = mine.select((router::id, router::password_sealed)).for_no_key_update().load(&mut **tx).await?;
    let mut changed = 0;
    for (id, sealed) in rows {
        if let Some(anew) = app.seal.reseal(&Router::row(isp, id), &sealed)? {
            diesel::update(router::table.find((isp, id))).set(router::password_sealed.eq(anew)).execute(&mut **tx).await?;
            changed += 1;
        }
    }
    Ok(changed)
}
