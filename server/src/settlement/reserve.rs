//! Sets an ISP's money aside for one payment: everything is decided under locks, from what is in the books at this moment.

use std::collections::HashSet;

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::amount::{self, Payout};
use super::config;
use super::doubt;
use super::left::LeftBecause;
use super::plan::Room;
use super::state::State;
use super::store::{self, Kind as SettlementKind, New, Settlement};
use crate::app::App;
use crate::clock::{Time, begin_of_day};
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::failpoint;
use crate::id::{IspId, LedgerId, RequestId, SettlementId};
use crate::jobs::{self, Kind};
use crate::ledger::{self, PaidFrom, Payout as Step};
use crate::money::Money;
use crate::schema::{functions, ledger_balance, settlement_amount, withdrawal};

/// What is to be paid.
#[derive(Clone, Debug)]
pub struct Ask {
    /// The day after the period.
    pub period: String,
    /// Which part of it.
    pub part: i16,
    /// Credits before then.
    pub until: Time,
    /// Ahead of the schedule: what is younger than a minute waits.
    pub ahead: bool,
    /// What the gateway's wallet holds for it; none: the gateway does not tell.
    pub most: Option<Money>,
}

/// What an owner who asks by hand agreed to; nothing of it by the schedule.
#[derive(Clone, Copy, Debug, Default)]
pub struct Terms {
    /// What it costs once it is paid: so much is kept back.
    pub fee: Money,
    /// In place of what the ISP wants at least by itself.
    pub minimum: Option<Money>,
    /// The client's id of the request.
    pub request: Option<RequestId>,
}

/// What became of it.
#[derive(Clone, Debug)]
pub enum Reserved {
    /// It is set aside, and a job sends it.
    Done(Box<Settlement>),
    /// It was left for now.
    Left(LeftBecause),
}

/// Held until the transaction ends: amounts are given out one after another over all ISPs.
pub struct AmountLock(());

impl AmountLock {
    /// Waits for one's turn.
    pub async fn take(tx: &mut Tx) -> Result<AmountLock> {
        diesel::select(functions::take_turn_of_amounts()).get_result::<bool>(&mut **tx).await?;
        Ok(AmountLock(()))
    }

    /// Amounts between two of payouts that are in doubt: these are not given out.
    pub async fn doubtful(&self, tx: &mut Tx, low: Money, high: Money) -> Result<HashSet<Money>> {
        Ok(doubt::between(tx, low, high).await?.into_iter().map(|doubt| doubt.amount).collect())
    }
}

/// Writes a settlement with its amount, sets the money aside, and asks for sending it.
pub(super) async fn write(tx: &mut Tx, isp: IspId, new: &New<'_>, from: PaidFrom, _: AmountLock, now: Time) -> Result<()> {
    store::insert(tx, isp, new, now).await?;
    diesel::insert_into(settlement_amount::table)
        .values((
            (settlement_amount::settlement_id.eq(new.id), settlement_amount::isp_id.eq(isp), settlement_amount::kind.eq(new.kind.as_str())),
            (settlement_amount::amount_minor.eq(new.amount), settlement_amount::reserved_at.eq(now)),
        ))
        .execute(&mut **tx)
        .await?;
    if !ledger::post(tx, isp, &ledger::payout(Step::Reserved, new.amount, from), new.id.uuid(), now).await? {
        return Err(Error::internal(format!("{} was reserved before", new.id)));
    }
    jobs::enqueue(tx, Kind::SettlementSend, isp, new.id.uuid(), now, now).await?;
    failpoint::reached("settlement", "reserving");
    Ok(())
}

/// Sets aside what is owed of the time before `until`.
pub async fn reserve(app: &App, isp: IspId, ask: &Ask, now: Time) -> Result<Reserved> {
    app.db.tx(isp, async |tx| reserve_in(app, tx, isp, ask, &Terms::default(), now).await).await
}

