//! Rows of payments: reading them under a lock, and writing what the machine decided.

use std::collections::HashMap;

use diesel::deserialize::{self, FromSql};
use diesel::pg::{Pg, PgValue};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::Value;
use uuid::Uuid;

use super::contradiction::Contradiction;
use super::state::{FailureReason, State};
use crate::clock::Time;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::id::{IspId, PaymentId, RowId};
use crate::money::{Money, Rate};
use crate::phone::Phone;
use crate::schema::{functions, gateway_key, gateway_observation, payment, webhook_delivery};

/// What a payment is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A hotspot purchase.
    Hotspot,
    /// A prepaid recharge.
    Recharge,
    /// An invoice.
    Invoice,
    /// An ISP paying Netily.
    Subscription,
}

impl Purpose {
    /// As the database writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Purpose::Hotspot => "HOTSPOT",
            Purpose::Recharge => "RECHARGE",
            Purpose::Invoice => "INVOICE",
            Purpose::Subscription => "SUBSCRIPTION",
        }
    }

    /// From what the database wrote.
    pub fn parse(text: &str) -> Option<Purpose> {
        [Purpose::Hotspot, Purpose::Recharge, Purpose::Invoice, Purpose::Subscription].into_iter().find(|purpose| purpose.as_str() == text)
    }
}

/// A payment as it is stored.
#[derive(Clone, Debug)]
pub struct Payment {
    /// Its id.
    pub id: PaymentId,
    /// What it is for.
    pub purpose: Purpose,
    /// What exactly: at most one open prompt for it.
    pub subject: String,
    /// Hash of the request that started it.
    pub request_hash: Vec<u8>,
    /// Our reference, unguessable; the gateway echoes it.
    pub external_reference: String,
    /// What is charged.
    pub amount: Money,
    /// Netily's part when it began.
    pub rate: Rate,
    /// The payer; `None` once the person was erased.
    pub phone: Option<Phone>,
    /// Where it stands.
    pub state: State,
    /// Why it failed.
    pub failure: Option<FailureReason>,
    /// The gateway's reference: the key to ask by.
    pub gateway_reference: Option<String>,
    /// M-Pesa's receipt once paid.
    pub mpesa_receipt: Option<String>,
    /// Who is sending it.
    pub claim_token: Option<Uuid>,
    /// Until when that claim holds.
    pub claim_until: Option<Time>,
    /// How often we asked.
    pub polls: i32,
    /// When a callback last made us ask.
    pub hinted_at: Option<Time>,
    /// When it was sent.
    pub submitted_at: Option<Time>,
    /// When the person is told that it timed out.
    pub expires_at: Time,
    /// When it was asked for.
    pub created_at: Time,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = payment)]
struct PaymentRow {
    id: PaymentId,
    purpose: String,
    subject: String,
    request_hash: Vec<u8>,
    external_reference: String,
    amount_minor: Money,
    commission_bps: Rate,
    phone: String,
    state: String,
    failure_reason: Option<String>,
    gateway_reference: Option<String>,
    mpesa_receipt: Option<String>,
    claim_token: Option<Uuid>,
    claim_until: Option<Time>,
    polls: i32,
    hinted_at: Option<Time>,
    submitted_at: Option<Time>,
    expires_at: Time,
    created_at: Time,
}

impl FromSql<functions::FoundPayment, Pg> for PaymentRow {
    fn from_sql(record: PgValue<'_>) -> deserialize::Result<PaymentRow> {
        <PaymentRow as Queryable<functions::PaymentFields, Pg>>::build(FromSql::<functions::FoundPayment, Pg>::from_sql(record)?)
    }
}

impl TryFrom<PaymentRow> for Payment {
    type Error = Error;

