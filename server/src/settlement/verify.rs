//! Proving a destination: a small payment of a random whole amount, which the owner has to name. Netily bears it.

use std::collections::HashSet;

use chrono::TimeDelta;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use rand::seq::IteratorRandom as _;
use serde_json::json;

use super::config::{self, Config, Verification};
use super::reserve::{self, AmountLock};
use super::run::brake;
use super::state::State;
use super::store::{self, Kind as SettlementKind, New, Settlement};
use crate::app::App;
use crate::audit::{self, By};
use crate::db::Tx;
use crate::error::{Error, Reason, Result};
use crate::id::{IspId, RequestId, SettlementId};
use crate::ledger::PaidFrom;
use crate::limit::{self, Limit};
use crate::money::Money;
use crate::schema::settlement;

/// What arrives, in shillings; the larger ones only while all the smaller are somebody's.
const AMOUNTS: [std::ops::RangeInclusive<i64>; 2] = [10..=49, 50..=199];
/// Wrong amounts that may be said.
pub const TRIES: i16 = 3;
/// Test payments of one ISP.
const PER_DAY: Limit = Limit::new(3, TimeDelta::hours(8));

/// Sends the test payment. The same request again is the same payment.
pub async fn verify(app: &App, isp: IspId, by: By, request: RequestId) -> Result<(Config, Settlement)> {
    let now = app.clock.now();
    app.db
        .tx(isp, async |tx| {
            let config = config::lock(tx, isp).await?.ok_or_else(unset)?;
            if let Some(before) = of_request(tx, isp, request).await? {
                return Ok((config, before));
            }
            if config.verification == Verification::Verified {
                return Err(Error::new(Reason::StateConflict, "Where you are paid is proven already."));
            }
            if let Some(open) = open(tx, isp).await? {
                let sentence = if open.config_version == config.version {
                    "A test payment is on its way. It arrives within minutes."
                } else {
                    "A test payment to the destination before this one is still on its way. Try again once its end is known."
                };
                return Err(Error::new(Reason::StateConflict, sentence));
            }
            if brake(tx).await?.is_some() {
                return Err(Error::new(Reason::Unavailable, "Payouts are stopped for a moment. Please try again later."));
            }
            limit::take(tx, &format!("payout test/{isp}"), &PER_DAY, "Three test payments were sent.", now).await?;
            let lock = AmountLock::take(tx).await?;
            let (low, high) = (AMOUNTS[0].start(), AMOUNTS[1].end());
            let doubtful = lock.doubtful(tx, kes(*low)?, kes(*high)?).await?;
            let amount = choose(&doubtful)
                .ok_or_else(|| Error::rate_limited("Too many payments are in doubt. Please try again later.", std::time::Duration::from_secs(3_600)))?;
            let new = New {
                id: SettlementId::sortable(now),
                kind: SettlementKind::Test,
                period: &request.0.to_string(),
                part: 1,
                amount,
                covers_from: None,
                covers_until: now,
                arithmetic: (Money::ZERO, Money::ZERO, Money::ZERO),
                config_version: config.version,
                destination: &config.destination,
            };
            reserve::write(tx, isp, &new, PaidFrom::Netily, lock, now).await?;
            config::set_verification(tx, isp, Verification::Sent, 0, now).await?;
            audit::record(tx, isp, by, "send_test_payment", &new.id.to_string(), json!({}), now).await?;
            both(tx, isp, new.id).await
        })
        .await
}

/// Proves the destination by what arrived. A wrong amount counts, and is committed although it is refused.
pub async fn confirm(app: &App, isp: IspId, by: By, amount: Money) -> Result<Config> {
    let now = app.clock.now();
    let right = app
        .db
        .tx(isp, async |tx| {
            let config = config::lock(tx, isp).await?.ok_or_else(unset)?;
            let test = store::newest(tx, isp, SettlementKind::Test).await?.filter(|test| test.config_version == config.version);
            let Some(test) = test.filter(|_| config.verification == Verification::Sent) else {
                return Err(Error::new(Reason::StateConflict, "There is no test payment to confirm. Ask for one first."));
            };
            if test.amount_minor == amount && test.state()? != State::Pending {
                config::set_verification(tx, isp, Verification::Verified, config.tries, now).await?;
                audit::record(tx, isp, by, "verify_payout_config", &isp.to_string(), json!({ "test": test.id.to_string() }), now).await?;
                return Ok(None);
            }
            let tries = config.tries + 1;
            let to = if tries >= TRIES { Verification::Failed } else { Verification::Sent };
            config::set_verification(tx, isp, to, tries, now).await?;
            audit::record(tx, isp, by, "confirm_payout_wrongly", &isp.to_string(), json!({ "tries": tries }), now).await?;
            Ok(Some(TRIES - tries))
        })
        .await?;
    match right {
        None => app.db.tx(isp, async |tx| config::find(tx, isp).await?.ok_or_else(unset)).await,
        Some(0) => Err(Error::field("amount_received", "is not what was sent. That was the last try: ask for another test payment")),
        Some(left) => Err(Error::field("amount_received", format!("is not what was sent; tries left: {left}"))),
    }
}

/// There is nothing to be proven before a destination is set.
pub fn unset() -> Error {
    Error::new(Reason::NotFound, "It was not set yet where you are paid.")
}

fn kes(shillings: i64) -> Result<Money> {
    Money::from_shillings(shillings).ok_or_else(|| Error::internal("an amount that does not fit"))
}

/// A random amount that no payout in doubt has.
fn choose(doubtful: &HashSet<Money>) -> Option<Money> {
    let free = |range: std::ops::RangeInclusive<i64>| range.filter_map(Money::from_shillings).filter(|amount| !doubtful.contains(amount));
    AMOUNTS.into_iter().find_map(|range| free(range).choose(&mut rand::rng()))
}

async fn both(tx: &mut Tx, isp: IspId, id: SettlementId) -> Result<(Config, Settlement)> {
    let config = config::find(tx, isp).await?.ok_or_else(unset)?;
    let test = store::find(tx, isp, id).await?.ok_or_else(|| Error::internal("a test payment that was just written is not there"))?;
    Ok((config, test))
}

async fn of_request(tx: &mut Tx, isp: IspId, request: RequestId) -> Result<Option<Settlement>> {
    let row = settlement::table
        .filter(settlement::tenant_id.eq(isp).and(settlement::kind.eq(SettlementKind::Test.as_str())).and(settlement::period.eq(request.0.to_string())));
    Ok(row.select(Settlement::as_select()).first(&mut **tx).await.optional()?)
}

async fn open(tx: &mut Tx, isp: IspId) -> Result<Option<Settlement>> {
    Ok(match store::newest(tx, isp, SettlementKind::Test).await? {
        Some(test) if test.state()?.is_open() => Some(test),
        _ => None,
    })
}
