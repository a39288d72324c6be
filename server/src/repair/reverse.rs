//! The gateway took back money that was credited: Netily and the ISP each lose their part, also after the ISP was paid, and what was bought
//! ends with the last of it. What the gateway took beyond what was left of the payment, since a part was refunded before, Netily bears.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::{Value, json};

use super::store::{self, Operators};
use crate::app::App;
use crate::approvals::{Act, Ask, Request};
use crate::audit::{self, By};
use crate::breaks::{self, BreakKind};
use crate::clock::Time;
use crate::db::Tx;
use crate::error::{Error, Reason, Result};
use crate::failpoint;
use crate::id::{IspId, PLATFORM, PaymentId, RefundId, RequestId, UserId};
use crate::ledger::{self, Back};
use crate::money::Money;
use crate::payments::store as payment_store;
use crate::payments::{Payment, Purpose, State};
use crate::refund::{self, Kept, Kind, New, Refund};
use crate::schema::reconciliation_break;
use crate::settlement::{self, Notice};

/// What an operator says.
#[derive(Clone, Debug)]
pub struct Reversal {
    /// Who had been paid.
    pub isp: IspId,
    /// By which payment.
    pub payment: PaymentId,
    /// How much was taken; none: as the gateway's row says, or all that is left.
    pub amount: Option<Money>,
    /// The gateway's row, or what else proves it.
    pub reference: String,
    /// How the operator knows.
    pub note: String,
    /// The client's id of the request.
    pub request: RequestId,
    /// Hash of the request's content.
    pub request_hash: Vec<u8>,
}

/// What became of giving money back.
#[derive(Clone, Debug)]
pub enum Returned {
    /// It is booked.
    Now(Box<Refund>),
    /// A second operator must ask for the same.
    Waiting(Box<Request>),
}

/// Books a reversal. Errors: STATE_CONFLICT when nothing was credited, or nothing is left of it.
pub async fn reverse(app: &App, by: UserId, ask: &Reversal) -> Result<Returned> {
    let now = app.clock.now();
    let done = app.db.tx(ask.isp, async |tx| reverse_in(app, tx, by, ask, now).await).await;
    failpoint::reached("refund", "reversed");
    done
}

async fn reverse_in(app: &App, tx: &mut Tx, by: UserId, ask: &Reversal, now: Time) -> Result<Returned> {
    let isp = ask.isp;
    let payment = payment_store::lock(tx, isp, ask.payment).await?.ok_or_else(|| Error::not_found("payment"))?;
    if let Some(done) = made_before(tx, isp, ask.request, &ask.request_hash).await? {
        return Ok(Returned::Now(Box::new(done)));
    }
    let kept = credited(tx, isp, &payment).await?;
    let row = row(tx, ask).await?;
    let left = left_of(&payment, kept);
    let taken = match (ask.amount, &row) {
        (Some(said), Some(row)) if said != row.amount => {
            return Err(Error::field("amount", format!("must be the KES {} of the gateway's row {}, or absent", row.amount, row.name)));
        }
        (Some(said), _) => said,
        (None, Some(row)) => row.amount,
        (None, None) => left,
    };
    let amount = taken.min(left);
    let excess = Money::from_minor(taken.minor() - amount.minor());
    if row.is_none() && (excess > Money::ZERO || amount <= Money::ZERO) {
        return Err(Error::field("amount", format!("must be at most the KES {left} that are left of the payment")));
    }
    let row_name = row.as_ref().map(|row| row.name.as_str()).unwrap_or_default();
    let reference = if ask.reference.is_empty() { row_name } else { ask.reference.as_str() };
    if reference.is_empty() {
        return Err(Error::field("reference", "must say what proves it: no row of the gateway stands open for this payment"));
    }
    let subject = payment.id.to_string();
    let content = json!({ "amount_minor": taken.minor(), "row": row_name, "reference": if row_name.is_empty() { reference } else { "" } });
    let request = Ask { act: Act::Reversal, subject: &subject, isp: Some(isp), amount: Some(taken), content, note: &ask.note };
    let operators = match agreed(app, tx, by, &request, false, now).await? {
        Operators::Are(operators) => operators,
        Operators::NeedAnother(request) => return Ok(Returned::Waiting(request)),
    };
    let parts = refund::parts(&payment, kept, amount);
    let new = New {
        id: RefundId::sortable(now),
        kind: Kind::Reversal,
        payment: payment.id,
        amount,
        parts,
        excess,
        reference,
        row_name,
        note: &ask.note,
        operators: &operators,
        request: ask.request,
        request_hash: &ask.request_hash,
    };
    let back = Back { parts, is_subscription: payment.purpose == Purpose::Subscription };
    ledger::post(tx, isp, &ledger::reversal(back, amount, excess), new.id.uuid(), now).await?;
    refund::write(tx, isp, &new, now).await?;
    refund::leaves_account(tx, isp, &payment, amount, now).await?;
    refund::tell_customer(tx, isp, &payment, amount, now).await?;
    if amount == left {
        refund::ends(tx, isp, &payment, now).await?;
    }
    if let Some(row) = &row {
        breaks::close_as(tx, BreakKind::ReversalSeen, &row.name, &by.to_string(), &ask.note, now).await?;
    }
    if parts.isp > Money::ZERO {
        let receipt = payment.mpesa_receipt.clone().unwrap_or_default();
        settlement::tell_owners(app, tx, isp, &Notice::Reversed { amount, part: parts.isp, receipt }, now).await?;
    }
    let facts = json!({ "payment": subject, "amount_minor": amount.minor(), "excess_minor": excess.minor() });
    audit::record(tx, isp, By::User(by), "record_reversal", &new.id.to_string(), facts, now).await?;
    failpoint::reached("refund", "reversing");
    Ok(Returned::Now(Box::new(refund::find(tx, isp, new.id).await?)))
}

