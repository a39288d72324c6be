//! Sends a settlement: one request, ever. The attempt is committed before the call and its outcome after it; whatever is not a clear
//! yes or a provable no is UNKNOWN, is never sent again, and is resolved by asking, or by people.

use chrono::TimeDelta;
use serde_json::json;
use uuid::Uuid;

use super::config::{self, Config};
use super::confirm::{Fault, Unpaid, release_for};
use super::destination::Destination;
use super::doubt;
use super::paid_before::{self, PaidBefore};
use super::run::brake_of;
use super::state::{Event, State, next};
use super::store::{self, Attempt, Change, Kind as SettlementKind, Settlement};
use super::tell::{self, Notice, TakenBack};
use crate::app::App;
use crate::breaks::{self, BreakKind};
use crate::clock::Time;
use crate::collect::callback_token::{self, CallbackKind};
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::failpoint;
use crate::gateways::payhero::{Outcome as Sent, Recipient, RefusalKind, WithdrawRequest, Withdrawn};
use crate::id::{IspId, PaymentId, SettlementId};
use crate::jobs::{self, Kind, Outcome};
use crate::journal::{Event as Written, Line};
use crate::lang::Lang;
use crate::payments::store::{KeyKind, claim_key};

/// How long a claim holds: the gateway's whole deadline and a margin.
const CLAIM: TimeDelta = TimeDelta::seconds(60);
/// When to ask for the first time after sending.
const FIRST_POLL: TimeDelta = TimeDelta::seconds(10);
/// While payouts are stopped.
const LOOK_AGAIN: TimeDelta = TimeDelta::minutes(1);
/// By then the answer of a request that is under way is there, mostly.
const ANSWERED: TimeDelta = TimeDelta::seconds(5);

