//! The comparison that ends every test is itself tested: it must see what is wrong.

use netily_tests::{Guest, World};
use serde_json::json;

/// Whether the end of this world panics.
async fn end_fails(world: World) -> bool {
    tokio::spawn(world.finish()).await.is_err_and(|ended| ended.is_panic())
}

async fn paid() -> World {
    let world = World::new().await;
    world.buy_and_pay(&Guest::number(1)).await;
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn money_that_was_paid_and_not_booked_is_noticed() {
    let world = World::new().await;
    world.behave(json!({ "callback": "never" })).await;
    world.buy(&Guest::number(1)).await;
    world.run_due().await;
    world.answer_prompt(&Guest::number(1).phone, "accept").await;
    assert!(end_fails(world).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_rule_a_wrong_amount_and_a_credit_too_many_are_noticed() {
    for damage in [
        "UPDATE tenant.ledger_balance SET balance_minor = balance_minor - 1",
        "UPDATE tenant.payment SET amount_minor = 5000;
         UPDATE tenant.ledger_transaction SET lines = (SELECT array_agg(row(account, amount_minor * 5)::tenant.ledger_line) FROM unnest(lines));
         UPDATE tenant.ledger_balance SET balance_minor = balance_minor * 5",
        "UPDATE tenant.payment SET external_reference = 'NTL-ANOTHER'",
        "UPDATE tenant.payment SET mpesa_receipt = 'SANOTHER00'",
    ] {
        let world = paid().await;
        world.sql().await.run(&format!("SET session_replication_role = replica; {damage}")).await;
        assert!(end_fails(world).await, "{damage}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_that_forgets_the_comparison_fails() {
    let world = World::new().await;
    assert!(tokio::spawn(async move { drop(world) }).await.is_err_and(|ended| ended.is_panic()));
}
