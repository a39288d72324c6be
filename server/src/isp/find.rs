//! From a subdomain to the tenant.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::actor::Tenant;
use crate::clock::Time;
use crate::config::PLATFORM_LABEL;
use crate::db::{Db, Tx};
use crate::error::{Error, Reason, Result};
use crate::id::{IspId, PLATFORM};
use crate::money::Rate;
use crate::schema::isp;

/// The ISP of a subdomain, in the caller's transaction.
pub async fn by_slug(tx: &mut Tx, slug: &str) -> Result<Option<Tenant>> {
    let row: Option<(IspId, String, String)> =
        isp::table.filter(isp::slug.eq(slug).and(isp::id.ne(PLATFORM))).select((isp::id, isp::slug, isp::status)).first(&mut **tx).await.optional()?;
    Ok(row.map(|(id, slug, status)| Tenant { id, slug, suspended: status == "SUSPENDED", read_only: false }))
}

/// The ISP of a subdomain, or `TENANT_NOT_FOUND`.
pub async fn tenant(db: &Db, slug: &str) -> Result<Tenant> {
    let found = db.look(PLATFORM, async |tx| by_slug(tx, slug).await).await?;
    found.ok_or_else(|| Error::new(Reason::TenantNotFound, "No internet provider has this address."))
}

/// The first label of the host of an ISP's pages: its subdomain, or the one that is kept for the platform.
pub async fn label(tx: &mut Tx, id: IspId) -> Result<String> {
    if id == PLATFORM {
        return Ok(PLATFORM_LABEL.to_owned());
    }
    Ok(isp::table.find(id).select(isp::slug).first(&mut **tx).await?)
}

/// The subdomains of some ISPs.
pub async fn slugs(tx: &mut Tx, ids: &[IspId]) -> Result<HashMap<IspId, String>> {
    let rows: Vec<(IspId, String)> = isp::table.filter(isp::id.eq_any(ids)).select((isp::id, isp::slug)).load(&mut **tx).await?;
    Ok(rows.into_iter().collect())
}

/// When an ISP was made.
pub async fn began_at(tx: &mut Tx, id: IspId) -> Result<Time> {
    Ok(isp::table.find(id).select(isp::created_at).first(&mut **tx).await?)
}

/// Netily's part of what is paid to an ISP, as it is now: the platform's unless the ISP has its own.
pub async fn commission_rate(tx: &mut Tx, id: IspId, platform: Rate) -> Result<Rate> {
    let own: Option<Rate> = isp::table.find(id).select(isp::commission_bps).first(&mut **tx).await?;
    Ok(own.unwrap_or(platform))
}
