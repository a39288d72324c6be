//! What operators do with payouts, breaks and reports, on the wire.

use netily_sdk::payout as payout_pb;
use netily_sdk::platform as pb;

use crate::app::App;
use crate::audit::By;
use crate::error::{Error, Result};
use crate::id::{IspId, RowId, SettlementId, UserId};
use crate::isp;
use crate::money::Money;
use crate::page::PageAsk;
use crate::platform;
use crate::reconcile::alarms::{self, Break};
use crate::reconcile::{platform as reports, trace};
use crate::rpc::answer::{money, timestamp};
use crate::rpc::fields;
use crate::rpc::payout::{show, state};
use crate::settlement::store::{self, Review};
use crate::settlement::{self, Due, Finding, LeftBecause, Scope, Settlement, switch};

/// Pays whoever is due, or says who.
pub async fn run(app: &App, by: By, ask: pb::RunSettlementsRequest) -> Result<pb::RunSettlementsResponse> {
    let isp = match ask.isp.as_str() {
        "" if ask.ahead_of_schedule => return Err(Error::field("isp", "must be set to pay ahead of the schedule")),
        "" => None,
        named => Some(platform::find_isp(app, &fields::text("isp", named, 64)?).await?.id),
    };
    let ran = settlement::run(app, Scope { isp, ahead: ask.ahead_of_schedule }, ask.dry_run).await?;
    if !ask.dry_run {
        let (now, made) = (app.clock.now(), ran.due.iter().filter(|due| due.made.is_some()).count());
        let facts = serde_json::json!({ "made": made, "ahead_of_schedule": ask.ahead_of_schedule });
        app.db.tx(crate::id::PLATFORM, async |tx| crate::audit::record(tx, crate::id::PLATFORM, by, "run_settlements", "", facts, now).await).await?;
    }
    let paid = ran.due.iter().filter(|due| due.left.is_none()).try_fold(Money::ZERO, |sum, due| sum.checked_add(due.estimate));
    Ok(pb::RunSettlementsResponse { due: ran.due.into_iter().map(due).collect(), total: paid.map(money), wallet_balance: ran.wallet.map(money) })
}

fn due(due: Due) -> pb::DueSettlement {
    pb::DueSettlement {
        isp_slug: due.slug,
        amount: Some(money(due.estimate)),
        period: due.period,
        settlement_id: due.made.map(|made| made.id.to_string()).unwrap_or_default(),
        left_because: due.left.as_ref().map(LeftBecause::text).unwrap_or_default(),
        left_reason: due.left.as_ref().map(show::left_because).unwrap_or_default().into(),
    }
}

/// Settlements of all ISPs.
pub async fn list(app: &App, ask: pb::ListSettlementsRequest) -> Result<pb::ListSettlementsResponse> {
    let isp = match ask.isp.as_str() {
        "" => None,
        named => Some(platform::find_isp(app, &fields::text("isp", named, 64)?).await?.id),
    };
    let page = PageAsk::read(ask.page_size, &ask.page_token)?;
    let filter = store::Filter { state: state(ask.status)?, isp, tests: true, ..store::Filter::default() };
    let (rows, slugs, next_page_token) = app
        .db
        .across(async |tx| {
            let (rows, next) = store::list(tx, filter, page).await?;
            let ids: Vec<IspId> = rows.iter().map(|row| row.tenant_id).collect();
            Ok((rows, isp::slugs(tx, &ids).await?, next))
        })
        .await?;
    let shown = |row: &Settlement| show::settlement(row, slugs.get(&row.tenant_id).map_or("", String::as_str), true);
    Ok(pb::ListSettlementsResponse { settlements: rows.iter().map(shown).collect::<Result<_>>()?, next_page_token })
}

async fn shown(app: &App, of: &Settlement) -> Result<payout_pb::Settlement> {
    let slugs = app.db.across(async |tx| isp::slugs(tx, &[of.tenant_id]).await).await?;
    show::settlement(of, slugs.get(&of.tenant_id).map_or("", String::as_str), true)
}

