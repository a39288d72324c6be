//! What PayHero books: the lines of its transactions list, the balances that follow from them, and its charges.
//! Whole shillings throughout.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::behaviour::Generation;
use super::movement::{Direction, Movement};
use crate::clock::rfc3339;
use crate::config::PayheroSetup;
use crate::truth::{Entry, Truth};
use crate::world::Draft;

/// The two wallets of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Wallet {
    /// Pays PayHero's fees for channel collections.
    Service,
    /// Filled by wallet collections, spent by withdrawals.
    Payments,
}

/// One line of the transactions list.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Row {
    pub(crate) id: i64,
    pub(crate) wallet: Wallet,
    pub(crate) transaction_type: String,
    pub(crate) transaction_name: String,
    pub(crate) description: String,
    pub(crate) amount: i64,
    pub(crate) transaction_reference: String,
    pub(crate) provider_reference: String,
    pub(crate) gateway: String,
    pub(crate) cost: i64,
    pub(crate) wallet_balance: i64,
    pub(crate) at_ms: i64,
    /// The list does not show it before this moment.
    pub(crate) seen_from_ms: i64,
}

impl Row {
    /// The line as `GET /api/v2/transactions` shows it; keys and words of the documented sample.
    pub(crate) fn shown(&self, account_id: i64) -> Value {
        json!({
            "id": self.id,
            "account_id": account_id,
            "invoice_id": null,
            "transaction_type": self.transaction_type,
            "description": self.description,
            "amount": self.amount,
            "transaction_reference": self.transaction_reference,
            "provider_reference": self.provider_reference,
            "goal_id": null,
            "gateway": self.gateway,
            "cost": self.cost,
            "wallet_balance": self.wallet_balance,
            "transaction_name": self.transaction_name,
            "created_at": rfc3339(self.at_ms),
            "updated_at": rfc3339(self.at_ms),
        })
    }
}

/// What a wallet holds.
pub(crate) fn balance(truth: &Truth, setup: &PayheroSetup, wallet: Wallet) -> i64 {
    let last = truth.rows().iter().rev().find(|row| row.wallet == wallet);
    last.map_or(opening(setup, wallet), |row| row.wallet_balance)
}

/// What the payments wallet can still give: withdrawals that are under way are taken off already.
pub(crate) fn spendable(truth: &Truth, setup: &PayheroSetup) -> i64 {
    let under_way: i64 = truth
        .movements()
        .iter()
        .filter(|movement| movement.direction == Direction::Payout && movement.decided_at_ms.is_none())
        .map(|movement| movement.amount + cost(movement))
        .sum();
    balance(truth, setup, Wallet::Payments) - under_way
}

fn opening(setup: &PayheroSetup, wallet: Wallet) -> i64 {
    match wallet {
        Wallet::Service => setup.service_opening_kes,
        Wallet::Payments => setup.wallet_opening_kes,
    }
}

/// Books a movement that succeeded: the payment itself, and its charge on a line of its own.
pub(crate) fn book(draft: &mut Draft<'_>, setup: &PayheroSetup, movement: &Movement) {
    let cost = cost(movement);
    let (wallet, effect) = match (movement.direction, movement.through_wallet) {
        (Direction::Payout, _) => (Wallet::Payments, -movement.amount),
        (Direction::Collection, true) => (Wallet::Payments, movement.amount),
        // The money goes straight to the merchant's own channel; only the fee touches a wallet.
        (Direction::Collection, false) => (Wallet::Service, 0),
    };
    let after = balance(draft, setup, wallet) + effect - cost;
    let inbound = movement.direction == Direction::Collection && movement.through_wallet;
    let described = match movement.direction {
        Direction::Collection => format!("Received KES {} from {}", movement.amount, movement.customer_name),
        Direction::Payout => format!("Sent KES {} to {}", movement.amount, movement.account),
    };
    let at_ms = movement.decided_at_ms.unwrap_or(movement.created_at_ms);
    let payment = Row {
        id: draft.rows().last().map_or(1, |row| row.id + 1),
        wallet,
        // The documented sample calls a collection into a channel "outbound": PayHero passes the money on.
        transaction_type: if inbound { "inbound_payment" } else { "outbound_payment" }.to_owned(),
        transaction_name: if inbound { "Inbound Payment" } else { "Outbound Payment" }.to_owned(),
        description: described,
        amount: if movement.direction == Direction::Payout { -movement.amount } else { movement.amount },
        transaction_reference: movement.reference.clone(),
        provider_reference: movement.reference.clone(),
        gateway: movement.provider.clone(),
        cost,
        wallet_balance: after,
        at_ms,
        seen_from_ms: movement.seen_from_ms,
    };
    if cost > 0 {
        let fee = Row {
            id: payment.id + 1,
            transaction_type: "service_charge".to_owned(),
            transaction_name: "Transaction Fee".to_owned(),
            amount: -cost,
            provider_reference: format!("cost_{}", movement.reference),
            ..payment.clone()
        };
        draft.record(Entry::Row { row: payment });
        draft.record(Entry::Row { row: fee });
    } else {
        draft.record(Entry::Row { row: payment });
    }
}

/// Puts money into the payments wallet by the control side's hand, or takes it (a negative amount).
pub(crate) fn deposit(draft: &mut Draft<'_>, setup: &PayheroSetup, reference: String, amount: i64, at_ms: i64) {
    let row = Row {
        id: draft.rows().last().map_or(1, |row| row.id + 1),
        wallet: Wallet::Payments,
        transaction_type: "inbound_payment".to_owned(),
        transaction_name: "Wallet Deposit".to_owned(),
        description: format!("Received KES {amount} from the account's owner"),
        amount,
        provider_reference: reference.clone(),
        transaction_reference: reference,
        gateway: "sasapay".to_owned(),
        cost: 0,
        wallet_balance: balance(draft, setup, Wallet::Payments) + amount,
        at_ms,
        seen_from_ms: at_ms,
    };
    draft.record(Entry::Row { row });
}