/// Who does it. What waits for a second operator is a row of the platform's; from then on the transaction is the ISP's again.
pub(super) async fn agreed(app: &App, tx: &mut Tx, by: UserId, request: &Ask<'_>, always: bool, now: Time) -> Result<Operators> {
    tx.act_for(PLATFORM).await?;
    let operators = store::operators(app, tx, by, request, always, now).await?;
    tx.act_for(request.isp.unwrap_or(PLATFORM)).await?;
    Ok(operators)
}

/// What the same request made before.
pub(super) async fn made_before(tx: &mut Tx, isp: IspId, request: RequestId, hash: &[u8]) -> Result<Option<Refund>> {
    match refund::of_request(tx, isp, request).await? {
        Some((_, made_by)) if made_by != hash => Err(Error::new(Reason::RequestIdReused, "This request_id was used before with other content.")),
        Some((id, _)) => refund::find(tx, isp, id).await.map(Some),
        None => Ok(None),
    }
}

/// What went back of a locked payment so far; a payment that was never credited has nothing to go back.
pub(super) async fn credited(tx: &mut Tx, isp: IspId, payment: &Payment) -> Result<Kept> {
    if payment.state != State::Succeeded {
        let message = format!("This payment is {}: nothing was credited that could go back.", payment.state.as_str());
        return Err(Error::new(Reason::StateConflict, message));
    }
    refund::kept(tx, isp, payment.id).await
}

/// What is left of a payment.
pub(super) fn left_of(payment: &Payment, kept: Kept) -> Money {
    payment.amount.checked_sub(kept.amount).unwrap_or_default().max(Money::ZERO)
}

/// A row of the gateway that took money back, and waits for people.
struct Row {
    name: String,
    amount: Money,
}

/// The row that an operator means: the one that is named, the one of the same amount, or the only one. None: none is open.
async fn row(tx: &mut Tx, ask: &Reversal) -> Result<Option<Row>> {
    use reconciliation_break::dsl;
    let open = dsl::reconciliation_break.filter(dsl::kind.eq(BreakKind::ReversalSeen).and(dsl::isp_id.eq(ask.isp)).and(dsl::closed_at.is_null()));
    let found: Vec<(String, Option<Money>, Value)> =
        open.order(dsl::opened_at).for_update().select((dsl::reference, dsl::amount_minor, dsl::detail)).load(&mut **tx).await?;
    let payment = ask.payment.to_string();
    let about = |detail: &Value| detail.get("payment").and_then(Value::as_str) == Some(payment.as_str());
    let mut rows: Vec<Row> = found
        .into_iter()
        .filter(|(_, _, detail)| about(detail))
        .map(|(name, amount, _)| Row { name, amount: Money::from_minor(amount.unwrap_or_default().minor().abs()) })
        .collect();
    if let Some(named) = rows.iter().position(|row| row.name == ask.reference) {
        return Ok(Some(rows.swap_remove(named)));
    }
    if let Some(amount) = ask.amount {
        rows.retain(|row| row.amount == amount);
    }
    if rows.len() > 1 {
        let names: Vec<&str> = rows.iter().map(|row| row.name.as_str()).collect();
        return Err(Error::field("reference", format!("must name one of the rows that stand open: {}", names.join(", "))));
    }
    Ok(rows.pop())
}
