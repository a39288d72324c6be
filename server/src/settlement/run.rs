//! The run of settlements: paying whoever is due by the schedule, those owed longest first, as far as the gateway's wallet goes. One who
//! is owed more than there is blocks nobody. Run twice, by two at once, or after days of silence, it pays each period once.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::sql_types::BigInt;
use diesel_async::RunQueryDsl;
use serde_json::json;

use super::candidate::{Candidate, candidates, judge};
use super::left::{self, LeftBecause};
use super::plan::{self, Room};
use super::pulse;
use super::reserve::{self, Ask, Reserved};
use super::store::{Kind, Settlement};
use super::switch;
use crate::app::App;
use crate::breaks::{self, BreakKind};
use crate::clock::{Time, begin_of_day};
use crate::collect::unreachable;
use crate::db::Tx;
use crate::error::{Error, Reason, Result};
use crate::gateways::payhero::AskError;
use crate::id::IspId;
use crate::money::Money;
use crate::schema::settlement_amount;

/// Which ISPs, and of what time.
#[derive(Clone, Copy, Debug, Default)]
pub struct Scope {
    /// Only this one, which is named also when it is not due.
    pub isp: Option<IspId>,
    /// What was credited until a minute ago, in place of until the last period ended.
    pub ahead: bool,
}

/// An ISP that is due, or was asked for.
#[derive(Clone, Debug)]
pub struct Due {
    /// Which.
    pub isp: IspId,
    /// Its subdomain.
    pub slug: String,
    /// At most so much is paid.
    pub estimate: Money,
    /// The day after the period; empty for one that is not due.
    pub period: String,
    /// The settlement, once it was made.
    pub made: Option<Settlement>,
    /// Why it was left.
    pub left: Option<LeftBecause>,
}

/// What a run did, or would.
#[derive(Clone, Debug)]
pub struct Ran {
    /// Those owed longest first.
    pub due: Vec<Due>,
    /// What the wallet held before; none: the gateway does not tell.
    pub wallet: Option<Money>,
}

/// What stops everybody, if anything does: people or a broken rule, a past that is not known, or money that left and nobody explains.
pub async fn brake(tx: &mut Tx) -> Result<Option<LeftBecause>> {
    if switch::read(tx).await?.stopped_at.is_some() {
        return Ok(Some(LeftBecause::PayoutsStopped));
    }
    if pulse::uncertainty(tx).await?.is_some() {
        return Ok(Some(LeftBecause::PastUncertain));
    }
    let stopped = breaks::any_open(tx, &BreakKind::stopping_all()).await? || breaks::any_open_of_all(tx, BreakKind::LedgerViolation).await?;
    Ok(stopped.then_some(LeftBecause::PayoutsStopped))
}

/// What stops one ISP's payouts, if anything does: what stops everybody, or a rule that its own rows break.
pub async fn brake_of(tx: &mut Tx, isp: IspId) -> Result<Option<LeftBecause>> {
    match brake(tx).await? {
        Some(why) => Ok(Some(why)),
        None => Ok(breaks::stop_of_isp(tx, isp).await?.map(LeftBecause::Frozen)),
    }
}

