//! Rows of what went back: written once, read with how each stands.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::parts::Kept;
use crate::clock::Time;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::id::{IspId, PaymentId, RefundId, RequestId};
use crate::money::Money;
use crate::page::{Cursor, PageAsk};
use crate::payments::Split;
use crate::schema::{refund, refund_seen};

crate::text_enum! {
    /// How money went back.
    pub enum Kind {
        /// The gateway took it back by itself.
        Reversal = "REVERSAL",
        /// Netily's people paid it.
        ByHand = "BY_HAND",
        /// The gateway pays it from the wallet.
        Gateway = "GATEWAY",
    }
}

/// What is to be written.
pub struct New<'a> {
    /// Its id.
    pub id: RefundId,
    /// How it goes back.
    pub kind: Kind,
    /// Of which payment.
    pub payment: PaymentId,
    /// How much of the payment.
    pub amount: Money,
    /// Whose money it was.
    pub parts: Split,
    /// What the gateway took beyond what was left of the payment.
    pub excess: Money,
    /// What proves it.
    pub reference: &'a str,
    /// The gateway's row that it explains; empty: none is known.
    pub row_name: &'a str,
    /// Why.
    pub note: &'a str,
    /// Who did it.
    pub operators: &'a [Uuid],
    /// The client's id of the request.
    pub request: RequestId,
    /// Hash of the request's content.
    pub request_hash: &'a [u8],
}

/// Writes it.
pub async fn write(tx: &mut Tx, isp: IspId, new: &New<'_>, now: Time) -> Result<()> {
    use refund::dsl;
    diesel::insert_into(dsl::refund)
        .values((
            (dsl::tenant_id.eq(isp), dsl::id.eq(new.id), dsl::kind.eq(new.kind), dsl::payment_id.eq(new.payment)),
            (dsl::amount_minor.eq(new.amount), dsl::commission_minor.eq(new.parts.commission), dsl::isp_minor.eq(new.parts.isp)),
            (dsl::excess_minor.eq(new.excess), dsl::reference.eq(new.reference), dsl::row_name.eq(new.row_name), dsl::note.eq(new.note)),
            (dsl::operators.eq(new.operators), dsl::request_id.eq(new.request.0), dsl::request_hash.eq(new.request_hash), dsl::created_at.eq(now)),
        ))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// What went back, and how it stands.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = refund_seen)]
pub struct Refund {
    /// Whose money it was.
    pub tenant_id: IspId,
    /// Its id.
    pub id: RefundId,
    /// How it went back.
    pub kind: Kind,
    /// Of which payment.
    pub payment_id: PaymentId,
    /// How much of the payment.
    pub amount_minor: Money,
    /// Netily's part of it.
    pub commission_minor: Money,
    /// The ISP's part of it.
    pub isp_minor: Money,
    /// What the gateway took beyond what was left of the payment.
    pub excess_minor: Money,
    /// What proves it, as operators say.
    pub reference: String,
    /// Why.
    pub note: String,
    /// Who did it, in the order in which they asked.
    pub operators: Vec<Uuid>,
    /// When it was asked for.
    pub created_at: Time,
    /// As a settlement's: COMPLETED for what does not go through the gateway.
    pub state: String,
    /// What proves that the gateway paid it.
    pub receipt: String,
    /// Where the gateway pays it; empty for anything else.
    pub phone: String,
    /// Why it failed.
    pub failure_reason: String,
    /// When it came to its end.
    pub completed_at: Option<Time>,
}

/// One of an ISP.
pub async fn find(tx: &mut Tx, isp: IspId, id: RefundId) -> Result<Refund> {
    let found = refund_seen::table.find((isp, id)).select(Refund::as_select()).first(&mut **tx).await.optional()?;
    found.ok_or_else(|| Error::not_found("refund"))
}

/// The one that a request made, and the hash of that request.
pub async fn of_request(tx: &mut Tx, isp: IspId, request: RequestId) -> Result<Option<(RefundId, Vec<u8>)>> {
    let row = refund::table.filter(refund::tenant_id.eq(isp).and(refund::request_id.eq(request.0))).select((refund::id, refund::request_hash));
    Ok(row.first(&mut **tx).await.optional()?)
}

/// What went back of a payment so far, or is on its way back. The payment is locked by the caller.
pub async fn kept(tx: &mut Tx, isp: IspId, payment: PaymentId) -> Result<Kept> {
    let of = refund_seen::table.filter(refund_seen::tenant_id.eq(isp).and(refund_seen::payment_id.eq(payment)).and(refund_seen::state.ne("FAILED")));
    let sum = |column: &str| sql::<BigInt>(&format!("coalesce(sum({column}), 0)::bigint"));
    let (amount, commission) = of.select((sum("amount_minor"), sum("commission_minor"))).first(&mut **tx).await?;
    Ok(Kept { amount, commission })
}

/// Whether a row of the gateway is booked already: by its name, or, where the operator knew no row, by its amount.
pub async fn explains(tx: &mut Tx, isp: IspId, payment: PaymentId, row_name: &str, amount: Money) -> Result<bool> {
    let unnamed = sql::<diesel::sql_types::Bool>("row_name = '' AND amount_minor + excess_minor = ").bind::<BigInt, _>(amount);
    let booked = refund::table
        .filter(refund::tenant_id.eq(isp).and(refund::payment_id.eq(payment)).and(refund::kind.eq(Kind::Reversal)))
        .filter(refund::row_name.eq(row_name).or(unnamed));
    Ok(diesel::select(diesel::dsl::exists(booked)).get_result(&mut **tx).await?)
}

/// A page of what went back, newest first: of one ISP, or of all in a look across.
pub async fn list(tx: &mut Tx, isp: Option<IspId>, payment: Option<PaymentId>, page: PageAsk) -> Result<(Vec<Refund>, String)> {
    let before = page.before();
    let mut query = refund_seen::table
        .filter(refund_seen::created_at.lt(before.at).or(refund_seen::created_at.eq(before.at).and(refund_seen::id.lt(before.id))))
        .order((refund_seen::created_at.desc(), refund_seen::id.desc()))
        .limit(page.size + 1)
        .select(Refund::as_select())
        .into_boxed();
    if let Some(isp) = isp {
        query = query.filter(refund_seen::tenant_id.eq(isp));
    }
    if let Some(payment) = payment {
        query = query.filter(refund_seen::payment_id.eq(payment));
    }
    Ok(page.cut(query.load(&mut **tx).await?, |row: &Refund| Cursor { at: row.created_at, id: row.id.uuid() }))
}