    fn try_from(row: PaymentRow) -> Result<Payment> {
        let strange = |what: &str| Error::internal(format!("{}: strange {what}", row.id));
        Ok(Payment {
            purpose: Purpose::parse(&row.purpose).ok_or_else(|| strange("purpose"))?,
            phone: if row.phone.is_empty() { None } else { Some(row.phone.parse().map_err(|_| strange("phone"))?) },
            state: State::parse(&row.state).ok_or_else(|| strange("state"))?,
            failure: row.failure_reason.as_deref().map(|text| FailureReason::parse(text).ok_or_else(|| strange("failure reason"))).transpose()?,
            id: row.id,
            subject: row.subject,
            request_hash: row.request_hash,
            external_reference: row.external_reference,
            amount: row.amount_minor,
            rate: row.commission_bps,
            gateway_reference: row.gateway_reference,
            mpesa_receipt: row.mpesa_receipt,
            claim_token: row.claim_token,
            claim_until: row.claim_until,
            polls: row.polls,
            hinted_at: row.hinted_at,
            submitted_at: row.submitted_at,
            expires_at: row.expires_at,
            created_at: row.created_at,
        })
    }
}

/// The payment, or `None` when this ISP has no such one.
pub async fn find(tx: &mut Tx, isp: IspId, id: PaymentId) -> Result<Option<Payment>> {
    let row = payment::table.find((isp, id)).select(PaymentRow::as_select()).first(&mut **tx).await.optional()?;
    row.map(Payment::try_from).transpose()
}

/// Payments of any ISPs, in the order in which they are asked for.
pub async fn find_many(tx: &mut Tx, wanted: &[(IspId, PaymentId)]) -> Result<Vec<Option<Payment>>> {
    let (isps, ids): (Vec<IspId>, Vec<PaymentId>) = wanted.iter().copied().unzip();
    let rows: Vec<Option<PaymentRow>> = diesel::select(functions::find_payments(isps, ids)).get_result(&mut **tx).await?;
    rows.into_iter().map(|row| row.map(Payment::try_from).transpose()).collect()
}

/// The payment, locked until the transaction ends.
pub async fn lock(tx: &mut Tx, isp: IspId, id: PaymentId) -> Result<Option<Payment>> {
    let row = payment::table.find((isp, id)).select(PaymentRow::as_select()).for_update().first(&mut **tx).await.optional()?;
    row.map(Payment::try_from).transpose()
}

/// The payment that a request started.
pub async fn find_by_request(tx: &mut Tx, isp: IspId, request_id: Uuid) -> Result<Option<Payment>> {
    let row = payment::table
        .filter(payment::tenant_id.eq(isp).and(payment::request_id.eq(request_id)))
        .select(PaymentRow::as_select())
        .first(&mut **tx)
        .await
        .optional()?;
    row.map(Payment::try_from).transpose()
}

/// The payment whose prompt is open for a subject.
pub async fn find_open(tx: &mut Tx, isp: IspId, purpose: Purpose, subject: &str) -> Result<Option<Payment>> {
    let row = payment::table
        .filter(payment::tenant_id.eq(isp).and(payment::purpose.eq(purpose.as_str())).and(payment::subject.eq(subject)))
        .filter(payment::state.eq_any(State::ALL.into_iter().filter(|state| state.is_open()).map(State::as_str)))
        .select(PaymentRow::as_select())
        .first(&mut **tx)
        .await
        .optional()?;
    row.map(Payment::try_from).transpose()
}

/// What a state change writes besides the state.
#[derive(AsChangeset, Default)]
#[diesel(table_name = payment)]
pub struct Change {
    /// Why it failed.
    pub failure_reason: Option<Option<String>>,
    /// The gateway's reference.
    pub gateway_reference: Option<String>,
    /// The checkout id of M-Pesa.
    pub checkout_id: Option<String>,
    /// M-Pesa's receipt.
    pub mpesa_receipt: Option<String>,
    /// Who is sending it.
    pub claim_token: Option<Option<Uuid>>,
    /// Until when.
    pub claim_until: Option<Option<Time>>,
    /// How often we asked.
    pub polls: Option<i32>,
    /// When a callback last made us ask.
    pub hinted_at: Option<Time>,
    /// When it was sent.
    pub submitted_at: Option<Time>,
    /// When it reached its end.
    pub completed_at: Option<Time>,
}

/// Writes a state and what comes with it. The row is locked by the caller; the state it was read in is a fence.
pub async fn change(tx: &mut Tx, isp: IspId, of: &Payment, to: State, change: Change, now: Time) -> Result<()> {
    let row = payment::table.filter(payment::tenant_id.eq(isp).and(payment::id.eq(of.id)).and(payment::state.eq(of.state.as_str())));
    let written = diesel::update(row).set((payment::state.eq(to.as_str()), payment::updated_at.eq(now), change)).execute(&mut **tx).await?;
    if written == 1 { Ok(()) } else { Err(Error::internal(format!("{} is no longer {}", of.id, of.state.as_str()))) }
}

