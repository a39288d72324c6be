//! Looks at the rules of the ledger and at the wallet. A rule of money that does not hold stops every payout.

use chrono::TimeDelta;
use diesel::sql_types::BigInt;
use diesel_async::RunQueryDsl;
use serde_json::json;

use crate::app::App;
use crate::audit::By;
use crate::breaks::{self, BreakKind};
use crate::clock::Time;
use crate::error::Result;
use crate::gateways::payhero::AskError;
use crate::jobs::Outcome;
use crate::ledger::{self, Violation};
use crate::money::Money;
use crate::settlement::{self, switch};

const EVERY: TimeDelta = TimeDelta::hours(1);
/// How often what was posted lately is looked at, and how far back: some runs may be missed.
const RECENT_EVERY: TimeDelta = TimeDelta::seconds(60);
const RECENT: TimeDelta = TimeDelta::minutes(10);
/// Rules that say that somebody must look at something soon. Operators hear of them; no payout is stopped for them.
const ATTENTION: [&str; 5] = ["i23_stuck_payment", "i24_stuck_settlement", "i25_webhook_stale", "i26_break_unattended", "i27_lease_leak"];
/// What a break about the wallet refers to: there is one wallet that ISPs are paid from.
const WALLET: &str = "payments";
/// Charges that the gateway has taken and not listed yet.
const SLACK: Money = Money::from_minor(50_000);

/// The job `ledger_sweep`.
pub async fn ledger_sweep(app: &App) -> Result<Outcome> {
    let now = app.clock.now();
    note(app, &ledger::check(&app.db, now).await?.violations, now).await?;
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

/// Keeps what does not hold for a human, and stops the payouts.
async fn note(app: &App, violations: &[Violation], now: Time) -> Result<()> {
    for broken in violations {
        let detail = json!({ "rows": broken.broken, "example": broken.example });
        app.db.public(async |tx| breaks::open(tx, BreakKind::LedgerViolation, &broken.invariant, None, None, detail, now).await).await?;
    }
    if let Some(worst) = violations.iter().find(|broken| !ATTENTION.contains(&broken.invariant.as_str())) {
        switch::set(app, By::Netily, true, &format!("The rule {} does not hold.", worst.invariant)).await?;
    }
    Ok(())
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
