//! Looks at the rules of the ledger and at the wallet. A rule of money that does not hold stops the payouts of the ISP whose rows break it, or
//! everybody's where it is nobody's in particular, until it holds again.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use diesel::sql_types::BigInt;
use diesel_async::RunQueryDsl;
use serde_json::json;

use crate::app::App;
use crate::breaks::{self, BreakKind};
use crate::clock::Time;
use crate::error::Result;
use crate::gateways::payhero::AskError;
use crate::jobs::Outcome;
use crate::ledger::{self, Check, Violation};
use crate::money::Money;
use crate::settlement;

const EVERY: TimeDelta = TimeDelta::hours(1);
/// How often what was posted lately is looked at, and how far back: some runs may be missed.
const RECENT_EVERY: TimeDelta = TimeDelta::seconds(60);
const RECENT: TimeDelta = TimeDelta::minutes(10);
/// Rules that say that somebody must look at something soon. Operators hear of them; no payout is stopped for them.
const ATTENTION: [&str; 5] = ["i23_stuck_payment", "i24_stuck_settlement", "i25_webhook_stale", "i26_break_unattended", "i27_lease_leak"];
/// The rule about breaks that nobody ended: telling of them again and again is what follows from it, not one more break.
const UNATTENDED: &str = "i26_break_unattended";
/// What a break about the wallet refers to: there is one wallet that ISPs are paid from.
const WALLET: &str = "payments";
/// Charges that the gateway has taken and not listed yet.
const SLACK: Money = Money::from_minor(50_000);

/// The job `ledger_sweep`.
pub async fn ledger_sweep(app: &App) -> Result<Outcome> {
    let now = app.clock.now();
    let found = ledger::check(&app.db, now).await?.violations;
    note(app, &found, now).await?;
    end(app, &found, now).await?;
    match app.payhero.payments_wallet_balance().await {
        Ok(cents) => compare(app, Money::from_minor(cents), now).await?,
        Err(AskError::NotOffered(_)) => {}
        Err(cause) => tracing::warn!(%cause, "the wallet could not be compared with the books"),
    }
    Ok(Outcome::Again(now + EVERY))
}

/// The job `recent_sweep`: between the looks at everything, what was posted in the last minutes.
pub async fn recent_sweep(app: &App) -> Result<Outcome> {
    let now = app.clock.now();
    note(app, &ledger::check_recent(&app.db, now - RECENT).await?, now).await?;
    Ok(Outcome::Again(now + RECENT_EVERY))
}

/// Looks at every rule for an operator, and ends at once what holds again.
pub async fn check(app: &App) -> Result<Check> {
    let now = app.clock.now();
    let check = ledger::check(&app.db, now).await?;
    end(app, &check.violations, now).await?;
    Ok(check)
}

fn kind_of(rule: &str) -> BreakKind {
    if ATTENTION.contains(&rule) { BreakKind::WaitsTooLong } else { BreakKind::LedgerViolation }
}

fn reference_of(broken: &Violation) -> String {
    broken.isp().map_or_else(|| broken.invariant.clone(), |isp| format!("{} {isp}", broken.invariant))
}

/// Keeps what does not hold for a human. While it is open it stops the payouts of the ISP whose rows break the rule, or all of them.
async fn note(app: &App, violations: &[Violation], now: Time) -> Result<()> {
    for broken in violations.iter().filter(|broken| broken.invariant != UNATTENDED) {
        let detail = json!({ "rule": broken.invariant, "rows": broken.broken, "example": broken.example });
        let (kind, reference) = (kind_of(&broken.invariant), reference_of(broken));
        app.db.public(async |tx| breaks::open(tx, kind, &reference, broken.isp(), None, detail, now).await).await?;
    }
    Ok(())
}

/// Closes what holds again: all rules were looked at.
async fn end(app: &App, violations: &[Violation], now: Time) -> Result<()> {
    let still: BTreeSet<String> = violations.iter().map(reference_of).collect();
    app.db
        .public(async |tx| {
            for kind in [BreakKind::LedgerViolation, BreakKind::WaitsTooLong] {
                for reference in breaks::open_references(tx, kind).await?.iter().filter(|reference| !still.contains(*reference)) {
                    breaks::close(tx, kind, reference, "The rule holds again.", now).await?;
                }
            }
            Ok(())
        })
        .await
}

/// The wallet holds Netily's own float besides what the books say: it may hold more, and never less.
async fn compare(app: &App, wallet: Money, now: Time) -> Result<()> {
    #[derive(diesel::QueryableByName)]
    struct Sum {
        #[diesel(sql_type = BigInt)]
        clearing: Money,
    }
    const CLEARING: &str = "SELECT coalesce(sum(amount_minor), 0)::bigint AS clearing FROM tenant.ledger_entry WHERE account = 'GATEWAY_CLEARING'";
    let (clearing, in_transit) = app
        .db
        .across(async |tx| {
            let sum: Sum = diesel::sql_query(CLEARING).get_result(&mut **tx).await?;
            Ok((sum.clearing, settlement::in_transit(tx).await?))
        })
        .await?;
    // What is on its way may have left already.
    let least = [in_transit, SLACK].into_iter().try_fold(clearing, Money::checked_sub).unwrap_or_default();
    app.db
        .public(async |tx| match least.checked_sub(wallet).filter(|short| *short > Money::ZERO) {
            Some(short) => {
                let detail = json!({ "wallet_minor": wallet.minor(), "clearing_minor": clearing.minor(), "in_transit_minor": in_transit.minor() });
                breaks::open(tx, BreakKind::WalletShort, WALLET, None, Some(short), detail, now).await
            }
            None => breaks::close(tx, BreakKind::WalletShort, WALLET, "The wallet holds what the books say again.", now).await.map(drop),
        })
        .await
}
