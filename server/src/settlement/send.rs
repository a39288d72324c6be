//! Sends a settlement: one request, ever. The attempt is committed before the call and its outcome after it; whatever is not a clear
//! yes or a provable no is UNKNOWN, is never sent again, and is resolved by asking, or by people.

use chrono::TimeDelta;
use serde_json::json;
use uuid::Uuid;

use super::config;
use super::confirm::release;
use super::destination::Destination;
use super::doubt;
use super::state::{Event, State, next};
use super::store::{self, Attempt, Change, Kind as SettlementKind, Settlement};
use super::switch;
use super::tell::{self, Notice};
use crate::app::App;
use crate::auth;
use crate::breaks::{self, BreakKind};
use crate::clock::Time;
use crate::collect::callback_token::{self, CallbackKind};
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::failpoint;
use crate::gateways::payhero::{Outcome as Sent, Recipient, RefusalKind, WithdrawRequest, Withdrawn};
use crate::id::{IspId, PaymentId, SettlementId};
use crate::jobs::{self, Kind, Outcome};
use crate::payments::store::{KeyKind, claim_key};

/// How long a claim holds: the gateway's whole deadline and a margin.
const CLAIM: TimeDelta = TimeDelta::seconds(60);
/// When to ask for the first time after sending.
const FIRST_POLL: TimeDelta = TimeDelta::seconds(10);
/// While payouts are stopped.
const LOOK_AGAIN: TimeDelta = TimeDelta::minutes(1);

/// The job `settlement_send` of one settlement.
pub async fn send(app: &App, isp: IspId, id: SettlementId) -> Result<Outcome> {
    let token = Uuid::new_v4();
    let now = app.clock.now();
    let claimed = app.db.tx(isp, async |tx| claim(app, tx, isp, id, token, now).await).await?;
    let settlement = match claimed {
        Claim::Mine(settlement) => *settlement,
        Claim::Wait(until) => return Ok(Outcome::Again(until)),
        Claim::Over => return Ok(Outcome::Done),
    };
    let request = request(app, isp, &settlement).await?;
    failpoint::reached("settlement", "claimed");
    let sent = app.payhero.withdraw(&request).await;
    failpoint::reached("settlement", "sent");
    let now = app.clock.now();
    app.db.tx(isp, async |tx| written(app, tx, isp, id, token, &sent, now).await).await?;
    failpoint::reached("settlement", "written");
    Ok(Outcome::Done)
}

enum Claim {
    /// This worker alone may send it.
    Mine(Box<Settlement>),
    /// Not now.
    Wait(Time),
    /// It was sent, or must not be any more.
    Over,
}

async fn claim(app: &App, tx: &mut Tx, isp: IspId, id: SettlementId, token: Uuid, now: Time) -> Result<Claim> {
    // The order of locks everywhere: a settlement, then the destination, then the balance.
    let Some(settlement) = store::lock(tx, isp, id).await? else { return Ok(Claim::Over) };
    let config = config::lock(tx, isp).await?;
    match settlement.state()? {
        State::Pending => {
            if switch::read(tx).await?.stopped_at.is_some() {
                return Ok(Claim::Wait(now + LOOK_AGAIN));
            }
            if let Some(until) = doubt::wait(&doubt::others(tx, id, settlement.amount_minor).await?, now) {
                return Ok(Claim::Wait(until));
            }
            let wanted = config.filter(|config| config.version == settlement.config_version);
            let may_go = wanted.is_some_and(|config| settlement.kind().is_ok_and(|kind| kind == SettlementKind::Test) || config.may_be_paid(now));
            if !may_go {
                let why = "Where you are paid was changed, or your payouts were stopped, before it was sent.";
                release(app, tx, isp, &settlement, Event::Withdrawn, why, now).await?;
                return Ok(Claim::Over);
            }
            store::begin_attempt(tx, isp, id, now).await?;
            let change = Change { claim_token: Some(Some(token)), claim_until: Some(Some(now + CLAIM)), sent_at: Some(now), ..Change::default() };
            store::change(tx, isp, &settlement, next(State::Pending, Event::Claimed), change, now).await?;
            failpoint::reached("settlement", "claiming");
            Ok(Claim::Mine(Box::new(settlement)))
        }
        State::Processing if settlement.gateway_reference.is_none() => match settlement.claim_until {
            Some(until) if now < until => Ok(Claim::Wait(until)),
            // Whoever sent it died before writing what came back. It is never sent again.
            _ => {
                unclear(tx, isp, &settlement, "The process that sent it died.", now).await?;
                Ok(Claim::Over)
            }
        },
        _ => Ok(Claim::Over),
    }
}

async fn request(app: &App, isp: IspId, settlement: &Settlement) -> Result<WithdrawRequest> {
    let recipient = match settlement.destination()? {
        Destination::Mpesa { phone, .. } => Recipient::Phone(phone.digits().to_owned()),
        Destination::Bank { code, account, .. } => Recipient::Bank { code, account, phone: contact_phone(app, isp).await? },
    };
    let token = callback_token::make(&app.config.callback_key, CallbackKind::Payout, isp, PaymentId::from(settlement.id.uuid()));
    Ok(WithdrawRequest {
        amount_shillings: settlement.amount_minor.whole_shillings().ok_or_else(|| Error::internal(format!("{} has cents", settlement.id)))?,
        recipient,
        external_reference: settlement.external_reference.clone(),
        callback_url: format!("{}{token}/", app.config.callbacks.payout),
    })
}