/// Pays whoever is due. `dry`: says who, and does nothing.
pub async fn run(app: &App, scope: Scope, dry: bool) -> Result<Ran> {
    let now = app.clock.now();
    let (candidates, in_transit) = app.db.across(async |tx| Ok((candidates(tx, scope.isp).await?, in_transit(tx).await?))).await?;
    let cap = app.config.payouts.cap_per_payment;
    // Of all, those who are due, and in a dry run those who would be but for what stands in their way; of one that is named, why it is not.
    let mut due: Vec<(Candidate, Option<Ask>, Due)> = candidates
        .into_iter()
        .filter_map(|of| {
            let (ask, left) = match judge(&of, None, scope.ahead, now) {
                Ok(ask) => (Some(ask), None),
                Err(why) => (None, Some(why)),
            };
            let blocked = matches!(left, Some(LeftBecause::Suspended | LeftBecause::Frozen(_) | LeftBecause::NotVerified | LeftBecause::Held(_)));
            let shown = ask.is_some() || scope.isp.is_some() || (dry && blocked);
            let period = ask.as_ref().map(|ask| ask.period.clone()).unwrap_or_default();
            let one = Due { isp: of.tenant_id, slug: of.slug.clone(), estimate: of.owed.min(cap), period, made: None, left };
            shown.then_some((of, ask, one))
        })
        .collect();
    let finish = |due: Vec<(Candidate, Option<Ask>, Due)>, wallet| Ran { due: due.into_iter().map(|(_, _, one)| one).collect(), wallet };
    if due.iter().all(|(_, ask, _)| ask.is_none()) {
        return Ok(finish(due, None));
    }
    if let Some(why) = app.db.public(async |tx| brake(tx).await).await? {
        if !dry {
            return Err(Error::new(Reason::StateConflict, why.text()));
        }
        due.iter_mut().for_each(|(_, ask, one)| one.left = one.left.take().or_else(|| ask.as_ref().map(|_| why.clone())));
        return Ok(finish(due, None));
    }
    let wallet = wallet(app).await?;
    let mut rest = wallet.map(|wallet| wallet.checked_sub(in_transit).unwrap_or_default());
    let mut short = Money::ZERO;
    // A dry run reads what was given out today without locks, and counts its own.
    let mut given = if dry { app.db.across(async |tx| given_today(tx, now).await).await? } else { HashMap::new() };
    for (of, ask, one) in &mut due {
        let Some(ask) = ask else { continue };
        if dry {
            let own = given.get(&one.isp).copied().unwrap_or_default();
            match Room::of(&app.config.payouts, own, sum(given.values().copied()), rest).most(of.minimum()) {
                Ok(most) => {
                    one.estimate = one.estimate.min(most);
                    rest = plan::after(rest, one.estimate);
                    given.insert(one.isp, sum([own, one.estimate]));
                }
                Err(why) => one.left = Some(why),
            }
            continue;
        }
        ask.most = rest;
        match reserve::reserve(app, one.isp, ask, now).await {
            Ok(Reserved::Done(made)) => {
                // It was split for the wallet's sake: the rest is short, too.
                if rest.and_then(|rest| rest.checked_sub(plan::CHARGE)).is_some_and(|rest| rest < one.estimate) {
                    short = sum([short, one.estimate.checked_sub(made.amount_minor).unwrap_or_default()]);
                }
                rest = plan::after(rest, made.amount_minor);
                one.estimate = made.amount_minor;
                one.made = Some(*made);
            }
            Ok(Reserved::Left(why)) => one.left = Some(why),
            // One ISP's trouble is not the others'.
            Err(error) => {
                tracing::error!(isp = %one.slug, %error, "an ISP that is due could not be paid");
                one.left = Some(LeftBecause::Trouble);
            }
        }
    }
    if !dry {
        for (of, _, one) in &due {
            keep(app, of, one, now).await?;
        }
        app.db.public(async |tx| tell_of_bounds(tx, &due, (wallet, short), scope, now).await).await?;
    }
    Ok(finish(due, wallet))
}

/// Why an ISP is not paid, as its owner reads it.
#[derive(Clone, Debug)]
pub struct WhyNot {
    /// Its name in the contract.
    pub code: String,
    /// In words.
    pub message: String,
    /// When it is over by itself, where that is known.
    pub until: Option<Time>,
}

/// Why an ISP is not paid: by how it stands now, and, where nothing of its own is in the way, by what the last run said of it. None: it is
/// paid with the next run.
pub async fn why_not_paid(tx: &mut Tx, isp: IspId, now: Time) -> Result<Option<WhyNot>> {
    let brake = brake(tx).await?;
    let Some(of) = candidates(tx, Some(isp)).await?.pop() else { return Ok(None) };
    Ok(match judge(&of, brake.as_ref(), false, now) {
        Err(why) => Some(WhyNot { code: why.code().to_owned(), message: why.text(), until: why.until() }),
        Ok(ask) => {
            let kept = of.kept().filter(|kept| kept.period == ask.period);
            kept.map(|kept| WhyNot { code: kept.reason, message: kept.message, until: None })
        }
    })
}

/// What the wallet holds that payouts are paid from; none: the gateway does not tell.
pub(super) async fn wallet(app: &App) -> Result<Option<Money>> {
    match app.payhero.payments_wallet_balance().await {
        Ok(cents) => Ok(Some(Money::from_minor(cents))),
        Err(AskError::NotOffered(_)) => Ok(None),
        Err(cause) => Err(unreachable(cause)),
    }
}

