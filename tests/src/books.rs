//! The comparison at the end of every test: the rules of the ledger, and what PayHero really did against what was booked.
//! Our own tables alone prove nothing.

use std::collections::HashMap;

use netily::ledger;
use serde_json::Value;

use crate::world::World;

const BOOKED: &str = "
    SELECT p.external_reference, p.id::text AS id, p.state, p.amount_minor, p.mpesa_receipt, p.gateway_reference,
           (SELECT count(*) FROM tenant.ledger_transaction t WHERE t.tenant_id = p.tenant_id AND t.reference = p.id 
            AND t.kind IN ('PAYMENT_CREDIT', 'SUBSCRIPTION_CREDIT')) AS credits,
           (SELECT coalesce(sum(e.amount_minor), 0)::bigint FROM tenant.ledger_transaction t
            JOIN tenant.ledger_entry e ON e.tenant_id = t.tenant_id AND e.transaction_id = t.id
            WHERE t.tenant_id = p.tenant_id AND t.reference = p.id AND t.kind <> 'GATEWAY_FEE' AND e.account = 'GATEWAY_CLEARING') AS booked_minor
    FROM tenant.payment p";

const PAID_OUT: &str = "
    SELECT s.external_reference, s.id::text AS id, s.kind, s.state, s.amount_minor, s.receipt, s.phone, s.account,
           (SELECT coalesce(sum(e.amount_minor), 0)::bigint FROM tenant.ledger_transaction t
            JOIN tenant.ledger_entry e ON e.tenant_id = t.tenant_id AND e.transaction_id = t.id
            WHERE t.tenant_id = s.tenant_id AND t.reference = s.id AND t.kind <> 'GATEWAY_FEE' AND e.account = 'GATEWAY_CLEARING') AS booked_minor
    FROM tenant.settlement s";

const TAKEN_BACK: &str = "
    SELECT p.external_reference, p.id::text AS id, coalesce(-sum(e.amount_minor), 0)::bigint AS taken_minor
    FROM tenant.payment p JOIN tenant.refund r ON r.tenant_id = p.tenant_id AND r.payment_id = p.id
    JOIN tenant.ledger_transaction t ON t.tenant_id = r.tenant_id AND t.reference = r.id AND t.kind = 'REVERSAL'
    JOIN tenant.ledger_entry e ON e.tenant_id = t.tenant_id AND e.transaction_id = t.id AND e.account = 'GATEWAY_CLEARING'
    GROUP BY 1, 2";

impl World {
    /// Asserts that what PayHero took back of collections, and nothing else, is booked as taken back, or waits for people.
    async fn check_reversals(&self) {
        let mut sql = self.sql().await;
        let booked: HashMap<String, i64> = sql
            .rows(TAKEN_BACK)
            .await
            .into_iter()
            .map(|row| (row["external_reference"].as_str().expect("a reference").to_owned(), row["taken_minor"].as_i64().expect("an amount")))
            .collect();
        let open = "SELECT b.detail ->> 'payment' AS payment, p.external_reference, sum(b.amount_minor)::bigint AS minor FROM public.reconciliation_break b
                    JOIN tenant.payment p ON b.detail ->> 'payment' = 'pay_' || replace(p.id::text, '-', '')
                    WHERE b.kind = 'reversal_seen' AND b.closed_at IS NULL GROUP BY 1, 2";
        let open: HashMap<String, i64> = sql
            .rows(open)
            .await
            .into_iter()
            .map(|row| (row["external_reference"].as_str().expect("a reference").to_owned(), -row["minor"].as_i64().expect("an amount")))
            .collect();
        let credited = sql.rows("SELECT external_reference FROM tenant.payment WHERE state = 'SUCCEEDED'").await;
        let of = |of: &HashMap<String, i64>, reference: &str| of.get(reference).copied().unwrap_or(0);
        let mut all = 0;
        for collection in self.collections() {
            let reference = collection["external_reference"].as_str().expect("a reference");
            if !credited.iter().any(|row| row["external_reference"] == reference) {
                // People gave it another place, and so they do with what was taken back of it.
                continue;
            }
            let taken = collection["reversed"].as_i64().expect("shillings") * 100;
            assert_eq!(of(&booked, reference) + of(&open, reference), taken, "taken back, and neither booked nor told: {collection}");
            all += of(&booked, reference);
        }
        assert_eq!(all, booked.values().sum::<i64>(), "what is booked as taken back was taken back");
    }