/// The same in the caller's transaction.
pub(super) async fn reserve_in(app: &App, tx: &mut Tx, isp: IspId, ask: &Ask, terms: &Terms, now: Time) -> Result<Reserved> {
    let Some(config) = config::lock(tx, isp).await? else { return Ok(Reserved::Left(LeftBecause::NotSet)) };
    if let Some(why) = config.in_the_way(now) {
        return Ok(Reserved::Left(why));
    }
    let Some(owed_now) = lock_balance(tx, isp).await? else { return Ok(Reserved::Left(LeftBecause::NothingOwed)) };
    let last = store::newest(tx, isp, SettlementKind::Settlement).await?;
    if let Some(last) = &last
        && (last.state()?.is_open() || (last.period == ask.period && last.part >= ask.part))
    {
        return Ok(Reserved::Left(LeftBecause::Overtaken));
    }
    let kept = match last {
        Some(last) if last.state()? == State::Failed => store::newest_kept(tx, isp, SettlementKind::Settlement).await?,
        last => last,
    };
    let from = kept.map(|last| last.covers_until);
    let since = credited(tx, isp, Some(ask.until), None).await?;
    let within = credited(tx, isp, from, Some(ask.until)).await?;
    let fits = |amount: Option<Money>| amount.ok_or_else(|| Error::internal("an amount that does not fit"));
    let owed = fits(owed_now.checked_sub(since))?;
    let carried_in = fits(owed.checked_sub(within))?;

    let lock = AmountLock::take(tx).await?;
    let (own, all) = given_today(tx, isp, now).await?;
    let minimum = terms.minimum.unwrap_or(config.minimum);
    let cap = match Room::of(&app.config.payouts, own, all, ask.most).most(minimum) {
        Ok(most) => most,
        Err(why) => return Ok(Reserved::Left(why)),
    };
    let payable = fits(owed.checked_sub(terms.fee))?;
    let highest = payable.min(cap);
    let lowest = fits(highest.checked_sub(Money::from_minor(amount::STEPS * 100)))?;
    let doubtful = lock.doubtful(tx, lowest, highest).await?;
    let amount = match amount::payout(payable, minimum, cap, &doubtful) {
        Payout::Pay(amount) => amount,
        Payout::BelowMinimum => return Ok(Reserved::Left(too_little(terms, (owed_now, owed), minimum, ask.ahead))),
        Payout::NoFreeAmount => return Ok(Reserved::Left(LeftBecause::AmountsInDoubt)),
    };
    let new = New {
        id: SettlementId::sortable(now),
        kind: SettlementKind::Settlement,
        period: &ask.period,
        part: ask.part,
        amount,
        covers_from: from,
        covers_until: ask.until,
        arithmetic: (within, carried_in, fits(owed.checked_sub(amount))?),
        config_version: config.version,
        destination: &config.destination,
    };
    write(tx, isp, &new, PaidFrom::Owed, lock, now).await?;
    if let Some(request) = terms.request {
        use withdrawal::dsl;
        let row = (dsl::tenant_id.eq(isp), dsl::settlement_id.eq(new.id), dsl::request_id.eq(request.0), dsl::fee_minor.eq(terms.fee), dsl::asked_at.eq(now));
        diesel::insert_into(dsl::withdrawal).values(row).execute(&mut **tx).await?;
    }
    let settlement = store::find(tx, isp, new.id).await?.ok_or_else(|| Error::internal("a settlement that was just written is not there"))?;
    Ok(Reserved::Done(Box::new(settlement)))
}

/// Why what is owed is too little: of what is owed now, and of what was owed at the end of the time that is paid. Pure.
pub(super) fn too_little(terms: &Terms, (now, until): (Money, Money), minimum: Money, ahead: bool) -> LeftBecause {
    if ahead && now.checked_sub(terms.fee).is_some_and(|now| now >= minimum) {
        LeftBecause::TooRecent { owed: now, older: until }
    } else if terms.fee > Money::ZERO && now >= minimum {
        LeftBecause::BelowFee(terms.fee)
    } else {
        LeftBecause::BelowMinimum { owed: until, minimum }
    }
}

/// What was owed of the time before a moment: what is owed now, less what was credited since.
pub(super) async fn owed_before(tx: &mut Tx, isp: IspId, until: Time) -> Result<Money> {
    let row = ledger_balance::table.find((isp, "ISP_PAYABLE")).select(ledger_balance::balance_minor);
    let now = row.first::<Money>(&mut **tx).await.optional()?.unwrap_or_default().negated();
    now.checked_sub(credited(tx, isp, Some(until), None).await?).ok_or_else(|| Error::internal("an amount that does not fit"))
}

/// What was given out since midnight: to one ISP, and to all.
pub(super) async fn given_today(tx: &mut Tx, isp: IspId, now: Time) -> Result<(Money, Money)> {
    let given: Vec<Money> = diesel::select(functions::given_out(isp, begin_of_day(now))).get_result(&mut **tx).await?;
    let [own, all] = given[..] else { return Err(Error::internal(format!("what was given out is {given:?}"))) };
    Ok((own, all))
}

/// What Netily owes, and no payment is credited until the transaction ends.
async fn lock_balance(tx: &mut Tx, isp: IspId) -> Result<Option<Money>> {
    let row = ledger_balance::table.find((isp, "ISP_PAYABLE")).for_update().select(ledger_balance::balance_minor);
    Ok(row.first::<Money>(&mut **tx).await.optional()?.map(Money::negated))
}

/// The ISP's part of payments that were booked in a time. Ids of the ledger are made in the order of time, so the key is the range.
pub(super) async fn credited(tx: &mut Tx, isp: IspId, from: Option<Time>, to: Option<Time>) -> Result<Money> {
    let [from, before] = [from, to].map(|at| at.map(|at| LedgerId::earliest(at).uuid()));
    Ok(diesel::select(functions::credited(isp, from, before)).get_result(&mut **tx).await?)
}
