//! Money that the gateway took back from payments of ours, in its list. What such a row looks like is documented nowhere: so every row that
//! takes money and names a payment of ours is one, whatever it calls itself, and so is every one that calls itself a reversal.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::json;
use uuid::Uuid;

use crate::app::App;
use crate::breaks::{self, BreakKind};
use crate::clock::Time;
use crate::error::Result;
use crate::gateways::payhero::TransactionRow;
use crate::id::{IspId, PaymentId, RowId};
use crate::jobs::{self, Kind};
use crate::money::Money;
use crate::payments::State;
use crate::payments::store::{self, KeyKind};
use crate::refund;
use crate::schema::repair;

/// Whose a payment or a settlement is, and its id.
pub type Owner = (IspId, Uuid);

/// Whether a row calls itself a reversal, whatever its sign. Its description may hold somebody's name, and is not asked. Pure.
pub fn is_reversal(row: &TransactionRow) -> bool {
    let mut words = [&row.transaction_type, &row.transaction_name].into_iter().flatten().map(|text| text.to_lowercase());
    words.any(|text| text.contains("revers") || text.contains("chargeback") || text.contains("charge back"))
}

/// What names a row: several of one payment are told apart. Pure.
pub fn name(row: &TransactionRow) -> String {
    let reference = row.transaction_reference.as_deref().unwrap_or_default();
    let own = row.id.clone().unwrap_or_else(|| {
        let at = row.created_at.map(|at| at.timestamp_millis()).unwrap_or_default();
        format!("{at}:{}", row.amount_minor.unwrap_or_default())
    });
    format!("{reference}/{own}")
}

/// The words of a row that may be names which the gateway gave a payment of ours. Pure.
fn words(row: &TransactionRow) -> impl Iterator<Item = &str> {
    let texts = [&row.provider_reference, &row.external_reference, &row.description, &row.transaction_name];
    let words = texts.into_iter().flatten().flat_map(|text| text.split(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '.' | '_')));
    words.map(|word| word.trim_matches('.')).filter(|word| word.len() >= 6)
}

/// Whose each row is by the names in its words, for rows whose own reference is nobody's.
pub async fn named(app: &App, rows: &[&TransactionRow]) -> Result<HashMap<String, Owner>> {
    let wanted: HashSet<&str> = rows.iter().flat_map(|row| words(row)).collect();
    let wanted: Vec<&str> = wanted.into_iter().collect();
    if wanted.is_empty() {
        return Ok(HashMap::new());
    }
    let owners = app
        .db
        .public(async |tx| {
            let mut owners = store::key_owners(tx, KeyKind::Reference, &wanted).await?;
            owners.extend(store::key_owners(tx, KeyKind::Receipt, &wanted).await?);
            Ok(owners)
        })
        .await?;
    Ok(rows.iter().filter_map(|row| Some((name(row), *words(row).find_map(|word| owners.get(word))?))).collect())
}

/// A row takes back what came in. Opens a break that an operator ends with the act that it names. False: it is no payment of ours.
pub async fn seen(app: &App, (isp, subject): Owner, row: &TransactionRow, amount: Money, now: Time) -> Result<bool> {
    app.db
        .tx(isp, async |tx| {
            // Under the lock of whoever books a reversal: between looking whether one is booked and opening a break none can be.
            let Some(payment) = store::lock(tx, isp, PaymentId::from(subject)).await? else { return Ok(false) };
            if payment.state != State::Succeeded {
                // It may be credited yet; whether it was taken back is looked at again in the night.
                jobs::enqueue(tx, Kind::Check, isp, subject, now, now).await?;
                return Ok(true);
            }
            let (name, taken) = (name(row), Money::from_minor(amount.minor().abs()));
            if refund::explains(tx, isp, payment.id, &name, taken).await? {
                return Ok(true);
            }
            let detail = json!({
                "payment": payment.id.to_string(), "paid_minor": payment.amount.minor(), "receipt": payment.mpesa_receipt,
                "transaction_type": row.transaction_type, "provider_reference": row.provider_reference, "description": row.description,
                "act": format!("netilyctl payment reverse {}", payment.id),
            });
            breaks::open(tx, BreakKind::ReversalSeen, &name, Some(isp), Some(taken.negated()), detail, now).await?;
            Ok(true)
        })
        .await
}

/// Money that people had given another place than a payment, suspense say, was taken back. Rows that they dealt with themselves are old news.
pub async fn of_repair(app: &App, subject: Uuid, row: &TransactionRow, amount: Money, now: Time) -> Result<()> {
    let came_in = repair::table.find(RowId::from(subject)).filter(repair::amount_minor.gt(Money::ZERO));
    if app.db.public(async |tx| Ok(diesel::select(diesel::dsl::exists(came_in)).get_result(&mut **tx).await?)).await? {
        without_place(app, row, Money::from_minor(amount.minor().abs()).negated(), now).await?;
    }
    Ok(())
}

/// A row that undoes another one has no place in the books, under its own name: a payout came back, or what had no owner was taken back.
/// It waits as any money without an owner.
pub async fn without_place(app: &App, row: &TransactionRow, amount: Money, now: Time) -> Result<()> {
    let kind = if amount > Money::ZERO { BreakKind::UnmatchedCollection } else { BreakKind::UnmatchedPayout };
    let detail = json!({ "transaction_type": row.transaction_type, "undoes": row.transaction_reference, "provider_reference": row.provider_reference, "description": row.description });
    let name = name(row);
    app.db
        .public(async |tx| {
            if store::key_owner(tx, KeyKind::Reference, &name).await?.is_some() {
                return Ok(());
            }
            breaks::open(tx, kind, &name, None, Some(amount), detail, now).await
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(kind: &str, description: &str) -> TransactionRow {
        let text = |text: &str| Some(text.to_owned());
        TransactionRow {
            id: text("17"),
            transaction_type: text(kind),
            description: text(description),
            transaction_reference: text("Q7XK2MWZ4B"),
            ..TransactionRow::default()
        }
    }

    #[test]
    fn a_reversal_is_told_by_what_it_calls_itself() {
        for (kind, description, wanted) in [
            ("reversal", "", true),
            ("REVERSED", "", true),
            ("chargeback", "", true),
            ("inbound_payment", "Received KES 10 from Rev. Reverson", false),
            ("service_charge", "Fee", false),
        ] {
            assert_eq!(is_reversal(&row(kind, description)), wanted, "{kind} {description}");
        }
    }

    #[test]
    fn rows_of_one_payment_have_names_of_their_own_and_words_are_found_in_them() {
        let first = row("reversal", "Reversal of UB32K7Q9XZ.");
        assert_eq!(name(&first), "Q7XK2MWZ4B/17");
        let without_id = TransactionRow { id: None, amount_minor: Some(-100), ..first.clone() };
        assert_eq!(name(&without_id), "Q7XK2MWZ4B/0:-100");
        assert!(words(&first).any(|word| word == "UB32K7Q9XZ"));
    }
}