/// One settlement with the evidence.
pub async fn get(app: &App, ask: pb::GetSettlementRequest) -> Result<pb::GetSettlementResponse> {
    let id: SettlementId = fields::parse("id", &ask.id)?;
    let isp = app.db.across(async |tx| store::owner(tx, id).await).await?;
    let (found, evidence, reviews) = app
        .db
        .tx(isp, async |tx| {
            let found = store::find(tx, isp, id).await?.ok_or_else(|| Error::not_found("settlement"))?;
            Ok((found, trace::steps(tx, isp, id.uuid()).await?, store::reviews(tx, isp, id).await?))
        })
        .await?;
    Ok(pb::GetSettlementResponse {
        settlement: Some(shown(app, &found).await?),
        evidence: evidence.into_iter().map(show::step).collect(),
        reviews: reviews.into_iter().map(review).collect(),
    })
}

/// An operator says what became of one.
pub async fn resolve(app: &App, by: UserId, ask: pb::ResolveSettlementRequest) -> Result<pb::ResolveSettlementResponse> {
    let id: SettlementId = fields::parse("id", &ask.id)?;
    let note = fields::text("note", &ask.note, 500)?;
    if note.chars().count() < 10 {
        return Err(Error::field("note", "must say how you know, in at least 10 characters"));
    }
    let finding = match fields::choice::<pb::SettlementOutcome>("outcome", ask.outcome)? {
        Some(pb::SettlementOutcome::Paid) => Finding::Paid(fields::text("receipt", &ask.receipt, 40)?.to_ascii_uppercase()),
        Some(pb::SettlementOutcome::NotPaid) if ask.receipt.is_empty() => Finding::NotPaid,
        Some(pb::SettlementOutcome::NotPaid) => return Err(Error::field("receipt", "must be empty: what was not paid has none")),
        Some(pb::SettlementOutcome::Unspecified) | None => return Err(Error::field("outcome", "must be set")),
    };
    let (resolved, reviews) = settlement::resolve(app, by, id, &finding, &note).await?;
    Ok(pb::ResolveSettlementResponse {
        needs_another_operator: resolved.state()?.is_open(),
        settlement: Some(shown(app, &resolved).await?),
        reviews: reviews.into_iter().map(review).collect(),
    })
}

fn review(review: Review) -> pb::SettlementReview {
    let outcome = if review.outcome == "PAID" { pb::SettlementOutcome::Paid } else { pb::SettlementOutcome::NotPaid };
    pb::SettlementReview {
        operator: review.operator.to_string(),
        outcome: outcome.into(),
        receipt: review.receipt,
        note: review.note,
        at: Some(timestamp(review.at)),
    }
}

/// How payouts stand.
pub async fn status(app: &App) -> Result<pb::GetPayoutStatusResponse> {
    let status = reports::status(app).await?;
    Ok(pb::GetPayoutStatusResponse {
        stopped: status.switch.stopped_at.is_some(),
        stopped_at: status.switch.stopped_at.map(timestamp),
        stopped_by: if status.switch.stopped_at.is_some() { status.switch.stopped_by } else { String::new() },
        reason: if status.switch.stopped_at.is_some() { status.switch.reason } else { String::new() },
        wallet_balance: status.wallet.map(money),
        service_balance: status.service.map(money),
        owed: Some(money(status.owed)),
        in_transit: Some(money(status.in_transit)),
        days_of_payouts: status.days.unwrap_or(-1),
        frozen_isps: status.frozen,
        uncertain_from: status.uncertain.map(|uncertain| timestamp(uncertain.from)),
    })
}

/// A reason of an operator's.
fn reason(text: &str) -> Result<String> {
    let reason = fields::text("reason", text, 200)?;
    if reason.chars().count() < 3 { Err(Error::field("reason", "must be 3 to 200 characters")) } else { Ok(reason) }
}

/// Stops payouts or lets them go on.
pub async fn set_switch(app: &App, by: By, ask: pb::SetPayoutSwitchRequest) -> Result<pb::SetPayoutSwitchResponse> {
    switch::set(app, by, ask.stopped, &reason(&ask.reason)?).await?;
    Ok(pb::SetPayoutSwitchResponse { stopped: ask.stopped })
}

