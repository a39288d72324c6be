//! The platform's money: what came in, was earned, is owed and was paid; and how long the float lasts.

use chrono::TimeDelta;
use diesel::sql_types::{Array, BigInt, Text, Timestamptz};
use diesel_async::RunQueryDsl;

use crate::app::App;
use crate::breaks::BreakKind;
use crate::clock::Time;
use crate::error::Result;
use crate::ledger;
use crate::money::Money;
use crate::settlement::pulse::{self, Uncertainty};
use crate::settlement::switch::{self, Switch};

/// Sums of a time, and what stands now.
#[derive(Clone, Debug, diesel::QueryableByName)]
pub struct Sums {
    /// What payers paid to ISPs.
    #[diesel(sql_type = BigInt)]
    pub gross: Money,
    /// How often.
    #[diesel(sql_type = BigInt)]
    pub payments: i64,
    /// Netily's commission.
    #[diesel(sql_type = BigInt)]
    pub commission: Money,
    /// What ISPs paid for the platform.
    #[diesel(sql_type = BigInt)]
    pub subscriptions: Money,
    /// Charges and test payments.
    #[diesel(sql_type = BigInt)]
    pub fees: Money,
    /// Paid to ISPs.
    #[diesel(sql_type = BigInt)]
    pub paid_out: Money,
    /// Owed to ISPs now.
    #[diesel(sql_type = BigInt)]
    pub owed: Money,
    /// On its way now.
    #[diesel(sql_type = BigInt)]
    pub in_transit: Money,
    /// What the gateway should hold now.
    #[diesel(sql_type = BigInt)]
    pub clearing: Money,
    /// What all accounts sum to: zero.
    #[diesel(sql_type = BigInt)]
    unbalanced: Money,
    /// In open breaks of kinds whose amounts are money that nobody has explained.
    #[diesel(sql_type = BigInt)]
    broken: Money,
    #[diesel(sql_type = BigInt)]
    breaks: i64,
}

/// A report of the platform.
#[derive(Clone, Debug)]
pub struct Report {
    /// The sums.
    pub sums: Sums,
    /// Zero when all is well.
    pub unexplained: Money,
    /// What does not agree.
    pub findings: Vec<String>,
}

const SUMS: &str = "
    WITH l AS (SELECT t.kind::text AS kind, e.account::text AS account, sum(e.amount_minor) AS m, count(*) AS n
               FROM tenant.ledger_transaction t JOIN tenant.ledger_entry e ON e.tenant_id = t.tenant_id AND e.transaction_id = t.id
               WHERE t.id >= public.earliest_id($1) AND t.id < public.earliest_id($2) GROUP BY 1, 2),
         b AS (SELECT CASE WHEN kind = ANY($3) THEN abs(amount_minor) END AS amount_minor FROM public.reconciliation_break WHERE closed_at IS NULL)
    SELECT (SELECT coalesce(sum(m), 0)::bigint FROM l WHERE kind = 'PAYMENT_CREDIT' AND account = 'GATEWAY_CLEARING') AS gross,
           (SELECT coalesce(sum(n), 0)::bigint FROM l WHERE kind = 'PAYMENT_CREDIT' AND account = 'GATEWAY_CLEARING') AS payments,
           (SELECT coalesce(-sum(m), 0)::bigint FROM l WHERE account = 'PLATFORM_REVENUE') AS commission,
           (SELECT coalesce(-sum(m), 0)::bigint FROM l WHERE account = 'SUBSCRIPTION_REVENUE') AS subscriptions,
           (SELECT coalesce(sum(m), 0)::bigint FROM l WHERE account = 'GATEWAY_FEES') AS fees,
           (SELECT coalesce(sum(amount_minor), 0)::bigint FROM tenant.settlement
              WHERE kind = 'SETTLEMENT' AND state = 'COMPLETED' AND completed_at >= $1 AND completed_at < $2) AS paid_out,
           (SELECT coalesce(-sum(balance_minor), 0)::bigint FROM tenant.ledger_balance WHERE account = 'ISP_PAYABLE') AS owed,
           (SELECT coalesce(-sum(balance_minor), 0)::bigint FROM tenant.ledger_balance WHERE account = 'PAYOUT_IN_TRANSIT') AS in_transit,
           (SELECT coalesce(sum(amount_minor), 0)::bigint FROM tenant.ledger_entry WHERE account = 'GATEWAY_CLEARING') AS clearing,
           (SELECT coalesce(sum(amount_minor), 0)::bigint FROM tenant.ledger_entry) AS unbalanced,
           (SELECT coalesce(sum(amount_minor), 0)::bigint FROM b) AS broken,
           (SELECT count(*) FROM b) AS breaks";

