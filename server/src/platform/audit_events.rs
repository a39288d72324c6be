//! The audit log as operators read it, over all ISPs or for one.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::isps::find_isp;
use crate::app::App;
use crate::clock::Time;
use crate::error::Result;
use crate::id::{IspId, PLATFORM, RowId};
use crate::page::{Cursor, PageAsk};
use crate::schema::{audit_event, isp};

/// Something that somebody did.
#[derive(Clone, Debug, Queryable)]
pub struct AuditEvent {
    /// Its id.
    pub id: RowId,
    /// Subdomain of the ISP; `platform` for the platform itself.
    pub isp_slug: String,
    /// Who: an id, or `netily`.
    pub actor: String,
    /// What, in snake case.
    pub act: String,
    /// To what: an id.
    pub subject: String,
    /// More.
    pub facts: serde_json::Value,
    /// When.
    pub at: Time,
}

/// A page of what was done, newest first: in one ISP (`platform` is the platform itself) or everywhere, and only one act if one is named.
pub async fn list_audit_events(app: &App, id_or_slug: Option<&str>, act: Option<&str>, page: PageAsk) -> Result<(Vec<AuditEvent>, String)> {
    let tenant: Option<IspId> = match id_or_slug {
        None => None,
        Some("platform") => Some(PLATFORM),
        Some(id_or_slug) => Some(find_isp(app, id_or_slug).await?.id),
    };
    let before = page.before();
    let rows: Vec<AuditEvent> = app
        .db
        .across(async |tx| {
            let mut query = audit_event::table
                .inner_join(isp::table.on(isp::id.eq(audit_event::tenant_id)))
                .filter(audit_event::at.lt(before.at).or(audit_event::at.eq(before.at).and(audit_event::id.lt(before.id))))
                .order((audit_event::at.desc(), audit_event::id.desc()))
                .limit(page.size + 1)
                .select((audit_event::id, isp::slug, audit_event::actor, audit_event::act, audit_event::subject, audit_event::facts, audit_event::at))
                .into_boxed();
            if let Some(tenant) = tenant {
                query = query.filter(audit_event::tenant_id.eq(tenant));
            }
            if let Some(act) = act {
                query = query.filter(audit_event::act.eq(act.to_owned()));
            }
            Ok(query.load(&mut **tx).await?)
        })
        .await?;
    Ok(page.cut(rows, |row| Cursor { at: row.at, id: row.id.uuid() }))
}
