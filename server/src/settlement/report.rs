//! What the books say of an ISP's settlements. Everything here is derived.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use diesel_async::RunQueryDsl;

use super::store::{Kind, Settlement};
use crate::db::Tx;
use crate::error::Result;
use crate::id::{IspId, LedgerId};
use crate::ledger::Commission;
use crate::money::Money;
use crate::page::{Cursor, PageAsk};
use crate::schema::{commission_ledger, ledger_balance, settlement};

/// What is owed, on its way and paid.
#[derive(Clone, Copy, Debug)]
pub struct Balance {
    /// Owed and not reserved.
    pub pending: Money,
    /// Reserved for settlements whose end is not known; test payments are not the ISP's.
    pub in_transit: Money,
    /// Paid so far.
    pub paid_out: Money,
}

/// The balance of an ISP.
pub async fn balance(tx: &mut Tx, isp: IspId) -> Result<Balance> {
    let owed: Option<Money> = ledger_balance::table.find((isp, "ISP_PAYABLE")).select(ledger_balance::balance_minor).first(&mut **tx).await.optional()?;
    let of = settlement::table.filter(settlement::tenant_id.eq(isp).and(settlement::kind.eq(Kind::Settlement.as_str())));
    let total = || sql::<BigInt>("coalesce(sum(amount_minor), 0)::bigint");
    let in_transit = of.filter(settlement::state.ne_all(["COMPLETED", "FAILED"])).select(total()).first(&mut **tx).await?;
    let paid_out = of.filter(settlement::state.eq("COMPLETED")).select(total()).first(&mut **tx).await?;
    Ok(Balance { pending: owed.unwrap_or_default().negated(), in_transit, paid_out })
}

/// The commissions that a settlement covers, newest first.
pub async fn commissions(tx: &mut Tx, of: &Settlement, page: PageAsk) -> Result<(Vec<Commission>, String)> {
    use commission_ledger::dsl;
    let before = page.before().id.min(LedgerId::earliest(of.covers_until).uuid());
    let mut query = dsl::commission_ledger
        .filter(dsl::tenant_id.eq(of.tenant_id).and(dsl::id.lt(before)))
        .order(dsl::id.desc())
        .limit(page.size + 1)
        .select(Commission::as_select())
        .into_boxed();
    if let Some(from) = of.covers_from {
        query = query.filter(dsl::id.ge(LedgerId::earliest(from).uuid()));
    }
    Ok(page.cut(query.load(&mut **tx).await?, |row: &Commission| Cursor { at: row.created_at, id: row.id() }))
}
