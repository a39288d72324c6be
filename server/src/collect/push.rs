//! Sends the prompt of a payment: one request, ever. The claim is committed before the call and the outcome after it;
//! whatever is not a clear yes or a provable no is UNKNOWN and is resolved by asking.

use chrono::TimeDelta;
use diesel::sql_types::{Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::callback_token::{self, CallbackKind};
use super::confirm;
use crate::app::App;
use crate::breaks::{self, BreakKind};
use crate::clock::Time;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::failpoint;
use crate::gateways::payhero::{Accepted, CollectRequest, Outcome as Sent};
use crate::id::{IspId, PaymentId};
use crate::jobs::{self, Kind, Outcome};
use crate::journal::{Event as Written, Line};
use crate::payments::store::{self, Change, KeyKind};
use crate::payments::{Event, FailureReason, Payment, Purpose, State, next};

/// How long a claim holds: the gateway's whole deadline and a margin.
const CLAIM: TimeDelta = TimeDelta::seconds(60);
/// When to ask for the first time after sending.
pub const FIRST_POLL: TimeDelta = TimeDelta::seconds(10);

/// The job `push` of one payment.
pub async fn push(app: &App, isp: IspId, id: PaymentId) -> Result<Outcome> {
    let token = Uuid::new_v4();
    let now = app.clock.now();
    let (claimed, rows) = app
        .db
        .tx(isp, async |tx| {
            let claimed = claim(tx, isp, id, token, now).await?;
            let rows = if app.journal.is_on() && matches!(claimed, Claim::Mine(_)) { Some(rows(tx, isp, id).await?) } else { None };
            Ok((claimed, rows))
        })
        .await?;
    let payment = match claimed {
        Claim::Mine(payment) => *payment,
        Claim::Busy(until) => return Ok(Outcome::Again(until)),
        Claim::Over => return Ok(Outcome::Done),
    };
    failpoint::reached("push", "claimed");
    journal(app, isp, &payment, rows, now)?;
    let sent = app.payhero.collect(&request(app, isp, &payment)?).await;
    failpoint::reached("push", "sent");
    let now = app.clock.now();
    if let Sent::Done(Accepted { reference, checkout_request_id, .. }) = &sent {
        let event = Written::PromptTaken { reference: reference.clone(), checkout_id: checkout_request_id.clone() };
        app.journal.write(Line { at: now, isp: isp.uuid(), id: id.uuid(), event });
    }
    app.db.tx(isp, async |tx| record(tx, isp, id, token, &sent, now).await).await?;
    failpoint::reached("push", "written");
    Ok(Outcome::Done)
}

/// Everything that makes a payment anew, as JSON.
async fn rows(tx: &mut Tx, isp: IspId, id: PaymentId) -> Result<String> {
    #[derive(diesel::QueryableByName)]
    struct Rows {
        #[diesel(sql_type = Text)]
        rows: String,
    }
    const ROWS: &str = "
        SELECT jsonb_build_object('payment', to_jsonb(p), 'session', to_jsonb(s), 'customer', to_jsonb(c))::text AS rows FROM tenant.payment p
        LEFT JOIN tenant.hotspot_session s ON s.tenant_id = p.tenant_id AND s.payment_id = p.id
        LEFT JOIN tenant.customer_payment c ON c.tenant_id = p.tenant_id AND c.payment_id = p.id
        WHERE p.tenant_id = $1 AND p.id = $2";
    let rows = diesel::sql_query(ROWS).bind::<SqlUuid, _>(isp.uuid()).bind::<SqlUuid, _>(id.uuid());
    Ok(rows.get_result::<Rows>(&mut **tx).await?.rows)
}

/// Writes the line of a prompt that is about to be sent.
fn journal(app: &App, isp: IspId, payment: &Payment, rows: Option<String>, now: Time) -> Result<()> {
    let (Some(rows), id) = (rows, payment.id.uuid()) else { return Ok(()) };
    let sealed = hex::encode(app.seal.seal(&sealed_row(id), &rows.into())?);
    let event = Written::Prompt { external_reference: payment.external_reference.clone(), amount_minor: payment.amount.minor(), sealed };
    app.journal.write(Line { at: now, isp: isp.uuid(), id, event });
    Ok(())
}

/// What the sealed rows of a payment in the journal are bound to.
pub fn sealed_row(id: Uuid) -> String {
    format!("journal/{id}")
}

enum Claim {
    /// This worker alone may send it.
    Mine(Box<Payment>),
    /// Another worker is sending it, at most until then.
    Busy(Time),
    /// It was sent, or must not be any more.
    Over,
}

async fn claim(tx: &mut Tx, isp: IspId, id: PaymentId, token: Uuid, now: Time) -> Result<Claim> {
    let Some(payment) = store::lock(tx, isp, id).await? else { return Ok(Claim::Over) };
    match payment.state {
        State::Created if now < payment.expires_at => {
            let change = Change { claim_token: Some(Some(token)), claim_until: Some(Some(now + CLAIM)), submitted_at: Some(now), ..Change::default() };
            store::change(tx, isp, &payment, next(State::Created, Event::Claimed), change, now).await?;
            failpoint::reached("push", "claiming");
            Ok(Claim::Mine(Box::new(payment)))
        }
        // A prompt that would come minutes after it was asked for is worse than none.
        State::Created => {
            confirm::advance(tx, isp, &payment, Event::DeadlinePassed, Change::default(), Some(FailureReason::TimedOut), now).await?;
            Ok(Claim::Over)
        }
        State::Submitting => match payment.claim_until {
            Some(until) if now < until => Ok(Claim::Busy(until)),
            // Whoever sent it died before writing what came back. It is never sent again.
            _ => {
                unclear(tx, isp, &payment, now).await?;
                Ok(Claim::Over)
            }
        },
        _ => Ok(Claim::Over),
    }
}

fn request(app: &App, isp: IspId, payment: &Payment) -> Result<CollectRequest> {
    let callbacks = &app.config.callbacks;
    let (kind, base) = match payment.purpose {
        Purpose::Hotspot => (CallbackKind::Hotspot, &callbacks.hotspot),
        Purpose::Recharge | Purpose::Invoice => (CallbackKind::Billing, &callbacks.billing),
        Purpose::Subscription => (CallbackKind::Subscription, &callbacks.subscription),
    };
    let token = callback_token::make(&app.config.callback_key, kind, isp, payment.id);
    Ok(CollectRequest {
        amount_shillings: payment.amount.whole_shillings().ok_or_else(|| Error::internal(format!("{} has cents", payment.id)))?,
        phone: payment.phone.as_ref().ok_or_else(|| Error::internal(format!("{} has no phone", payment.id)))?.digits().to_owned(),
        external_reference: payment.external_reference.clone(),
        customer_name: "Netily guest".to_owned(), // the gateway refuses an empty one, and need not know who pays
        callback_url: format!("{base}{token}/"),
    })
}

/// Writes what came of sending. A late answer is worth its reference even when somebody has given up waiting for it.
async fn record(tx: &mut Tx, isp: IspId, id: PaymentId, token: Uuid, sent: &Sent<Accepted>, now: Time) -> Result<()> {
    let Some(payment) = store::lock(tx, isp, id).await? else { return Ok(()) };
    match sent {
        Sent::Done(accepted) => {
            accept(tx, isp, &payment, &accepted.reference, accepted.checkout_request_id.as_deref(), now).await?;
            failpoint::reached("push", "recording");
            Ok(())
        }
        Sent::Refused { code, message, kind } if payment.claim_token == Some(token) => {
            tracing::warn!(payment = %payment.id, code, message, "the gateway refused a prompt");
            if kind.needs_operator() {
                breaks::open(tx, BreakKind::GatewayRefuses, &breaks::trouble(code, message), Some(isp), None, serde_json::json!({ "message": message }), now)
                    .await?;
            }
            confirm::advance(tx, isp, &payment, Event::Refused, Change::default(), Some(FailureReason::GatewayError), now).await
        }
        // Refused, but the claim was lost meanwhile: the state says all there is to say.
        Sent::Refused { .. } => Ok(()),
        Sent::Unknown { why } => {
            tracing::warn!(payment = %payment.id, %why, "it is not known whether the gateway took a prompt");
            unclear(tx, isp, &payment, now).await
        }
    }
}

/// Keeps the gateway's reference: from now on we can ask. False when it is another payment's.
pub async fn accept(tx: &mut Tx, isp: IspId, payment: &Payment, reference: &str, checkout_id: Option<&str>, now: Time) -> Result<bool> {
    if let Some(known) = &payment.gateway_reference {
        return Ok(known == reference);
    }
    if !store::claim_key(tx, isp, payment.id.uuid(), KeyKind::Reference, reference, now).await? {
        let detail = serde_json::json!({ "reference": reference });
        breaks::open(tx, BreakKind::ReferenceReused, &payment.id.uuid().to_string(), Some(isp), Some(payment.amount), detail, now).await?;
        return Ok(false);
    }
    if let Some(checkout_id) = checkout_id.filter(|id| !id.is_empty()) {
        store::claim_key(tx, isp, payment.id.uuid(), KeyKind::Checkout, checkout_id, now).await?;
    }
    breaks::close(tx, BreakKind::UnmatchedCollection, reference, "A payment of ours has this reference.", now).await?;
    let change = Change { gateway_reference: Some(reference.to_owned()), checkout_id: checkout_id.map(str::to_owned), ..Change::default() };
    confirm::advance(tx, isp, payment, Event::Accepted, change, None, now).await?;
    jobs::enqueue(tx, Kind::Check, isp, payment.id.uuid(), now + FIRST_POLL, now).await?;
    Ok(true)
}

/// A prompt that was never sent as far as we know may have been, in a past that the database does not know. It is asked about, and not sent.
pub async fn may_have_been_sent(tx: &mut Tx, isp: IspId, id: PaymentId, now: Time) -> Result<()> {
    let Some(created) = store::lock(tx, isp, id).await?.filter(|payment| payment.state == State::Created) else { return Ok(()) };
    let change = Change { submitted_at: Some(created.created_at), ..Change::default() };
    store::change(tx, isp, &created, next(State::Created, Event::Claimed), change, now).await?;
    let Some(claimed) = store::lock(tx, isp, id).await? else { return Ok(()) };
    unclear(tx, isp, &claimed, now).await
}

/// Nobody knows whether the gateway took it. Asking will tell.
pub(super) async fn unclear(tx: &mut Tx, isp: IspId, payment: &Payment, now: Time) -> Result<()> {
    confirm::advance(tx, isp, payment, Event::Unclear, Change::default(), None, now).await?;
    jobs::enqueue(tx, Kind::Check, isp, payment.id.uuid(), now + FIRST_POLL, now).await
}
