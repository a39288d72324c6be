//! Rows of settlements: reading them under a lock, and writing what the machine decided.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::destination::Destination;
use super::state::State;
use crate::clock::Time;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::id::{IspId, SettlementId};
use crate::money::Money;
use crate::page::{Cursor, PageAsk};
use crate::payments::contradiction::{Ours, Party};
use crate::schema::{settlement, settlement_attempt, settlement_review};

/// What a settlement is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The ISP's part.
    Settlement,
    /// The small payment that proves a destination.
    Test,
    /// Money that goes back to whoever paid it. Its id is the refund's.
    Refund,
}

impl Kind {
    /// As the database writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Kind::Settlement => "SETTLEMENT",
            Kind::Test => "TEST",
            Kind::Refund => "REFUND",
        }
    }
}

/// A settlement as it is stored.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = settlement)]
pub struct Settlement {
    /// Whose.
    pub tenant_id: IspId,
    /// Its id.
    pub id: SettlementId,
    kind: String,
    /// The day after the period.
    pub period: String,
    /// 1, or higher when a period is paid in several.
    pub part: i16,
    /// What is paid.
    pub amount_minor: Money,
    /// Credits from then on; none: from the first one.
    pub covers_from: Option<Time>,
    /// Credits before then.
    pub covers_until: Time,
    /// The ISP's part of those payments.
    pub credited_minor: Money,
    /// What was left over from before.
    pub carried_in_minor: Money,
    /// What is left for the next one.
    pub carried_out_minor: Money,
    /// The destination as it was counted when this was reserved.
    pub config_version: i32,
    /// `MPESA_B2C` or `BANK_TRANSFER`.
    pub payout_method: String,
    phone: String,
    bank_code: String,
    account: String,
    account_name: String,
    /// Our reference, unguessable; the gateway echoes it.
    pub external_reference: String,
    state: String,
    /// Why it failed, for people.
    pub failure_reason: String,
    /// The gateway's reference: the key to ask by.
    pub gateway_reference: Option<String>,
    /// What proves that it was paid.
    pub receipt: String,
    /// Who is sending it.
    pub claim_token: Option<Uuid>,
    /// Until when that claim holds.
    pub claim_until: Option<Time>,
    /// How often we asked.
    pub polls: i32,
    /// When it was sent.
    pub sent_at: Option<Time>,
    /// When it reached its end.
    pub completed_at: Option<Time>,
    /// When it was reserved.
    pub created_at: Time,
}

impl Settlement {
    /// Where it stands.
    pub fn state(&self) -> Result<State> {
        State::parse(&self.state).ok_or_else(|| self.strange("state"))
    }

    /// What it is for.
    pub fn kind(&self) -> Result<Kind> {
        [Kind::Settlement, Kind::Test, Kind::Refund].into_iter().find(|kind| kind.as_str() == self.kind).ok_or_else(|| self.strange("kind"))
    }

    /// Where it goes.
    pub fn destination(&self) -> Result<Destination> {
        if self.payout_method == "MPESA_B2C" {
            let phone = self.phone.parse().map_err(|_| self.strange("phone"))?;
            return Ok(Destination::Mpesa { phone, name: self.account_name.clone() });
        }
        Ok(Destination::Bank { code: self.bank_code.clone(), account: self.account.clone(), name: self.account_name.clone() })
    }

    /// Where it goes, as people may see it; empty once a payer is forgotten.
    pub fn masked_destination(&self) -> Result<String> {
        if self.phone.is_empty() && self.account.is_empty() { Ok(String::new()) } else { Ok(self.destination()?.masked()) }
    }

    /// What never changes of it, to compare the gateway's answers with.
    pub fn ours(&self) -> Ours<'_> {
        let party = if self.phone.is_empty() { Party::Account(&self.account) } else { Party::Phone(&self.phone) };
        Ours { external_reference: &self.external_reference, amount: self.amount_minor, party, leaves: true }
    }

    fn strange(&self, what: &str) -> Error {
        Error::internal(format!("{} has a strange {what}", self.id))
    }
}

/// A settlement to be written.
pub struct New<'a> {
    /// Its id.
    pub id: SettlementId,
    /// What it is for.
    pub kind: Kind,
    /// The day after the period, the request of a test payment, or the refund.
    pub period: &'a str,
    /// Which part of it.
    pub part: i16,
    /// What is paid.
    pub amount: Money,
    /// Credits from then on.
    pub covers_from: Option<Time>,
    /// Credits before then.
    pub covers_until: Time,
    /// The ISP's part of those payments, what was left from before, and what is left for the next.
    pub arithmetic: (Money, Money, Money),
    /// The destination's count of changes.
    pub config_version: i32,
    /// Where it goes.
    pub destination: &'a Destination,
}