/// Holds the payouts of one ISP.
pub async fn freeze(app: &App, by: By, ask: pb::FreezePayoutsRequest) -> Result<pb::FreezePayoutsResponse> {
    let reason = reason(&ask.reason)?;
    let isp = platform::find_isp(app, &fields::text("isp", &ask.isp, 64)?).await?.id;
    settlement::config::freeze_by_hand(app, isp, by, &reason).await?;
    Ok(pb::FreezePayoutsResponse {})
}

/// Lets an ISP be paid again.
pub async fn unfreeze(app: &App, by: UserId, ask: pb::UnfreezePayoutsRequest) -> Result<pb::UnfreezePayoutsResponse> {
    let reason = reason(&ask.reason)?;
    let isp = platform::find_isp(app, &fields::text("isp", &ask.isp, 64)?).await?.id;
    let done = settlement::config::unfreeze(app, isp, by, &reason).await?;
    Ok(pb::UnfreezePayoutsResponse { needs_another_operator: !done })
}

/// What does not agree.
pub async fn list_breaks(app: &App, ask: pb::ListBreaksRequest) -> Result<pb::ListBreaksResponse> {
    let (rows, next_page_token) = alarms::list(app, ask.include_closed, PageAsk::read(ask.page_size, &ask.page_token)?).await?;
    Ok(pb::ListBreaksResponse { breaks: rows.into_iter().map(|(found, slug)| shown_break(found, slug)).collect(), next_page_token })
}

/// Closes one.
pub async fn close_break(app: &App, by: UserId, ask: pb::CloseBreakRequest) -> Result<pb::CloseBreakResponse> {
    let id: RowId = fields::parse("id", &ask.id)?;
    let closed = alarms::close(app, by, id, &reason(&ask.reason)?).await?;
    Ok(pb::CloseBreakResponse { closed: Some(shown_break(closed, None)) })
}

fn shown_break(found: Break, slug: Option<String>) -> pb::Break {
    pb::Break {
        id: found.id.to_string(),
        kind: found.kind,
        reference: found.reference,
        isp_slug: slug.unwrap_or_default(),
        amount: found.amount_minor.map(money),
        detail: found.detail.to_string(),
        opened_at: Some(timestamp(found.opened_at)),
        closed_at: found.closed_at.map(timestamp),
        closed_by: found.closed_by.unwrap_or_default(),
        closed_reason: found.closed_reason.unwrap_or_default(),
    }
}

/// Follows some money.
pub async fn follow(app: &App, ask: pb::TraceRequest) -> Result<pb::TraceResponse> {
    let found = trace::trace(app, None, &fields::parse("reference", &ask.reference)?).await?;
    let slugs = app.db.across(async |tx| isp::slugs(tx, &[found.isp]).await).await?;
    Ok(pb::TraceResponse {
        steps: found.steps.into_iter().map(show::step).collect(),
        isp_slug: slugs.get(&found.isp).cloned().unwrap_or_default(),
        summary: found.summary,
    })
}

/// The platform's money in a time; nothing given means the last 30 days.
pub async fn report(app: &App, ask: pb::GetPlatformReportRequest) -> Result<pb::GetPlatformReportResponse> {
    let now = app.clock.now();
    let to = ask.to.map(|at| fields::moment("to", at)).transpose()?.unwrap_or(now);
    let from = ask.from.map(|at| fields::moment("from", at)).transpose()?.unwrap_or(to - chrono::TimeDelta::days(30));
    if from > to {
        return Err(Error::field("from", "must not be after `to`"));
    }
    let report = reports::report(app, from, to).await?;
    let sums = report.sums;
    Ok(pb::GetPlatformReportResponse {
        gross: Some(money(sums.gross)),
        commission: Some(money(sums.commission)),
        subscriptions: Some(money(sums.subscriptions)),
        gateway_fees: Some(money(sums.fees)),
        paid_out: Some(money(sums.paid_out)),
        owed: Some(money(sums.owed)),
        in_transit: Some(money(sums.in_transit)),
        gateway_clearing: Some(money(sums.clearing)),
        unexplained: Some(money(report.unexplained)),
        findings: report.findings,
        payments: i32::try_from(sums.payments).map_err(Error::internal)?,
    })
}
