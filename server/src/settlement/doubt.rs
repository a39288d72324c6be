//! Payouts of which nobody knows whether the gateway took them, over all ISPs. Their amounts are not given out again, and no other payout of
//! the same amount is sent within their minutes: so each can be told in the gateway's list.

use chrono::TimeDelta;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use diesel_async::RunQueryDsl;

use super::lost::{EARLY, LATE};
use crate::clock::Time;
use crate::db::Tx;
use crate::error::Result;
use crate::id::SettlementId;
use crate::money::Money;
use crate::schema::settlement_amount;

/// A payout in doubt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Doubt {
    /// Which.
    pub settlement: SettlementId,
    /// What may have been paid.
    pub amount: Money,
    /// Its request is on the way, as far as is known.
    pub is_sending: bool,
    /// When it was sent.
    pub sent_at: Time,
}

/// The gateway's whole deadline, and a margin: a request that has been on the way for longer is as good as lost.
const ON_THE_WAY: TimeDelta = TimeDelta::seconds(30);
/// How long a payout waits before it looks again.
const LOOK_AGAIN: TimeDelta = TimeDelta::minutes(1);

/// Payouts in doubt with an amount between two, of any ISPs. Reads as many rows as are in doubt, however long the history is.
pub async fn between(tx: &mut Tx, low: Money, high: Money) -> Result<Vec<Doubt>> {
    let rows: Vec<(SettlementId, Money, String, Option<Time>)> = settlement_amount::table
        // As the index of doubts has it: with a bound value the plan could not use it.
        .filter(diesel::dsl::sql::<Bool>("doubt <> 'NONE'").and(settlement_amount::amount_minor.between(low, high)))
        .select((settlement_amount::settlement_id, settlement_amount::amount_minor, settlement_amount::doubt, settlement_amount::sent_at))
        .load(&mut **tx)
        .await?;
    let doubt = |(settlement, amount, doubt, sent_at): (_, _, String, Option<Time>)| {
        Some(Doubt { settlement, amount, is_sending: doubt == "SENDING", sent_at: sent_at? })
    };
    Ok(rows.into_iter().filter_map(doubt).collect())
}

/// Payouts in doubt of the same amount as one.
pub async fn others(tx: &mut Tx, than: SettlementId, amount: Money) -> Result<Vec<Doubt>> {
    let mut doubts = between(tx, amount, amount).await?;
    doubts.retain(|doubt| doubt.settlement != than);
    Ok(doubts)
}

/// Until when a payout is not sent, since another one of the same amount may have been paid in these minutes and the two could not be told
/// apart. It waits for minutes at most for each that got lost. Pure.
pub fn wait(others: &[Doubt], now: Time) -> Option<Time> {
    let near = |other: &&Doubt| now < other.sent_at + LATE + EARLY && (!other.is_sending || now >= other.sent_at + ON_THE_WAY);
    others.iter().find(near).map(|_| now + LOOK_AGAIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payout_waits_while_one_of_its_amount_is_in_doubt_and_minutes_at_most() {
        let now = Time::from_timestamp(1_764_547_200, 0).expect("a time");
        let doubt = |seconds: i64, is_sending: bool| Doubt {
            settlement: SettlementId::unguessable(),
            amount: Money::from_minor(100_000),
            is_sending,
            sent_at: now - TimeDelta::seconds(seconds),
        };
        let waits = |others: &[Doubt]| wait(others, now).is_some();
        assert!(!waits(&[]));
        assert!(waits(&[doubt(0, false)]), "lost a moment ago");
        assert!(waits(&[doubt(779, false)]) && !waits(&[doubt(780, false)]), "their minutes are apart");
        assert!(!waits(&[doubt(1, true), doubt(29, true)]), "answers are under way: thousands of one amount go out side by side");
        assert!(waits(&[doubt(30, true)]), "its answer should have come");
        assert!(waits(&[doubt(1, true), doubt(5, false)]));
    }
}
