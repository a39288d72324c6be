//! Putting money right, on the wire.

use netily_sdk::platform as pb;
use netily_sdk::platform::adopt_collection_request::Target as WireTarget;
use netily_sdk::platform::adopt_payout_request::Target as WirePaidTo;
use netily_sdk::types::Money as WireMoney;
use uuid::Uuid;

use crate::app::App;
use crate::approvals::{self, Request};
use crate::error::{Error, Result};
use crate::id::{IspId, RowId, UserId};
use crate::isp;
use crate::ledger::OwnerMovement;
use crate::money::Money;
use crate::page::PageAsk;
use crate::platform;
use crate::repair::{self, Adoption, Done, Movement, PaidTo, Repair, Target};
use crate::rpc::answer::{money, timestamp};
use crate::rpc::fields;
use crate::settlement;

pub(super) fn note(text: &str) -> Result<String> {
    let note = fields::text("note", text, 500)?;
    if note.chars().count() < 10 { Err(Error::field("note", "must say how you know, in at least 10 characters")) } else { Ok(note) }
}

/// What names unmatched money: as the gateway wrote it.
fn reference(text: &str) -> Result<String> {
    fields::text("reference", text, 100)
}

pub(super) fn amount(path: &str, given: Option<&WireMoney>) -> Result<Money> {
    let given = given.ok_or_else(|| Error::field(path, "must be set"))?;
    if given.currency_code != fields::CURRENCY {
        return Err(Error::field(&format!("{path}.currency_code"), "must be KES"));
    }
    let fits = given.amount_minor != 0 && given.amount_minor.unsigned_abs() <= 1_000_000_000_000;
    if fits {
        Ok(Money::from_minor(given.amount_minor))
    } else {
        Err(Error::field(&format!("{path}.amount_minor"), "must not be 0, nor more than ten thousand million shillings"))
    }
}

pub(super) async fn find_isp(app: &App, named: &str) -> Result<IspId> {
    Ok(platform::find_isp(app, &fields::text("isp", named, 64)?).await?.id)
}

/// Money without a place.
pub async fn list_unmatched(app: &App, ask: pb::ListUnmatchedRequest) -> Result<pb::ListUnmatchedResponse> {
    let page = PageAsk::read(ask.page_size, &ask.page_token)?;
    let (rows, next_page_token) = app.db.across(async |tx| repair::list_unmatched(tx, page).await).await?;
    let shown = |row: repair::Unmatched| pb::UnmatchedRow {
        reference: row.reference,
        kind: row.kind,
        amount: row.amount.map(money),
        receipt: row.receipt.unwrap_or_default(),
        isp_slug: row.isp_slug.unwrap_or_default(),
        at: Some(timestamp(row.at)),
        evidence: row.detail,
    };
    Ok(pb::ListUnmatchedResponse { rows: rows.into_iter().map(shown).collect(), next_page_token })
}

/// Money that came in gets its owner.
pub async fn adopt(app: &App, by: UserId, ask: pb::AdoptCollectionRequest) -> Result<pb::AdoptCollectionResponse> {
    let target = match &ask.target {
        None => return Err(Error::field("target", "must say whose it is: a payment, a customer, a session, or suspense")),
        Some(WireTarget::Suspense(true)) => Target::Suspense,
        Some(WireTarget::Suspense(false)) => return Err(Error::field("suspense", "must be true, or another target must be set")),
        Some(WireTarget::PaymentId(id)) => {
            let id = fields::parse("payment_id", id)?;
            Target::Payment(find_isp(app, &ask.isp).await?, id)
        }
        Some(WireTarget::CustomerId(id)) => {
            let id = fields::parse("customer_id", id)?;
            Target::Customer(find_isp(app, &ask.isp).await?, id)
        }
        Some(WireTarget::SessionId(id)) => {
            let id = fields::parse("session_id", id)?;
            Target::Session(find_isp(app, &ask.isp).await?, id)
        }
    };
    let done = repair::adopt(app, by, &Adoption { reference: reference(&ask.reference)?, target, note: note(&ask.note)? }).await?;
    Ok(pb::AdoptCollectionResponse { result: Some(result(app, done).await?) })
}

/// Money that left was ours.
pub async fn adopt_payout(app: &App, by: UserId, ask: pb::AdoptPayoutRequest) -> Result<pb::AdoptPayoutResponse> {
    let to = match &ask.target {
        None => return Err(Error::field("target", "must say whose it was: a settlement, or an ISP")),
        Some(WirePaidTo::SettlementId(id)) => {
            let id = fields::parse("settlement_id", id)?;
            PaidTo::Settlement(app.db.across(async |tx| settlement::store::owner(tx, id).await).await?, id)
        }
        Some(WirePaidTo::Isp(isp)) => PaidTo::Isp(find_isp(app, isp).await?),
    };
    let done = repair::adopt_payout(app, by, &reference(&ask.reference)?, to, &note(&ask.note)?).await?;
    Ok(pb::AdoptPayoutResponse { result: Some(result(app, done).await?) })
}

/// People compared by hand after a gap.
pub async fn end_uncertainty(app: &App, by: UserId, ask: pb::EndUncertaintyRequest) -> Result<pb::EndUncertaintyResponse> {
    let done = settlement::pulse::end_by_people(app, by, &note(&ask.note)?).await?;
    Ok(pb::EndUncertaintyResponse { needs_another_operator: !done })
}

