//! Looks at what the two wallets hold, and tells operators before one is empty: when less is left than was configured, or than two days use up
//! at the last week's rate. It ends by itself once the wallet was filled.

use chrono::TimeDelta;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use serde_json::json;

use crate::app::App;
use crate::breaks::{self, BreakKind};
use crate::clock::Time;
use crate::db::Tx;
use crate::error::Result;
use crate::gateways::payhero::AskError;
use crate::jobs::Outcome;
use crate::money::Money;
use crate::schema::float_reading;
use crate::settlement;

const EVERY: TimeDelta = TimeDelta::minutes(10);
/// What a rate is told from.
const WEEK: TimeDelta = TimeDelta::days(7);
/// A wallet shall last so many days.
const DAYS: i64 = 2;

/// A wallet at the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wallet {
    /// Payouts are paid from it. What counts is Netily's own part: what is owed to ISPs and on its way belongs to them.
    Payments,
    /// The charges of prompts are paid from it. When it is empty, no prompt of any ISP is sent.
    Service,
}

impl Wallet {
    /// As the database writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Wallet::Payments => "payments",
            Wallet::Service => "service",
        }
    }

    const fn kind(self) -> BreakKind {
        match self {
            Wallet::Payments => BreakKind::LowFloat,
            Wallet::Service => BreakKind::LowServiceFloat,
        }
    }
}

/// How much is missing, if too little is left. `used`: what went in the time that was looked at. Pure.
fn short(left: Money, least: Money, used: Money, looked: TimeDelta) -> Option<Money> {
    let minutes = looked.num_minutes().max(1);
    // Of less than a day nothing is told for two.
    let forecast = if looked < TimeDelta::days(1) { 0 } else { used.minor().saturating_mul(DAYS * 24 * 60) / minutes };
    let wanted = least.max(Money::from_minor(forecast));
    (left < wanted).then(|| wanted.checked_sub(left).unwrap_or(wanted))
}

/// The job `float_sweep`.
pub async fn float_sweep(app: &App) -> Result<Outcome> {
    let now = app.clock.now();
    let (payments, service) = tokio::join!(app.payhero.payments_wallet_balance(), app.payhero.service_wallet_balance());
    for (wallet, balance, least) in [(Wallet::Payments, payments, app.config.payouts.low_payments), (Wallet::Service, service, app.config.payouts.low_service)]
    {
        match balance {
            Ok(cents) => judge(app, wallet, Money::from_minor(cents), least, now).await?,
            Err(AskError::NotOffered(_)) => {}
            Err(cause) => tracing::warn!(wallet = wallet.as_str(), %cause, "a wallet could not be read"),
        }
    }
    Ok(Outcome::Again(now + EVERY))
}

async fn judge(app: &App, wallet: Wallet, balance: Money, least: Money, now: Time) -> Result<()> {
    let left = match wallet {
        Wallet::Service => balance,
        Wallet::Payments => {
            let theirs = app.db.across(async |tx| Ok(owed(tx).await?.checked_add(settlement::in_transit(tx).await?).unwrap_or_default())).await?;
            balance.checked_sub(theirs).unwrap_or_default()
        }
    };
    let waits = wallet == Wallet::Payments && app.db.across(async |tx| somebody_waits(tx).await).await?;
    app.db
        .public(async |tx| {
            let (used, since) = used(tx, wallet, left, now).await?;
            read(tx, wallet, left, now).await?;
            match short(left, least, used, now - since) {
                Some(missing) => {
                    let detail = json!({ "left_minor": left.minor(), "wallet_minor": balance.minor(), "used_minor": used.minor(), "since": since });
                    breaks::open(tx, wallet.kind(), wallet.as_str(), None, Some(missing), detail, now).await
                }
                // A run said that it was not enough; the next one says that it is.
                None if waits => Ok(()),
                None => breaks::close(tx, wallet.kind(), wallet.as_str(), "The wallet was filled.", now).await.map(drop),
            }
        })
        .await
}

/// What is owed to all ISPs and not set aside; for a look across. What one owes us is not there to pay the others.
async fn owed(tx: &mut Tx) -> Result<Money> {
    #[derive(diesel::QueryableByName)]
    struct Sum {
        #[diesel(sql_type = BigInt)]
        owed: Money,
    }
    const OWED: &str = "SELECT coalesce(-sum(balance_minor), 0)::bigint AS owed FROM tenant.ledger_balance WHERE account = 'ISP_PAYABLE' AND balance_minor < 0";
    let sum: Sum = diesel::sql_query(OWED).get_result(&mut **tx).await?;
    Ok(sum.owed)
}

