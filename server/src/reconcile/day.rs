//! A day's money of one ISP, from the ledger, beside what payments and settlements themselves say. Where the two differ, or a break of
//! the ISP is open, it is named.

use chrono::{NaiveDate, TimeDelta};
use diesel::sql_types::{Array, BigInt, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;

use crate::breaks::BreakKind;
use crate::clock::{Time, begin_of_day, in_kenya};
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::id::IspId;
use crate::money::Money;
use crate::settlement::statement::owed_at;

/// A day's money.
#[derive(Clone, Debug)]
pub struct Day {
    /// The day in Nairobi.
    pub day: String,
    /// What Netily owed when it began.
    pub opening: Money,
    /// What came and went.
    pub flows: Flows,
    /// What Netily owed when it ended.
    pub closing: Money,
    /// Zero when all is well.
    pub unexplained: Money,
    /// What does not agree.
    pub findings: Vec<String>,
}

/// What the ledger and the rows themselves say of one time.
#[derive(Clone, Debug, diesel::QueryableByName)]
pub struct Flows {
    /// Payments by their own rows.
    #[diesel(sql_type = BigInt)]
    pub payments: i64,
    /// What was paid, by the payments.
    #[diesel(sql_type = BigInt)]
    pub gross: Money,
    /// Netily's part, by the ledger.
    #[diesel(sql_type = BigInt)]
    pub commission: Money,
    /// The ISP's part, by the ledger.
    #[diesel(sql_type = BigInt)]
    pub isp_amount: Money,
    /// The ISP's part, by the payments and their rates.
    #[diesel(sql_type = BigInt)]
    isp_by_payments: Money,
    /// Set aside.
    #[diesel(sql_type = BigInt)]
    pub reserved: Money,
    /// Given back.
    #[diesel(sql_type = BigInt)]
    pub released: Money,
    /// Paid after it was given back.
    #[diesel(sql_type = BigInt)]
    late: Money,
    /// Fees of withdrawals, and corrections: + is in the ISP's favour.
    #[diesel(sql_type = BigInt)]
    pub corrected: Money,
    /// The ISP's part of what went back to payers, less what of it did not arrive.
    #[diesel(sql_type = BigInt)]
    pub refunded: Money,
    /// Paid, by the ledger.
    #[diesel(sql_type = BigInt)]
    pub paid_out: Money,
    /// Paid, by the settlements.
    #[diesel(sql_type = BigInt)]
    paid_by_settlements: Money,
    /// In open breaks of the ISP, of kinds whose amounts are money that nobody has explained.
    #[diesel(sql_type = BigInt)]
    broken: Money,
    /// How many there are.
    #[diesel(sql_type = BigInt)]
    breaks: i64,
}

const FLOWS: &str = "
    WITH l AS (SELECT t.kind::text AS kind, e.account::text AS account, e.amount_minor AS m, t.reference,
                      t.kind NOT IN ('PAYMENT_CREDIT', 'PAYOUT_RESERVE') AND EXISTS (SELECT FROM tenant.refund r WHERE r.tenant_id = $1 AND r.id = t.reference) AS back
               FROM tenant.ledger_transaction t JOIN tenant.ledger_entry e ON e.tenant_id = t.tenant_id AND e.transaction_id = t.id
               WHERE t.tenant_id = $1 AND t.id >= public.earliest_id($2) AND t.id < public.earliest_id($3)),
         p AS (SELECT amount_minor, public.fee_half_even(amount_minor, commission_bps) AS fee FROM tenant.payment
               WHERE tenant_id = $1 AND state = 'SUCCEEDED' AND purpose <> 'SUBSCRIPTION' AND completed_at >= $2 AND completed_at < $3),
         b AS (SELECT CASE WHEN kind = ANY($4) THEN abs(amount_minor) END AS amount_minor FROM public.reconciliation_break
               WHERE isp_id = $1 AND closed_at IS NULL AND opened_at < $3)
    SELECT (SELECT count(*) FROM p) AS payments,
           (SELECT coalesce(sum(amount_minor), 0)::bigint FROM p) AS gross,
           (SELECT coalesce(-sum(m), 0)::bigint FROM l WHERE account = 'PLATFORM_REVENUE' AND kind = 'PAYMENT_CREDIT') AS commission,
           (SELECT coalesce(-sum(m), 0)::bigint FROM l WHERE account = 'ISP_PAYABLE' AND kind = 'PAYMENT_CREDIT') AS isp_amount,
           (SELECT coalesce(sum(amount_minor - fee), 0)::bigint FROM p) AS isp_by_payments,
           (SELECT coalesce(sum(m), 0)::bigint FROM l WHERE account = 'ISP_PAYABLE' AND kind = 'PAYOUT_RESERVE') AS reserved,
           (SELECT coalesce(-sum(m), 0)::bigint FROM l WHERE account = 'ISP_PAYABLE' AND kind = 'PAYOUT_RELEASE' AND NOT back) AS released,
           (SELECT coalesce(sum(m), 0)::bigint FROM l WHERE account = 'ISP_PAYABLE' AND kind = 'PAYOUT_LATE_SUCCESS' AND NOT back) AS late,
           (SELECT coalesce(-sum(m), 0)::bigint FROM l WHERE account = 'ISP_PAYABLE' AND NOT back
              AND kind NOT IN ('PAYMENT_CREDIT', 'PAYOUT_RESERVE', 'PAYOUT_RELEASE', 'PAYOUT_LATE_SUCCESS')) AS corrected,
           (SELECT coalesce(sum(m), 0)::bigint FROM l WHERE account = 'ISP_PAYABLE' AND back) AS refunded,
           (SELECT coalesce(-sum(l.m), 0)::bigint FROM l JOIN tenant.settlement s ON s.tenant_id = $1 AND s.id = l.reference AND s.kind = 'SETTLEMENT'
              WHERE l.account = 'GATEWAY_CLEARING' AND l.kind IN ('PAYOUT_SETTLE', 'PAYOUT_LATE_SUCCESS')) AS paid_out,
           (SELECT coalesce(sum(amount_minor), 0)::bigint FROM tenant.settlement
              WHERE tenant_id = $1 AND kind = 'SETTLEMENT' AND state = 'COMPLETED' AND completed_at >= $2 AND completed_at < $3) AS paid_by_settlements,
           (SELECT coalesce(sum(amount_minor), 0)::bigint FROM b) AS broken,
           (SELECT count(*) FROM b) AS breaks";

/// The midnights of a day that is named, or of yesterday.
pub fn midnights(day: &str, now: Time) -> Result<(Time, Time)> {
    const WANTED: &str = "must be a day such as 2026-11-26, not after today";
    let today = begin_of_day(now);
    let begin = if day.is_empty() {
        today - TimeDelta::days(1)
    } else {
        let date: NaiveDate = day.parse().map_err(|_| Error::field("day", WANTED))?;
        today + (date - in_kenya(today).date_naive())
    };
    if begin > today || begin < today - TimeDelta::days(3_660) { Err(Error::field("day", WANTED)) } else { Ok((begin, begin + TimeDelta::days(1))) }
}

/// The report of a day.
pub async fn report(tx: &mut Tx, isp: IspId, begin: Time, end: Time) -> Result<Day> {
    let query = diesel::sql_query(FLOWS).bind::<SqlUuid, _>(isp).bind::<Timestamptz, _>(begin).bind::<Timestamptz, _>(end);
    let flows: Flows = query.bind::<Array<Text>, _>(BreakKind::money_words()).get_result(&mut **tx).await?;
    let (opening, closing) = (owed_at(tx, isp, begin).await?, owed_at(tx, isp, end).await?);
    let expected = opening.minor() + flows.isp_amount.minor() - flows.reserved.minor() + flows.released.minor() - flows.late.minor() - flows.refunded.minor()
        + flows.corrected.minor();
    let mut findings = Vec::new();
    let mut unexplained = 0;
    let mut compare = |what: &str, one: i64, other: i64| {
        let difference = (one - other).abs();
        if difference != 0 {
            unexplained += difference;
            findings.push(format!("{what} differ by KES {}", Money::from_minor(difference)));
        }
    };
    compare("The closing balance and what came and went", closing.minor(), expected);
    compare("The ledger and the payments", flows.isp_amount.minor(), flows.isp_by_payments.minor());
    compare("The ledger and the settlements", flows.paid_out.minor(), flows.paid_by_settlements.minor());
    if flows.breaks > 0 {
        unexplained += flows.broken.minor();
        findings.push(format!("{} open break(s), KES {}", flows.breaks, flows.broken));
    }
    let day = in_kenya(begin).format("%Y-%m-%d").to_string();
    Ok(Day { day, opening, flows, closing, unexplained: Money::from_minor(unexplained), findings })
}