/// The report of a time, with every rule of the ledger looked at.
pub async fn report(app: &App, from: Time, to: Time) -> Result<Report> {
    let sums: Sums = app
        .db
        .across(async |tx| {
            let query = diesel::sql_query(SUMS).bind::<Timestamptz, _>(from).bind::<Timestamptz, _>(to).bind::<Array<Text>, _>(BreakKind::money_words());
            Ok(query.get_result(&mut **tx).await?)
        })
        .await?;
    let mut findings = Vec::new();
    if sums.unbalanced != Money::ZERO {
        findings.push(format!("The ledger does not sum to nothing but to KES {}", sums.unbalanced));
    }
    if sums.breaks > 0 {
        findings.push(format!("{} open break(s), KES {}", sums.breaks, sums.broken));
    }
    for broken in ledger::check(&app.db, app.clock.now()).await?.violations {
        findings.push(format!("The rule {} does not hold for {} row(s)", broken.invariant, broken.broken));
    }
    let unexplained = Money::from_minor(sums.unbalanced.minor().abs() + sums.broken.minor());
    Ok(Report { sums, unexplained, findings })
}

/// How payouts stand.
#[derive(Clone, Debug)]
pub struct Status {
    /// The switch.
    pub switch: Switch,
    /// What the wallet of payouts holds, if the gateway tells.
    pub wallet: Option<Money>,
    /// What the wallet of charges holds, if the gateway tells.
    pub service: Option<Money>,
    /// Owed and not on its way.
    pub owed: Money,
    /// On its way.
    pub in_transit: Money,
    /// Days that the wallet lasts at the last week's rate; none: nothing was paid.
    pub days: Option<i32>,
    /// Subdomains of ISPs whose payouts are frozen, by people or because a rule does not hold for their rows.
    pub frozen: Vec<String>,
    /// What is not known of the past: nobody is paid until it was compared.
    pub uncertain: Option<Uncertainty>,
}

#[derive(diesel::QueryableByName)]
struct Standing {
    #[diesel(sql_type = BigInt)]
    owed: Money,
    #[diesel(sql_type = BigInt)]
    in_transit: Money,
    #[diesel(sql_type = BigInt)]
    week: i64,
    #[diesel(sql_type = Array<Text>)]
    frozen: Vec<String>,
}

const STANDING: &str = "
    SELECT (SELECT coalesce(-sum(balance_minor), 0)::bigint FROM tenant.ledger_balance WHERE account = 'ISP_PAYABLE') AS owed,
           (SELECT coalesce(-sum(balance_minor), 0)::bigint FROM tenant.ledger_balance WHERE account = 'PAYOUT_IN_TRANSIT') AS in_transit,
           (SELECT coalesce(sum(amount_minor), 0)::bigint FROM public.settlement_amount WHERE reserved_at >= $1) AS week,
           (SELECT coalesce(array_agg(i.slug ORDER BY i.slug), '{}') FROM public.isp i
              WHERE EXISTS (SELECT FROM tenant.payout_config c WHERE c.tenant_id = i.id AND c.frozen_at IS NOT NULL)
                 OR EXISTS (SELECT FROM public.reconciliation_break b WHERE b.isp_id = i.id AND b.kind = $2 AND b.closed_at IS NULL)) AS frozen";

/// How payouts stand now.
pub async fn status(app: &App) -> Result<Status> {
    let since = app.clock.now() - TimeDelta::days(7);
    let standing: Standing = app
        .db
        .across(async |tx| {
            let query = diesel::sql_query(STANDING).bind::<Timestamptz, _>(since).bind::<Text, _>(BreakKind::LedgerViolation.as_str());
            Ok(query.get_result(&mut **tx).await?)
        })
        .await?;
    let (switch, uncertain) = app.db.public(async |tx| Ok((switch::read(tx).await?, pulse::uncertainty(tx).await?))).await?;
    let (wallet, service) = tokio::join!(app.payhero.payments_wallet_balance(), app.payhero.service_wallet_balance());
    let wallet = wallet.ok().map(Money::from_minor);
    let per_day = standing.week / 7;
    let days = wallet.filter(|_| per_day > 0).map(|wallet| i32::try_from(wallet.minor() / per_day).unwrap_or(i32::MAX));
    let Standing { owed, in_transit, frozen, .. } = standing;
    Ok(Status { switch, wallet, service: service.ok().map(Money::from_minor), owed, in_transit, days, frozen, uncertain })
}
