//! Starting a payment: writes the intent and asks for its prompt, once per request id and once per open subject.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use rand::Rng as _;

use super::state::{Event, next};
use super::store::{self, Change, Payment, Purpose};
use crate::clock::Time;
use crate::db::Tx;
use crate::error::{Error, Reason, Result};
use crate::id::{IspId, PaymentId, RequestId};
use crate::jobs::{self, Kind};
use crate::money::{Money, Rate};
use crate::phone::Phone;
use crate::schema::payment;

/// How long a person has to answer before being told that it timed out. M-Pesa's own prompt lives about a minute.
pub const ANSWER_WITHIN: chrono::TimeDelta = chrono::TimeDelta::seconds(180);

/// What is to be paid.
#[derive(Clone, Debug)]
pub struct Start {
    /// What for.
    pub purpose: Purpose,
    /// What exactly: at most one open prompt for it.
    pub subject: String,
    /// The client's id of the request.
    pub request_id: RequestId,
    /// Hash of the request's content.
    pub request_hash: Vec<u8>,
    /// From our own price list, never from the client.
    pub amount: Money,
    /// Netily's part, as it is now.
    pub rate: Rate,
    /// Who pays.
    pub phone: Phone,
}

/// What came of it.
#[derive(Debug)]
pub enum Started {
    /// A new payment; its prompt is on its way.
    New(Payment),
    /// This request was made before.
    Repeated(Payment),
    /// Another request for the same subject has a prompt open.
    Open(Payment),
}

/// The payment of this request if it was made before. Same id with other content is refused.
pub async fn repeated(tx: &mut Tx, isp: IspId, request_id: RequestId, request_hash: &[u8]) -> Result<Option<Payment>> {
    let Some(found) = store::find_by_request(tx, isp, request_id.0).await? else { return Ok(None) };
    if found.request_hash == request_hash {
        return Ok(Some(found));
    }
    Err(Error::new(Reason::RequestIdReused, "This request_id was used before with other content."))
}

/// Writes the payment and enqueues its prompt.
pub async fn start(tx: &mut Tx, isp: IspId, ask: Start, now: Time) -> Result<Started> {
    if let Some(found) = repeated(tx, isp, ask.request_id, &ask.request_hash).await? {
        return Ok(Started::Repeated(found));
    }
    let id = PaymentId::sortable(now);
    let inserted = diesel::insert_into(payment::table)
        .values((
            (payment::tenant_id.eq(isp), payment::id.eq(id), payment::purpose.eq(ask.purpose.as_str()), payment::subject.eq(&ask.subject)),
            (payment::request_id.eq(ask.request_id.0), payment::request_hash.eq(&ask.request_hash), payment::external_reference.eq(external_reference())),
            (payment::amount_minor.eq(ask.amount), payment::commission_bps.eq(ask.rate), payment::phone.eq(ask.phone.digits())),
            (payment::expires_at.eq(now + ANSWER_WITHIN), payment::created_at.eq(now), payment::updated_at.eq(now)),
        ))
        .on_conflict_do_nothing()
        .execute(&mut **tx)
        .await?;
    if inserted == 0 {
        // Somebody was faster: the same request in parallel, or another one for the same subject.
        if let Some(found) = repeated(tx, isp, ask.request_id, &ask.request_hash).await? {
            return Ok(Started::Repeated(found));
        }
        let open = store::find_open(tx, isp, ask.purpose, &ask.subject).await?;
        return open
            .map(Started::Open)
            .ok_or_else(|| Error::rate_limited("Another payment has just ended. Please try again.", std::time::Duration::from_secs(1)));
    }
    jobs::enqueue(tx, Kind::Push, isp, id.uuid(), now, now).await?;
    let payment = store::find(tx, isp, id).await?.ok_or_else(|| Error::internal(format!("{id} was not stored")))?;
    Ok(Started::New(payment))
}

/// Writes a payment whose money came in although no prompt of ours is known for it: it stands as one whose answer got lost, so that a success is
/// all that it waits for. Nothing is sent.
pub async fn recover(tx: &mut Tx, isp: IspId, ask: &Start, now: Time) -> Result<PaymentId> {
    let id = PaymentId::sortable(now);
    diesel::insert_into(payment::table)
        .values((
            (payment::tenant_id.eq(isp), payment::id.eq(id), payment::purpose.eq(ask.purpose.as_str()), payment::subject.eq(&ask.subject)),
            (payment::request_id.eq(ask.request_id.0), payment::request_hash.eq(&ask.request_hash), payment::external_reference.eq(external_reference())),
            (payment::amount_minor.eq(ask.amount), payment::commission_bps.eq(ask.rate), payment::phone.eq(ask.phone.digits())),
            (payment::expires_at.eq(now), payment::created_at.eq(now), payment::updated_at.eq(now)),
        ))
        .execute(&mut **tx)
        .await?;
    for event in [Event::Claimed, Event::Unclear] {
        let payment = store::lock(tx, isp, id).await?.ok_or_else(|| Error::internal(format!("{id} was not stored")))?;
        let change = Change { submitted_at: Some(now), ..Change::default() };
        store::change(tx, isp, &payment, next(payment.state, event), change, now).await?;
    }
    Ok(id)
}

/// `NTL-` and 26 random letters and digits: echoed in callbacks, known to nobody else.
fn external_reference() -> String {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    let mut random = [0u8; 26];
    rand::rng().fill_bytes(&mut random);
    let text: String = random.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect();
    format!("NTL-{text}")
}
