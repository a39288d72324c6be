//! What does not agree, until a person closes it: the list, closing, and telling operators.

use chrono::TimeDelta;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::{Value, json};

use crate::actor::Role;
use crate::app::App;
use crate::audit::{self, By};
use crate::auth;
use crate::clock::Time;
use crate::error::{Error, Reason, Result};
use crate::id::{PLATFORM, RowId, UserId};
use crate::jobs::Outcome;
use crate::money::Money;
use crate::notify::{self, Note, Template, To};
use crate::page::{Cursor, PageAsk};
use crate::schema::{isp, reconciliation_break};

/// A break.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = reconciliation_break)]
pub struct Break {
    /// Its id.
    pub id: RowId,
    /// What it is, in snake case.
    pub kind: String,
    /// What it is about.
    pub reference: String,
    /// The money, where it is known.
    pub amount_minor: Option<Money>,
    /// More.
    pub detail: Value,
    /// When it was found.
    pub opened_at: Time,
    /// When it was closed.
    pub closed_at: Option<Time>,
    /// Who closed it.
    pub closed_by: Option<String>,
    /// Why.
    pub closed_reason: Option<String>,
}

/// A page of breaks with the subdomains of their ISPs, newest first.
pub async fn list(app: &App, closed: bool, page: PageAsk) -> Result<(Vec<(Break, Option<String>)>, String)> {
    let before = page.before();
    app.db
        .across(async |tx| {
            let mut query = reconciliation_break::table
                .left_join(isp::table.on(isp::id.nullable().eq(reconciliation_break::isp_id)))
                .filter(
                    reconciliation_break::opened_at.lt(before.at).or(reconciliation_break::opened_at.eq(before.at).and(reconciliation_break::id.lt(before.id))),
                )
                .order((reconciliation_break::opened_at.desc(), reconciliation_break::id.desc()))
                .limit(page.size + 1)
                .select((Break::as_select(), isp::slug.nullable()))
                .into_boxed();
            if !closed {
                query = query.filter(reconciliation_break::closed_at.is_null());
            }
            Ok(page.cut(query.load(&mut **tx).await?, |(row, _): &(Break, Option<String>)| Cursor { at: row.opened_at, id: row.id.uuid() }))
        })
        .await
}

/// Closes a break with a reason.
pub async fn close(app: &App, by: UserId, id: RowId, reason: &str) -> Result<Break> {
    use reconciliation_break::dsl;
    let now = app.clock.now();
    app.db
        .tx(PLATFORM, async |tx| {
            let found: Option<Break> = dsl::reconciliation_break.find(id).for_update().select(Break::as_select()).first(&mut **tx).await.optional()?;
            let found = found.ok_or_else(|| Error::not_found("break"))?;
            if found.closed_at.is_some() {
                return Err(Error::new(Reason::StateConflict, "It is closed already."));
            }
            let closed = (dsl::closed_at.eq(now), dsl::closed_by.eq(by.to_string()), dsl::closed_reason.eq(reason));
            diesel::update(dsl::reconciliation_break.find(id)).set(closed).execute(&mut **tx).await?;
            audit::record(tx, PLATFORM, By::User(by), "close_break", &id.to_string(), json!({ "kind": found.kind, "reason": reason }), now).await?;
            Ok(dsl::reconciliation_break.find(id).select(Break::as_select()).first(&mut **tx).await?)
        })
        .await
}

const EVERY: TimeDelta = TimeDelta::seconds(60);
/// Breaks that one message names.
const NAMED: i64 = 20;

/// The job `break_sweep`: operators are told of what is new, by mail and text message, in one message a minute at most.
pub async fn break_sweep(app: &App) -> Result<Outcome> {
    use reconciliation_break::dsl;
    let now = app.clock.now();
    app.db
        .tx(PLATFORM, async |tx| {
            let new = dsl::reconciliation_break.filter(dsl::told_at.is_null()).order(dsl::opened_at).limit(NAMED).for_update().skip_locked();
            let new: Vec<Break> = new.select(Break::as_select()).load(&mut **tx).await?;
            let open: Vec<&Break> = new.iter().filter(|one| one.closed_at.is_none()).collect();
            if !open.is_empty() {
                let subject = if open.len() == 1 { "Something needs you".to_owned() } else { format!("{} things need you", open.len()) };
                for operator in auth::all_users(tx, PLATFORM, Role::Operator).await? {
                    let phone = operator.phone.as_ref().and_then(|phone| phone.parse().ok()).map(To::Phone);
                    for to in [phone, operator.email.clone().map(To::Mailbox)].into_iter().flatten() {
                        let text = if matches!(to, To::Phone(_)) { in_short(&open) } else { in_full(&open) };
                        let facts = [("subject", subject.as_str())];
                        let (template, lang) = (Template::Notice, operator.lang());
                        let note = Note { template, to, user: Some(operator.id), lang, facts: &facts, text: Some(&text), expires_at: None };
                        notify::queue(app, tx, PLATFORM, note, now).await?;
                    }
                }
            }
            let ids: Vec<RowId> = new.iter().map(|one| one.id).collect();
            diesel::update(dsl::reconciliation_break.filter(dsl::id.eq_any(ids))).set(dsl::told_at.eq(now)).execute(&mut **tx).await?;
            Ok(())
        })
        .await?;
    Ok(Outcome::Again(now + EVERY))
}

fn in_short(open: &[&Break]) -> String {
    let kinds: Vec<String> = open.iter().take(3).map(|one| one.kind.replace('_', " ")).collect();
    format!("Netily: {} new. {}: netilyctl break list", open.len(), kinds.join(", "))
}

fn in_full(open: &[&Break]) -> String {
    let line = |one: &&Break| {
        let amount = one.amount_minor.map(|amount| format!(" KES {amount}")).unwrap_or_default();
        format!("- {}{amount}, {} (break {})", one.kind.replace('_', " "), one.reference, one.id)
    };
    let lines: Vec<String> = open.iter().map(line).collect();
    // Braces would be taken for placeholders.
    let text =
        format!("These do not agree and wait for a person:\n\n{}\n\nSee them with `netilyctl break list`, close each with a reason.\n", lines.join("\n"));
    text.replace(['{', '}'], " ")
}