/// Money belongs to nobody.
pub async fn write_off(app: &App, by: UserId, ask: pb::WriteOffRequest) -> Result<pb::WriteOffResponse> {
    let done = repair::write_off(app, by, &reference(&ask.reference)?, &note(&ask.note)?).await?;
    Ok(pb::WriteOffResponse { result: Some(result(app, done).await?) })
}

/// What an ISP is owed is corrected.
pub async fn adjust(app: &App, by: UserId, ask: pb::PostAdjustmentRequest) -> Result<pb::PostAdjustmentResponse> {
    let (amount, note) = (amount("amount", ask.amount.as_ref())?, note(&ask.note)?);
    let done = repair::adjust(app, by, find_isp(app, &ask.isp).await?, amount, &note).await?;
    Ok(pb::PostAdjustmentResponse { result: Some(result(app, done).await?) })
}

/// Netily's own money moved.
pub async fn record_movement(app: &App, by: UserId, ask: pb::RecordOwnerMovementRequest) -> Result<pb::RecordOwnerMovementResponse> {
    let way = match fields::choice::<pb::OwnerMovementDirection>("direction", ask.direction)? {
        Some(pb::OwnerMovementDirection::In) => OwnerMovement::In,
        Some(pb::OwnerMovementDirection::Out) => OwnerMovement::Out,
        Some(pb::OwnerMovementDirection::Unspecified) | None => return Err(Error::field("direction", "must be set")),
    };
    let amount = amount("amount", ask.amount.as_ref())?;
    if amount < Money::ZERO {
        return Err(Error::field("amount.amount_minor", "must be more than 0; the direction says which way"));
    }
    let reference = fields::optional("reference", &ask.reference, |path, text| fields::text(path, text, 100))?;
    let done = repair::record_movement(app, by, &Movement { way, amount, reference, note: note(&ask.note)? }).await?;
    Ok(pb::RecordOwnerMovementResponse { result: Some(result(app, done).await?) })
}

/// What was put right.
pub async fn list(app: &App, ask: pb::ListRepairsRequest) -> Result<pb::ListRepairsResponse> {
    let page = PageAsk::read(ask.page_size, &ask.page_token)?;
    let (rows, next_page_token) = app.db.across(async |tx| repair::list(tx, page).await).await?;
    let mut repairs = Vec::with_capacity(rows.len());
    for row in rows {
        repairs.push(shown(app, row).await?);
    }
    Ok(pb::ListRepairsResponse { repairs, next_page_token })
}

/// What waits for a second operator.
pub async fn list_approvals(app: &App) -> Result<pb::ListApprovalsResponse> {
    let now = app.clock.now();
    let waiting = app.db.public(async |tx| approvals::list(tx, now).await).await?;
    let mut shown = Vec::with_capacity(waiting.len());
    for request in waiting {
        shown.push(approval(app, request).await?);
    }
    Ok(pb::ListApprovalsResponse { approvals: shown })
}

/// An act shall not be done.
pub async fn withdraw(app: &App, by: UserId, ask: pb::WithdrawApprovalRequest) -> Result<pb::WithdrawApprovalResponse> {
    let id: RowId = fields::parse("id", &ask.id)?;
    let now = app.clock.now();
    app.db.tx(crate::id::PLATFORM, async |tx| approvals::withdraw(tx, by, id, now).await).await?;
    Ok(pb::WithdrawApprovalResponse {})
}

pub(super) async fn slug(app: &App, isp: Option<IspId>) -> Result<String> {
    let Some(isp) = isp else { return Ok(String::new()) };
    let slugs = app.db.across(async |tx| isp::slugs(tx, &[isp]).await).await?;
    Ok(slugs.get(&isp).cloned().unwrap_or_default())
}

/// A request that waits, on the wire.
pub async fn approval(app: &App, request: Request) -> Result<pb::Approval> {
    Ok(pb::Approval {
        id: request.id.to_string(),
        act: request.act.as_str().to_owned(),
        subject: request.subject,
        isp_slug: slug(app, request.isp_id).await?,
        amount: request.amount_minor.map(money),
        content: request.content.to_string(),
        note: request.note,
        asked_by: request.asked_by.to_string(),
        asked_at: Some(timestamp(request.asked_at)),
    })
}

async fn shown(app: &App, repair: Repair) -> Result<pb::Repair> {
    let operator = |id: &Uuid| UserId::from(*id).to_string();
    Ok(pb::Repair {
        id: repair.id.to_string(),
        kind: repair.kind.as_str().to_owned(),
        isp_slug: slug(app, repair.isp_id).await?,
        payment_id: repair.payment_id.map(|id| id.to_string()).unwrap_or_default(),
        reference: repair.gateway_reference.unwrap_or_default(),
        receipt: repair.receipt.unwrap_or_default(),
        amount: Some(money(repair.amount_minor)),
        note: repair.note,
        operators: repair.operators.iter().map(operator).collect(),
        at: Some(timestamp(repair.at)),
    })
}

async fn result(app: &App, done: Done) -> Result<pb::RepairResult> {
    Ok(match done {
        Done::Now(repair) => pb::RepairResult { repair: Some(shown(app, *repair).await?), needs_another_operator: false, approval: None },
        Done::Waiting(request) => pb::RepairResult { repair: None, needs_another_operator: true, approval: Some(approval(app, *request).await?) },
    })
}
