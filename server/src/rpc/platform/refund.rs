//! Money that goes back to whoever paid, on the wire.

use netily_sdk::payout::SettlementStatus;
use netily_sdk::platform as pb;
use netily_sdk::platform::refund_payment_request::By as WireWay;
use netily_sdk::types::Money as WireMoney;

use super::repair::{amount, approval, find_isp, note, slug};
use crate::app::App;
use crate::error::{Error, Result};
use crate::id::{PaymentId, SettlementId, UserId};
use crate::money::Money;
use crate::page::PageAsk;
use crate::phone::Phone;
use crate::refund::{self, Kind, Refund};
use crate::repair::{self, Refunding, Returned, Reversal, Way};
use crate::rpc::answer::{money, timestamp};
use crate::rpc::fields;

fn above_nothing(given: Option<&WireMoney>) -> Result<Option<Money>> {
    let read = given.map(|given| amount("amount", Some(given))).transpose()?;
    match read {
        Some(read) if read <= Money::ZERO => Err(Error::field("amount.amount_minor", "must be more than 0")),
        read => Ok(read),
    }
}

/// The gateway took back what was credited.
pub async fn reverse(app: &App, by: UserId, mut ask: pb::RecordReversalRequest) -> Result<pb::RecordReversalResponse> {
    let (request, request_hash) = fields::once(&mut ask, |ask| &mut ask.request_id, &app.config.callback_key)?;
    let reversal = Reversal {
        payment: fields::parse("payment_id", &ask.payment_id)?,
        amount: above_nothing(ask.amount.as_ref())?,
        reference: fields::text_or_none("reference", &ask.reference, 100)?,
        note: note(&ask.note)?,
        isp: find_isp(app, &ask.isp).await?,
        request,
        request_hash,
    };
    let (refund, approval) = result(app, repair::reverse(app, by, &reversal).await?).await?;
    Ok(pb::RecordReversalResponse { refund, needs_another_operator: approval.is_some(), approval })
}

/// A payer gets money back.
pub async fn give_back(app: &App, by: UserId, mut ask: pb::RefundPaymentRequest) -> Result<pb::RefundPaymentResponse> {
    let (request, request_hash) = fields::once(&mut ask, |ask| &mut ask.request_id, &app.config.callback_key)?;
    let way = match &ask.by {
        Some(WireWay::ByHandReference(reference)) => Way::ByHand(fields::text("by_hand_reference", reference, 100)?),
        Some(WireWay::Gateway(true)) => Way::Gateway,
        Some(WireWay::Gateway(false)) => return Err(Error::field("gateway", "must be true, or say what was paid by hand")),
        None => return Err(Error::field("by", "must say how: by the gateway, or by hand with what proves it")),
    };
    let refunding = Refunding {
        payment: fields::parse("payment_id", &ask.payment_id)?,
        amount: above_nothing(ask.amount.as_ref())?,
        way,
        phone: fields::optional("phone_number", &ask.phone_number, fields::phone)?,
        note: note(&ask.note)?,
        isp: find_isp(app, &ask.isp).await?,
        request,
        request_hash,
    };
    let (refund, approval) = result(app, repair::refund(app, by, &refunding).await?).await?;
    Ok(pb::RefundPaymentResponse { refund, needs_another_operator: approval.is_some(), approval })
}

/// What went back.
pub async fn list(app: &App, ask: pb::ListRefundsRequest) -> Result<pb::ListRefundsResponse> {
    let page = PageAsk::read(ask.page_size, &ask.page_token)?;
    let isp = if ask.isp.is_empty() { None } else { Some(find_isp(app, &ask.isp).await?) };
    let payment: Option<PaymentId> = fields::optional("payment_id", &ask.payment_id, fields::parse)?;
    let (rows, next_page_token) = app.db.across(async |tx| refund::list(tx, isp, payment, page).await).await?;
    let mut refunds = Vec::with_capacity(rows.len());
    for row in rows {
        refunds.push(shown(app, row).await?);
    }
    Ok(pb::ListRefundsResponse { refunds, next_page_token })
}

async fn result(app: &App, done: Returned) -> Result<(Option<pb::Refund>, Option<pb::Approval>)> {
    Ok(match done {
        Returned::Now(refund) => (Some(shown(app, *refund).await?), None),
        Returned::Waiting(request) => (None, Some(approval(app, *request).await?)),
    })
}

async fn shown(app: &App, row: Refund) -> Result<pb::Refund> {
    let kind = match row.kind {
        Kind::Reversal => pb::RefundKind::Reversal,
        Kind::ByHand => pb::RefundKind::ByHand,
        Kind::Gateway => pb::RefundKind::Gateway,
    };
    let status = SettlementStatus::from_str_name(&format!("SETTLEMENT_STATUS_{}", row.state)).unwrap_or_default();
    Ok(pb::Refund {
        id: row.id.to_string(),
        kind: kind.into(),
        status: status.into(),
        isp_slug: slug(app, Some(row.tenant_id)).await?,
        payment_id: row.payment_id.to_string(),
        amount: Some(money(row.amount_minor)),
        commission: Some(money(row.commission_minor)),
        isp_amount: Some(money(row.isp_minor)),
        excess: Some(money(row.excess_minor)),
        reference: if row.receipt.is_empty() { row.reference } else { row.receipt },
        settlement_id: if row.kind == Kind::Gateway { SettlementId::from(row.id.uuid()).to_string() } else { String::new() },
        phone_number: row.phone.parse::<Phone>().map(|phone| phone.to_string()).unwrap_or_default(),
        failure_message: row.failure_reason,
        note: row.note,
        operators: row.operators.into_iter().map(|id| UserId::from(id).to_string()).collect(),
        created_at: Some(timestamp(row.created_at)),
        completed_at: row.completed_at.map(timestamp),
    })
}
