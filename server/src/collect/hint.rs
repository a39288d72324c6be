//! The inbox of callbacks. The raw body is kept before anything is made of it; all that follows is a question to the
//! gateway, at most one per payment and ten seconds.

use chrono::TimeDelta;
use diesel::pg::data_types::PgInterval;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use futures::stream::{self, StreamExt as _};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::callback_token::CallbackKind;
use super::confirm::Confirmed;
use crate::app::App;
use crate::breaks::{self, BreakKind};
use crate::clock::{Clock, Time};
use crate::db::{Db, Tx};
use crate::error::{Error, Reason, Result};
use crate::failpoint;
use crate::gateways::payhero::{self, callback};
use crate::id::{DeliveryId, IspId, JobId, PaymentId};
use crate::jobs::Kind;
use crate::money::Money;
use crate::payments::{FailureReason, Payment};
use crate::schema::{functions, webhook_delivery};
use crate::together::{self, Together};
use crate::wake::Wake;

/// Between two questions that callbacks make us ask.
const ASK_AT_MOST_EVERY: TimeDelta = TimeDelta::seconds(10);

/// A callback as it came in.
pub struct Hint {
    /// Which address.
    pub kind: CallbackKind,
    /// Whose address.
    pub isp: IspId,
    /// Which payment's address; of kind `Payout` its settlement's.
    pub payment: PaymentId,
    /// The body, at most 16 KiB.
    pub body: Vec<u8>,
    /// Where from.
    pub source_ip: std::net::IpAddr,
}

/// What became of it on arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivered {
    /// New.
    Stored,
    /// The same body came before.
    Repeated,
}

/// A callback as it is kept.
struct Callback {
    kind: String,
    isp: IspId,
    payment: PaymentId,
    /// SHA-256 of address and body.
    dedup: Vec<u8>,
    body: Vec<u8>,
    source_ip: String,
    is_readable: bool,
    /// The amount that it names.
    named: Option<i64>,
    /// The job that asks.
    ask: Kind,
}

/// Where callbacks gather to be kept together.
pub struct Inbox {
    callbacks: Together<Callback, Result<Delivered>>,
}

impl Inbox {
    /// The tasks that keep. They end with it.
    pub fn start(db: Db, clock: Clock) -> Inbox {
        let keep = move |lot: Vec<Callback>| {
            let (db, now) = (db.clone(), clock.now());
            async move {
                let all: Vec<&Callback> = lot.iter().collect();
                failpoint::reached("callback", "keeping");
                // The same body again is the same callback.
                match db.surely(async |tx| keep(tx, &all, now).await).await {
                    Ok(kept) => kept.into_iter().map(Ok).collect(),
                    // Without a database there is none for each of them either.
                    Err(error) if error.reason == Reason::Unavailable => lot.iter().map(|_| Err(error.shared())).collect(),
                    // One of them spoils it for all, so each goes its own way.
                    Err(_) => stream::iter(&lot).then(async |one| keep_one(&db, one, now).await).collect().await,
                }
            }
        };
        Inbox { callbacks: Together::start(together::MOST, keep) }
    }
}

async fn keep_one(db: &Db, callback: &Callback, now: Time) -> Result<Delivered> {
    db.public(async |tx| keep(tx, &[callback], now).await).await?.pop().ok_or_else(|| Error::internal("keeping a callback said nothing"))
}

/// Keeps a callback and wakes the check of its payment. The first hint asks at once; more of them within ten seconds only make sure
/// that it is asked again after those. Returns only after the commit: then it may be acknowledged.
pub async fn receive(app: &App, hint: Hint) -> Result<Delivered> {
    let Hint { kind, isp, payment, body, source_ip } = hint;
    let ask = if kind == CallbackKind::Payout { Kind::SettlementCheck } else { Kind::Check };
    let kind = kind.as_path().to_ascii_uppercase();
    let dedup = Sha256::new().chain_update(payment.uuid().as_bytes()).chain_update(&kind).chain_update(&body).finalize().to_vec();
    let read = callback::read(&body);
    let named = read.as_ref().ok().and_then(|read| read.amount_minor);
    let callback = Callback { kind, isp, payment, dedup, body, source_ip: source_ip.to_string(), is_readable: read.is_ok(), named, ask };
    let delivered = app.inbox.callbacks.ask(callback).await??;
    failpoint::reached("callback", "committed");
    Ok(delivered)
}

async fn keep(tx: &mut Tx, lot: &[&Callback], now: Time) -> Result<Vec<Delivered>> {
    let every = PgInterval::from_microseconds(ASK_AT_MOST_EVERY.num_microseconds().unwrap_or(i64::MAX));
    let keep = functions::keep_callbacks(
        lot.iter().map(|_| DeliveryId::sortable(now)).collect::<Vec<_>>(),
        lot.iter().map(|callback| &callback.kind).collect::<Vec<_>>(),
        lot.iter().map(|callback| callback.isp).collect::<Vec<_>>(),
        lot.iter().map(|callback| callback.payment).collect::<Vec<_>>(),
        lot.iter().map(|callback| &callback.dedup).collect::<Vec<_>>(),
        lot.iter().map(|callback| &callback.body).collect::<Vec<_>>(),
        lot.iter().map(|callback| &callback.source_ip).collect::<Vec<_>>(),
        lot.iter().map(|callback| callback.is_readable).collect::<Vec<_>>(),
        lot.iter().map(|callback| callback.named).collect::<Vec<_>>(),
        every,
        lot.iter().map(|_| JobId::sortable(now)).collect::<Vec<_>>(),
        lot.iter().map(|callback| callback.ask.lane().as_str()).collect::<Vec<_>>(),
        lot.iter().map(|callback| callback.ask.as_str()).collect::<Vec<_>>(),
        now,
    );
    let said: Vec<String> = diesel::select(keep).get_result(&mut **tx).await?;
    if said.len() != 2 * lot.len() {
        return Err(Error::internal(format!("keeping {} callbacks said {said:?}", lot.len())));
    }
    let mut delivered = Vec::with_capacity(lot.len());
    for (pair, callback) in said.chunks_exact(2).zip(lot) {
        let [kept, ask] = pair else { continue };
        if ask == "ASK" {
            tx.wake(Wake::Job(callback.ask.lane()));
        }
        delivered.push(if kept == "STORED" { Delivered::Stored } else { Delivered::Repeated });
    }
    Ok(delivered)
}

