//! Who is to be paid, and until when: how an ISP stands, read at once, and what follows from it by the schedule. Deciding is pure.

use chrono::TimeDelta;
use diesel::sql_types::{BigInt, Bool, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;

use super::left::{Gate, Kept, LeftBecause};
use super::reserve::Ask;
use super::schedule::{Frequency, period_name};
use super::state::State;
use crate::breaks::{self, BreakKind};
use crate::clock::Time;
use crate::db::Tx;
use crate::error::Result;
use crate::id::{IspId, PLATFORM};
use crate::money::Money;

/// After the end of a period: what was booked before it is committed by then.
pub const SETTLING: TimeDelta = TimeDelta::minutes(5);
/// The same for a run ahead of the schedule.
const SETTLING_AHEAD: TimeDelta = TimeDelta::minutes(1);
/// What failed for a reason of Netily's own is tried again so much later, and not in more parts of a period than these.
const AGAIN: TimeDelta = TimeDelta::hours(1);
const AGAIN_PARTS: i16 = 6;

/// How an ISP stands.
#[derive(diesel::QueryableByName, Clone, Debug)]
pub struct Candidate {
    /// Which.
    #[diesel(sql_type = SqlUuid)]
    pub tenant_id: IspId,
    /// Its subdomain.
    #[diesel(sql_type = Text)]
    pub slug: String,
    #[diesel(sql_type = Bool)]
    suspended: bool,
    #[diesel(sql_type = Nullable<Text>)]
    settlement_frequency: Option<String>,
    #[diesel(sql_type = BigInt)]
    minimum_payout_minor: Money,
    #[diesel(sql_type = Bool)]
    verified: bool,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    held_until: Option<Time>,
    #[diesel(sql_type = Nullable<Text>)]
    frozen: Option<String>,
    /// What is owed and not set aside.
    #[diesel(sql_type = BigInt)]
    pub owed: Money,
    #[diesel(sql_type = Nullable<Text>)]
    last_state: Option<String>,
    #[diesel(sql_type = Bool)]
    last_failed_for_us: bool,
    #[diesel(sql_type = Nullable<Text>)]
    last_period: Option<String>,
    #[diesel(sql_type = Nullable<SmallInt>)]
    last_part: Option<i16>,
    #[diesel(sql_type = Nullable<BigInt>)]
    last_amount: Option<Money>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    last_until: Option<Time>,
    #[diesel(sql_type = Nullable<BigInt>)]
    last_carried: Option<Money>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    last_ended: Option<Time>,
    #[diesel(sql_type = Nullable<Text>)]
    left_reason: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    left_message: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    left_period: Option<String>,
}

/// One ISP, or all that are owed enough, those owed longest first, with their newest settlement.
const CANDIDATES: &str = "
    SELECT i.id AS tenant_id, i.slug, i.status = 'SUSPENDED' AS suspended, c.settlement_frequency, coalesce(c.minimum_payout_minor, 100) AS minimum_payout_minor,
           coalesce(c.verification_status = 'VERIFIED', false) AS verified, c.held_until,
           CASE WHEN c.frozen_at IS NOT NULL THEN c.frozen_reason
                WHEN EXISTS (SELECT FROM public.reconciliation_break x WHERE x.isp_id = i.id AND x.kind = $3 AND x.closed_at IS NULL) THEN $4 END AS frozen, coalesce(-b.balance_minor, 0)::bigint AS owed,
           l.state AS last_state, coalesce(l.ours, false) AS last_failed_for_us, l.period AS last_period, l.part AS last_part, l.amount_minor AS last_amount,
           l.covers_until AS last_until, l.carried_out_minor AS last_carried, l.completed_at AS last_ended,
           w.reason AS left_reason, w.message AS left_message, w.period AS left_period
    FROM public.isp i
    LEFT JOIN tenant.payout_config c ON c.tenant_id = i.id
    LEFT JOIN tenant.ledger_balance b ON b.tenant_id = i.id AND b.account = 'ISP_PAYABLE'
    LEFT JOIN tenant.payout_left w ON w.tenant_id = i.id
    LEFT JOIN LATERAL (SELECT s.*, (SELECT bool_or(a.ours) FROM tenant.settlement_attempt a WHERE a.tenant_id = s.tenant_id AND a.settlement_id = s.id) AS ours
                       FROM tenant.settlement s WHERE s.tenant_id = i.id AND s.kind = 'SETTLEMENT'
                       ORDER BY s.created_at DESC, s.id DESC LIMIT 1) l ON true
    WHERE i.id <> $2 AND (i.id = $1 OR ($1 IS NULL AND -b.balance_minor >= c.minimum_payout_minor))
    ORDER BY l.covers_until NULLS FIRST, i.id";

/// How one ISP stands, or all that are owed as much as they want at once; the latter in a look across.
pub async fn candidates(tx: &mut Tx, isp: Option<IspId>) -> Result<Vec<Candidate>> {
    let query = diesel::sql_query(CANDIDATES).bind::<Nullable<SqlUuid>, _>(isp.map(IspId::uuid)).bind::<SqlUuid, _>(PLATFORM);
    Ok(query.bind::<Text, _>(BreakKind::LedgerViolation.as_str()).bind::<Text, _>(breaks::BOOKS_ARE_LOOKED_AT).load(&mut **tx).await?)
}

impl Candidate {
    /// What the last run said.
    pub fn kept(&self) -> Option<Kept> {
        let (reason, message, period) = (self.left_reason.clone()?, self.left_message.clone()?, self.left_period.clone()?);
        Some(Kept { reason, message, period })
    }

    /// The least that the ISP wants at once.
    pub const fn minimum(&self) -> Money {
        self.minimum_payout_minor
    }

    /// As if the ISP wanted at least so much at once, if it wants more.
    pub fn wanting(mut self, least: Money) -> Candidate {
        self.minimum_payout_minor = self.minimum_payout_minor.min(least);
        self
    }

    fn last(&self) -> Option<State> {
        self.last_state.as_deref().and_then(State::parse)
    }

    /// Whether it failed for a reason that is not the ISP's, and may be tried again within the day.
    fn failed_for_us(&self) -> bool {
        self.last() == Some(State::Failed) && self.last_failed_for_us && self.last_part.is_some_and(|part| part < AGAIN_PARTS)
    }
}

/// What is asked for of an ISP now, or why it is left. `brake`: what stops everybody. Pure.
pub fn judge(of: &Candidate, brake: Option<&LeftBecause>, ahead: bool, now: Time) -> Result<Ask, LeftBecause> {
    let (Some(held_until), Some(frequency)) = (of.held_until, of.settlement_frequency.as_deref().and_then(Frequency::parse)) else {
        return Err(LeftBecause::NotSet);
    };
    let gate = Gate { verified: of.verified, suspended: of.suspended, frozen: of.frozen.as_deref(), held_until };
    if let Some(why) = gate.in_the_way(now) {
        return Err(why);
    }
    let amount = of.last_amount.unwrap_or_default();
    match of.last() {
        Some(State::NeedsReview | State::Unknown) => return Err(LeftBecause::InReview(amount)),
        Some(last) if last.is_open() => return Err(LeftBecause::InFlight(amount)),
        _ => {}
    }
    if let Some(why) = brake {
        return Err(why.clone());
    }
    let next = frequency.next_end(now - SETTLING) + SETTLING;
    let this_period = period_name(frequency.last_end(now - SETTLING));
    if of.owed < of.minimum_payout_minor {
        let transferred = of.last() == Some(State::Completed) && of.last_period.as_deref().is_some_and(|period| period >= this_period.as_str());
        return Err(match () {
            () if transferred => LeftBecause::Transferred { amount, next },
            () if of.owed.minor() < 100 => LeftBecause::NothingOwed,
            () => LeftBecause::BelowMinimum { owed: of.owed, minimum: of.minimum_payout_minor },
        });
    }
    due(of, ahead, now).ok_or_else(|| match of.last() {
        _ if ahead => LeftBecause::TooRecent { owed: of.owed, older: Money::ZERO },
        Some(State::Failed) if of.failed_for_us() => LeftBecause::FailedBefore(of.last_ended.map_or(next, |ended| ended + AGAIN)),
        Some(State::Failed) => LeftBecause::FailedBefore(Frequency::Daily.next_end(now - SETTLING) + SETTLING),
        _ => LeftBecause::Scheduled(next),
    })
}

/// What is asked for of an ISP now, if it is due. Pure.
fn due(of: &Candidate, ahead: bool, now: Time) -> Option<Ask> {
    let last = of.last();
    if last.is_some_and(State::is_open) {
        return None;
    }
    let part_after = |period: &str| if of.last_period.as_deref() == Some(period) { of.last_part.unwrap_or(0) + 1 } else { 1 };
    if ahead {
        // To the millisecond, as ids of the ledger tell time.
        let until = Time::from_timestamp_millis((now - SETTLING_AHEAD).timestamp_millis())?;
        let period = period_name(Frequency::Daily.last_end(now));
        return of.last_until.is_none_or(|covered| covered < until).then(|| Ask { part: part_after(&period), period, until, ahead, most: None });
    }
    // What failed is tried again with the next day, however seldom the ISP is paid.
    let frequency = if last == Some(State::Failed) { Frequency::Daily } else { Frequency::parse(of.settlement_frequency.as_deref()?)? };
    let end = frequency.last_end(now - SETTLING);
    let period = period_name(end);
    if of.last_period.as_deref() == Some(period.as_str()) {
        // One payment could not hold all of it; or what stood in the way was Netily's, and may be gone.
        let rest = last == Some(State::Completed) && of.last_carried.is_some_and(|carried| carried >= of.minimum_payout_minor);
        let again = of.failed_for_us() && of.last_ended.is_some_and(|ended| ended + AGAIN <= now);
        return (rest || again).then(|| Ask { part: part_after(&period), period, until: of.last_until.unwrap_or(end).max(end), ahead, most: None });
    }
    let covered = last != Some(State::Failed) && of.last_until.is_some_and(|covered| covered >= end);
    (!covered).then_some(Ask { period, part: 1, until: end, ahead, most: None })
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
            suspended: false,
            settlement_frequency: Some(frequency.into()),
            minimum_payout_minor: Money::from_minor(10_000),
            verified: true,
            held_until: Some(kenya("2026-01-01T00:00:00")),
            frozen: None,
            owed: Money::from_minor(1_000_000),
            last_state: last.map(|last| last.0.into()),
            last_failed_for_us: false,
            last_amount: last.map(|_| Money::from_minor(50_000)),
            last_ended: None,
            left_reason: None,
            left_message: None,
            left_period: None,
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

    #[test]
    fn what_failed_for_a_reason_of_ours_is_tried_again_within_the_day() {
        let mut of = isp("MONTHLY", Some(("FAILED", "2026-11-26", 1, "2026-11-26T00:00:00", 10_000)));
        of.last_ended = Some(kenya("2026-11-26T00:06:00"));
        assert_eq!(due(&of, false, kenya("2026-11-26T09:00:00")).map(|ask| ask.part), None, "the ISP's own destination did not take it");
        of.last_failed_for_us = true;
        assert_eq!(due(&of, false, kenya("2026-11-26T01:05:59")).map(|ask| ask.part), None, "not each minute");
        assert_eq!(due(&of, false, kenya("2026-11-26T01:06:00")).map(|ask| (ask.period, ask.part)), Some(("2026-11-26".into(), 2)));
        assert_eq!(judge(&of, None, false, kenya("2026-11-26T00:30:00")).err(), Some(LeftBecause::FailedBefore(kenya("2026-11-26T01:06:00"))));
    }

    #[test]
    fn every_isp_that_is_left_hears_the_reason_that_is_true() {
        let now = kenya("2026-11-26T15:00:00");
        let code = |of: &Candidate, brake: Option<&LeftBecause>| judge(of, brake, false, now).map_or_else(|why| why.code(), |_| "due");
        let with = |change: fn(&mut Candidate)| {
            let mut of = isp("DAILY", None);
            change(&mut of);
            of
        };
        #[rustfmt::skip]
        let rows: [(&str, Candidate); 9] = [
            ("due", with(|_| {})),
            ("NOT_SET", with(|of| (of.settlement_frequency, of.held_until) = (None, None))),
            ("NOT_VERIFIED", with(|of| of.verified = false)),
            ("HELD", with(|of| of.held_until = Some(kenya("2026-11-27T00:00:00")))),
            ("FROZEN", with(|of| of.frozen = Some("A doubt".into()))),
            ("SUSPENDED", with(|of| of.suspended = true)),
            ("NOTHING_OWED", with(|of| of.owed = Money::from_minor(99))),
            ("NOTHING_OWED", with(|of| of.owed = Money::from_minor(-5_000))),
            ("BELOW_MINIMUM", with(|of| of.owed = Money::from_minor(9_999))),
        ];
        for (wanted, of) in rows {
            assert_eq!(code(&of, None), wanted, "{of:?}");
        }
        let paid = |state| isp("WEEKLY", Some((state, "2026-11-23", 1, "2026-11-23T00:00:00", 0)));
        for (wanted, state) in
            [("IN_FLIGHT", "PENDING"), ("IN_FLIGHT", "PROCESSING"), ("IN_REVIEW", "UNKNOWN"), ("IN_REVIEW", "NEEDS_REVIEW"), ("SCHEDULED", "COMPLETED")]
        {
            assert_eq!(code(&paid(state), None), wanted);
        }
        let mut all = paid("COMPLETED");
        all.owed = Money::from_minor(50);
        let next = kenya("2026-11-30T00:05:00");
        assert_eq!(judge(&all, None, false, now).err(), Some(LeftBecause::Transferred { amount: Money::from_minor(50_000), next }));
        assert_eq!(code(&with(|_| {}), Some(&LeftBecause::PayoutsStopped)), "PAYOUTS_STOPPED");
        assert_eq!(code(&with(|of| of.suspended = true), Some(&LeftBecause::PayoutsStopped)), "SUSPENDED", "its own reason stays when all go on");
    }
}
