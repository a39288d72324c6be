//! Reconciliation breaks: what a person must look at. One of a kind and reference is open at a time; what happens again after it was closed
//! opens again. Telling operators of them is `reconcile::alarms`.

mod kind;

pub use kind::{BreakKind, EndedBy, Policy, Stops};

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::clock::Time;
use crate::db::Tx;
use crate::error::Result;
use crate::id::{IspId, RowId};
use crate::money::Money;
use crate::schema::reconciliation_break;

/// Opens a break. One that is open already stays as it is.
pub async fn open(tx: &mut Tx, kind: BreakKind, reference: &str, isp: Option<IspId>, amount: Option<Money>, detail: Value, now: Time) -> Result<()> {
    let opened = diesel::insert_into(reconciliation_break::table)
        .values((
            reconciliation_break::id.eq(RowId::sortable(now)),
            reconciliation_break::kind.eq(kind),
            reconciliation_break::reference.eq(reference),
            reconciliation_break::isp_id.eq(isp),
            reconciliation_break::amount_minor.eq(amount),
            reconciliation_break::detail.eq(detail),
            reconciliation_break::opened_at.eq(now),
        ))
        .on_conflict_do_nothing()
        .execute(&mut **tx)
        .await?;
    if opened == 1 {
        tracing::error!(kind = kind.as_str(), reference, "reconciliation break opened");
    }
    Ok(())
}

/// Closes an open break that explains itself, or that an act has just ended, with the reason. Gives whether one was open.
pub async fn close(tx: &mut Tx, kind: BreakKind, reference: &str, reason: &str, now: Time) -> Result<bool> {
    close_as(tx, kind, reference, "netily", reason, now).await
}

/// The same in the name of a person whose act ended it.
pub async fn close_as(tx: &mut Tx, kind: BreakKind, reference: &str, by: &str, reason: &str, now: Time) -> Result<bool> {
    use reconciliation_break::dsl;
    let open = dsl::reconciliation_break.filter(dsl::kind.eq(kind).and(dsl::reference.eq(reference)).and(dsl::closed_at.is_null()));
    let closed = diesel::update(open).set((dsl::closed_at.eq(now), dsl::closed_by.eq(by), dsl::closed_reason.eq(reason))).execute(&mut **tx).await?;
    Ok(closed == 1)
}

/// The same for all of a kind that are about one ISP. Gives how many were open.
pub async fn close_of_isp(tx: &mut Tx, kind: BreakKind, isp: IspId, by: &str, reason: &str, now: Time) -> Result<usize> {
    use reconciliation_break::dsl;
    let open = dsl::reconciliation_break.filter(dsl::kind.eq(kind).and(dsl::isp_id.eq(isp)).and(dsl::closed_at.is_null()));
    let closed = (dsl::closed_at.eq(now), dsl::closed_by.eq(by), dsl::closed_reason.eq(reason));
    Ok(diesel::update(open).set(closed).execute(&mut **tx).await?)
}

/// What names a trouble that the gateway told us of: its code does not, since one code stands for many. Numbers in its words do not matter.
pub fn trouble(code: &str, message: &str) -> String {
    let words: String = message.to_lowercase().chars().filter(|c| !c.is_ascii_digit()).collect();
    let hash = Sha256::digest(words.as_bytes());
    format!("{code}/{}", hex::encode(hash.get(..4).unwrap_or_default()))
}

/// Whether any break of these kinds is open.
pub async fn any_open(tx: &mut Tx, kinds: &[BreakKind]) -> Result<bool> {
    use reconciliation_break::dsl;
    let open = dsl::reconciliation_break.filter(dsl::kind.eq_any(kinds).and(dsl::closed_at.is_null()));
    Ok(diesel::select(diesel::dsl::exists(open)).get_result(&mut **tx).await?)
}

/// Whether a break of this kind is open about this.
pub async fn is_open(tx: &mut Tx, kind: BreakKind, reference: &str) -> Result<bool> {
    use reconciliation_break::dsl;
    let open = dsl::reconciliation_break.filter(dsl::kind.eq(kind).and(dsl::reference.eq(reference)).and(dsl::closed_at.is_null()));
    Ok(diesel::select(diesel::dsl::exists(open)).get_result(&mut **tx).await?)
}

/// How many breaks of these kinds are open, and what their amounts are together, whichever way the money went.
pub async fn open_money(tx: &mut Tx, kinds: &[BreakKind]) -> Result<(usize, Money)> {
    use reconciliation_break::dsl;
    let open = dsl::reconciliation_break.filter(dsl::kind.eq_any(kinds).and(dsl::closed_at.is_null()));
    let amounts: Vec<Option<Money>> = open.select(dsl::amount_minor).load(&mut **tx).await?;
    let sum = amounts.iter().flatten().try_fold(Money::ZERO, |sum, amount| sum.checked_add(Money::from_minor(amount.minor().abs())));
    Ok((amounts.len(), sum.unwrap_or_default()))
}

/// What stops the payouts of one ISP while it is open, in words that its owner may read: a rule of the ledger that its rows break.
pub async fn stop_of_isp(tx: &mut Tx, isp: IspId) -> Result<Option<String>> {
    use reconciliation_break::dsl;
    let open = dsl::reconciliation_break.filter(dsl::kind.eq(BreakKind::LedgerViolation).and(dsl::isp_id.eq(isp)).and(dsl::closed_at.is_null()));
    let found = diesel::select(diesel::dsl::exists(open)).get_result(&mut **tx).await?;
    Ok(if found { Some(BOOKS_ARE_LOOKED_AT.to_owned()) } else { None })
}

/// What the owner of an ISP reads whose rows break a rule.
pub const BOOKS_ARE_LOOKED_AT: &str = "Netily's books about you are being looked at.";

/// References of the open ones of a kind.
pub async fn open_references(tx: &mut Tx, kind: BreakKind) -> Result<Vec<String>> {
    use reconciliation_break::dsl;
    let open = dsl::reconciliation_break.filter(dsl::kind.eq(kind).and(dsl::closed_at.is_null()));
    Ok(open.select(dsl::reference).load(&mut **tx).await?)
}

/// Whether one of this kind is open that is about no single ISP.
pub async fn any_open_of_all(tx: &mut Tx, kind: BreakKind) -> Result<bool> {
    use reconciliation_break::dsl;
    let open = dsl::reconciliation_break.filter(dsl::kind.eq(kind).and(dsl::isp_id.is_null()).and(dsl::closed_at.is_null()));
    Ok(diesel::select(diesel::dsl::exists(open)).get_result(&mut **tx).await?)
}