/// What the gateway said when we asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// Taken, no result yet.
    Queued,
    /// Paid.
    Success,
    /// Not paid.
    Failed,
    /// The gateway does not know the reference (yet).
    Absent,
    /// Provably not taken when it was sent.
    Refused,
    /// A final word, about another payment than ours as far as it names one. It proves nothing.
    Contradicts {
        /// What it has otherwise.
        what: Contradiction,
        /// Whether it says that something is paid.
        paid: bool,
    },
    /// A word or an amount that we cannot read.
    Unreadable,
}

/// Where we saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The status of one reference.
    Status,
    /// The list of transactions.
    List,
    /// Two operators who agree.
    Manual,
}

impl Source {
    /// As the database writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Source::Status => "STATUS",
            Source::List => "LIST",
            Source::Manual => "MANUAL",
        }
    }
}

/// An answer of the gateway, over our own authenticated call.
#[derive(Clone, Debug)]
pub struct Observation {
    /// Where we saw it.
    pub source: Source,
    /// What it says.
    pub seen: Seen,
    /// The amount, where it names one.
    pub amount: Option<Money>,
    /// M-Pesa's receipt, where it names one.
    pub receipt: Option<String>,
    /// Why it failed, as far as anybody says.
    pub failure: Option<FailureReason>,
    /// The whole answer, phones masked.
    pub body: Value,
}

/// Whether the gateway said the very same the last time, and nothing came of it since: no callback waits for this answer.
async fn is_old_news(tx: &mut Tx, isp: IspId, subject: Uuid, status: &str, observation: &Observation) -> Result<bool> {
    use gateway_observation::dsl;
    type Said = (String, Option<Money>, Option<String>, Time);
    let rows = dsl::gateway_observation.filter(dsl::tenant_id.eq(isp).and(dsl::payment_id.eq(subject)));
    let last: Option<Said> =
        rows.order(dsl::id.desc()).select((dsl::status, dsl::amount_minor, dsl::receipt, dsl::observed_at)).first(&mut **tx).await.optional()?;
    let Some((said, amount, receipt, at)) = last else { return Ok(false) };
    if (said.as_str(), amount, &receipt) != (status, observation.amount, &observation.receipt) {
        return Ok(false);
    }
    let since = webhook_delivery::table.filter(webhook_delivery::payment_id.eq(subject).and(webhook_delivery::received_at.ge(at)));
    Ok(!diesel::select(diesel::dsl::exists(since)).get_result::<bool>(&mut **tx).await?)
}

