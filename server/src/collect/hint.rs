//! The inbox of callbacks. The raw body is kept before anything is made of it; all that follows is a question to the
//! gateway, at most one per payment and ten seconds.

use chrono::TimeDelta;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use sha2::{Digest as _, Sha256};

use super::callback_token::CallbackKind;
use super::confirm::Confirmed;
use crate::app::App;
use crate::clock::Time;
use crate::db::Tx;
use crate::error::Result;
use crate::gateways::payhero::{self, callback};
use crate::id::{DeliveryId, IspId, PaymentId};
use crate::jobs::{self, Kind};
use crate::money::Money;
use crate::payments::store::{self, Change};
use crate::payments::{FailureReason, State};
use crate::schema::webhook_delivery;

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
    app.db
        .tx(isp, async |tx| {
            let id = DeliveryId::sortable(now);
            let row: (DeliveryId, String) = diesel::insert_into(webhook_delivery::table)
                .values((
                    (webhook_delivery::id.eq(id), webhook_delivery::kind.eq(&kind), webhook_delivery::isp_id.eq(isp), webhook_delivery::payment_id.eq(payment)),
                    (webhook_delivery::dedup.eq(&dedup), webhook_delivery::body.eq(&body), webhook_delivery::source_ip.eq(source_ip.to_string())),
                    (webhook_delivery::received_at.eq(now), webhook_delivery::last_at.eq(now)),
                ))
                .on_conflict(webhook_delivery::dedup)
                .do_update()
                .set((webhook_delivery::deliveries.eq(webhook_delivery::deliveries + 1), webhook_delivery::last_at.eq(now)))
                .returning((webhook_delivery::id, webhook_delivery::state))
                .get_result(&mut **tx)
                .await?;
            let repeated = row.0 != id;
            if !repeated || row.1 == "RECEIVED" {
                wake_check(tx, isp, payment, id, &body, now).await?;
            }
            Ok(if repeated { Delivered::Repeated } else { Delivered::Stored })
        })
        .await
}

/// The first hint asks at once; more of them within ten seconds only make sure that it is asked again after those.
async fn wake_check(tx: &mut Tx, isp: IspId, id: PaymentId, delivery: DeliveryId, body: &[u8], now: Time) -> Result<()> {
    let Some(payment) = store::lock(tx, isp, id).await? else {
        return close_one(tx, delivery, "IGNORED", "There is no such payment.", now).await;
    };
    if callback::read(body).is_err() {
        return close_one(tx, delivery, "DEAD", "The body is not a JSON object.", now).await;
    }
    if payment.state == State::Succeeded {
        return close_one(tx, delivery, "IGNORED", "The payment has succeeded already.", now).await;
    }
    let at = payment.hinted_at.map_or(now, |last| now.max(last + ASK_AT_MOST_EVERY));
    if at == now {
        store::change(tx, isp, &payment, payment.state, Change { hinted_at: Some(now), ..Change::default() }, now).await?;
    }
    jobs::enqueue(tx, Kind::Check, isp, id.uuid(), at, now).await
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

/// What the callbacks of a payment claim that nothing was made of yet.
pub(super) async fn said(tx: &mut Tx, payment: PaymentId) -> Result<Vec<Said>> {
    let bodies: Vec<Vec<u8>> = webhook_delivery::table
        .filter(webhook_delivery::payment_id.eq(payment).and(webhook_delivery::state.eq("RECEIVED")))
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

/// Closes every open callback of a payment.
pub(super) async fn close(tx: &mut Tx, payment: PaymentId, state: &str, note: &str, now: Time) -> Result<()> {
    diesel::update(webhook_delivery::table.filter(webhook_delivery::payment_id.eq(payment).and(webhook_delivery::state.eq("RECEIVED"))))
        .set((webhook_delivery::state.eq(state), webhook_delivery::note.eq(note), webhook_delivery::done_at.eq(now)))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

async fn close_one(tx: &mut Tx, delivery: DeliveryId, state: &str, note: &str, now: Time) -> Result<()> {
    diesel::update(webhook_delivery::table.find(delivery))
        .set((webhook_delivery::state.eq(state), webhook_delivery::note.eq(note), webhook_delivery::done_at.eq(now)))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Closes the callbacks that an answer of the gateway dealt with. One that names another amount than ours is kept for
/// a human, whatever the gateway says.
pub(super) async fn close_answered(tx: &mut Tx, payment: PaymentId, confirmed: Confirmed, now: Time) -> Result<()> {
    let open: Vec<(DeliveryId, IspId, Vec<u8>)> = webhook_delivery::table
        .filter(webhook_delivery::payment_id.eq(payment).and(webhook_delivery::state.eq("RECEIVED")))
        .select((webhook_delivery::id, webhook_delivery::isp_id, webhook_delivery::body))
        .load(&mut **tx)
        .await?;
    for (delivery, isp, body) in open {
        let named = callback::read(&body).ok().and_then(|read| read.amount_minor).map(Money::from_minor);
        let ours = store::find(tx, isp, payment).await?.map(|payment| payment.amount);
        let (state, note) = match confirmed {
            Confirmed::Quarantined => ("QUARANTINED", "The gateway's answer contradicts what we know."),
            Confirmed::State(_) if named.is_some() && named != ours => ("QUARANTINED", "It names another amount than ours."),
            Confirmed::State(_) => ("APPLIED", "The gateway was asked."),
        };
        if state == "QUARANTINED" {
            store::open_break(
                tx,
                "callback_contradicts",
                &delivery.uuid().to_string(),
                Some(isp),
                named,
                serde_json::json!({ "payment": payment.to_string() }),
                now,
            )
            .await?;
        }
        close_one(tx, delivery, state, note, now).await?;
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
        store::open_break(tx, "callback_unproven", &delivery.uuid().to_string(), Some(isp), None, detail, now).await?;
        close_one(tx, delivery, "QUARANTINED", "The gateway's list shows nothing that proves it.", now).await?;
    }
    Ok(())
}
