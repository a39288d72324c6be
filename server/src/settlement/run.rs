//! The run of settlements: who is due by the schedule, and paying them, those owed longest first, as far as the gateway's wallet goes.
//! Run twice, by two at once, or after days of silence, it pays each period once.

use chrono::TimeDelta;
use diesel::sql_types::{BigInt, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use serde_json::json;

use super::reserve::{self, Ask, Reserved, WALLET};
use super::schedule::{Frequency, period_name};
use super::state::State;
use super::store::Settlement;
use super::switch;
use crate::app::App;
use crate::breaks::{self, BreakKind};
use crate::clock::Time;
use crate::collect::unreachable;
use crate::db::Tx;
use crate::error::{Error, Reason, Result};
use crate::gateways::payhero::AskError;
use crate::id::IspId;
use crate::money::Money;

/// After the end of a period: what was booked before it is committed by then.
pub const SETTLING: TimeDelta = TimeDelta::minutes(5);
/// The same for a run ahead of the schedule.
const SETTLING_AHEAD: TimeDelta = TimeDelta::minutes(1);

/// Which ISPs, and of what time.
#[derive(Clone, Copy, Debug, Default)]
pub struct Scope {
    /// Only this one.
    pub isp: Option<IspId>,
    /// What was credited until a minute ago, in place of until the last period ended.
    pub ahead: bool,
}

/// An ISP that is due.
#[derive(Clone, Debug)]
pub struct Due {
    /// Which.
    pub isp: IspId,
    /// Its subdomain.
    pub slug: String,
    /// At most so much is paid.
    pub estimate: Money,
    /// What is asked for.
    pub ask: Ask,
    /// The settlement, once it was made.
    pub made: Option<Settlement>,
    /// Why it was left.
    pub left: Option<String>,
}

/// What a run did, or would.
#[derive(Clone, Debug)]
pub struct Ran {
    /// Those owed longest first.
    pub due: Vec<Due>,
    /// What the wallet held before; none: the gateway does not tell.
    pub wallet: Option<Money>,
}

#[derive(diesel::QueryableByName, Clone, Debug)]
struct Candidate {
    #[diesel(sql_type = SqlUuid)]
    tenant_id: IspId,
    #[diesel(sql_type = Text)]
    slug: String,
    #[diesel(sql_type = Text)]
    settlement_frequency: String,
    #[diesel(sql_type = BigInt)]
    minimum_payout_minor: Money,
    #[diesel(sql_type = BigInt)]
    owed: Money,
    #[diesel(sql_type = Nullable<Text>)]
    last_state: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    last_period: Option<String>,
    #[diesel(sql_type = Nullable<SmallInt>)]
    last_part: Option<i16>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    last_until: Option<Time>,
    #[diesel(sql_type = Nullable<BigInt>)]
    last_carried: Option<Money>,
}

/// ISPs that may be paid and are owed enough, those owed longest first, with their newest settlement.
const CANDIDATES: &str = "
    SELECT c.tenant_id, i.slug, c.settlement_frequency, c.minimum_payout_minor, -b.balance_minor AS owed,
           l.state AS last_state, l.period AS last_period, l.part AS last_part, l.covers_until AS last_until, l.carried_out_minor AS last_carried
    FROM tenant.payout_config c
    JOIN public.isp i ON i.id = c.tenant_id
    JOIN tenant.ledger_balance b ON b.tenant_id = c.tenant_id AND b.account = 'ISP_PAYABLE'
    LEFT JOIN LATERAL (SELECT s.* FROM tenant.settlement s WHERE s.tenant_id = c.tenant_id AND s.kind = 'SETTLEMENT'
                       ORDER BY s.created_at DESC, s.id DESC LIMIT 1) l ON true
    WHERE c.verification_status = 'VERIFIED' AND c.held_until <= $1 AND c.frozen_at IS NULL AND -b.balance_minor >= c.minimum_payout_minor
      AND ($2 IS NULL OR c.tenant_id = $2)
    ORDER BY l.covers_until NULLS FIRST, c.tenant_id";

/// What is asked for of an ISP now, if it is due. Pure.
fn due(of: &Candidate, ahead: bool, now: Time) -> Option<Ask> {
    let last = of.last_state.as_deref().and_then(State::parse);
    if last.is_some_and(State::is_open) {
        return None;
    }
    let part_after = |period: &str| if of.last_period.as_deref() == Some(period) { of.last_part.unwrap_or(0) + 1 } else { 1 };
    if ahead {
        // To the millisecond, as ids of the ledger tell time.
        let until = Time::from_timestamp_millis((now - SETTLING_AHEAD).timestamp_millis())?;
        let period = period_name(Frequency::Daily.last_end(now));
        return of.last_until.is_none_or(|covered| covered < until).then(|| Ask { part: part_after(&period), period, until, most: None });
    }
    // What failed is tried again with the next day, however seldom the ISP is paid.
    let frequency = if last == Some(State::Failed) { Frequency::Daily } else { Frequency::parse(&of.settlement_frequency)? };
    let end = frequency.last_end(now - SETTLING);
    let period = period_name(end);
    if of.last_period.as_deref() == Some(period.as_str()) {
        // One payment could not hold all of it.
        let rest = last == Some(State::Completed) && of.last_carried.is_some_and(|carried| carried >= of.minimum_payout_minor);
        return rest.then(|| Ask { part: part_after(&period), period, until: of.last_until.unwrap_or(end).max(end), most: None });
    }
    let covered = last != Some(State::Failed) && of.last_until.is_some_and(|covered| covered >= end);
    (!covered).then_some(Ask { period, part: 1, until: end, most: None })
}

/// Pays whoever is due. `dry`: says who, and does nothing.
pub async fn run(app: &App, scope: Scope, dry: bool) -> Result<Ran> {
    let now = app.clock.now();
    let (candidates, in_transit) = app
        .db
        .across(async |tx| {
            let rows: Vec<Candidate> =
                diesel::sql_query(CANDIDATES).bind::<Timestamptz, _>(now).bind::<Nullable<SqlUuid>, _>(scope.isp.map(IspId::uuid)).load(&mut **tx).await?;
            Ok((rows, in_transit(tx).await?))
        })
        .await?;
    let cap = app.config.payouts.cap_per_payment;
    let mut due: Vec<Due> = candidates
        .iter()
        .filter_map(|of| {
            due(of, scope.ahead, now).map(|ask| Due { isp: of.tenant_id, slug: of.slug.clone(), estimate: of.owed.min(cap), ask, made: None, left: None })
        })
        .collect();
    if due.is_empty() {
        return Ok(Ran { due, wallet: None });
    }
    if !dry && app.db.public(async |tx| switch::read(tx).await).await?.stopped_at.is_some() {
        return Err(Error::new(Reason::StateConflict, "Payouts are stopped. Let them go on first."));
    }
    let wallet = match app.payhero.payments_wallet_balance().await {
        Ok(cents) => Some(Money::from_minor(cents)),
        Err(AskError::NotOffered(_)) => None,
        Err(cause) => return Err(unreachable(cause)),
    };
    let mut rest = wallet.map(|wallet| wallet.checked_sub(in_transit).unwrap_or_default());
    let mut short = None;
    for one in &mut due {
        if short.is_some() {
            // Whoever is owed longer goes first, so nobody overtakes.
            one.left = Some(WALLET.to_owned());
            continue;
        }
        one.ask.most = rest;
        if dry {
            match rest {
                Some(left) if one.estimate > left => short = Some(one.estimate),
                Some(left) => rest = left.checked_sub(one.estimate),
                None => {}
            }
            one.left = short.is_some().then(|| WALLET.to_owned());
            continue;
        }
        match reserve::reserve(app, one.isp, &one.ask, now).await {
            Ok(Reserved::Done(made)) => {
                rest = rest.and_then(|left| left.checked_sub(made.amount_minor));
                one.estimate = made.amount_minor;
                one.made = Some(*made);
            }
            Ok(Reserved::Left(why)) => {
                if why == WALLET {
                    short = Some(one.estimate);
                }
                one.left = Some(why.to_owned());
            }
            // One ISP's trouble is not the others'.
            Err(error) => {
                tracing::error!(isp = %one.slug, %error, "an ISP that is due could not be paid");
                one.left = Some(error.message);
            }
        }
    }
    if !dry {
        app.db.public(async |tx| tell_of_float(tx, short, wallet, now).await).await?;
    }
    Ok(Ran { due, wallet })
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

/// The wallet did not go round, or does again: a break a day, which operators are told of.
async fn tell_of_float(tx: &mut Tx, short: Option<Money>, wallet: Option<Money>, now: Time) -> Result<()> {
    let day = period_name(Frequency::Daily.last_end(now));
    match short {
        Some(amount) => {
            let detail = json!({ "wallet_minor": wallet.map(Money::minor), "needed_minor": amount.minor() });
            breaks::open(tx, BreakKind::LowFloat, &day, None, Some(amount), detail, now).await
        }
        None => breaks::close(tx, BreakKind::LowFloat, &day, "The wallet holds enough again.", now).await.map(drop),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kenya(text: &str) -> Time {
        format!("{text}+03:00").parse().expect("a time")
    }

    fn isp(frequency: &str, last: Option<(&str, &str, i16, &str, i64)>) -> Candidate {
        Candidate {
            tenant_id: IspId::unguessable(),
            slug: "yellow".into(),
            settlement_frequency: frequency.into(),
            minimum_payout_minor: Money::from_minor(10_000),
            owed: Money::from_minor(1_000_000),
            last_state: last.map(|last| last.0.into()),
            last_period: last.map(|last| last.1.into()),
            last_part: last.map(|last| last.2),
            last_until: last.map(|last| kenya(last.3)),
            last_carried: last.map(|last| Money::from_minor(last.4)),
        }
    }

    #[test]
    fn each_period_is_paid_once_whenever_somebody_looks() {
        let asked = |of: &Candidate, now: &str| due(of, false, kenya(now)).map(|ask| (ask.period, ask.part));
        let some = |period: &str, part: i16| Some((period.to_owned(), part));
        let new = isp("DAILY", None);
        assert_eq!(asked(&new, "2026-11-26T00:04:59"), some("2026-11-25", 1), "not before what was booked is there");
        assert_eq!(asked(&new, "2026-11-26T00:05:00"), some("2026-11-26", 1));
        let paid = isp("DAILY", Some(("COMPLETED", "2026-11-26", 1, "2026-11-26T00:00:00", 99)));
        assert_eq!(asked(&paid, "2026-11-26T23:59:59"), None, "twice in a day");
        assert_eq!(asked(&paid, "2026-11-30T09:00:00"), some("2026-11-30", 1), "after days of silence: once");
        for state in ["PENDING", "PROCESSING", "UNKNOWN", "NEEDS_REVIEW"] {
            assert_eq!(asked(&isp("DAILY", Some((state, "2026-11-20", 1, "2026-11-20T00:00:00", 0))), "2026-11-26T09:00:00"), None, "{state}");
        }
        let capped = isp("DAILY", Some(("COMPLETED", "2026-11-26", 2, "2026-11-26T00:00:00", 10_000)));
        assert_eq!(asked(&capped, "2026-11-26T09:00:00"), some("2026-11-26", 3), "one payment could not hold it");
        let failed = isp("MONTHLY", Some(("FAILED", "2026-11-01", 1, "2026-11-01T00:00:00", 10_000)));
        assert_eq!(asked(&failed, "2026-11-01T23:00:00"), None, "not on the same day");
        assert_eq!(asked(&failed, "2026-11-02T00:05:00"), some("2026-11-02", 1), "not a month later");
        let monthly = isp("MONTHLY", Some(("COMPLETED", "2026-11-01", 1, "2026-11-01T00:00:00", 0)));
        assert_eq!(asked(&monthly, "2026-11-30T23:59:59"), None);
        assert_eq!(asked(&monthly, "2026-12-01T00:05:00"), some("2026-12-01", 1));
        let weekly = isp("WEEKLY", Some(("COMPLETED", "2026-11-25", 1, "2026-11-25T14:00:00", 0)));
        assert_eq!(asked(&weekly, "2026-11-26T09:00:00"), None, "paid ahead of the schedule in this week");
        assert_eq!(asked(&weekly, "2026-11-30T09:00:00"), some("2026-11-30", 1));
    }

    #[test]
    fn a_run_ahead_of_the_schedule_is_one_more_part_of_the_day() {
        let now = kenya("2026-11-26T15:00:00");
        let paid = isp("WEEKLY", Some(("COMPLETED", "2026-11-26", 1, "2026-11-26T10:00:00", 0)));
        let ask = due(&paid, true, now).expect("due");
        assert_eq!((ask.period.as_str(), ask.part, ask.until), ("2026-11-26", 2, kenya("2026-11-26T14:59:00")));
    }
}