/// What is on its way to all ISPs; for a look across.
pub async fn in_transit(tx: &mut Tx) -> Result<Money> {
    #[derive(diesel::QueryableByName)]
    struct Sum {
        #[diesel(sql_type = BigInt)]
        total: i64,
    }
    const TOTAL: &str = "SELECT coalesce(-sum(balance_minor), 0)::bigint AS total FROM tenant.ledger_balance WHERE account = 'PAYOUT_IN_TRANSIT'";
    let sum: Sum = diesel::sql_query(TOTAL).get_result(&mut **tx).await?;
    Ok(Money::from_minor(sum.total))
}

/// Keeps why an ISP was left this time, for the owner who asks: written when it changes, since a run comes each minute.
async fn keep(app: &App, of: &Candidate, one: &Due, now: Time) -> Result<()> {
    if one.period.is_empty() {
        return Ok(());
    }
    // What is on its way shows by itself.
    let left = one.left.as_ref().filter(|why| **why != LeftBecause::Overtaken);
    let same = match (left, of.kept()) {
        (Some(why), Some(kept)) => kept.reason == why.code() && kept.message == why.text() && kept.period == one.period,
        (None, None) => true,
        _ => false,
    };
    if same {
        return Ok(());
    }
    app.db
        .tx(one.isp, async |tx| {
            left::keep(tx, one.isp, left.map(|why| (why, one.period.as_str())), now).await?;
            if of.kept().is_some_and(|kept| kept.reason == "CAP") && !matches!(left, Some(LeftBecause::IspCap(_))) {
                breaks::close(tx, BreakKind::PayoutCapReached, &one.isp.uuid().to_string(), "The ISP is paid again.", now).await?;
            }
            Ok(())
        })
        .await
}

/// The wallet does not go round, or a cap was reached: operators are told, once until it ends.
async fn tell_of_bounds(tx: &mut Tx, due: &[(Candidate, Option<Ask>, Due)], (wallet, split): (Option<Money>, Money), scope: Scope, now: Time) -> Result<()> {
    let of = |wanted: fn(&LeftBecause) -> bool| due.iter().filter(move |(_, _, one)| one.left.as_ref().is_some_and(wanted));
    let short = sum(of(|why| *why == LeftBecause::Wallet).map(|(_, _, one)| one.estimate).chain([split]));
    if short > Money::ZERO {
        let isps = of(|why| *why == LeftBecause::Wallet).count();
        let detail = json!({ "wallet_minor": wallet.map(Money::minor), "needed_minor": short.minor(), "isps": isps });
        breaks::open(tx, BreakKind::LowFloat, "payments", None, Some(short), detail, now).await?;
    }
    for (of, _, one) in of(|why| matches!(why, LeftBecause::IspCap(_))) {
        let detail = json!({ "isp": one.slug, "owed_minor": of.owed.minor() });
        breaks::open(tx, BreakKind::PayoutCapReached, &one.isp.uuid().to_string(), Some(one.isp), Some(of.owed), detail, now).await?;
    }
    let capped = sum(of(|why| *why == LeftBecause::PlatformCap).map(|(_, _, one)| one.estimate));
    if capped > Money::ZERO {
        let detail = json!({ "left_minor": capped.minor(), "isps": of(|why| *why == LeftBecause::PlatformCap).count() });
        return breaks::open(tx, BreakKind::PayoutCapReached, "platform", None, Some(capped), detail, now).await;
    }
    // A run of one ISP says nothing of the others.
    if scope.isp.is_none() { breaks::close(tx, BreakKind::PayoutCapReached, "platform", "All that were due were paid.", now).await.map(drop) } else { Ok(()) }
}

fn sum(amounts: impl IntoIterator<Item = Money>) -> Money {
    amounts.into_iter().fold(Money::ZERO, |sum, one| sum.checked_add(one).unwrap_or(sum))
}

/// What was given out today, to each ISP; for a look across.
async fn given_today(tx: &mut Tx, now: Time) -> Result<HashMap<IspId, Money>> {
    use settlement_amount::dsl;
    let today = dsl::settlement_amount.filter(dsl::reserved_at.ge(begin_of_day(now)).and(dsl::kind.ne(Kind::Test.as_str())));
    let rows: Vec<(IspId, Money)> = today.select((dsl::isp_id, dsl::amount_minor)).load(&mut **tx).await?;
    Ok(rows.into_iter().fold(HashMap::new(), |mut given, (isp, amount)| {
        let before = given.get(&isp).copied().unwrap_or_default();
        given.insert(isp, sum([before, amount]));
        given
    }))
}
