//! Money without a place: what the gateway's list shows and the books do not know, what waits in suspense, and what the gateway says of
//! payments and we do not believe.

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use serde_json::Value;
use uuid::Uuid;

use crate::breaks::BreakKind;
use crate::clock::Time;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::id::{PLATFORM, PaymentId, RowId};
use crate::money::Money;
use crate::page::{Cursor, PageAsk};
use crate::payments::store::KeyKind;
use crate::schema::{gateway_key, reconciliation_break, repair};

/// What the gateway said of a payment of ours and nobody believes.
pub(super) const QUARANTINED: [BreakKind; 4] = [BreakKind::AnswerContradicts, BreakKind::AmountMismatch, BreakKind::ReceiptReused, BreakKind::PaidBeforeSent];

/// Money without a place.
#[derive(Clone, Debug, diesel::QueryableByName)]
pub struct Unmatched {
    #[diesel(sql_type = SqlUuid)]
    id: RowId,
    /// What names it in acts: the gateway's reference, or the id of the payment that it is said to be.
    #[diesel(sql_type = Text)]
    pub reference: String,
    /// The kind of the break; `suspense` for what has no break any more.
    #[diesel(sql_type = Text)]
    pub kind: String,
    /// How much; less than nothing went out.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub amount: Option<Money>,
    /// The receipt, where one is known.
    #[diesel(sql_type = Nullable<Text>)]
    pub receipt: Option<String>,
    /// Whose payment it is said to be.
    #[diesel(sql_type = Nullable<Text>)]
    pub isp_slug: Option<String>,
    /// Since when we know of it.
    #[diesel(sql_type = Timestamptz)]
    pub at: Time,
    /// What the gateway said, as JSON.
    #[diesel(sql_type = Text)]
    pub detail: String,
}

const LIST: &str = "
    SELECT * FROM (
      SELECT b.id, CASE WHEN b.kind = ANY ($2) THEN 'pay_' || replace(b.reference, '-', '') ELSE b.reference END AS reference, b.kind, b.amount_minor AS amount,
             coalesce(b.detail ->> 'provider_reference', b.detail ->> 'receipt') AS receipt, i.slug AS isp_slug, b.opened_at AS at, b.detail::text AS detail
      FROM public.reconciliation_break b LEFT JOIN public.isp i ON i.id = b.isp_id
      WHERE b.closed_at IS NULL AND b.kind = ANY ($1)
      UNION ALL
      SELECT r.id, r.gateway_reference, 'suspense', r.amount_minor, r.receipt, NULL, r.at, r.evidence::text
      FROM public.repair r JOIN public.gateway_key k ON k.kind = 'REFERENCE' AND k.value = r.gateway_reference AND k.payment_id = r.id
      WHERE r.kind = 'SUSPENSE') x
    WHERE (x.at, x.id) < ($3, $4) ORDER BY x.at DESC, x.id DESC LIMIT $5";

/// A page of it, newest first.
pub async fn list(tx: &mut Tx, page: PageAsk) -> Result<(Vec<Unmatched>, String)> {
    let before = page.before();
    let named = |kinds: &[BreakKind]| kinds.iter().map(|kind| kind.as_str()).collect::<Vec<_>>();
    let all = [&QUARANTINED[..], &[BreakKind::ReversalSeen, BreakKind::UnmatchedCollection, BreakKind::UnmatchedPayout]].concat();
    let rows = diesel::sql_query(LIST)
        .bind::<Array<Text>, _>(named(&all))
        .bind::<Array<Text>, _>(named(&QUARANTINED))
        .bind::<Timestamptz, _>(before.at)
        .bind::<SqlUuid, _>(before.id)
        .bind::<BigInt, _>(page.size + 1)
        .load(&mut **tx)
        .await?;
    Ok(page.cut(rows, |row: &Unmatched| Cursor { at: row.at, id: row.id.uuid() }))
}

