//! What came in, by day, week or month of Kenya. Derived from the ledger and from what the ISP took itself; decides nothing.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use chrono::{Datelike as _, Months, TimeDelta, Utc};
use diesel::sql_types::{BigInt, Text, Timestamptz, Uuid};
use diesel_async::RunQueryDsl;

use crate::clock::{Time, begin_of_day, in_kenya};
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::id::{IspId, LedgerId};
use crate::money::Money;
use crate::payments::Purpose;
use crate::schema::functions;

/// The most points of one report.
const POINTS_MAX: usize = 400;

/// How revenue is put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Granularity {
    /// From midnight in Kenya.
    Day,
    /// From Monday.
    Week,
    /// Of the calendar.
    Month,
}

impl Granularity {
    const fn sql(self) -> &'static str {
        match self {
            Granularity::Day => "day",
            Granularity::Week => "week",
            Granularity::Month => "month",
        }
    }

    /// The beginning of the day, week or month that a moment is in.
    pub fn begin(self, at: Time) -> Time {
        let midnight = begin_of_day(at);
        let local = in_kenya(midnight);
        let back = match self {
            Granularity::Day => 0,
            Granularity::Week => local.weekday().num_days_from_monday(),
            Granularity::Month => local.day0(),
        };
        midnight - TimeDelta::days(i64::from(back))
    }

    /// The beginning of the one after it. `None` at the end of the calendar.
    fn next(self, begin: Time) -> Option<Time> {
        match self {
            Granularity::Day => begin.checked_add_signed(TimeDelta::days(1)),
            Granularity::Week => begin.checked_add_signed(TimeDelta::weeks(1)),
            Granularity::Month => Some(in_kenya(begin).checked_add_months(Months::new(1))?.with_timezone(&Utc)),
        }
    }
}

/// What came in over a while.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Revenue {
    /// By guests of the hotspot.
    pub hotspot: Money,
    /// By recharges and amounts.
    pub recharge: Money,
    /// By payments of invoices.
    pub invoice: Money,
    /// Netily's part of the three.
    pub commission: Money,
    /// What the ISP took itself.
    pub offline: Money,
    /// How many payments Netily collected.
    pub payments: i64,
    /// The ISP's part of what went back to payers in this while.
    pub refunded: Money,
}

impl Revenue {
    /// What Netily collected.
    pub fn gross(&self) -> Money {
        sum([self.hotspot, self.recharge, self.invoice])
    }

    /// The ISP's part of it.
    pub fn net(&self) -> Money {
        sum([self.gross(), self.commission.negated()])
    }

    fn add(&mut self, other: &Revenue) {
        self.hotspot = sum([self.hotspot, other.hotspot]);
        self.recharge = sum([self.recharge, other.recharge]);
        self.invoice = sum([self.invoice, other.invoice]);
        self.commission = sum([self.commission, other.commission]);
        self.offline = sum([self.offline, other.offline]);
        self.payments += other.payments;
        self.refunded = sum([self.refunded, other.refunded]);
    }
}

/// Sums of what an ISP earns fit, since what they are sums of does.
fn sum<const N: usize>(parts: [Money; N]) -> Money {
    parts.into_iter().fold(Money::ZERO, |sum, part| sum.checked_add(part).unwrap_or(sum))
}

/// Revenue by point, oldest first, and all of it.
#[derive(Clone, Debug)]
pub struct Report {
    /// When each begins, and what came in.
    pub points: Vec<(Time, Revenue)>,
    /// All of it.
    pub total: Revenue,
}

#[derive(diesel::QueryableByName)]
struct Row {
    #[diesel(sql_type = Timestamptz)]
    start: Time,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = BigInt)]
    gross: Money,
    #[diesel(sql_type = BigInt)]
    commission: Money,
    #[diesel(sql_type = BigInt)]
    rows: i64,
}

/// After midnight a payment of the day before may still be on its way to being booked.
const SETTLING: TimeDelta = TimeDelta::minutes(5);