/// Writes a settlement that waits to be sent.
pub async fn insert(tx: &mut Tx, isp: IspId, new: &New<'_>, now: Time) -> Result<()> {
    use settlement::dsl;
    let (phone, bank_code, account, name) = match new.destination {
        Destination::Mpesa { phone, name } => (phone.digits(), "", "", name),
        Destination::Bank { code, account, name } => ("", code.as_str(), account.as_str(), name),
    };
    let (credited, carried_in, carried_out) = new.arithmetic;
    diesel::insert_into(dsl::settlement)
        .values((
            (dsl::tenant_id.eq(isp), dsl::id.eq(new.id), dsl::kind.eq(new.kind.as_str()), dsl::period.eq(new.period), dsl::part.eq(new.part)),
            (dsl::amount_minor.eq(new.amount), dsl::covers_from.eq(new.covers_from), dsl::covers_until.eq(new.covers_until)),
            (dsl::credited_minor.eq(credited), dsl::carried_in_minor.eq(carried_in), dsl::carried_out_minor.eq(carried_out)),
            (dsl::config_version.eq(new.config_version), dsl::payout_method.eq(new.destination.method()), dsl::phone.eq(phone)),
            (dsl::bank_code.eq(bank_code), dsl::account.eq(account), dsl::account_name.eq(name)),
            (dsl::external_reference.eq(format!("NTLP-{}", Uuid::new_v4().simple())), dsl::created_at.eq(now), dsl::updated_at.eq(now)),
        ))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// The settlement, or `None` when this ISP has no such one.
pub async fn find(tx: &mut Tx, isp: IspId, id: SettlementId) -> Result<Option<Settlement>> {
    Ok(settlement::table.find((isp, id)).select(Settlement::as_select()).first(&mut **tx).await.optional()?)
}

/// The same, and nobody else changes it until the transaction ends.
pub async fn lock(tx: &mut Tx, isp: IspId, id: SettlementId) -> Result<Option<Settlement>> {
    Ok(settlement::table.find((isp, id)).select(Settlement::as_select()).for_update().first(&mut **tx).await.optional()?)
}

/// Settlements of an amount that were made before a moment and wait to be sent; for a look across.
pub async fn waiting(tx: &mut Tx, amount: Money, made_before: Time) -> Result<Vec<Settlement>> {
    let pending = settlement::table.filter(settlement::state.eq(State::Pending.as_str()).and(settlement::amount_minor.eq(amount)));
    Ok(pending.filter(settlement::created_at.lt(made_before)).select(Settlement::as_select()).load(&mut **tx).await?)
}

/// Whose a settlement is; for a look across.
pub async fn owner(tx: &mut Tx, id: SettlementId) -> Result<IspId> {
    let found = settlement::table.filter(settlement::id.eq(id)).select(settlement::tenant_id).first(&mut **tx).await.optional()?;
    found.ok_or_else(|| Error::not_found("settlement"))
}

#[diesel::dsl::auto_type(no_type_alias)]
fn newest_first(isp: IspId, kind: &'static str) -> _ {
    settlement::table.filter(settlement::tenant_id.eq(isp).and(settlement::kind.eq(kind))).order((settlement::created_at.desc(), settlement::id.desc()))
}

/// The newest one of an ISP, whatever became of it.
pub async fn newest(tx: &mut Tx, isp: IspId, kind: Kind) -> Result<Option<Settlement>> {
    Ok(newest_first(isp, kind.as_str()).select(Settlement::as_select()).first(&mut **tx).await.optional()?)
}

/// The newest one whose money did not come back.
pub async fn newest_kept(tx: &mut Tx, isp: IspId, kind: Kind) -> Result<Option<Settlement>> {
    let kept = newest_first(isp, kind.as_str()).filter(settlement::state.ne(State::Failed.as_str()));
    Ok(kept.select(Settlement::as_select()).first(&mut **tx).await.optional()?)
}

/// What a state change writes besides the state.
#[derive(AsChangeset, Default)]
#[diesel(table_name = settlement)]
pub struct Change {
    /// Why it failed.
    pub failure_reason: Option<String>,
    /// The gateway's reference.
    pub gateway_reference: Option<String>,
    /// What proves that it was paid.
    pub receipt: Option<String>,
    /// Who is sending it.
    pub claim_token: Option<Option<Uuid>>,
    /// Until when.
    pub claim_until: Option<Option<Time>>,
    /// How often we asked.
    pub polls: Option<i32>,
    /// When it was sent.
    pub sent_at: Option<Time>,
    /// When it reached its end.
    pub completed_at: Option<Time>,
}

/// Writes a state and what comes with it. The row is locked by the caller; the state it was read in is a fence.
pub async fn change(tx: &mut Tx, isp: IspId, of: &Settlement, to: State, change: Change, now: Time) -> Result<()> {
    let row = settlement::table.filter(settlement::tenant_id.eq(isp).and(settlement::id.eq(of.id)).and(settlement::state.eq(&of.state)));
    let written = diesel::update(row).set((settlement::state.eq(to.as_str()), settlement::updated_at.eq(now), change)).execute(&mut **tx).await?;
    if written == 1 { Ok(()) } else { Err(Error::internal(format!("{} is no longer {}", of.id, of.state))) }
}

/// How the one request of a settlement ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// The gateway took it.
    Accepted,
    /// It is not known whether it did.
    Ambiguous,
    /// The gateway refused it.
    Refused,
    /// It provably never reached the gateway.
    NotSent,
}