/// The gateway wants a phone with each payment to a bank: the first owner's.
async fn contact_phone(app: &App, isp: IspId) -> Result<String> {
    let owners = app.db.tx(isp, async |tx| auth::all_users(tx, isp, crate::actor::Role::Owner).await).await?;
    // Without one the request is refused before it leaves, which is a provable no.
    Ok(owners.into_iter().find_map(|owner| owner.phone).unwrap_or_default())
}

/// Writes what came of sending. A late answer is worth its reference even when somebody has given up waiting for it.
async fn written(app: &App, tx: &mut Tx, isp: IspId, id: SettlementId, token: Uuid, sent: &Sent<Withdrawn>, now: Time) -> Result<()> {
    let Some(settlement) = store::lock(tx, isp, id).await? else { return Ok(()) };
    match sent {
        Sent::Done(taken) => {
            if accept(tx, isp, &settlement, &taken.reference, now).await? && settlement.kind()? == SettlementKind::Settlement {
                let notice = Notice::Sent { amount: settlement.amount_minor, to: settlement.destination()?.masked() };
                tell::owners(app, tx, isp, None, &notice, now).await?;
            }
            failpoint::reached("settlement", "recording");
            Ok(())
        }
        Sent::Refused { code, message, kind } if settlement.claim_token == Some(token) => {
            tracing::warn!(settlement = %id, code, message, "the gateway refused to pay an ISP");
            let how = if *kind == RefusalKind::NotSent { Attempt::NotSent } else { Attempt::Refused };
            store::end_attempt(tx, isp, id, how, message, now).await?;
            if kind.needs_operator() || *kind == RefusalKind::AmountTooSmall {
                breaks::open(
                    tx,
                    BreakKind::GatewayRefusesPayout,
                    &breaks::trouble(code, message),
                    Some(isp),
                    Some(settlement.amount_minor),
                    json!({ "message": message }),
                    now,
                )
                .await?;
            }
            release(app, tx, isp, &settlement, Event::Refused, "The payment company did not take it.", now).await
        }
        // Refused, but the claim was lost meanwhile: it stays a doubt, with what came back beside it.
        Sent::Refused { message, .. } => store::end_attempt(tx, isp, id, Attempt::Ambiguous, message, now).await,
        Sent::Unknown { why } => {
            tracing::warn!(settlement = %id, %why, "it is not known whether the gateway took a payment to an ISP");
            unclear(tx, isp, &settlement, &why.to_string(), now).await
        }
    }
}

/// Keeps the gateway's reference: from now on we can ask. False when it is another one's.
pub(super) async fn accept(tx: &mut Tx, isp: IspId, settlement: &Settlement, reference: &str, now: Time) -> Result<bool> {
    if let Some(known) = &settlement.gateway_reference {
        return Ok(known == reference);
    }
    if !claim_key(tx, isp, settlement.id.uuid(), KeyKind::Reference, reference, now).await? {
        let detail = json!({ "reference": reference });
        breaks::open(tx, BreakKind::ReferenceReused, &settlement.id.uuid().to_string(), Some(isp), Some(settlement.amount_minor), detail, now).await?;
        unclear(tx, isp, settlement, "The gateway gave a reference that is another payment's.", now).await?;
        return Ok(false);
    }
    store::end_attempt(tx, isp, settlement.id, Attempt::Accepted, "", now).await?;
    breaks::close(tx, BreakKind::UnmatchedPayout, reference, "A settlement of ours has this reference.", now).await?;
    let change = Change { gateway_reference: Some(reference.to_owned()), claim_token: Some(None), claim_until: Some(None), ..Change::default() };
    store::change(tx, isp, settlement, next(settlement.state()?, Event::Accepted), change, now).await?;
    jobs::enqueue(tx, Kind::SettlementCheck, isp, settlement.id.uuid(), now + FIRST_POLL, now).await?;
    Ok(true)
}

/// Nobody knows whether the gateway took it. Asking will tell, or people.
pub(super) async fn unclear(tx: &mut Tx, isp: IspId, settlement: &Settlement, why: &str, now: Time) -> Result<()> {
    store::end_attempt(tx, isp, settlement.id, Attempt::Ambiguous, why, now).await?;
    let change = Change { claim_token: Some(None), claim_until: Some(None), ..Change::default() };
    store::change(tx, isp, settlement, next(settlement.state()?, Event::Unclear), change, now).await?;
    let detail = json!({ "why": why });
    breaks::open(tx, BreakKind::SettlementUnknown, &settlement.id.uuid().to_string(), Some(isp), Some(settlement.amount_minor), detail, now).await?;
    jobs::enqueue(tx, Kind::SettlementCheck, isp, settlement.id.uuid(), now + FIRST_POLL, now).await
}