/// The job `settlement_send` of one settlement.
pub async fn send(app: &App, isp: IspId, id: SettlementId) -> Result<Outcome> {
    let token = Uuid::new_v4();
    let now = app.clock.now();
    let before = match app.db.tx(isp, async |tx| Ok((brake_of(tx, isp).await?, store::find(tx, isp, id).await?))).await? {
        (Some(_), Some(settlement)) if settlement.state()? == State::Pending => return Ok(Outcome::Again(now + LOOK_AGAIN)),
        (None, Some(settlement)) if settlement.state()? == State::Pending => match paid_before::look(app, &settlement, now).await {
            Ok(PaidBefore::Perhaps) => return Ok(Outcome::Again(now + ANSWERED)),
            Ok(PaidBefore::Yes(at)) => Some(at),
            Ok(PaidBefore::No) => None,
            Err(cause) => return Ok(Outcome::Retry(now + LOOK_AGAIN, format!("the list could not be asked whether it was paid before: {cause}"))),
        },
        _ => None,
    };
    if let Some(at) = before {
        app.db.tx(isp, async |tx| paid_already(tx, isp, id, at, now).await).await?;
        return Ok(Outcome::Done);
    }
    let claimed = app.db.tx(isp, async |tx| claim(app, tx, isp, id, token, now).await).await?;
    let settlement = match claimed {
        Claim::Mine(settlement) => *settlement,
        Claim::Wait(until) => return Ok(Outcome::Again(until)),
        Claim::Over => return Ok(Outcome::Done),
    };
    let request = request(app, isp, &settlement).await?;
    failpoint::reached("settlement", "claimed");
    let line = |event| Line { at: app.clock.now(), isp: isp.uuid(), id: id.uuid(), event };
    let (external_reference, amount_minor) = (settlement.external_reference.clone(), settlement.amount_minor.minor());
    app.journal.write(line(Written::Payout { external_reference, amount_minor }));
    let sent = app.payhero.withdraw(&request).await;
    failpoint::reached("settlement", "sent");
    if let Sent::Done(taken) = &sent {
        app.journal.write(line(Written::PayoutTaken { reference: taken.reference.clone() }));
    }
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
            if brake_of(tx, isp).await?.is_some() {
                return Ok(Claim::Wait(now + LOOK_AGAIN));
            }
            if let Some(why) = changed(tx, isp, &settlement, config, now).await? {
                let notice = Notice::TakenBack { amount: settlement.amount_minor, why };
                let sentence = format!("It was not sent: {}.", why.text(Lang::English));
                release_for(app, tx, isp, &settlement, Event::Withdrawn, Unpaid { why: &sentence, fault: Fault::Withdrawn, notice }, now).await?;
                return Ok(Claim::Over);
            }
            if let Some(until) = doubt::wait(&doubt::others(tx, id, settlement.amount_minor).await?, now) {
                return Ok(Claim::Wait(until));
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

/// It was sent in a past that the database does not know: it is never sent again. Asking tells what became of it, or people.
pub(super) async fn paid_already(tx: &mut Tx, isp: IspId, id: SettlementId, at: Time, now: Time) -> Result<()> {
    let Some(pending) = store::lock(tx, isp, id).await?.filter(|found| found.state().is_ok_and(|state| state == State::Pending)) else { return Ok(()) };
    tracing::error!(settlement = %id, %at, "the gateway's list shows a payout that was not sent as far as we know: it is not sent again");
    store::begin_attempt(tx, isp, id, at).await?;
    store::change(tx, isp, &pending, next(State::Pending, Event::Claimed), Change { sent_at: Some(at), ..Change::default() }, now).await?;
    let Some(sent) = store::find(tx, isp, id).await? else { return Ok(()) };
    unclear(tx, isp, &sent, "The gateway's list showed it before it was sent from here.", now).await
}

/// What changed since it was reserved, so that it must not be sent any more.
async fn changed(tx: &mut Tx, isp: IspId, settlement: &Settlement, config: Option<Config>, now: Time) -> Result<Option<TakenBack>> {
    if settlement.kind()? == SettlementKind::Refund {
        return Ok(config.and_then(|config| config.frozen).map(|_| TakenBack::Held));
    }
    let Some(config) = config.filter(|config| config.version == settlement.config_version) else { return Ok(Some(TakenBack::Destination)) };
    // A test payment proves what is not proven yet, and is Netily's own money.
    let held = if settlement.kind()? == SettlementKind::Test { config.suspended } else { config.in_the_way(now).is_some() };
    if held {
        return Ok(Some(TakenBack::Held));
    }
    let missing = matches!(config.destination, Destination::Bank { .. }) && config.contact_phone.is_none() && config::owner_phone(tx, isp).await?.is_none();
    Ok(missing.then_some(TakenBack::ContactMissing))
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

/// The gateway wants a phone with each payment to a bank: the one that was said for it, or the first owner's.
async fn contact_phone(app: &App, isp: IspId) -> Result<String> {
    app.db
        .tx(isp, async |tx| {
            let said = config::find(tx, isp).await?.and_then(|config| config.contact_phone).map(|phone| phone.digits().to_owned());
            Ok(match said {
                Some(phone) => phone,
                // Without one the request is refused before it leaves, which is a provable no.
                None => config::owner_phone(tx, isp).await?.unwrap_or_default(),
            })
        })
        .await
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
            let refused = refusal(&settlement, *kind)?;
            release_for(app, tx, isp, &settlement, Event::Refused, refused, now).await
        }
        // Refused, but the claim was lost meanwhile: it stays a doubt, with what came back beside it.
        Sent::Refused { message, .. } => store::end_attempt(tx, isp, id, Attempt::Ambiguous, message, now).await,
        Sent::Unknown { why } => {
            tracing::warn!(settlement = %id, %why, "it is not known whether the gateway took a payment to an ISP");
            unclear(tx, isp, &settlement, &why.to_string(), now).await
        }
    }
}

/// What a refusal means for the ISP: what is wrong with Netily's own account is not the ISP's to mend.
fn refusal(settlement: &Settlement, kind: RefusalKind) -> Result<Unpaid<'static>> {
    let amount = settlement.amount_minor;
    Ok(match kind {
        RefusalKind::Invalid | RefusalKind::Other => {
            let notice = Notice::Failed { amount, to: settlement.destination()?.masked() };
            Unpaid { why: "The payment company did not take it.", fault: Fault::Destination, notice }
        }
        RefusalKind::AmountTooSmall => Unpaid {
            why: "The payment company does not pay so little. It is part of the next payout.",
            fault: Fault::Withdrawn,
            notice: Notice::Postponed { amount },
        },
        RefusalKind::NotSent | RefusalKind::RateLimited => {
            Unpaid { why: "The payment company could not be reached.", fault: Fault::Ours, notice: Notice::Postponed { amount } }
        }
        RefusalKind::Credentials | RefusalKind::ServiceWalletEmpty | RefusalKind::Configuration => {
            let why = "The payment company did not take it, for a reason of Netily's own account there. It is tried again.";
            Unpaid { why, fault: Fault::Ours, notice: Notice::Postponed { amount } }
        }
    })
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