impl Attempt {
    const fn as_str(self) -> &'static str {
        match self {
            Attempt::Accepted => "ACCEPTED",
            Attempt::Ambiguous => "AMBIGUOUS",
            Attempt::Refused => "REFUSED",
            Attempt::NotSent => "NOT_SENT",
        }
    }
}

/// Writes the attempt down before it is made. There is one, ever.
pub async fn begin_attempt(tx: &mut Tx, isp: IspId, id: SettlementId, now: Time) -> Result<()> {
    use settlement_attempt::dsl;
    let attempt = (dsl::tenant_id.eq(isp), dsl::settlement_id.eq(id), dsl::number.eq(1_i16), dsl::sent_at.eq(now));
    diesel::insert_into(dsl::settlement_attempt).values(attempt).execute(&mut **tx).await?;
    Ok(())
}

/// Writes how it ended, if that is not known yet.
pub async fn end_attempt(tx: &mut Tx, isp: IspId, id: SettlementId, how: Attempt, detail: &str, now: Time) -> Result<()> {
    use settlement_attempt::dsl;
    let open = dsl::settlement_attempt.filter(dsl::tenant_id.eq(isp).and(dsl::settlement_id.eq(id)).and(dsl::outcome.eq_any(["IN_FLIGHT", "AMBIGUOUS"])));
    diesel::update(open).set((dsl::outcome.eq(how.as_str()), dsl::detail.eq(detail), dsl::answered_at.eq(now))).execute(&mut **tx).await?;
    Ok(())
}

/// Notes that the request was refused for a reason of Netily's own.
pub async fn blame_netily(tx: &mut Tx, isp: IspId, id: SettlementId) -> Result<()> {
    use settlement_attempt::dsl;
    diesel::update(dsl::settlement_attempt.filter(dsl::tenant_id.eq(isp).and(dsl::settlement_id.eq(id)))).set(dsl::ours.eq(true)).execute(&mut **tx).await?;
    Ok(())
}

/// Which settlements are wanted.
#[derive(Clone, Copy, Debug, Default)]
pub struct Filter {
    /// Only in this state.
    pub state: Option<State>,
    /// Reserved at this moment or later.
    pub from: Option<Time>,
    /// Reserved before this moment.
    pub to: Option<Time>,
    /// Only of this ISP.
    pub isp: Option<IspId>,
    /// Test payments too.
    pub tests: bool,
}

/// A page of settlements, newest first.
pub async fn list(tx: &mut Tx, filter: Filter, page: PageAsk) -> Result<(Vec<Settlement>, String)> {
    let before = page.before();
    let mut query = settlement::table
        .filter(settlement::created_at.lt(before.at).or(settlement::created_at.eq(before.at).and(settlement::id.lt(before.id))))
        .order((settlement::created_at.desc(), settlement::id.desc()))
        .limit(page.size + 1)
        .select(Settlement::as_select())
        .into_boxed();
    if let Some(isp) = filter.isp {
        query = query.filter(settlement::tenant_id.eq(isp));
    }
    // What goes back to payers is no payment to an ISP.
    let kinds = if filter.tests { vec![Kind::Settlement.as_str(), Kind::Test.as_str()] } else { vec![Kind::Settlement.as_str()] };
    query = query.filter(settlement::kind.eq_any(kinds));
    if let Some(state) = filter.state {
        query = query.filter(settlement::state.eq(state.as_str()));
    }
    if let Some(from) = filter.from {
        query = query.filter(settlement::created_at.ge(from));
    }
    if let Some(to) = filter.to {
        query = query.filter(settlement::created_at.lt(to));
    }
    Ok(page.cut(query.load(&mut **tx).await?, |row: &Settlement| Cursor { at: row.created_at, id: row.id.uuid() }))
}

/// What an operator said.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = settlement_review)]
pub struct Review {
    /// Who.
    pub operator: crate::id::UserId,
    /// `PAID` or `NOT_PAID`.
    pub outcome: String,
    /// What proves it.
    pub receipt: String,
    /// How they know.
    pub note: String,
    /// When.
    pub at: Time,
}

/// What operators said of a settlement, oldest first.
pub async fn reviews(tx: &mut Tx, isp: IspId, id: SettlementId) -> Result<Vec<Review>> {
    use settlement_review::dsl;
    let of = dsl::settlement_review.filter(dsl::tenant_id.eq(isp).and(dsl::settlement_id.eq(id)));
    Ok(of.order((dsl::at, dsl::operator)).select(Review::as_select()).load(&mut **tx).await?)
}
