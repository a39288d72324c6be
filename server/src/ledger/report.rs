//! What the ledger says of one ISP: the commission ledger and what it is owed. Everything here is derived.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::clock::Time;
use crate::db::Tx;
use crate::error::Result;
use crate::id::{IspId, PaymentId};
use crate::money::{Money, Rate};
use crate::page::{Cursor, PageAsk};
use crate::schema::{commission_ledger, ledger_balance};

/// The split of one payment.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = commission_ledger)]
pub struct Commission {
    id: uuid::Uuid,
    /// The payment.
    pub payment_id: PaymentId,
    /// What it was for, as the database writes it.
    pub purpose: String,
    /// What was paid.
    pub gross_minor: Money,
    /// Netily's part as a rate.
    pub commission_bps: Rate,
    /// Netily's part.
    pub commission_minor: Money,
    /// The ISP's part.
    pub isp_minor: Money,
    /// M-Pesa's receipt.
    pub mpesa_receipt: Option<String>,
    /// When it was booked.
    pub created_at: Time,
}

impl Commission {
    /// The transaction that booked it; ids are made in the order of time.
    pub const fn id(&self) -> uuid::Uuid {
        self.id
    }
}

/// A page of the commission ledger, newest first.
pub async fn commissions(tx: &mut Tx, isp: IspId, purpose: Option<&str>, page: PageAsk) -> Result<(Vec<Commission>, String)> {
    use commission_ledger::dsl;
    let before = page.before();
    let mut query = dsl::commission_ledger
        .filter(dsl::tenant_id.eq(isp))
        // Ids of the ledger are made in the order of time, so the key itself is the order.
        .filter(dsl::id.lt(before.id))
        .order(dsl::id.desc())
        .limit(page.size + 1)
        .select(Commission::as_select())
        .into_boxed();
    if let Some(purpose) = purpose {
        query = query.filter(dsl::purpose.eq(purpose.to_owned()));
    }
    Ok(page.cut(query.load(&mut **tx).await?, |row: &Commission| Cursor { at: row.created_at, id: row.id }))
}

/// What Netily owes the ISP.
pub async fn pending_balance(tx: &mut Tx, isp: IspId) -> Result<Money> {
    let balance: Option<Money> = ledger_balance::table.find((isp, "ISP_PAYABLE")).select(ledger_balance::balance_minor).first(&mut **tx).await.optional()?;
    Ok(balance.unwrap_or_default().negated())
}

/// What Netily owes each of some ISPs; for a look across.
pub async fn pending_balances(tx: &mut Tx, isps: &[IspId]) -> Result<HashMap<IspId, Money>> {
    let rows: Vec<(IspId, Money)> = ledger_balance::table
        .filter(ledger_balance::tenant_id.eq_any(isps).and(ledger_balance::account.eq("ISP_PAYABLE")))
        .select((ledger_balance::tenant_id, ledger_balance::balance_minor))
        .load(&mut **tx)
        .await?;
    Ok(rows.into_iter().map(|(isp, balance)| (isp, balance.negated())).collect())
}