/// What a callback claims, reduced to what helps to ask.
pub struct Said {
    reference: Option<String>,
    checkout_id: Option<String>,
    receipt: Option<String>,
    /// Why it failed, for people; the state never follows from it.
    pub failure: Option<FailureReason>,
}

impl Said {
    /// Names to ask by, best first.
    pub fn candidates(&self) -> impl Iterator<Item = &str> {
        [&self.reference, &self.receipt, &self.checkout_id].into_iter().flatten().map(String::as_str)
    }
}

/// What the newest callbacks of a payment claim, also those that made us ask before: the answer to an early one says nothing
/// yet, and why a payment failed stands nowhere else.
pub async fn said(tx: &mut Tx, payment: PaymentId) -> Result<Vec<Said>> {
    let bodies: Vec<Vec<u8>> = webhook_delivery::table
        .filter(webhook_delivery::payment_id.eq(payment).and(webhook_delivery::state.ne("DEAD")))
        .order(webhook_delivery::received_at.desc())
        .limit(5)
        .select(webhook_delivery::body)
        .load(&mut **tx)
        .await?;
    Ok(bodies
        .iter()
        .filter_map(|body| callback::read(body).ok())
        .map(|read| Said {
            failure: match read.verdict_hint {
                callback::Verdict::Failed { result_code, text } => Some(payhero::reason(result_code, &text).into()),
                callback::Verdict::Paid | callback::Verdict::Unclear => None,
            },
            reference: read.reference,
            checkout_id: read.checkout_request_id,
            receipt: read.receipt,
        })
        .collect())
}

/// Closes the callbacks of a payment that nothing was made of yet and that came until then.
pub async fn close(tx: &mut Tx, payment: PaymentId, state: &str, note: &str, until: Time, now: Time) -> Result<()> {
    let close = functions::close_deliveries(payment, state, note, until, now);
    diesel::select(close).get_result::<bool>(&mut **tx).await?;
    Ok(())
}

async fn close_one(tx: &mut Tx, delivery: DeliveryId, state: &str, note: &str, now: Time) -> Result<()> {
    diesel::update(webhook_delivery::table.find(delivery))
        .set((webhook_delivery::state.eq(state), webhook_delivery::note.eq(note), webhook_delivery::done_at.eq(now)))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Closes the callbacks that an answer of the gateway dealt with: those that were here when it was asked. One that names
/// another amount than ours is kept for a human, whatever the gateway says.
pub(super) async fn close_answered(tx: &mut Tx, isp: IspId, payment: &Payment, confirmed: Confirmed, asked_at: Time, now: Time) -> Result<()> {
    let (amount, note) = match confirmed {
        Confirmed::State(_) => (Some(payment.amount), "It names another amount than ours."),
        Confirmed::Quarantined => (None, "The gateway's answer contradicts what we know."),
    };
    let contradicting: Vec<Uuid> = diesel::select(functions::answer_deliveries(payment.id, amount, asked_at, now)).get_result(&mut **tx).await?;
    for delivery in contradicting.into_iter().map(DeliveryId::from) {
        let body: Vec<u8> = webhook_delivery::table.find(delivery).select(webhook_delivery::body).first(&mut **tx).await?;
        let named = callback::read(&body).ok().and_then(|read| read.amount_minor).map(Money::from_minor);
        let detail = serde_json::json!({ "payment": payment.id.to_string() });
        breaks::open(tx, BreakKind::CallbackContradicts, &delivery.uuid().to_string(), Some(isp), named, detail, now).await?;
        close_one(tx, delivery, "QUARANTINED", note, now).await?;
    }
    Ok(())
}

/// A callback that named nothing we could prove in this time is a human's business.
const UNPROVEN_FOR: TimeDelta = TimeDelta::minutes(10);

/// Puts callbacks aside that have waited too long for a proof.
pub(super) async fn give_up_unproven(tx: &mut Tx, isp: IspId, payment: PaymentId, now: Time) -> Result<()> {
    let old: Vec<DeliveryId> = webhook_delivery::table
        .filter(webhook_delivery::payment_id.eq(payment).and(webhook_delivery::state.eq("RECEIVED")))
        .filter(webhook_delivery::received_at.lt(now - UNPROVEN_FOR))
        .select(webhook_delivery::id)
        .load(&mut **tx)
        .await?;
    for delivery in old {
        let detail = serde_json::json!({ "payment": payment.to_string() });
        breaks::open(tx, BreakKind::CallbackUnproven, &delivery.uuid().to_string(), Some(isp), None, detail, now).await?;
        close_one(tx, delivery, "QUARANTINED", "The gateway's list shows nothing that proves it.", now).await?;
    }
    Ok(())
}
