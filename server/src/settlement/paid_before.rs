//! Before a settlement is sent, the gateway's list is asked whether it was paid already: the database may be an older one than that from
//! which it was sent. Money that left in its amount since it was made and that nothing else of ours explains is taken for its own; it is
//! asked about then, and never sent.

use std::collections::{HashMap, HashSet};

use chrono::TimeDelta;

use super::doubt::{self, Doubt};
use super::lost::{self, EARLY};
use super::send;
use super::store::{self, Settlement};
use crate::app::App;
use crate::clock::Time;
use crate::db::Tx;
use crate::error::Result;
use crate::gateways::payhero::{AskError, TransactionRow};
use crate::money::Money;
use crate::payments::store::{KeyKind, key_owners};

/// How far the clocks of those who made it and of the gateway may be apart.
pub const SLACK: TimeDelta = TimeDelta::minutes(15);
/// A row younger than this may be of a request whose answer is still under way.
const SETTLING: TimeDelta = TimeDelta::minutes(2);

/// What the list says of a settlement that was not sent as far as we know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PaidBefore {
    /// Nothing that may be its own.
    No,
    /// Something that may be its own, or another's whose answer is under way.
    Perhaps,
    /// Money left in its amount at that moment, and it is nobody's.
    Yes(Time),
}

/// Asks the list about a settlement that is about to be sent. Where there is no list, nothing is known against it.
pub async fn look(app: &App, settlement: &Settlement, now: Time) -> Result<PaidBefore, AskError> {
    let rows = match app.outflows.since(&app.payhero, settlement.created_at - SLACK).await {
        Ok(rows) => rows,
        Err(AskError::NotOffered(_)) => return Ok(PaidBefore::No),
        Err(cause) => return Err(cause),
    };
    let ours = settlement.ours();
    let own: Vec<TransactionRow> = rows.into_iter().filter(|row| lost::may_be_of(row, &ours)).collect();
    if own.is_empty() {
        return Ok(PaidBefore::No);
    }
    // Read after the list: whatever stands there was sent before, and its names are known by now, or it is in doubt.
    let free = app.db.public(async |tx| Ok((free(tx, &own).await?, doubt::others(tx, settlement.id, settlement.amount_minor).await?))).await;
    match free {
        Ok((free, others)) => Ok(judge(&free, &others, now)),
        Err(error) => {
            tracing::warn!(settlement = %settlement.id, %error, "it could not be read what of the list is known");
            Ok(PaidBefore::Perhaps)
        }
    }
}

/// A row of the list that is nobody's, while a settlement of its amount waits to be sent: it was sent in a past that the database does not
/// know. Of two that it may be, people tell.
pub async fn found_in_list(app: &App, row: &TransactionRow, now: Time) -> Result<()> {
    let (Some(amount), Some(at)) = (row.amount_minor.filter(|amount| *amount < 0), row.created_at) else { return Ok(()) };
    let amount = Money::from_minor(amount).negated();
    let waiting: Vec<Settlement> = app.db.across(async |tx| store::waiting(tx, amount, at + SLACK).await).await?;
    let mut may_be = waiting.into_iter().filter(|settlement| lost::may_be_of(row, &settlement.ours()));
    let (Some(one), None) = (may_be.next(), may_be.next()) else { return Ok(()) };
    app.db.tx(one.tenant_id, async |tx| send::paid_already(tx, one.tenant_id, one.id, at, now).await).await
}

/// When rows were written that are nobody's.
async fn free(tx: &mut Tx, rows: &[TransactionRow]) -> Result<Vec<Time>> {
    let references: Vec<&str> = rows.iter().filter_map(|row| row.transaction_reference.as_deref()).collect();
    let receipts: Vec<&str> = rows.iter().filter_map(|row| row.provider_reference.as_deref()).collect();
    let known = [key_owners(tx, KeyKind::Reference, &references).await?, key_owners(tx, KeyKind::Receipt, &receipts).await?];
    let known: HashSet<String> = known.into_iter().flat_map(HashMap::into_keys).collect();
    let is_free = |row: &&TransactionRow| ![&row.transaction_reference, &row.provider_reference].into_iter().flatten().any(|name| known.contains(name));
    Ok(rows.iter().filter(is_free).filter_map(|row| row.created_at).collect())
}

/// What rows of nobody's say, beside what others in doubt explain. Pure.
fn judge(free: &[Time], others: &[Doubt], now: Time) -> PaidBefore {
    let Some(oldest) = free.iter().min().copied() else { return PaidBefore::No };
    // Each of the others explains one row that was written after it was sent.
    let explained = others.iter().filter(|other| free.iter().any(|at| *at >= other.sent_at - EARLY)).count();
    let sending = others.iter().filter(|other| other.is_sending).count();
    if free.len() > explained {
        return if oldest < now - SETTLING { PaidBefore::Yes(oldest) } else { PaidBefore::Perhaps };
    }
    // Whether a request on its way explains it is known within half a minute.
    if free.len() > explained - sending.min(explained) { PaidBefore::Perhaps } else { PaidBefore::No }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::SettlementId;

    #[test]
    fn only_money_that_nothing_else_explains_is_taken_for_its_own() {
        let now = Time::from_timestamp(1_764_547_200, 0).expect("a time");
        let ago = |seconds: i64| now - TimeDelta::seconds(seconds);
        let other = |seconds: i64, is_sending: bool| Doubt {
            settlement: SettlementId::unguessable(),
            amount: Money::from_minor(100),
            is_sending,
            sent_at: ago(seconds),
        };
        assert_eq!(judge(&[], &[other(5, true)], now), PaidBefore::No);
        assert_eq!(judge(&[ago(30)], &[], now), PaidBefore::Perhaps, "another answer may be under way");
        assert_eq!(judge(&[ago(121)], &[], now), PaidBefore::Yes(ago(121)), "whoever sent it lives no more");
        assert_eq!(judge(&[ago(5)], &[other(6, true)], now), PaidBefore::Perhaps, "side by side: known in a moment");
        assert_eq!(judge(&[ago(1_000)], &[other(1_001, false)], now), PaidBefore::No, "the other one got lost, and this is its own");
        assert_eq!(judge(&[ago(1_000), ago(900)], &[other(1_001, false)], now), PaidBefore::Yes(ago(1_000)), "one of two is ours");
        assert_eq!(judge(&[ago(1_000)], &[other(10, false)], now), PaidBefore::Yes(ago(1_000)), "it was sent later");
    }
}
