//! Acts that need two operators. The first one asks for it, with what it says word by word; when a second one asks for the very same, the act is
//! done, in the transaction of the second. Decides nothing about the act itself.

use chrono::TimeDelta;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::{Value, json};

use crate::audit::{self, By};
use crate::clock::Time;
use crate::db::Tx;
use crate::error::{Error, Reason, Result};
use crate::id::{IspId, PLATFORM, RowId, UserId};
use crate::money::Money;
use crate::schema::approval;

/// What nobody agreed to within this time is void.
const VALID_FOR: TimeDelta = TimeDelta::days(7);

crate::text_enum! {
    /// What is to be done.
    pub enum Act {
        /// Give money that came in a place.
        AdoptCollection = "ADOPT_COLLECTION",
        /// Say that a payout which the books do not know was ours.
        AdoptPayout = "ADOPT_PAYOUT",
        /// Say that money belongs to nobody.
        WriteOff = "WRITE_OFF",
        /// Give a payer money back.
        Refund = "REFUND",
        /// Take back what was credited and then taken by the gateway.
        Reversal = "REVERSAL",
        /// Correct what an ISP is owed.
        Adjustment = "ADJUSTMENT",
        /// Netily's own money into or out of the wallet.
        OwnerMovement = "OWNER_MOVEMENT",
        /// Change Netily's part.
        CommissionRate = "COMMISSION_RATE",
        /// Let an ISP be paid again.
        Unfreeze = "UNFREEZE",
        /// Open a month again whose books were closed.
        ReopenMonth = "REOPEN_MONTH",
        /// Say that the gateway's list was compared by hand after a gap.
        EndUncertainty = "END_UNCERTAINTY",
    }
}

/// An act that is asked for.
#[derive(Clone, Debug)]
pub struct Ask<'a> {
    /// What.
    pub act: Act,
    /// To what: one open request for each act and subject.
    pub subject: &'a str,
    /// Whose money it is about.
    pub isp: Option<IspId>,
    /// How much.
    pub amount: Option<Money>,
    /// Everything that is decided, to the last field: a second operator must say the same.
    pub content: Value,
    /// Why, by whoever asks. May differ.
    pub note: &'a str,
}

/// A request that waits for a second operator.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = approval)]
pub struct Request {
    /// Its id.
    pub id: RowId,
    /// What.
    pub act: Act,
    /// To what.
    pub subject: String,
    /// Whose money it is about.
    pub isp_id: Option<IspId>,
    /// How much.
    pub amount_minor: Option<Money>,
    /// Everything that is decided.
    pub content: Value,
    /// Why.
    pub note: String,
    /// Who asked.
    pub asked_by: UserId,
    /// When.
    pub asked_at: Time,
}

/// Whether two have agreed.
#[derive(Clone, Debug)]
pub enum Approval {
    /// The act is to be done now, in this transaction, by these two.
    Given([UserId; 2]),
    /// Another operator must ask for the same.
    Waiting(Box<Request>),
}

#[diesel::dsl::auto_type(no_type_alias)]
fn waiting() -> _ {
    approval::table.filter(approval::approved_at.is_null().and(approval::withdrawn_at.is_null()))
}

/// Asks for an act, in a transaction on the platform's own rows ([`PLATFORM`]); once it is given, [`Tx::act_for`] leads to those of an ISP. Errors: STATE_CONFLICT when another operator asked for something else with the same subject.
pub async fn ask(tx: &mut Tx, by: UserId, ask: &Ask<'_>, now: Time) -> Result<Approval> {
    use approval::dsl;
    let open = waiting().filter(dsl::act.eq(ask.act).and(dsl::subject.eq(ask.subject))).select(Request::as_select());
    let open: Option<Request> = open.for_update().first(&mut **tx).await.optional()?;
    if let Some(other) = open {
        let is_void = other.asked_at + VALID_FOR <= now;
        if other.asked_by != by && !is_void {
            if other.content != ask.content {
                let message = format!("{} asked for something else here: {}. Agree on one, or withdraw it.", other.asked_by, other.content);
                return Err(Error::new(Reason::StateConflict, message));
            }
            diesel::update(dsl::approval.find(other.id)).set((dsl::approved_by.eq(by), dsl::approved_at.eq(now))).execute(&mut **tx).await?;
            return Ok(Approval::Given([other.asked_by, by]));
        }
        diesel::update(dsl::approval.find(other.id)).set((dsl::withdrawn_by.eq(by), dsl::withdrawn_at.eq(now))).execute(&mut **tx).await?;
    }
    let request = Request {
        id: RowId::sortable(now),
        act: ask.act,
        subject: ask.subject.to_owned(),
        isp_id: ask.isp,
        amount_minor: ask.amount,
        content: ask.content.clone(),
        note: ask.note.to_owned(),
        asked_by: by,
        asked_at: now,
    };
    let inserted = diesel::insert_into(dsl::approval)
        .values((
            (dsl::id.eq(request.id), dsl::act.eq(request.act), dsl::subject.eq(&request.subject), dsl::isp_id.eq(request.isp_id)),
            (dsl::amount_minor.eq(request.amount_minor), dsl::content.eq(&request.content), dsl::note.eq(&request.note)),
            (dsl::asked_by.eq(by), dsl::asked_at.eq(now)),
        ))
        .on_conflict_do_nothing()
        .execute(&mut **tx)
        .await?;
    if inserted == 0 {
        return Err(Error::new(Reason::StateConflict, "Another operator asked for this at the same moment. Look at what they asked for, and ask again."));
    }
    let facts = json!({ "act": ask.act.as_str(), "content": ask.content, "amount_minor": ask.amount.map(Money::minor) });
    audit::record(tx, PLATFORM, By::User(by), "ask_for_approval", &request.id.to_string(), facts, now).await?;
    Ok(Approval::Waiting(Box::new(request)))
}

/// What waits for a second operator, oldest first.
pub async fn list(tx: &mut Tx, now: Time) -> Result<Vec<Request>> {
    use approval::dsl;
    let open = waiting().filter(dsl::asked_at.gt(now - VALID_FOR)).order(dsl::asked_at).limit(200);
    Ok(open.select(Request::as_select()).load(&mut **tx).await?)
}

/// Takes a request back. Any operator may: nothing was done yet.
pub async fn withdraw(tx: &mut Tx, by: UserId, id: RowId, now: Time) -> Result<()> {
    use approval::dsl;
    let gone = diesel::update(waiting().filter(dsl::id.eq(id))).set((dsl::withdrawn_by.eq(by), dsl::withdrawn_at.eq(now))).execute(&mut **tx).await?;
    if gone == 0 {
        return Err(Error::not_found("request that waits for approval"));
    }
    audit::record(tx, PLATFORM, By::User(by), "withdraw_approval", &id.to_string(), json!({}), now).await
}
