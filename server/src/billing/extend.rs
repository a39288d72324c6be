//! The one rule for every period that is paid: it begins where the paid time ends, or now if that is over. Days of grace that were
//! used count.

use chrono::TimeDelta;

use super::period::Period;
use super::terms::Terms;
use crate::clock::{Time, day_of_month};
use crate::connection::{self, Billing, Connection, PaidPeriod};
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::id::IspId;

/// How long an invoiced connection stays on after its invoice was due.
pub const GRACE: TimeDelta = TimeDelta::days(3);
/// How long before a period begins its invoice is made.
pub const INVOICE_BEFORE: TimeDelta = TimeDelta::days(5);

/// How long a connection stays on when what is paid is over.
pub const fn grace(billing: Billing) -> TimeDelta {
    match billing {
        Billing::Prepaid => TimeDelta::zero(),
        Billing::Invoiced => GRACE,
    }
}

/// Start, end and anchor of the period that is paid now. `None` at the end of the calendar.
pub fn next_period(paid_until: Option<Time>, anchor: Option<i16>, period: Period, grace: TimeDelta, now: Time) -> Option<(Time, Time, i16)> {
    let unused = now - grace;
    let (start, anchor) = match (paid_until, anchor) {
        (Some(until), Some(anchor)) if until >= unused => (until, u32::try_from(anchor).ok()?),
        (Some(_), _) => (unused, day_of_month(unused)),
        // Nothing was paid before, so there was no grace to be used.
        (None, _) => (now, day_of_month(now)),
    };
    Some((start, period.end(start, anchor)?, i16::try_from(anchor).ok()?))
}

/// When billing must look at a connection whose paid period is this.
pub fn look_at(billing: Billing, start: Time, end: Time) -> Time {
    match billing {
        Billing::Prepaid => remind_at(start, end).unwrap_or(end),
        Billing::Invoiced => end - INVOICE_BEFORE,
    }
}

/// When the end of a prepaid period is told: a day before. Of periods shorter than a week people know without being told.
pub fn remind_at(start: Time, end: Time) -> Option<Time> {
    (end - start >= TimeDelta::days(7)).then(|| end - TimeDelta::days(1))
}

/// Extends a locked connection by one period of these terms.
pub async fn extend(tx: &mut Tx, isp: IspId, paid: &Connection, terms: &Terms, now: Time) -> Result<PaidPeriod> {
    let billing = paid.billing()?;
    let (start, end, anchor_day) = next_period(paid.paid_until, paid.anchor_day, terms.period()?, grace(billing), now)
        .ok_or_else(|| Error::internal(format!("{} would never end", paid.id)))?;
    let period = PaidPeriod { plan: terms.plan_id, plan_version: terms.version, start, end, anchor_day };
    connection::extend(tx, isp, paid, period, Some(look_at(billing, start, end)), now).await?;
    Ok(period)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::billing::Unit;

    fn kenya(text: &str) -> Time {
        format!("{text}+03:00").parse().expect("a time")
    }

    #[test]
    fn a_period_begins_where_the_paid_time_ends_or_now() {
        let month = Period::new(Unit::Month, 1).expect("a month");
        let (noon, grace) = (kenya("2027-05-10T12:00:00"), GRACE);
        let table = [
            // (paid until, anchor, grace) gives (start, end)
            (None, TimeDelta::zero(), "2027-05-10T12:00:00", "2027-06-10T12:00:00"),
            (None, grace, "2027-05-10T12:00:00", "2027-06-10T12:00:00"),
            (Some(("2027-05-31T00:00:00", 31)), TimeDelta::zero(), "2027-05-31T00:00:00", "2027-06-30T00:00:00"),
            (Some(("2027-05-01T00:00:00", 1)), TimeDelta::zero(), "2027-05-10T12:00:00", "2027-06-10T12:00:00"),
            (Some(("2027-05-08T00:00:00", 8)), grace, "2027-05-08T00:00:00", "2027-06-08T00:00:00"),
            (Some(("2027-05-01T00:00:00", 1)), grace, "2027-05-07T12:00:00", "2027-06-07T12:00:00"),
        ];
        for (paid, grace, start, end) in table {
            let (until, anchor) = paid.map_or((None, None), |(until, anchor)| (Some(kenya(until)), Some(anchor)));
            let (began, ended, _) = next_period(until, anchor, month, grace, noon).expect("a period");
            assert_eq!((began, ended), (kenya(start), kenya(end)), "{paid:?}");
        }
    }
}
