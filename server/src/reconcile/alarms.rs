//! Breaks in the hands of people: the list, closing with a reason, and telling operators, again and again while one is open.

use chrono::TimeDelta;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use serde_json::{Value, json};

use crate::actor::Role;
use crate::app::App;
use crate::audit::{self, By};
use crate::auth;
use crate::breaks::{self, BreakKind, EndedBy};
use crate::clock::Time;
use crate::db::Tx;
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
            if let Some(EndedBy::Act(act)) = BreakKind::parse(&found.kind).map(|kind| kind.policy().ended_by) {
                return Err(Error::new(Reason::StateConflict, format!("There is money in it that needs a place. End it with: {act}.")));
            }
            let closed = (dsl::closed_at.eq(now), dsl::closed_by.eq(by.to_string()), dsl::closed_reason.eq(reason));
            diesel::update(dsl::reconciliation_break.find(id)).set(closed).execute(&mut **tx).await?;
            audit::record(tx, PLATFORM, By::User(by), "close_break", &id.to_string(), json!({ "kind": found.kind, "reason": reason }), now).await?;
            Ok(dsl::reconciliation_break.find(id).select(Break::as_select()).first(&mut **tx).await?)
        })
        .await
}

const EVERY: TimeDelta = TimeDelta::seconds(60);
/// Breaks that one message names; the others are counted.
const NAMED: i64 = 20;

/// What operators are told of at this moment.
struct News {
    /// The most urgent ones.
    named: Vec<Break>,
    /// How many there are of each kind, the most urgent kind first.
    counts: Vec<(BreakKind, i64)>,
}

impl News {
    fn total(&self) -> i64 {
        self.counts.iter().map(|(_, count)| count).sum()
    }
}

/// The job `break_sweep`: operators are told of what is new, and again of what stays open, by mail and text message. One message a minute tells of
/// all of it, the most urgent kinds first, so that a flood of small things hides nothing.
pub async fn break_sweep(app: &App) -> Result<Outcome> {
    let now = app.clock.now();
    app.db
        .tx(PLATFORM, async |tx| {
            match app.journal.trouble() {
                Some(why) => breaks::open(tx, BreakKind::JournalFailing, "journal", None, None, json!({ "why": why }), now).await?,
                None if app.journal.is_on() => drop(breaks::close(tx, BreakKind::JournalFailing, "journal", "It is written again.", now).await?),
                None => {}
            }
            let news = take_news(tx, now).await?;
            if news.total() > 0 {
                tell_operators(app, tx, &news, now).await?;
            }
            Ok(())
        })
        .await?;
    Ok(Outcome::Again(now + EVERY))
}

#[derive(diesel::QueryableByName)]
struct Counted {
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// Marks everything that is due as told, in one statement however much it is, and counts it.
const TAKE: &str = "
    WITH due AS (SELECT b.id FROM public.reconciliation_break b JOIN unnest($1, $2) AS rule (kind, seconds) ON rule.kind = b.kind
                 WHERE b.closed_at IS NULL AND (b.told_at IS NULL OR b.told_at <= $3 - rule.seconds * interval '1 second') FOR UPDATE OF b SKIP LOCKED),
         told AS (UPDATE public.reconciliation_break b SET told_at = $3 FROM due WHERE b.id = due.id RETURNING b.kind)
    SELECT kind, count(*) AS count FROM told GROUP BY 1";

async fn take_news(tx: &mut Tx, now: Time) -> Result<News> {
    use reconciliation_break::dsl;
    let (words, seconds): (Vec<&str>, Vec<i64>) = BreakKind::ALL.iter().map(|kind| (kind.as_str(), kind.policy().again_after.num_seconds())).unzip();
    let counted: Vec<Counted> =
        diesel::sql_query(TAKE).bind::<Array<Text>, _>(&words).bind::<Array<BigInt>, _>(seconds).bind::<Timestamptz, _>(now).load(&mut **tx).await?;
    let mut counts: Vec<(BreakKind, i64)> = counted.iter().filter_map(|one| Some((BreakKind::parse(&one.kind)?, one.count))).collect();
    counts.sort_unstable();
    let mut named: Vec<Break> = Vec::new();
    for (kind, _) in &counts {
        let room = NAMED - i64::try_from(named.len()).unwrap_or(NAMED);
        let of_kind = dsl::reconciliation_break.filter(dsl::kind.eq(kind).and(dsl::told_at.eq(now)).and(dsl::closed_at.is_null()));
        named.extend(of_kind.order(dsl::opened_at).limit(room).select(Break::as_select()).load(&mut **tx).await?);
    }
    Ok(News { named, counts })
}

async fn tell_operators(app: &App, tx: &mut Tx, news: &News, now: Time) -> Result<()> {
    let subject = if news.total() == 1 { "Something needs you".to_owned() } else { format!("{} things need you", news.total()) };
    for operator in auth::all_users(tx, PLATFORM, Role::Operator).await? {
        let phone = operator.phone.as_ref().and_then(|phone| phone.parse().ok()).map(To::Phone);
        for to in [phone, operator.email.clone().map(To::Mailbox)].into_iter().flatten() {
            let text = if matches!(to, To::Phone(_)) { in_short(news) } else { in_full(news) };
            let facts = [("subject", subject.as_str())];
            let (template, lang) = (Template::Notice, operator.lang());
            let note = Note { template, to, user: Some(operator.id), lang, facts: &facts, text: Some(&text), expires_at: None };
            notify::queue(app, tx, PLATFORM, note, now).await?;
        }
    }
    Ok(())
}

fn in_short(news: &News) -> String {
    let kinds: Vec<String> = news.counts.iter().take(3).map(|(kind, count)| format!("{count} {}", kind.in_words())).collect();
    format!("Netily: {} open. {}: netilyctl break list", news.total(), kinds.join(", "))
}

fn in_full(news: &News) -> String {
    let line = |one: &Break| {
        let amount = one.amount_minor.map(|amount| format!(" KES {amount}")).unwrap_or_default();
        let kind = BreakKind::parse(&one.kind);
        let ended_by = match kind.map(|kind| kind.policy().ended_by) {
            Some(EndedBy::Act(act)) => format!("ended by: {act}"),
            Some(EndedBy::Itself) => "closes itself once it is no longer so".to_owned(),
            Some(EndedBy::Reason) | None => "close it with a reason".to_owned(),
        };
        format!("- {}{amount}, {} (break {}); {ended_by}", one.kind.replace('_', " "), one.reference, one.id)
    };
    let lines: Vec<String> = news.named.iter().map(line).collect();
    let counts: Vec<String> = news.counts.iter().map(|(kind, count)| format!("{count} {}", kind.in_words())).collect();
    // Braces would be taken for placeholders.
    let text =
        format!("These do not agree and wait for a person: {}.\n\n{}\n\nSee all of them with `netilyctl break list`.\n", counts.join(", "), lines.join("\n"));
    text.replace(['{', '}'], " ")
}
