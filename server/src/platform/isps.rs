//! The ISPs as operators see them.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::app::App;
use crate::approvals::{self, Act, Approval};
use crate::audit::{self, By};
use crate::clock::Time;
use crate::error::{Error, Result};
use crate::id::{IspId, PLATFORM, UserId};
use crate::ledger;
use crate::money::{Money, Rate};
use crate::page::{Cursor, PageAsk};
use crate::schema::isp;

/// An ISP with what it is owed.
#[derive(Clone, Debug)]
pub struct Isp {
    /// Its id.
    pub id: IspId,
    /// Subdomain.
    pub slug: String,
    /// Name for people.
    pub name: String,
    /// Since when an operator has stopped it, if one has.
    pub suspended_at: Option<Time>,
    /// Why.
    pub suspended_reason: String,
    /// Netily's part of each payment that begins now.
    pub rate: Rate,
    /// What Netily owes it.
    pub pending_balance: Money,
    /// When it was opened.
    pub created_at: Time,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = isp)]
struct Row {
    id: IspId,
    slug: String,
    name: String,
    suspended_at: Option<Time>,
    suspended_reason: String,
    commission_bps: Option<Rate>,
    created_at: Time,
}

async fn with_balances(app: &App, rows: Vec<Row>) -> Result<Vec<Isp>> {
    let ids: Vec<IspId> = rows.iter().map(|row| row.id).collect();
    let balances = app.db.across(async |tx| ledger::pending_balances(tx, &ids).await).await?;
    Ok(rows
        .into_iter()
        .map(|row| Isp {
            pending_balance: balances.get(&row.id).copied().unwrap_or_default(),
            rate: row.commission_bps.unwrap_or(app.config.commission_rate),
            suspended_at: row.suspended_at,
            suspended_reason: row.suspended_reason,
            id: row.id,
            slug: row.slug,
            name: row.name,
            created_at: row.created_at,
        })
        .collect())
}

/// A page of ISPs, newest first.
pub async fn list_isps(app: &App, page: PageAsk) -> Result<(Vec<Isp>, String)> {
    let before = page.before();
    let rows: Vec<Row> = app
        .db
        .public(async |tx| {
            Ok(isp::table
                .filter(isp::id.ne(PLATFORM))
                .filter(isp::created_at.lt(before.at).or(isp::created_at.eq(before.at).and(isp::id.lt(before.id))))
                .order((isp::created_at.desc(), isp::id.desc()))
                .limit(page.size + 1)
                .select(Row::as_select())
                .load(&mut **tx)
                .await?)
        })
        .await?;
    let (rows, next) = page.cut(rows, |row| Cursor { at: row.created_at, id: row.id.uuid() });
    Ok((with_balances(app, rows).await?, next))
}

/// The ISP with this id or subdomain, or `NOT_FOUND`.
pub async fn find_isp(app: &App, id_or_slug: &str) -> Result<Isp> {
    let row: Option<Row> = app
        .db
        .public(async |tx| {
            let found = isp::table.filter(isp::id.ne(PLATFORM)).select(Row::as_select());
            Ok(match id_or_slug.parse::<IspId>() {
                Ok(id) => found.filter(isp::id.eq(id)).first(&mut **tx).await.optional()?,
                Err(_) => found.filter(isp::slug.eq(id_or_slug)).first(&mut **tx).await.optional()?,
            })
        })
        .await?;
    let row = row.ok_or_else(|| Error::not_found("ISP"))?;
    with_balances(app, vec![row]).await?.pop().ok_or_else(|| Error::not_found("ISP"))
}

/// Sets Netily's part of payments that begin from now on, once two operators say the same; those under way keep theirs. False: another
/// operator must say so, too.
pub async fn set_commission_rate(app: &App, by: UserId, id_or_slug: &str, rate: Rate) -> Result<(Isp, bool)> {
    let found = find_isp(app, id_or_slug).await?;
    if found.rate == rate {
        return Ok((found, true));
    }
    let now = app.clock.now();
    let facts = serde_json::json!({ "from": found.rate.to_string(), "to": rate.to_string() });
    let subject = found.id.to_string();
    let done = app
        .db
        .tx(PLATFORM, async |tx| {
            let ask = approvals::Ask { act: Act::CommissionRate, subject: &subject, isp: Some(found.id), amount: None, content: facts.clone(), note: "" };
            let Approval::Given(_) = approvals::ask(tx, by, &ask, now).await? else { return Ok(false) };
            tx.act_for(found.id).await?;
            diesel::update(isp::table.find(found.id)).set(isp::commission_bps.eq(rate)).execute(&mut **tx).await?;
            audit::record(tx, found.id, By::User(by), "set_commission_rate", &subject, facts, now).await?;
            Ok(true)
        })
        .await?;
    Ok((if done { Isp { rate, ..found } } else { found }, done))
}