/// Undoes what a collection brought or a payout took, or a part of it. No row of a reversal is documented: `fields` replaces those of the row, by their
/// names here, so that a test can try every shape.
pub(crate) fn reverse(
    draft: &mut Draft<'_>,
    setup: &PayheroSetup,
    movement: &Movement,
    amount: i64,
    fields: Map<String, Value>,
    at_ms: i64,
) -> serde_json::Result<Row> {
    let row = Row {
        id: draft.rows().last().map_or(1, |row| row.id + 1),
        wallet: Wallet::Payments,
        transaction_type: "reversal".to_owned(),
        transaction_name: "Reversal".to_owned(),
        description: format!("Reversal of {}", movement.receipt),
        amount: if movement.direction == Direction::Payout { amount } else { -amount },
        transaction_reference: movement.reference.clone(),
        provider_reference: movement.receipt.clone(),
        gateway: movement.provider.clone(),
        cost: 0,
        wallet_balance: balance(draft, setup, Wallet::Payments) + if movement.direction == Direction::Payout { amount } else { -amount },
        at_ms,
        seen_from_ms: at_ms,
    };
    let mut shaped = serde_json::to_value(row)?;
    if let Some(shaped) = shaped.as_object_mut() {
        shaped.extend(fields);
    }
    let row: Row = serde_json::from_value(shaped)?;
    let taken = Movement { reversed: movement.reversed + amount, ..movement.clone() };
    draft.record(Entry::Movement { movement: Box::new(taken) });
    draft.record(Entry::Row { row: row.clone() });
    Ok(row)
}

/// A charge of KES 1 on the service wallet, of a transaction that is not in the list.
pub(crate) fn charge(draft: &mut Draft<'_>, setup: &PayheroSetup, reference: &str, at_ms: i64) {
    let row = Row {
        id: draft.rows().last().map_or(1, |row| row.id + 1),
        wallet: Wallet::Service,
        transaction_type: "service_charge".to_owned(),
        transaction_name: "Transaction Fee".to_owned(),
        description: "Fee".to_owned(),
        amount: -1,
        transaction_reference: reference.to_owned(),
        provider_reference: format!("cost_{reference}"),
        gateway: "sasapay".to_owned(),
        cost: 0,
        wallet_balance: balance(draft, setup, Wallet::Service) - 1,
        at_ms,
        seen_from_ms: at_ms,
    };
    draft.record(Entry::Row { row });
}

/// PayHero's charge. Channel collections follow the published bands. Wallet charges are not published: one percent of a
/// collection, rounded down, and Safaricom's bulk payment tariff for a withdrawal stand in for them.
pub(crate) fn cost(movement: &Movement) -> i64 {
    match (movement.direction, movement.through_wallet) {
        (Direction::Payout, _) => payout_cost(movement.amount),
        (Direction::Collection, true) => movement.amount / 100,
        (Direction::Collection, false) => band(&CHANNEL_BANDS, movement.amount),
    }
}

/// The charge of a withdrawal of so many shillings.
pub(crate) fn payout_cost(amount: i64) -> i64 {
    band(&PAYOUT_BANDS, amount)
}

/// The gateway that a movement is said to have gone through.
pub(crate) fn gateway(through_wallet: bool, generation: Generation) -> &'static str {
    match (through_wallet, generation) {
        (true, _) => "sasapay",
        (false, Generation::Legacy) => "m-pesa",
        (false, Generation::V2) => "mpesa_dc",
    }
}

/// Upper end of each band and its fee, from the pricing page as copied in May 2026; the highest is "195 and more".
const CHANNEL_BANDS: [(i64, i64); 17] = [
    (10, 0),
    (49, 1),
    (499, 6),
    (999, 10),
    (1_499, 15),
    (2_499, 20),
    (3_499, 25),
    (4_999, 30),
    (7_499, 40),
    (9_999, 45),
    (14_999, 50),
    (19_999, 55),
    (34_999, 80),
    (49_999, 105),
    (149_999, 130),
    (249_999, 160),
    (i64::MAX, 195),
];

const PAYOUT_BANDS: [(i64, i64); 5] = [(100, 0), (1_500, 5), (5_000, 9), (20_000, 11), (i64::MAX, 13)];

fn band(bands: &[(i64, i64)], amount: i64) -> i64 {
    bands.iter().find(|(up_to, _)| amount <= *up_to).map_or(0, |(_, fee)| *fee)
}

/// The published bands, as `GET /api/transaction_fees` lists them. That the list is public is known, its keys are not.
pub(crate) fn published_fees() -> Value {
    let mut from = 1;
    let fees: Vec<Value> = CHANNEL_BANDS
        .iter()
        .map(|(up_to, fee)| {
            let to = (*up_to != i64::MAX).then_some(*up_to);
            let row = json!({"min_amount": from, "max_amount": to, "fee": fee});
            from = up_to.saturating_add(1);
            row
        })
        .collect();
    json!({"transaction_fees": fees})
}

#[cfg(test)]
mod tests {
    use super::{CHANNEL_BANDS, PAYOUT_BANDS, band};

    #[test]
    fn fees_follow_the_published_bands() {
        let asked = [(1, 0), (10, 0), (11, 1), (50, 6), (499, 6), (500, 10), (2_999, 25), (300_000, 195)];
        for (amount, fee) in asked {
            assert_eq!(band(&CHANNEL_BANDS, amount), fee, "KES {amount}");
        }
        assert_eq!(band(&PAYOUT_BANDS, 101), 5);
    }
}