/// Whether the last run left an ISP for the wallet's sake; for a look across.
async fn somebody_waits(tx: &mut Tx) -> Result<bool> {
    #[derive(diesel::QueryableByName)]
    struct Any {
        #[diesel(sql_type = Bool)]
        waits: bool,
    }
    let any: Any = diesel::sql_query("SELECT EXISTS (SELECT FROM tenant.payout_left WHERE reason = 'WALLET') AS waits").get_result(&mut **tx).await?;
    Ok(any.waits)
}

/// What went out of a wallet within a week, from reading to reading, and since when it was read.
async fn used(tx: &mut Tx, wallet: Wallet, left: Money, now: Time) -> Result<(Money, Time)> {
    #[derive(diesel::QueryableByName)]
    struct Used {
        #[diesel(sql_type = BigInt)]
        used: Money,
        #[diesel(sql_type = Timestamptz)]
        since: Time,
    }
    const USED: &str = "
        WITH r AS (SELECT at, left_minor FROM public.float_reading WHERE wallet = $1 AND at >= $2
                   UNION ALL SELECT $3, $4),
             d AS (SELECT at, lag(left_minor) OVER (ORDER BY at) - left_minor AS went FROM r)
        SELECT coalesce(sum(went) FILTER (WHERE went > 0), 0)::bigint AS used, coalesce(min(at), $3) AS since FROM d";
    let used: Used = diesel::sql_query(USED)
        .bind::<Text, _>(wallet.as_str())
        .bind::<Timestamptz, _>(now - WEEK)
        .bind::<Timestamptz, _>(now)
        .bind::<BigInt, _>(left)
        .get_result(&mut **tx)
        .await?;
    Ok((used.used, used.since))
}

/// Keeps a reading for a week.
async fn read(tx: &mut Tx, wallet: Wallet, left: Money, now: Time) -> Result<()> {
    use float_reading::dsl;
    diesel::delete(dsl::float_reading.filter(dsl::wallet.eq(wallet.as_str()).and(dsl::at.lt(now - WEEK)))).execute(&mut **tx).await?;
    diesel::insert_into(dsl::float_reading)
        .values((dsl::wallet.eq(wallet.as_str()), dsl::at.eq(now), dsl::left_minor.eq(left)))
        .on_conflict_do_nothing()
        .execute(&mut **tx)
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn kes(shillings: i64) -> Money {
        Money::from_minor(shillings * 100)
    }

    #[test]
    fn a_wallet_is_low_before_it_is_empty() {
        let week = TimeDelta::days(7);
        assert_eq!(short(kes(1_000), kes(1_000), kes(0), week), None);
        assert_eq!(short(kes(999), kes(1_000), kes(0), week), Some(kes(1)));
        assert_eq!(short(kes(-50), kes(1_000), kes(0), week), Some(kes(1_050)));
        // 7,000 a week are 1,000 a day: two days are 2,000.
        assert_eq!(short(kes(1_500), kes(1_000), kes(7_000), week), Some(kes(500)));
        assert_eq!(short(kes(2_000), kes(1_000), kes(7_000), week), None);
        assert_eq!(short(kes(1_500), kes(1_000), kes(1_000), TimeDelta::days(1)), Some(kes(500)), "the first day is a rate already");
        assert_eq!(short(kes(1_500), kes(1_000), kes(1_000), TimeDelta::hours(1)), None, "an hour is none");
    }

    proptest! {
        #[test]
        fn more_in_the_wallet_is_never_worse(left in -100_000_i64..100_000, more in 0_i64..100_000, least in 0_i64..10_000, used in 0_i64..1_000_000, hours in 0_i64..168) {
            let missing = |left| short(kes(left), kes(least), kes(used), TimeDelta::hours(hours)).unwrap_or_default();
            prop_assert!(missing(left + more) <= missing(left));
            prop_assert_eq!(missing(left + missing(left).minor() / 100 + 1), Money::ZERO, "filling what is missing is enough");
        }
    }
}