/// What came in from `from`, a midnight, until `to`, itself not in it. Days that are over were added up once and never change (the ledger
/// only grows, and what is late is booked when it comes); the rest is read from the ledger.
pub async fn report(tx: &mut Tx, isp: IspId, from: Time, to: Time, granularity: Granularity, now: Time) -> Result<Report> {
    let mut points: BTreeMap<Time, Revenue> = begins(from, to, granularity)?.into_iter().map(|begin| (begin, Revenue::default())).collect();
    let over = begin_of_day(now - SETTLING);
    let until: Time = diesel::select(functions::roll_revenue(isp, over)).get_result(&mut **tx).await?;
    let rolled = until.min(begin_of_day(to)).max(from);
    // Ids of the ledger are made in the order of time, so a span of time is a range of the key.
    let rows: Vec<Row> = diesel::sql_query(
        "SELECT start, kind, sum(gross)::bigint AS gross, sum(commission)::bigint AS commission, sum(n)::bigint AS rows FROM (
           SELECT date_trunc($5, day::timestamp) AT TIME ZONE 'Africa/Nairobi' AS start, purpose AS kind, gross_minor AS gross, commission_minor AS commission,
                  payments AS n
             FROM tenant.revenue_day
            WHERE tenant_id = $1 AND day >= ($4 AT TIME ZONE 'Africa/Nairobi')::date AND day < ($7 AT TIME ZONE 'Africa/Nairobi')::date
           UNION ALL
           SELECT date_trunc($5, created_at AT TIME ZONE 'Africa/Nairobi') AT TIME ZONE 'Africa/Nairobi', purpose::text, gross_minor, commission_minor, 1
             FROM tenant.commission_ledger WHERE tenant_id = $1 AND id >= $2 AND id < $3) x GROUP BY 1, 2
         UNION ALL
         SELECT date_trunc($5, at AT TIME ZONE 'Africa/Nairobi') AT TIME ZONE 'Africa/Nairobi', 'OFFLINE', sum(m)::bigint, 0, 0 FROM (
           SELECT o.received_at AS at, o.amount_minor AS m
             FROM tenant.offline_payment o WHERE o.tenant_id = $1 AND o.received_at >= $4 AND o.received_at < $6
              AND (NOT o.needs_confirmation OR EXISTS (SELECT FROM tenant.offline_payment_confirmation c WHERE c.tenant_id = $1 AND c.offline_payment_id = o.id))
           UNION ALL
           SELECT v.voided_at, -o.amount_minor
             FROM tenant.offline_payment_void v JOIN tenant.offline_payment o ON o.tenant_id = v.tenant_id AND o.id = v.offline_payment_id
            WHERE v.tenant_id = $1 AND v.voided_at >= $4 AND v.voided_at < $6
              AND (NOT o.needs_confirmation OR EXISTS (SELECT FROM tenant.offline_payment_confirmation c WHERE c.tenant_id = $1 AND c.offline_payment_id = o.id))
         ) cash GROUP BY 1
         UNION ALL
         SELECT date_trunc($5, r.created_at AT TIME ZONE 'Africa/Nairobi') AT TIME ZONE 'Africa/Nairobi', 'REFUNDED', sum(r.isp_minor)::bigint, 0, 0
           FROM tenant.refund_seen r WHERE r.tenant_id = $1 AND r.created_at >= $4 AND r.created_at < $6 AND r.state <> 'FAILED' GROUP BY 1",
    )
    .bind::<Uuid, _>(isp)
    .bind::<Uuid, _>(LedgerId::earliest(rolled))
    .bind::<Uuid, _>(LedgerId::earliest(to))
    .bind::<Timestamptz, _>(from)
    .bind::<Text, _>(granularity.sql())
    .bind::<Timestamptz, _>(to)
    .bind::<Timestamptz, _>(rolled)
    .load(&mut **tx)
    .await?;
    for row in rows {
        let point = points.entry(row.start).or_default();
        let paid = match row.kind.as_str() {
            "OFFLINE" => &mut point.offline,
            "REFUNDED" => &mut point.refunded,
            kind => match Purpose::parse(kind) {
                Some(Purpose::Hotspot) => &mut point.hotspot,
                Some(Purpose::Recharge) => &mut point.recharge,
                Some(Purpose::Invoice) => &mut point.invoice,
                Some(Purpose::Subscription) | None => return Err(Error::internal(format!("{kind} is no revenue of an ISP"))),
            },
        };
        *paid = row.gross;
        point.commission = sum([point.commission, row.commission]);
        point.payments += row.rows;
    }
    let mut total = Revenue::default();
    points.values().for_each(|point| total.add(point));
    Ok(Report { points: points.into_iter().collect(), total })
}

