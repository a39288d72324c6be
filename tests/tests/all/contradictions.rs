//! What the gateway answers about another payment than ours, or in words that nobody can read, moves nothing: neither good news nor bad.

use std::time::Duration;

use chrono::TimeDelta;
use netily_sdk::Client;
use netily_sdk::hotspot::PurchaseStatus;
use netily_sdk::payout::{Settlement, SettlementFrequency, SettlementStatus};
use netily_sdk::platform::{CloseBreakRequest, ListBreaksRequest, RunSettlementsRequest};
use netily_sdk::types::FailureReason;
use netily_tests::{Access, Guest, World, kes};
use serde_json::{Value, json};

const MINUTE: Duration = Duration::from_secs(60);

async fn breaks(operator: &Client) -> Vec<(String, String)> {
    let found = operator.platform().list_breaks(ListBreaksRequest::default()).await.expect("a list").breaks;
    found.into_iter().map(|found| (found.kind, found.id)).collect()
}

async fn kinds(operator: &Client) -> Vec<String> {
    breaks(operator).await.into_iter().map(|(kind, _)| kind).collect()
}

async fn close_all(operator: &Client) {
    for (_, id) in breaks(operator).await {
        operator.platform().close_break(CloseBreakRequest { id, reason: "Looked at".into() }).await.expect("closed");
    }
}

/// What an answer may name of another payment, and the break that tells of it.
fn others() -> [(Value, &'static str); 3] {
    [
        (json!({ "external_reference": "NTL-00000000000000000000000000000000" }), "answer_contradicts"),
        (json!({ "amount": 11 }), "amount_mismatch"),
        (json!({ "phone_number": "0799 000 000" }), "answer_contradicts"),
    ]
}

async fn world_of(v2: bool) -> World {
    let builder = World::builder().configured(|config| config.payouts.hold = TimeDelta::zero());
    if v2 { builder.v2().start().await } else { builder.start().await }
}

/// On the direct path, asked by our own reference, in both generations of the API: neither credited nor failed.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_about_another_payment_is_not_believed() {
    for v2 in [false, true] {
        let world = world_of(v2).await;
        let operator = world.operator().await;
        let mut guest = 0;
        for (fields, kind) in others() {
            for (answer, end) in [("accept", PurchaseStatus::Active), ("cancel", PurchaseStatus::Failed)] {
                guest += 1;
                let guest = Guest::number(guest);
                world.behave(json!({ "status_fields": fields })).await;
                let bought = world.buy(&guest).await;
                world.run_due().await;
                world.answer_prompt(&guest.phone, answer).await;
                world.callbacks_delivered().await;
                world.run_due().await;
                let now = world.look(&bought.session_id).await;
                assert_eq!(now.status(), PurchaseStatus::AwaitingPayment, "v2 {v2}, {fields}, {answer}: {now:?}");
                assert_eq!(kinds(&operator).await.iter().filter(|open| *open == kind).count(), 1, "v2 {v2}, {fields}, {answer}");
                assert_eq!(world.sql().await.count("tenant.gateway_observation WHERE status = 'CONTRADICTS'").await, 1, "kept, and proof of nothing");
                // The next answer is about ours.
                world.behave(json!({ "status_fields": {} })).await;
                world.run_after(Duration::from_secs(20)).await;
                let now = world.look(&bought.session_id).await;
                assert_eq!(now.status(), end, "v2 {v2}, {fields}, {answer}: {now:?}");
                close_all(&operator).await;
                world
                    .sql()
                    .await
                    .run("SET session_replication_role = replica; DELETE FROM tenant.gateway_observation WHERE status = 'CONTRADICTS'; RESET session_replication_role")
                    .await;
                // What failed is asked about again, by then with the next strange answer.
                world.sql().await.run("DELETE FROM public.job WHERE kind = 'check'").await;
                world.advance(MINUTE);
            }
        }
        world.finish().await;
    }
}

/// What the gateway leaves empty is absent, and our own words in its spelling are ours.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_empty_or_masked_or_in_capitals_contradicts_nothing() {
    let world = World::new().await;
    let operator = world.operator().await;
    world.behave(json!({ "status_fields": { "amount": "", "external_reference": " ", "phone_number": "", "phone": "2547*****001" } })).await;
    world.buy_and_pay(&Guest { phone: "254710000001".into(), ..Guest::number(1) }).await;
    world.behave(json!({ "status_fields": { "amount": "10.00", "phone": "0710000002" } })).await;
    world.buy_and_pay(&Guest::number(2)).await;
    assert!(kinds(&operator).await.is_empty());
    world.finish().await;
}

/// An amount or a final word that we cannot read is told to operators after a while, and is explained once it can be read.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_cannot_be_read_is_told_to_operators() {
    for fields in [json!({ "amount": "ten" }), json!({ "status": "DONE" })] {
        let world = World::new().await;
        let operator = world.operator().await;
        world.behave(json!({ "status_fields": fields })).await;
        let guest = Guest::number(1);
        let bought = world.buy(&guest).await;
        world.run_due().await;
        world.answer_prompt(&guest.phone, "accept").await;
        world.callbacks_delivered().await;
        world.run_due().await;
        assert!(kinds(&operator).await.is_empty(), "once is not often");
        for _ in 0..12 {
            world.run_after(MINUTE).await;
        }
        assert_eq!(kinds(&operator).await, ["unreadable_answer"], "{fields}");
        world.behave(json!({ "status_fields": {} })).await;
        world.run_after(15 * MINUTE).await;
        assert_eq!(world.look(&bought.session_id).await.status(), PurchaseStatus::Active, "{fields}");
        assert!(kinds(&operator).await.is_empty(), "explained by itself");
        world.finish().await;
    }
}

