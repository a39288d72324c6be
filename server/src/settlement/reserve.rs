//! Sets an ISP's money aside for one payment: everything is decided under locks, from what is in the books at this moment.

use std::collections::HashSet;

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::amount::{self, Payout};
use super::config;
use super::doubt;
use super::state::State;
use super::store::{self, Kind as SettlementKind, New, Settlement};
use crate::app::App;
use crate::clock::{Time, begin_of_day};
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::failpoint;
use crate::id::{IspId, LedgerId, SettlementId};
use crate::jobs::{self, Kind};
use crate::ledger::{self, Payout as Step};
use crate::money::Money;
use crate::schema::{functions, ledger_balance, settlement_amount};

/// What is to be paid.
#[derive(Clone, Debug)]
pub struct Ask {
    /// The day after the period.
    pub period: String,
    /// Which part of it.
    pub part: i16,
    /// Credits before then.
    pub until: Time,
    /// The most that may leave, of what the gateway's wallet holds.
    pub most: Option<Money>,
}

/// What became of it.
#[derive(Clone, Debug)]
pub enum Reserved {
    /// It is set aside, and a job sends it.
    Done(Box<Settlement>),
    /// It was left for now.
    Left(&'static str),
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

    /// What was given out since midnight: to one ISP, and to all.
    async fn today(&self, tx: &mut Tx, isp: IspId, now: Time) -> Result<(Money, Money)> {
        let given: Vec<Money> = diesel::select(functions::given_out(isp, begin_of_day(now))).get_result(&mut **tx).await?;
        let [own, all] = given[..] else { return Err(Error::internal(format!("what was given out is {given:?}"))) };
        Ok((own, all))
    }
}

/// Writes a settlement with its amount, sets the money aside, and asks for sending it.
pub(super) async fn write(tx: &mut Tx, isp: IspId, new: &New<'_>, _: AmountLock, now: Time) -> Result<()> {
    store::insert(tx, isp, new, now).await?;
    diesel::insert_into(settlement_amount::table)
        .values((
            (settlement_amount::settlement_id.eq(new.id), settlement_amount::isp_id.eq(isp), settlement_amount::kind.eq(new.kind.as_str())),
            (settlement_amount::amount_minor.eq(new.amount), settlement_amount::reserved_at.eq(now)),
        ))
        .execute(&mut **tx)
        .await?;
    if !ledger::post(tx, isp, &ledger::payout(Step::Reserved, new.amount, new.kind.paid_from()), new.id.uuid(), now).await? {
        return Err(Error::internal(format!("{} was reserved before", new.id)));
    }
    jobs::enqueue(tx, Kind::SettlementSend, isp, new.id.uuid(), now, now).await?;
    failpoint::reached("settlement", "reserving");
    Ok(())
}

/// Sets aside what is owed of the time before `until`.
pub async fn reserve(app: &App, isp: IspId, ask: &Ask, now: Time) -> Result<Reserved> {
    app.db.tx(isp, async |tx| reserve_in(app, tx, isp, ask, now).await).await
}

async fn reserve_in(app: &App, tx: &mut Tx, isp: IspId, ask: &Ask, now: Time) -> Result<Reserved> {
    let bounds = &app.config.payouts;
    let Some(config) = config::lock(tx, isp).await?.filter(|config| config.may_be_paid(now)) else {
        return Ok(Reserved::Left("Where it is paid is not proven, held, or frozen."));
    };
    let Some(owed_now) = lock_balance(tx, isp).await? else { return Ok(Reserved::Left("Nothing is owed.")) };
    let last = store::newest(tx, isp, SettlementKind::Settlement).await?;
    if let Some(last) = &last
        && (last.state()?.is_open() || (last.period == ask.period && last.part >= ask.part))
    {
        return Ok(Reserved::Left("Another settlement was first."));
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
    let (own, all) = lock.today(tx, isp, now).await?;
    let left = |cap: Money, given: Money| cap.checked_sub(given).unwrap_or_default();
    let day = left(bounds.cap_per_isp_day, own).min(left(bounds.cap_per_day, all));
    if day < config.minimum {
        return Ok(Reserved::Left("The most that is paid in a day was paid."));
    }
    let cap = bounds.cap_per_payment.min(day);
    let highest = owed.min(cap);
    let lowest = fits(highest.checked_sub(Money::from_minor(amount::STEPS * 100)))?;
    let doubtful = lock.doubtful(tx, lowest, highest).await?;
    let amount = match amount::payout(owed, config.minimum, cap, &doubtful) {
        Payout::Pay(amount) => amount,
        Payout::BelowMinimum => return Ok(Reserved::Left("Less is owed than the ISP wants to be paid at once.")),
        Payout::NoFreeAmount => return Ok(Reserved::Left("Of every amount that would do it is not known yet whether it was paid.")),
    };
    if ask.most.is_some_and(|most| amount > most) {
        return Ok(Reserved::Left(WALLET));
    }
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
    write(tx, isp, &new, lock, now).await?;
    let settlement = store::find(tx, isp, new.id).await?.ok_or_else(|| Error::internal("a settlement that was just written is not there"))?;
    Ok(Reserved::Done(Box::new(settlement)))
}

/// Why one is left that the wallet does not cover.
pub const WALLET: &str = "The wallet does not hold enough.";

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