/// When the points of a report begin.
fn begins(from: Time, to: Time, granularity: Granularity) -> Result<Vec<Time>> {
    if from >= to {
        return Err(Error::field("from", "must be before `to`"));
    }
    let mut begins = vec![granularity.begin(from)];
    while let Some(next) = begins.last().and_then(|last| granularity.next(*last)).filter(|next| *next < to) {
        if begins.len() == POINTS_MAX {
            return Err(Error::field("from", format!("must not make more than {POINTS_MAX} points; take weeks or months")));
        }
        begins.push(next);
    }
    Ok(begins)
}

/// The points as CSV: dates and figures only, so that nothing in it is a formula to a spreadsheet. Pure.
pub fn csv(report: &Report) -> String {
    let mut table = "start,hotspot,recharge,invoice,gross,commission,net,offline,payments,refunded\r\n".to_owned();
    for (start, point) in &report.points {
        let plain = |money: Money| money.to_string().replace(',', "");
        let figures = [point.hotspot, point.recharge, point.invoice, point.gross(), point.commission, point.net(), point.offline].map(plain).join(",");
        // Writing to a String cannot fail.
        let _ = write!(table, "{},{figures},{},{}\r\n", in_kenya(*start).format("%Y-%m-%d"), point.payments, plain(point.refunded));
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kenya(text: &str) -> Time {
        format!("{text}+03:00").parse().expect("a time")
    }

    #[test]
    fn points_begin_at_midnight_on_monday_and_on_the_first() {
        let (from, to) = (kenya("2027-01-30T13:00:00"), kenya("2027-03-02T00:00:00"));
        let of = |granularity| begins(from, to, granularity).expect("points");
        let days = of(Granularity::Day);
        assert_eq!((days.len(), days[0], days[30]), (31, kenya("2027-01-30T00:00:00"), kenya("2027-03-01T00:00:00")));
        assert_eq!(of(Granularity::Week)[..2], [kenya("2027-01-25T00:00:00"), kenya("2027-02-01T00:00:00")]);
        assert_eq!(of(Granularity::Month), [kenya("2027-01-01T00:00:00"), kenya("2027-02-01T00:00:00"), kenya("2027-03-01T00:00:00")]);
        assert!(begins(to, from, Granularity::Day).is_err() && begins(from, from, Granularity::Day).is_err());
        assert!(begins(from, kenya("2029-01-30T13:00:00"), Granularity::Day).is_err(), "too many");
    }

    #[test]
    fn a_table_has_a_line_of_names_and_plain_figures() {
        let point = Revenue { hotspot: Money::from_minor(123_456_700), commission: Money::from_minor(6_172_835), payments: 3, ..Revenue::default() };
        let table = csv(&Report { points: vec![(kenya("2027-01-30T00:00:00"), point)], total: point });
        assert_eq!(
            table,
            "start,hotspot,recharge,invoice,gross,commission,net,offline,payments,refunded\r\n2027-01-30,1234567.00,0.00,0.00,1234567.00,61728.35,1172838.65,0.00,3,0.00\r\n"
        );
    }
}