/// A prompt that failed, and a callback that says why in its own way. Gives what the guest is told.
async fn failed_for(world: &World, guest: &Guest, overrides: Value) -> FailureReason {
    world.behave(json!({ "callback": "never" })).await;
    let bought = world.buy(guest).await;
    world.run_due().await;
    world.answer_prompt(&guest.phone, "cancel").await;
    let reference = world.collection_from(&guest.phone)["reference"].as_str().expect("a reference").to_owned();
    assert_eq!(world.send_callback(&reference, json!({ "status": "FAILED", "overrides": overrides })).await, 200);
    world.run_due().await;
    let now = world.look(&bought.session_id).await;
    assert_eq!(now.status(), PurchaseStatus::Failed, "{now:?}");
    now.failure_reason()
}

/// Why a prompt failed is read from whatever said that it did.
#[tokio::test(flavor = "multi_thread")]
async fn a_failure_is_told_by_whatever_sign_said_it() {
    let world = World::new().await;
    let word = json!({ "ResultCode": null, "ResultDesc": "", "Status": "Cancelled" });
    assert_eq!(failed_for(&world, &Guest::number(1), word).await, FailureReason::CancelledByUser);
    let decimal = json!({ "ResultCode": 1032.0, "ResultDesc": "", "Status": "Failed" });
    assert_eq!(failed_for(&world, &Guest::number(2), decimal).await, FailureReason::CancelledByUser);
    let safaricom = json!({ "Body": { "stkCallback": { "ResultCode": 2001, "ResultDesc": "The initiator information is invalid." } } });
    assert_eq!(failed_for(&world, &Guest::number(3), safaricom).await, FailureReason::WrongPin);
    world.finish().await;
}

/// The operator that does not exist is us, not the payer: several in a row are an alarm, one is none.
#[tokio::test(flavor = "multi_thread")]
async fn prompts_that_fail_for_several_payers_in_a_row_are_told_to_operators() {
    let world = World::new().await;
    let operator = world.operator().await;
    let unknown = || json!({ "ResultCode": "SFC_IC0003", "ResultDesc": "The operator does not exist.", "Status": "Failed" });
    for guest in 1..=3 {
        assert!(kinds(&operator).await.is_empty(), "{guest}");
        assert_eq!(failed_for(&world, &Guest::number(guest), unknown()).await, FailureReason::GatewayError);
    }
    assert_eq!(kinds(&operator).await, ["prompts_failing"]);
    close_all(&operator).await;
    world.finish().await;
}

/// `yellow` is owed KES 285 and may be paid at once.
async fn owed(v2: bool) -> (World, Client, Client) {
    let world = world_of(v2).await;
    let (owner, operator) = (world.signed_in("yellow", Access::Owner).await, world.operator().await);
    owner.payout().set_payout_config(world.payout_ask("yellow", SettlementFrequency::Daily)).await.expect("set");
    world.prove_payout(&owner).await.expect("proven");
    world.earn("yellow-market", 1).await;
    world.advance(2 * MINUTE);
    (world, owner, operator)
}

async fn newest(world: &World, owner: &Client) -> Settlement {
    world.settlements(owner).await.into_iter().next().expect("a settlement")
}

/// The same of payouts: the money is neither gone nor given back.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_about_another_payout_neither_settles_nor_releases() {
    let others = [
        (json!({ "external_reference": "NTLP-00000000000000000000000000000000" }), "settlement_answer_contradicts"),
        (json!({ "amount": 284 }), "settlement_amount_mismatch"),
        (json!({ "phone_number": "254799000000" }), "settlement_answer_contradicts"),
        (json!({ "RecipientAccountNumber": "25479*****00" }), "settlement_answer_contradicts"),
    ];
    for (at, (fields, kind)) in others.into_iter().enumerate() {
        for (result, end) in [("success", SettlementStatus::Completed), ("failed", SettlementStatus::Failed)] {
            let (world, owner, operator) = owed(at % 2 == 1).await;
            world.behave(json!({ "status_fields": fields, "payout_result": result })).await;
            let ask = RunSettlementsRequest { isp: "yellow".into(), ahead_of_schedule: true, dry_run: false };
            operator.platform().run_settlements(ask).await.expect("a run");
            world.paid_out().await;
            world.run_after(Duration::from_secs(20)).await;
            let doubtful = newest(&world, &owner).await;
            assert_eq!(doubtful.status(), SettlementStatus::Processing, "{fields}, {result}: {doubtful:?}");
            assert_eq!(world.balance(&owner).await.in_transit, Some(kes(285)), "{fields}, {result}");
            assert_eq!(kinds(&operator).await, [kind], "{fields}, {result}");
            world.behave(json!({ "status_fields": { "amount": "" } })).await;
            world.run_after(15 * MINUTE).await;
            let ended = newest(&world, &owner).await;
            assert_eq!(ended.status(), end, "{fields}, {result}: {ended:?}");
            close_all(&operator).await;
            world.finish().await;
        }
    }
}