/// Money that an act is about, locked.
#[derive(Clone, Debug)]
pub(super) struct Found {
    /// The gateway's reference of money that no payment has; none for what the gateway says of a payment.
    pub reference: Option<String>,
    /// The payment that the gateway speaks of.
    pub payment: Option<PaymentId>,
    /// Where it is now.
    pub place: Place,
    /// How much; less than nothing went out.
    pub amount: Money,
    /// The receipt, where one is known.
    pub receipt: Option<String>,
    /// What is known.
    pub evidence: Value,
}

/// Where money without an owner is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In a break only: the books do not know it.
    Break(BreakKind),
    /// In suspense, put there by this repair.
    Suspense(RowId),
}

/// The money that operators call by this reference; nobody else acts on it until the transaction ends.
pub(super) async fn lock(tx: &mut Tx, reference: &str) -> Result<Found> {
    use reconciliation_break::dsl;
    type Row = (String, String, Option<Money>, Value);
    let payment: Option<PaymentId> = reference.parse().ok();
    let named = payment.map_or_else(|| reference.to_owned(), |id| id.uuid().to_string());
    let kinds: Vec<BreakKind> = if payment.is_some() { QUARANTINED.to_vec() } else { vec![BreakKind::UnmatchedCollection, BreakKind::UnmatchedPayout] };
    let open = dsl::reconciliation_break.filter(dsl::reference.eq(&named).and(dsl::kind.eq_any(&kinds)).and(dsl::closed_at.is_null()));
    let row: Option<Row> =
        open.order(dsl::opened_at).for_update().select((dsl::kind, dsl::reference, dsl::amount_minor, dsl::detail)).first(&mut **tx).await.optional()?;
    if let Some((kind, reference, amount, evidence)) = row {
        let kind = BreakKind::parse(&kind).ok_or_else(|| Error::internal(format!("a break of the strange kind {kind}")))?;
        let receipt = ["provider_reference", "receipt"].iter().find_map(|key| evidence.get(key)?.as_str().map(str::to_owned));
        let amount = amount.ok_or_else(|| Error::internal(format!("{reference} has no amount")))?;
        return Ok(Found { reference: payment.is_none().then_some(reference), payment, place: Place::Break(kind), amount, receipt, evidence });
    }
    suspended(tx, reference).await?.ok_or_else(|| Error::not_found("money without an owner, open under this reference"))
}

async fn suspended(tx: &mut Tx, reference: &str) -> Result<Option<Found>> {
    let key = gateway_key::table.find((KeyKind::Reference.as_str(), reference)).filter(gateway_key::isp_id.eq(PLATFORM));
    let owner: Option<Uuid> = key.select(gateway_key::payment_id).for_update().first(&mut **tx).await.optional()?;
    let Some(owner) = owner else { return Ok(None) };
    type Row = (Money, Option<String>, Value);
    let row =
        repair::table.find(RowId::from(owner)).filter(repair::kind.eq(super::Kind::Suspense)).select((repair::amount_minor, repair::receipt, repair::evidence));
    let row: Option<Row> = row.first(&mut **tx).await.optional()?;
    Ok(row.map(|(amount, receipt, evidence)| Found {
        reference: Some(reference.to_owned()),
        payment: None,
        place: Place::Suspense(owner.into()),
        amount,
        receipt,
        evidence,
    }))
}

/// Gives the gateway's name of the money to its new owner: a payment, a settlement or a repair.
pub(super) async fn take_key(tx: &mut Tx, found: &Found, isp: crate::id::IspId, owner: Uuid, now: Time) -> Result<()> {
    let Some(reference) = &found.reference else { return Ok(()) };
    let taken = match found.place {
        Place::Break(_) => crate::payments::store::claim_key(tx, isp, owner, KeyKind::Reference, reference, now).await?,
        Place::Suspense(before) => {
            let key = gateway_key::table.find((KeyKind::Reference.as_str(), reference)).filter(gateway_key::payment_id.eq(before.uuid()));
            diesel::update(key).set((gateway_key::isp_id.eq(isp), gateway_key::payment_id.eq(owner))).execute(&mut **tx).await? == 1
        }
    };
    if taken { Ok(()) } else { Err(Error::new(crate::error::Reason::StateConflict, "Somebody gave this money a place a moment ago.")) }
}
