//! The last guards, in the database itself: what no code of ours may do, and whether each rule of the ledger can fail at all.

use std::collections::BTreeSet;

use netily::money::{Money, Rate};
use netily::payments::{Event, State, next, split};
use netily::settlement::state as payout;
use netily_sdk::payout::{SettlementFrequency, SettlementStatus};
use netily_sdk::platform::CheckLedgerRequest;
use netily_sdk::selfservice::initiate_payment_request::Target;
use netily_tests::{Access, Guest, Sql, World, kes};

const EVENTS: [Event; 7] = [Event::Claimed, Event::Accepted, Event::Refused, Event::Unclear, Event::DeadlinePassed, Event::SeenFailed, Event::SeenSuccess];

async fn refused(sql: &mut Sql, statements: &str, words: &str) {
    let refusal = sql.attempt(statements).await.expect_err(statements);
    assert!(refusal.contains(words), "{statements}: {refusal}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unbalanced_transaction_is_refused() {
    let world = World::new().await;
    let mut sql = world.sql().await;
    let post = |accounts: &str, amounts: &str| {
        format!(
            "BEGIN;
             SELECT tenant.post((SELECT id FROM public.isp WHERE slug = 'yellow'), gen_random_uuid(), 'ADJUSTMENT', gen_random_uuid(), now(), '{accounts}', '{amounts}');
             COMMIT"
        )
    };
    refused(&mut sql, &post("{GATEWAY_CLEARING,ISP_PAYABLE}", "{100,-99}"), "unbalanced").await;
    refused(&mut sql, &post("{GATEWAY_CLEARING}", "{0}"), "unbalanced").await;
    refused(&mut sql, &post("{GATEWAY_CLEARING}", "{100}"), "unbalanced").await;
    assert_eq!(sql.count("tenant.ledger_transaction").await, 0);
    world.buy_and_pay(&Guest::number(1)).await;
    let added = "INSERT INTO tenant.ledger_entry SELECT tenant_id, id, 9, 'SUSPENSE', 1 FROM tenant.ledger_transaction";
    refused(&mut sql, added, "cannot insert into view").await;
    let more = "INSERT INTO tenant.ledger_transaction SELECT tenant_id, gen_random_uuid(), 'ADJUSTMENT', reference, created_at,
                lines || row('SUSPENSE', 1)::tenant.ledger_line FROM tenant.ledger_transaction";
    refused(&mut sql, more, "unbalanced").await;
    refused(&mut sql, &more.replace("'SUSPENSE', 1", "'SUSPENSE', 0"), "nonzero_minor").await;
    refused(&mut sql, &more.replace("'SUSPENSE', 1", "'NOWHERE', 1"), "ledger_account").await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_written_in_the_books_stays_as_it_is() {
    let world = World::new().await;
    world.buy_and_pay(&Guest::number(1)).await;
    let mut sql = world.sql().await;
    for table in ["ledger_transaction", "gateway_observation", "payment_event"] {
        refused(&mut sql, &format!("UPDATE tenant.{table} SET tenant_id = tenant_id"), "append-only").await;
        refused(&mut sql, &format!("DELETE FROM tenant.{table}"), "append-only").await;
    }
    refused(&mut sql, "TRUNCATE tenant.ledger_transaction CASCADE", "append-only").await;
    let mut served = Sql::connect(&world.urls.app).await;
    for table in ["ledger_transaction", "gateway_observation", "payment_event", "audit_event"] {
        refused(&mut served, &format!("UPDATE tenant.{table} SET tenant_id = tenant_id"), "permission denied").await;
        refused(&mut served, &format!("DELETE FROM tenant.{table}"), "permission denied").await;
    }
    refused(&mut served, "DELETE FROM tenant.payment", "permission denied").await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_machine_in_the_database_is_the_machine_in_the_server() {
    let world = World::new().await;
    let mut sql = world.sql().await;
    let states = State::ALL.map(State::as_str).join(",");
    let rules: BTreeSet<(String, String)> = sql
        .rows(&format!(
            "SELECT f AS from_state, t AS to_state FROM string_to_table('{states}', ',') f, string_to_table('{states}', ',') t WHERE public.payment_may_go(f, t)"
        ))
        .await
        .iter()
        .map(|row| (row["from_state"].as_str().expect("a state").to_owned(), row["to_state"].as_str().expect("a state").to_owned()))
        .collect();
    let ours: BTreeSet<(String, String)> = State::ALL
        .into_iter()
        .flat_map(|from| EVENTS.map(|event| (from, next(from, event))))
        .filter(|(from, to)| from != to)
        .map(|(from, to)| (from.as_str().to_owned(), to.as_str().to_owned()))
        .collect();
    assert_eq!(rules, ours);

    world.buy_and_pay(&Guest::number(1)).await;
    // Triggers off: any state may be the first, and the events of the way to it are as if they had not been.
    let begin = "BEGIN; SET LOCAL session_replication_role = replica; DELETE FROM tenant.payment_event";
    for from in State::ALL {
        for to in State::ALL.into_iter().filter(|to| *to != from) {
            let (from, to) = (from.as_str(), to.as_str());
            let change = format!(
                "{begin}; UPDATE tenant.payment SET state = '{from}'; SET LOCAL session_replication_role = origin;
                 UPDATE tenant.payment SET state = '{to}'; ROLLBACK"
            );
            let outcome = sql.attempt(&change).await;
            assert_eq!(outcome.is_ok(), rules.contains(&(from.to_owned(), to.to_owned())), "{from} -> {to}: {outcome:?}");
        }
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_machine_of_settlements_in_the_database_is_the_machine_in_the_server() {
    let world = World::new().await;
    let mut sql = world.sql().await;
    let states = payout::State::ALL.map(payout::State::as_str).join(",");
    let rules: BTreeSet<String> = sql
        .rows(&format!(
            "SELECT f || ' ' || t AS rule FROM string_to_table('{states}', ',') f, string_to_table('{states}', ',') t WHERE public.settlement_may_go(f, t)"
        ))
        .await
        .iter()
        .map(|row| row["rule"].as_str().expect("a rule").to_owned())
        .collect();
    let ours: BTreeSet<String> = payout::State::ALL
        .into_iter()
        .flat_map(|from| payout::Event::ALL.map(|event| (from, payout::next(from, event))))
        .filter(|(from, to)| from != to)
        .map(|(from, to)| format!("{} {}", from.as_str(), to.as_str()))
        .collect();
    assert_eq!(rules, ours);
    world.finish().await;
}

/// No settlement ends without proof, and what is paid to whom never changes, whatever our code does.
#[tokio::test(flavor = "multi_thread")]
async fn no_settlement_ends_without_proof() {
    let world = World::new().await;
    let owner = world.signed_in("yellow", Access::Owner).await;
    world.payee("yellow", &owner, SettlementFrequency::Daily).await;
    world.earn("yellow-market", 1).await;
    world.behave(serde_json::json!({ "payout_result": "hold" })).await;
    world.settle_tomorrow().await;
    let mut sql = world.sql().await;
    let change = |to: &str| format!("UPDATE tenant.settlement SET {to} WHERE kind = 'SETTLEMENT'");
    refused(&mut sql, &change("state = 'COMPLETED'"), "no observation of success").await;
    refused(&mut sql, &change("state = 'FAILED'"), "not provably unpaid").await;
    refused(&mut sql, &change("state = 'PENDING'"), "illegal transition").await;
    for to in ["amount_minor = amount_minor + 100", "phone = '254700000000'", "external_reference = 'x'", "part = 2"] {
        refused(&mut sql, &change(to), "never changes").await;
    }
    let twice = "INSERT INTO tenant.settlement_attempt SELECT tenant_id, settlement_id, 2, 'IN_FLIGHT', '', sent_at FROM tenant.settlement_attempt";
    refused(&mut sql, twice, "settlement_attempt_once").await;
    let second = "INSERT INTO tenant.settlement SELECT c.* FROM tenant.settlement s, jsonb_populate_record(s, jsonb_build_object(
                    'id', gen_random_uuid(), 'period', '2000-01-01', 'state', 'PENDING')) c WHERE s.kind = 'SETTLEMENT'";
    refused(&mut sql, second, "settlement_one_open").await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_payment_succeeds_without_the_gateways_word() {
    let world = World::new().await;
    world.buy(&Guest::number(1)).await;
    world.run_due().await;
    let mut sql = world.sql().await;
    assert_eq!(sql.value("SELECT state FROM tenant.payment").await, "PENDING");
    refused(&mut sql, "UPDATE tenant.payment SET state = 'SUCCEEDED'", "no observation of success").await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_database_rounds_as_the_server_does() {
    let world = World::new().await;
    let mut sql = world.sql().await;
    let fees = "SELECT g::text AS g, b, public.fee_half_even(g::bigint, b) AS fee
                FROM (VALUES (1), (5), (10), (30), (50), (70), (99), (1000), (4750), (123457), (25000000), (922337203685477)) x (g),
                     (VALUES (0), (1), (475), (500), (501), (3333), (9999), (10000)) y (b)";
    let rows = sql.rows(fees).await;
    assert_eq!(rows.len(), 96);
    for row in rows {
        let gross = Money::from_minor(row["g"].as_str().and_then(|text| text.parse().ok()).expect("an amount"));
        let rate = row["b"].as_i64().and_then(|bps| Rate::from_bps(i32::try_from(bps).ok()?)).expect("a rate");
        assert_eq!(row["fee"].as_i64(), Some(split(gross, rate).commission.minor()), "{row}");
    }
    world.finish().await;
}

/// For each rule a way to break it, in a world with one paid purchase, one paid settlement, and the triggers off.
const BREACHES: &[(&str, &str)] = &[
    (
        "i01_unbalanced",
        "ALTER DOMAIN tenant.ledger_lines DROP CONSTRAINT unbalanced; UPDATE tenant.ledger_transaction SET lines[1].amount_minor = lines[1].amount_minor + 1",
    ),
    ("i02_too_few_lines", "ALTER DOMAIN tenant.ledger_lines DROP CONSTRAINT unbalanced; UPDATE tenant.ledger_transaction SET lines = lines[1:1]"),
    ("i03_balance_drift", "UPDATE tenant.ledger_balance SET balance_minor = balance_minor - 1"),
    ("i04_success_not_credited", "DELETE FROM tenant.ledger_transaction"),
    ("i05_credit_without_success", "UPDATE tenant.payment SET state = 'FAILED'"),
    (
        "i06_wrong_split",
        "UPDATE tenant.ledger_transaction SET lines = ARRAY[lines[1], row('PLATFORM_REVENUE', -49)::tenant.ledger_line, row('ISP_PAYABLE', 49 - (lines[1]).amount_minor)::tenant.ledger_line]
         WHERE kind = 'PAYMENT_CREDIT'",
    ),
    (
        "i07_receipt_reused",
        "INSERT INTO tenant.payment SELECT c.* FROM tenant.payment p, jsonb_populate_record(p, jsonb_build_object(
           'id', gen_random_uuid(), 'request_id', gen_random_uuid(), 'external_reference', 'ANOTHER')) c",
    ),
    ("i08_open_settlement_reserve", "UPDATE tenant.settlement SET state = 'PROCESSING' WHERE kind = 'SETTLEMENT'"),
    ("i09_final_settlement_posting", "DELETE FROM tenant.ledger_transaction WHERE kind = 'PAYOUT_SETTLE'"),
    (
        "i10_settled_and_released",
        "INSERT INTO tenant.ledger_transaction SELECT tenant_id, gen_random_uuid(), 'PAYOUT_RELEASE', reference, created_at, lines
         FROM tenant.ledger_transaction WHERE kind = 'PAYOUT_SETTLE'",
    ),
    (
        "i11_more_than_one_live_attempt",
        "DROP INDEX tenant.settlement_attempt_once; INSERT INTO tenant.settlement_attempt SELECT tenant_id, settlement_id, 2, 'AMBIGUOUS', '', sent_at
         FROM tenant.settlement_attempt",
    ),
    ("i12_overpaid_isp", "UPDATE tenant.ledger_balance SET balance_minor = 1 WHERE account = 'ISP_PAYABLE'"),
    ("i13_in_transit_mismatch", "UPDATE tenant.ledger_balance SET balance_minor = -100 WHERE account = 'PAYOUT_IN_TRANSIT'"),
    (
        "i14_settlement_amount",
        "ALTER TABLE tenant.settlement DROP CONSTRAINT settlement_amount_minor_check; ALTER TABLE tenant.settlement DROP CONSTRAINT settlement_check;
         UPDATE tenant.settlement SET amount_minor = amount_minor + 1",
    ),
    ("i15_isp_conservation", "UPDATE tenant.ledger_balance SET balance_minor = balance_minor - 1 WHERE account = 'ISP_PAYABLE'"),
    (
        "i16_global_cash",
        "ALTER DOMAIN tenant.ledger_lines DROP CONSTRAINT unbalanced; UPDATE tenant.ledger_transaction SET lines[1].amount_minor = lines[1].amount_minor + 1",
    ),
    ("i17_credit_unverified", "DELETE FROM tenant.gateway_observation"),
    (
        "i18_success_seen_not_applied",
        "UPDATE tenant.payment SET state = 'PENDING'; UPDATE tenant.gateway_observation SET observed_at = observed_at - interval '1 hour'",
    ),
    (
        "i19_release_unproven",
        "INSERT INTO tenant.ledger_transaction SELECT tenant_id, public.earliest_id(created_at), 'PAYOUT_RELEASE', reference, created_at, lines
         FROM tenant.ledger_transaction WHERE kind = 'PAYOUT_SETTLE'",
    ),
    (
        "i20_illegal_transition",
        "INSERT INTO tenant.payment_event (tenant_id, payment_id, from_state, to_state) SELECT tenant_id, id, 'SUCCEEDED', 'FAILED' FROM tenant.payment",
    ),
    ("i21_success_without_delivery", "DELETE FROM tenant.hotspot_session"),
    ("i23_stuck_payment", "UPDATE tenant.payment SET state = 'PENDING', created_at = created_at - interval '80 hours'"),
    ("i24_stuck_settlement", "UPDATE tenant.settlement SET state = 'UNKNOWN', sent_at = sent_at - interval '26 hours'"),
    ("i25_webhook_stale", "UPDATE public.webhook_delivery SET state = 'RECEIVED', received_at = received_at - interval '1 hour'"),
    (
        "i26_break_unattended",
        "INSERT INTO public.reconciliation_break (id, kind, reference, opened_at) VALUES (gen_random_uuid(), 'x', 'x', now() - interval '25 hours')",
    ),
    ("i27_lease_leak", "UPDATE tenant.payment SET state = 'SUBMITTING', claim_until = NULL"),
    ("i28_applied_without_check", "UPDATE public.webhook_delivery SET state = 'APPLIED', received_at = received_at + interval '1 hour'"),
    ("i29_paid_not_delivered", "UPDATE tenant.payment SET state = 'FAILED'"),
    ("i30_account_drift", "UPDATE tenant.customer_account SET balance_minor = balance_minor + 100"),
    (
        "i31_payment_not_in_account",
        "UPDATE tenant.customer_entry SET kind = 'CASH', offline_payment_id = gen_random_uuid(), payment_id = null WHERE kind = 'PAYMENT'",
    ),
    ("i32_account_without_payment", "UPDATE tenant.payment SET state = 'FAILED' WHERE purpose = 'RECHARGE'"),
    ("i33_invoice_paid_drift", "UPDATE tenant.invoice SET paid_minor = 50000, status = 'OPEN', paid_at = null"),
    ("i34_balance_beside_debt", "UPDATE tenant.invoice SET status = 'OPEN', paid_at = null, total_minor = 200000"),
    ("i35_cash_not_in_account", "UPDATE tenant.offline_payment SET amount_minor = amount_minor + 1"),
    ("i36_payment_for_nobody", "DELETE FROM tenant.customer_payment"),
    ("i37_number_gap", "UPDATE tenant.invoice SET number = 7"),
    ("i38_invoice_lines", "UPDATE tenant.invoice_line SET unit_minor = 5, amount_minor = 5"),
    ("i39_subscription_not_applied", "UPDATE tenant.payment SET purpose = 'SUBSCRIPTION' WHERE purpose = 'RECHARGE'"),
    ("i40_subscription_with_commission", "UPDATE tenant.ledger_transaction SET kind = 'SUBSCRIPTION_CREDIT' WHERE kind = 'PAYMENT_CREDIT'"),
    (
        "i41_settlement_credited",
        "UPDATE tenant.settlement SET credited_minor = credited_minor + 1, carried_in_minor = carried_in_minor - 1 WHERE kind = 'SETTLEMENT'",
    ),
    (
        "i42_doubtful_amount_reused",
        "UPDATE public.settlement_amount SET doubt = 'UNKNOWN', sent_at = coalesce(sent_at, reserved_at);
         INSERT INTO public.settlement_amount (settlement_id, isp_id, kind, amount_minor, reserved_at)
           SELECT gen_random_uuid(), isp_id, kind, amount_minor, sent_at + interval '1 hour' FROM public.settlement_amount",
    ),
    ("i43_settlement_receipt_reused", "UPDATE tenant.settlement SET receipt = 'SAME'"),
    ("i44_revenue_drift", "UPDATE tenant.revenue_day SET gross_minor = gross_minor + 1"),
    (
        "i45_repair_posting",
        "INSERT INTO public.repair (id, kind, amount_minor, note, operators, at)
         VALUES (gen_random_uuid(), 'WRITE_OFF', 100, 'a repair that was never posted', ARRAY[gen_random_uuid()], now())",
    ),
    (
        "i57_withdrawal_fee",
        "INSERT INTO tenant.withdrawal SELECT tenant_id, id, gen_random_uuid(), 1000, now() FROM tenant.settlement WHERE kind = 'SETTLEMENT'",
    ),
    (
        "i60_withdrawal_drift",
        "INSERT INTO tenant.balance_withdrawal SELECT tenant_id, gen_random_uuid(), customer_id, 'PAID_BACK', -100, 'x', 'x', gen_random_uuid(), '', now()
         FROM tenant.customer_account",
    ),
    (
        "i61_balance_below_nothing",
        "ALTER TABLE tenant.customer_account DROP CONSTRAINT IF EXISTS customer_account_balance_minor_check;
         UPDATE tenant.customer_account SET balance_minor = -100",
    ),
    (
        "i62_used_after_leaving",
        "UPDATE tenant.customer SET status = 'CLOSED', closed_at = created_at - interval '1 hour';
         INSERT INTO tenant.customer_entry SELECT tenant_id, gen_random_uuid(), customer_id, 'RECHARGE', -100, null, null, null, gen_random_uuid(), '', now()
         FROM tenant.customer_account",
    ),
    (
        "i63_refunded_more_than_paid",
        "INSERT INTO tenant.refund SELECT tenant_id, gen_random_uuid(), 'BY_HAND', id, amount_minor + 100, 100, amount_minor, 0, 'x', '', 'x', ARRAY[id], gen_random_uuid(), '', now()
         FROM tenant.payment",
    ),
    (
        "i64_refund_wrong_split",
        "INSERT INTO tenant.refund SELECT tenant_id, gen_random_uuid(), 'BY_HAND', id, amount_minor, 0, amount_minor, 0, 'x', '', 'x', ARRAY[id], gen_random_uuid(), '', now()
         FROM tenant.payment",
    ),
    (
        "i65_refund_posting",
        "INSERT INTO tenant.ledger_transaction SELECT tenant_id, gen_random_uuid(), 'REVERSAL', reference, created_at, lines
         FROM tenant.ledger_transaction WHERE kind = 'PAYMENT_CREDIT'",
    ),
    (
        "i66_refund_not_in_account",
        "INSERT INTO tenant.customer_entry SELECT tenant_id, gen_random_uuid(), customer_id, 'REFUND', -100, payment_id, null, null, null, '', now()
         FROM tenant.customer_entry WHERE kind = 'PAYMENT'",
    ),
    (
        "i75_closed_month_changed",
        "INSERT INTO public.month_close (id, month, closed_by, closed_at) VALUES (gen_random_uuid(), date '2020-01-01', gen_random_uuid(), now());
         INSERT INTO public.month_close_line SELECT id, gen_random_uuid(), 'CASH', 'RECEIVED', 0, 100, 0 FROM public.month_close",
    ),
    (
        "i76_closed_month_unbalanced",
        "INSERT INTO public.month_close (id, month, closed_by, closed_at) VALUES (gen_random_uuid(), date '2020-01-01', gen_random_uuid(), now());
         INSERT INTO public.month_close_line SELECT id, gen_random_uuid(), 'LEDGER', 'SUSPENSE', 0, 100, 0 FROM public.month_close",
    ),
];

/// The breach of the first is noticed as the second by the look at what was posted lately.
const NOTICED_LATELY: [(&str, &str); 7] = [
    ("i01_unbalanced", "i01_unbalanced"),
    ("i02_too_few_lines", "i02_too_few_lines"),
    ("i05_credit_without_success", "i05_credit_without_success"),
    ("i06_wrong_split", "i06_wrong_split"),
    ("i08_open_settlement_reserve", "i09_final_settlement_posting"),
    ("i17_credit_unverified", "i17_credit_unverified"),
    ("i19_release_unproven", "i19_release_unproven"),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_rule_of_the_ledger_can_fail() {
    let world = World::new().await;
    world.buy_and_pay(&Guest::number(1)).await;
    let (customer, staff) = (world.customer("yellow").await, world.signed_in("yellow", Access::Staff).await);
    let id = world.customer_id(&customer).await;
    world.invoice(&staff, &id, 1_000).await;
    world.pay(&customer, Target::Amount(kes(900))).await;
    world.cash(&staff, &id, 300).await;
    let owner = world.signed_in("yellow", Access::Owner).await;
    world.payee("yellow", &owner, SettlementFrequency::Daily).await;
    world.settle_tomorrow().await;
    assert_eq!(world.settlements(&owner).await[0].status(), SettlementStatus::Completed);
    owner.billing().get_revenue_report(Default::default()).await.expect("days that are over are added up");
    let mut sql = world.sql().await;
    let rules: BTreeSet<String> =
        sql.rows("SELECT invariant.names() AS name").await.iter().map(|row| row["name"].as_str().expect("a name").to_owned()).collect();
    assert_eq!(rules, BREACHES.iter().map(|(rule, _)| (*rule).to_owned()).collect(), "each rule has a row here");
    let lately = "SELECT invariant FROM invariant.recent((SELECT min(created_at) FROM tenant.ledger_transaction))";
    assert_eq!(sql.rows(lately).await, Vec::<serde_json::Value>::new(), "what was posted lately is sound");
    for (rule, breach) in BREACHES {
        assert_eq!(sql.count(&format!("invariant.{rule}")).await, 0, "{rule} holds before");
        sql.run(&format!("BEGIN; SET LOCAL session_replication_role = replica; {breach}")).await;
        assert!(sql.count(&format!("invariant.{rule}")).await > 0, "{rule} does not notice: {breach}");
        let told = sql.rows("SELECT invariant FROM invariant.violations()").await;
        assert!(told.iter().any(|row| row["invariant"] == *rule), "{rule} is among {told:?}");
        if let Some((_, lately_as)) = NOTICED_LATELY.iter().find(|(broken, _)| *broken == *rule) {
            let told = sql.rows(lately).await;
            assert!(told.iter().any(|row| row["invariant"] == *lately_as), "{lately_as} is among {told:?}");
        }
        sql.run("ROLLBACK").await;
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_is_told_which_rule_is_broken() {
    let world = World::new().await;
    world.buy_and_pay(&Guest::number(1)).await;
    let operator = world.operator().await;
    let sound = operator.platform().check_ledger(CheckLedgerRequest {}).await.expect("a check");
    assert!(sound.violations.is_empty() && sound.invariants_checked >= 20, "{sound:?}");
    let mut sql = world.sql().await;
    let change = |by: &str| {
        format!("SET session_replication_role = replica; UPDATE tenant.ledger_balance SET balance_minor = balance_minor {by}; RESET session_replication_role")
    };
    sql.run(&change("- 7")).await;
    let broken = operator.platform().check_ledger(CheckLedgerRequest {}).await.expect("a check");
    let names: Vec<_> = broken.violations.iter().map(|violation| (violation.invariant.as_str(), violation.rows)).collect();
    assert_eq!(names, [("i03_balance_drift", 1), ("i15_isp_conservation", 1)]);
    assert!(broken.violations[0].example.contains("-957"), "{}", broken.violations[0].example);
    sql.run(&change("+ 7")).await;
    world.finish().await;
}
