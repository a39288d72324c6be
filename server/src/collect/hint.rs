//! The inbox of callbacks. The raw body is kept before anything is made of it; all that follows is a question to the
//! gateway, at most one per payment and ten seconds.

use chrono::TimeDelta;
use diesel::pg::data_types::PgInterval;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use sha2::{Digest as _, Sha256};

use super::callback_token::CallbackKind;
use super::confirm::Confirmed;
use crate::app::App;
use crate::clock::Time;
use crate::db::Tx;
use crate::error::Result;
use crate::failpoint;
use crate::gateways::payhero::{self, callback};
use crate::id::{DeliveryId, IspId, PaymentId};
use crate::jobs::{self, Kind};
use crate::money::Money;
use crate::payments::store;
use crate::payments::{FailureReason, Payment};
use crate::schema::{functions, webhook_delivery};

/// Between two questions that callbacks make us ask.
const ASK_AT_MOST_EVERY: TimeDelta = TimeDelta::seconds(10);

/// A callback as it came in.
pub struct Hint {
    /// Which address.
    pub kind: CallbackKind,
    /// Whose address.
    pub isp: IspId,
    /// Which payment's address.
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

/// Keeps a callback and wakes the check of its payment. Returns only after the commit: then it may be acknowledged.
pub async fn receive(app: &App, hint: Hint) -> Result<Delivered> {
    let now = app.clock.now();
    let Hint { kind, isp, payment, body, source_ip } = hint;
    let kind = kind.as_path().to_ascii_uppercase();
    let dedup = Sha256::new().chain_update(payment.uuid().as_bytes()).chain_update(&kind).chain_update(&body).finalize().to_vec();
    let readable = callback::read(&body).is_ok();
    let delivered = app
        .db
        .tx(isp, async |tx| {
            let id = DeliveryId::sortable(now);
            let stored = diesel::insert_into(webhook_delivery::table)
                .values((
                    (webhook_delivery::id.eq(id), webhook_delivery::kind.eq(&kind), webhook_delivery::isp_id.eq(isp), webhook_delivery::payment_id.eq(payment)),
                    (webhook_delivery::dedup.eq(&dedup), webhook_delivery::body.eq(&body), webhook_delivery::source_ip.eq(source_ip.to_string())),
                    (webhook_delivery::received_at.eq(now), webhook_delivery::last_at.eq(now)),
                ))
                .on_conflict_do_nothing()
                .execute(&mut **tx)
                .await?;
            if stored == 0 {
                let waits = count_repetition(tx, &dedup, now).await?;
                if waits {
                    wake_check(tx, isp, payment, now).await?;
                }
                return Ok(Delivered::Repeated);
            }
            if !readable {
                close_one(tx, id, "DEAD", "The body is not a JSON object.", now).await?;
            } else if !wake_check(tx, isp, payment, now).await? {
                close_one(tx, id, "IGNORED", "No payment waits for it.", now).await?;
            }
            failpoint::reached("callback", "kept");
            Ok(Delivered::Stored)
        })
        .await?;
    failpoint::reached("callback", "committed");
    Ok(delivered)
}

/// Counts a body that came before; says whether it still waits for the gateway's word.
async fn count_repetition(tx: &mut Tx, dedup: &[u8], now: Time) -> Result<bool> {
    let state: String = diesel::update(webhook_delivery::table.filter(webhook_delivery::dedup.eq(dedup)))
        .set((webhook_delivery::deliveries.eq(webhook_delivery::deliveries + 1), webhook_delivery::last_at.eq(now)))
        .returning(webhook_delivery::state)
        .get_result(&mut **tx)
        .await?;
    Ok(state == "RECEIVED")
}

/// The first hint asks at once; more of them within ten seconds only make sure that it is asked again after those. False:
/// no payment waits for an answer.
async fn wake_check(tx: &mut Tx, isp: IspId, id: PaymentId, now: Time) -> Result<bool> {
    let every = PgInterval::from_microseconds(ASK_AT_MOST_EVERY.num_microseconds().unwrap_or(i64::MAX));
    let at: Option<Time> = diesel::select(functions::payment_hinted(isp, id, now, every)).get_result(&mut **tx).await?;
    match at {
        Some(at) => jobs::enqueue(tx, Kind::Check, isp, id.uuid(), at, now).await.map(|()| true),
        None => Ok(false),
    }
}

/// What a callback claims, reduced to what helps to ask.
pub(super) struct Said {
    reference: Option<String>,
    checkout_id: Option<String>,
    receipt: Option<String>,
    /// Why it failed, for people; the state never follows from it.
    pub(super) failure: Option<FailureReason>,
}

impl Said {
    /// Names to ask by, best first.
    pub(super) fn candidates(&self) -> impl Iterator<Item = &str> {
        [&self.reference, &self.receipt, &self.checkout_id].into_iter().flatten().map(String::as_str)
    }
}

/// What the newest callbacks of a payment claim, also those that made us ask before: the answer to an early one says nothing
/// yet, and why a payment failed stands nowhere else.
pub(super) async fn said(tx: &mut Tx, payment: PaymentId) -> Result<Vec<Said>> {
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
pub(super) async fn close(tx: &mut Tx, payment: PaymentId, state: &str, note: &str, until: Time, now: Time) -> Result<()> {
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
    let open: Vec<(DeliveryId, Vec<u8>)> = webhook_delivery::table
        .filter(webhook_delivery::payment_id.eq(payment.id).and(webhook_delivery::state.eq("RECEIVED")).and(webhook_delivery::received_at.le(asked_at)))
        .select((webhook_delivery::id, webhook_delivery::body))
        .load(&mut **tx)
        .await?;
    for (delivery, body) in &open {
        let named = callback::read(body).ok().and_then(|read| read.amount_minor).map(Money::from_minor);
        let note = match confirmed {
            Confirmed::Quarantined => "The gateway's answer contradicts what we know.",
            Confirmed::State(_) if named.is_some_and(|named| named != payment.amount) => "It names another amount than ours.",
            Confirmed::State(_) => continue,
        };
        let detail = serde_json::json!({ "payment": payment.id.to_string() });
        store::open_break(tx, "callback_contradicts", &delivery.uuid().to_string(), Some(isp), named, detail, now).await?;
        close_one(tx, *delivery, "QUARANTINED", note, now).await?;
    }
    if open.is_empty() { Ok(()) } else { close(tx, payment.id, "APPLIED", "The gateway was asked.", asked_at, now).await }
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
        store::open_break(tx, "callback_unproven", &delivery.uuid().to_string(), Some(isp), None, detail, now).await?;
        close_one(tx, delivery, "QUARANTINED", "The gateway's list shows nothing that proves it.", now).await?;
    }
    Ok(())
}
