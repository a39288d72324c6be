//! Rows of repairs, and whether one operator is enough.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::Value;
use uuid::Uuid;

use crate::app::App;
use crate::approvals::{self, Approval, Ask, Request};
use crate::clock::Time;
use crate::db::Tx;
use crate::error::Result;
use crate::id::{IspId, PaymentId, RowId, UserId};
use crate::money::Money;
use crate::page::{Cursor, PageAsk};
use crate::schema::repair;

crate::text_enum! {
    /// What was done.
    pub enum Kind {
        /// Money that came in became a payment's.
        Adopted = "ADOPTED",
        /// It waits for its owner.
        Suspense = "SUSPENSE",
        /// It belongs to nobody.
        WriteOff = "WRITE_OFF",
        /// What the gateway said of a payment is not believed, for good.
        Dismissed = "DISMISSED",
        /// What an ISP is owed was corrected.
        Adjustment = "ADJUSTMENT",
        /// Netily's own money.
        OwnerMovement = "OWNER_MOVEMENT",
        /// A payout that the books did not know was the ISP's.
        PayoutAdopted = "PAYOUT_ADOPTED",
        /// It was a settlement's that the books do know.
        SettlementFound = "SETTLEMENT_FOUND",
    }
}

/// A repair.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = repair)]
pub struct Repair {
    /// Its id; of what it posts, too.
    pub id: RowId,
    /// What was done.
    pub kind: Kind,
    /// Whose money it became.
    pub isp_id: Option<IspId>,
    /// The payment that got it, or whose answer was dismissed.
    pub payment_id: Option<PaymentId>,
    /// The gateway's name of the money.
    pub gateway_reference: Option<String>,
    /// The receipt, where the gateway's list shows one.
    pub receipt: Option<String>,
    /// How much; less than nothing went out.
    pub amount_minor: Money,
    /// Why, by the operator who did it.
    pub note: String,
    /// What was known then.
    pub evidence: Value,
    /// Who did it, in the order in which they asked.
    pub operators: Vec<Uuid>,
    /// When.
    pub at: Time,
}

/// What became of an act.
#[derive(Clone, Debug)]
pub enum Done {
    /// It is done.
    Now(Box<Repair>),
    /// A second operator must ask for the same.
    Waiting(Box<Request>),
}

/// Writes a repair.
pub(super) async fn write(tx: &mut Tx, new: &Repair) -> Result<()> {
    diesel::insert_into(repair::table).values(new).execute(&mut **tx).await?;
    Ok(())
}

/// A page of repairs, newest first.
pub async fn list(tx: &mut Tx, page: PageAsk) -> Result<(Vec<Repair>, String)> {
    let before = page.before();
    let rows = repair::table
        .filter(repair::at.lt(before.at).or(repair::at.eq(before.at).and(repair::id.lt(before.id))))
        .order((repair::at.desc(), repair::id.desc()))
        .limit(page.size + 1)
        .select(Repair::as_select())
        .load(&mut **tx)
        .await?;
    Ok(page.cut(rows, |row: &Repair| Cursor { at: row.at, id: row.id.uuid() }))
}

/// Who does an act: whoever asks, if it moves no more than one operator may; else two who ask for the same.
pub(super) enum Operators {
    /// These.
    Are(Vec<Uuid>),
    /// Another one must ask first.
    NeedAnother(Box<Request>),
}

/// Finds who does an act. `always`: two are needed whatever it moves.
pub(super) async fn operators(app: &App, tx: &mut Tx, by: UserId, ask: &Ask<'_>, always: bool, now: Time) -> Result<Operators> {
    let moves = ask.amount.map_or(0, |amount| amount.minor().abs());
    if !always && moves <= app.config.two_person_above.minor() {
        return Ok(Operators::Are(vec![by.uuid()]));
    }
    Ok(match approvals::ask(tx, by, ask, now).await? {
        Approval::Given(both) => Operators::Are(both.map(UserId::uuid).to_vec()),
        Approval::Waiting(request) => Operators::NeedAnother(request),
    })
}