    /// Asserts that each payment out of the wallet belongs to a settlement of its amount and destination, was asked for once, and is
    /// booked as it ended; and that nothing else is booked as paid. What is open, or waits for people, is told apart.
    async fn check_payouts(&self) {
        let mut sql = self.sql().await;
        let ours: HashMap<String, Value> =
            sql.rows(PAID_OUT).await.into_iter().map(|row| (row["external_reference"].as_str().expect("a reference").to_owned(), row)).collect();
        let breaks = sql.rows("SELECT kind, reference FROM public.reconciliation_break WHERE closed_at IS NULL").await;
        let adopted = sql.rows("SELECT gateway_reference, amount_minor FROM public.repair WHERE kind = 'PAYOUT_ADOPTED'").await;
        let truth = self.sandbox().truth();
        let mut paid = 0;
        for payout in truth["payouts"].as_array().expect("a list") {
            assert_eq!(payout["requests"], 1, "one settlement, one request: {payout}");
            // Two operators said that a lost settlement was paid by it.
            if let Some(repair) = adopted.iter().find(|repair| repair["gateway_reference"] == payout["merchant_reference"]) {
                assert_eq!(repair["amount_minor"].as_i64(), payout["amount"].as_i64().map(|shillings| -shillings * 100), "{repair}, {payout}");
                continue;
            }
            let row = payout["external_reference"].as_str().and_then(|reference| ours.get(reference));
            let row = row.unwrap_or_else(|| panic!("a payment that nobody here asked for: {payout}"));
            assert_eq!(row["amount_minor"].as_i64(), payout["amount"].as_i64().map(|shillings| shillings * 100), "{row}, {payout}");
            let to = if row["phone"] == "" { &row["account"] } else { &row["phone"] };
            // A payer who is forgotten is forgotten by the refund, too.
            assert!(to == &payout["account"] || (row["kind"] == "REFUND" && to == ""), "{row}, {payout}");
            let is_open = ["PROCESSING", "UNKNOWN", "NEEDS_REVIEW"].iter().any(|state| row["state"] == *state);
            if payout["status"] != "SUCCESS" {
                assert_ne!(row["state"], "COMPLETED", "booked as paid without having been: {row}, {payout}");
            } else if row["state"] == "COMPLETED" {
                paid += 1;
                assert_eq!(row["booked_minor"].as_i64(), row["amount_minor"].as_i64().map(|minor| -minor), "{row}");
                assert_eq!(row["receipt"], payout["receipt"], "{row}, {payout}");
            } else {
                assert!(is_open || breaks.iter().any(|open| open["reference"] == row["id"]), "paid, not booked, and nobody knows: {row}, {payout}");
            }
        }
        let booked = ours.values().filter(|row| row["booked_minor"] != 0).count();
        assert_eq!(booked, paid, "every settlement that is booked as paid was paid: {ours:#?}");
    }

    /// Asserts that every rule of the ledger holds and that each paid prompt, and nothing else, was credited once with its
    /// amount, but for `unbooked` ones that wait as an open break. No prompt was asked for twice.
    pub(crate) async fn check_books(&self, unbooked: usize) {
        let check = ledger::check(&self.app.db, self.app.clock.now()).await.expect("the ledger is checked");
        assert!(check.violations.is_empty(), "rules of the ledger are broken: {:#?}", check.violations);
        assert!(check.invariants >= 20, "only {} rules were looked at", check.invariants);

        self.check_payouts().await;
        self.check_reversals().await;
        let mut sql = self.sql().await;
        let booked: HashMap<String, Value> =
            sql.rows(BOOKED).await.into_iter().map(|row| (row["external_reference"].as_str().expect("a reference").to_owned(), row)).collect();
        let breaks = sql.rows("SELECT kind, reference FROM public.reconciliation_break WHERE closed_at IS NULL").await;
        let repairs = sql.rows("SELECT gateway_reference, kind, payment_id::text AS payment_id FROM public.repair ORDER BY at, id").await;
        let truth = self.sandbox().truth();
        let list = |name: &str| truth[name].as_array().expect("a list").clone();

        let mut paid = 0;
        let mut waiting = 0;
        for collection in list("collections") {
            assert_eq!(collection["requests"], 1, "one prompt, one request: {collection}");
            let ours = collection["external_reference"].as_str().and_then(|reference| booked.get(reference));
            let row = ours.unwrap_or_else(|| panic!("a prompt that nobody here asked for: {collection}"));
            if collection["status"] != "SUCCESS" {
                assert_eq!(row["credits"], 0, "credited without having been paid: {row}, {collection}");
                continue;
            }
            if let Some(repair) = repairs.iter().rfind(|repair| repair["gateway_reference"] == collection["reference"]) {
                // Operators gave it an owner, who need not be whoever was asked to pay, or none.
                if repair["kind"] == "ADOPTED" {
                    let owner = booked.values().find(|row| row["id"] == repair["payment_id"]).unwrap_or_else(|| panic!("{repair} to nobody"));
                    assert_eq!((owner["credits"].as_i64(), &owner["mpesa_receipt"]), (Some(1), &collection["receipt"]), "{owner}, {collection}");
                    paid += 1;
                }
                continue;
            }
            if row["credits"] == 0 {
                let known = [&row["id"], &collection["reference"]];
                assert!(breaks.iter().any(|open| known.contains(&&open["reference"])), "paid, not booked, and nobody told: {row}, {collection}, {breaks:?}");
                waiting += 1;
                continue;
            }
            paid += 1;
            assert_eq!(row["credits"], 1, "{row}");
            assert_eq!(row["booked_minor"].as_i64(), collection["amount"].as_i64().map(|shillings| shillings * 100), "{row}, {collection}");
            assert_eq!(row["mpesa_receipt"], collection["receipt"], "{row}");
        }
        for refused in list("refused") {
            assert!(refused["requests"].as_u64() <= Some(1), "a refused prompt was asked for again: {refused}");
        }
        let credited = booked.values().filter(|row| row["credits"] != 0).count();
        assert_eq!(credited, paid, "every credit belongs to a paid prompt");
        assert_eq!(waiting, unbooked, "paid prompts that wait for a human: {breaks:#?}");
    }
}