/// Keeps an observation of a payment, or of a settlement, for ever. What was said before and changes nothing is not kept again.
pub async fn record(tx: &mut Tx, isp: IspId, subject: Uuid, observation: &Observation, now: Time) -> Result<()> {
    let status = match observation.seen {
        Seen::Queued => "QUEUED",
        Seen::Success => "SUCCESS",
        Seen::Failed => "FAILED",
        Seen::Absent => "ABSENT",
        Seen::Refused => "REFUSED",
        Seen::Contradicts { .. } => CONTRADICTS,
        Seen::Unreadable => UNREADABLE,
    };
    let may_repeat = matches!(observation.seen, Seen::Queued | Seen::Failed | Seen::Absent);
    if may_repeat && is_old_news(tx, isp, subject, status, observation).await? {
        return Ok(());
    }
    diesel::insert_into(gateway_observation::table)
        .values((
            gateway_observation::tenant_id.eq(isp),
            gateway_observation::id.eq(RowId::sortable(now)),
            gateway_observation::payment_id.eq(subject),
            gateway_observation::source.eq(observation.source.as_str()),
            gateway_observation::status.eq(status),
            gateway_observation::amount_minor.eq(observation.amount),
            gateway_observation::receipt.eq(&observation.receipt),
            gateway_observation::body.eq(&observation.body),
            gateway_observation::observed_at.eq(now),
        ))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

const UNREADABLE: &str = "UNREADABLE";
const CONTRADICTS: &str = "CONTRADICTS";

/// Whether an answer that contradicted us said that something was paid. It may be wrapped, as in API 2.0.0.
pub async fn contradicted_as_paid(tx: &mut Tx, isp: IspId, subject: Uuid) -> Result<bool> {
    use gateway_observation::dsl;
    const PAID: &str = "coalesce(body ->> 'status', '') !~* '^failed$' AND NOT (coalesce(body -> 'data', body -> 'transaction', body -> 'response') ->> 'status' ~* '^failed$') IS TRUE";
    let rows = dsl::gateway_observation.filter(dsl::tenant_id.eq(isp).and(dsl::payment_id.eq(subject)).and(dsl::status.eq(CONTRADICTS)));
    let paid = rows.filter(diesel::dsl::sql::<diesel::sql_types::Bool>(PAID));
    Ok(diesel::select(diesel::dsl::exists(paid)).get_result(&mut **tx).await?)
}

/// How many answers about a payment, or a settlement, could not be read, and since when.
pub async fn unreadable(tx: &mut Tx, isp: IspId, subject: Uuid) -> Result<(i64, Option<Time>)> {
    use gateway_observation::dsl;
    let rows = dsl::gateway_observation.filter(dsl::tenant_id.eq(isp).and(dsl::payment_id.eq(subject)).and(dsl::status.eq(UNREADABLE)));
    Ok(rows.select((diesel::dsl::count_star(), diesel::dsl::min(dsl::observed_at))).first(&mut **tx).await?)
}

/// A name that the gateway gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// The gateway's reference.
    Reference,
    /// M-Pesa's checkout id.
    Checkout,
    /// M-Pesa's receipt.
    Receipt,
}

impl KeyKind {
    /// As the database writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            KeyKind::Reference => "REFERENCE",
            KeyKind::Checkout => "CHECKOUT",
            KeyKind::Receipt => "RECEIPT",
        }
    }
}

/// Takes a name of the gateway for one payment, or settlement, of the whole platform. False when another one has it.
pub async fn claim_key(tx: &mut Tx, isp: IspId, subject: Uuid, kind: KeyKind, value: &str, now: Time) -> Result<bool> {
    let inserted = diesel::insert_into(gateway_key::table)
        .values((
            gateway_key::kind.eq(kind.as_str()),
            gateway_key::value.eq(value),
            gateway_key::isp_id.eq(isp),
            gateway_key::payment_id.eq(subject),
            gateway_key::created_at.eq(now),
        ))
        .on_conflict_do_nothing()
        .execute(&mut **tx)
        .await?;
    if inserted == 1 {
        return Ok(true);
    }
    Ok(key_owner(tx, kind, value).await?.is_some_and(|(_, owner)| owner == subject))
}

/// Whose payment or settlement has a name of the gateway.
pub async fn key_owner(tx: &mut Tx, kind: KeyKind, value: &str) -> Result<Option<(IspId, Uuid)>> {
    Ok(gateway_key::table.find((kind.as_str(), value)).select((gateway_key::isp_id, gateway_key::payment_id)).first(&mut **tx).await.optional()?)
}

/// Whose payments or settlements have names of the gateway, for those that anybody has.
pub async fn key_owners(tx: &mut Tx, kind: KeyKind, values: &[&str]) -> Result<HashMap<String, (IspId, Uuid)>> {
    let named = gateway_key::table.filter(gateway_key::kind.eq(kind.as_str()).and(gateway_key::value.eq_any(values)));
    let rows: Vec<(String, IspId, Uuid)> = named.select((gateway_key::value, gateway_key::isp_id, gateway_key::payment_id)).load(&mut **tx).await?;
    Ok(rows.into_iter().map(|(value, isp, subject)| (value, (isp, subject))).collect())
}

/// The payment of the whole platform that a receipt of M-Pesa was credited to.
pub async fn receipt_owner(tx: &mut Tx, receipt: &str) -> Result<Option<PaymentId>> {
    Ok(gateway_key::table.find(("RECEIPT", receipt)).select(gateway_key::payment_id).first(&mut **tx).await.optional()?)
}
