//! kill -9 at every named point of money that goes back: it is booked once and paid once, or it can be asked for again, and the books say what
//! the gateway did.

use std::time::Duration;

use futures::stream::{StreamExt as _, iter};
use netily_sdk::payout::SettlementStatus;
use netily_sdk::platform::refund_payment_request::By;
use netily_sdk::platform::{ListRefundsRequest, RecordReversalRequest, Refund, RefundPaymentRequest};
use netily_sdk::selfservice::initiate_payment_request::Target;
use netily_sdk::{Client, new_request_id};
use netily_tests::{World, eventually, kes};
use serde_json::json;

use crate::failpoints_settlement;
use crate::program::Program;

/// After this a claim and a lease of a dead process are open.
const LEASES_OVER: Duration = Duration::from_secs(61);
const NOTE: &str = "Seen on the statement of M-Pesa.";

/// Points of what the gateway took back.
pub const REVERSING: [(&str, &str); 2] = [("refund", "reversing"), ("refund", "reversed")];
/// Points of giving money back; what the gateway pays goes through those of a settlement, too.
pub const REFUNDING: [(&str, &str); 2] = [("refund", "refunding"), ("refund", "refunded")];

/// How money goes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Reversal,
    ByHand,
    Gateway,
    /// By the gateway, which says that it did not work.
    Failing,
}

#[tokio::test(flavor = "multi_thread")]
async fn money_that_goes_back_while_the_server_is_killed_goes_back_once() {
    let settlement = failpoints_settlement::PAYING.into_iter().chain(failpoints_settlement::RELEASING);
    let points = REVERSING.into_iter().map(|point| (point, Way::Reversal));
    let points = points.chain(REFUNDING.into_iter().flat_map(|point| [(point, Way::ByHand), (point, Way::Gateway)]));
    let points = points.chain(settlement.map(|point| (point, if point.1 == "releasing" { Way::Failing } else { Way::Gateway })));
    iter(points).map(|((act, point), way)| go_back(format!("{act} {point}"), way)).buffer_unordered(4).collect::<Vec<()>>().await;
}

/// A customer who paid KES 300 to a program that is gone again.
async fn paid(world: &World) -> String {
    let program = Program::start(world, Duration::ZERO);
    let customer = eventually("a customer signs in", async || {
        world.client("yellow").selfservice().list_plans(Default::default()).await.ok()?;
        Some(world.customer("yellow").await)
    })
    .await;
    let asked = world.initiate(&customer, Target::Amount(kes(300))).await.expect("asked for");
    world.answer_prompt(&world.customer_phone("yellow"), "accept").await;
    eventually("it is booked", async || (world.sql().await.count("tenant.ledger_transaction").await == 1).then_some(())).await;
    program.kill();
    asked.id
}

/// Asks once; the answer of a dying server gets lost.
async fn ask(operator: &Client, way: Way, payment_id: &str, request_id: &str) -> Result<Option<Refund>, netily_sdk::Error> {
    let (isp, payment_id, note, request_id) = ("yellow".to_owned(), payment_id.to_owned(), NOTE.to_owned(), request_id.to_owned());
    if way == Way::Reversal {
        let ask = RecordReversalRequest { isp, payment_id, note, request_id, amount: Some(kes(300)), reference: "UL91AB22CD".into() };
        return Ok(operator.platform().record_reversal(ask).await?.refund);
    }
    let by = Some(if way == Way::ByHand { By::ByHandReference("UL91AB22CD".into()) } else { By::Gateway(true) });
    let ask = RefundPaymentRequest { isp, payment_id, note, request_id, by, ..Default::default() };
    Ok(operator.platform().refund_payment(ask).await?.refund)
}

async fn go_back(point: String, way: Way) {
    let world = World::builder().not_serving().start().await;
    let payment = paid(&world).await;
    if way == Way::Failing {
        world.behave(json!({ "payout_result": "failed" })).await;
    }
    if way == Way::Reversal {
        world.reverse(&world.customer_phone("yellow"), json!({})).await;
    }
    let request = new_request_id();
    let doomed = Program::dying_at(&world, LEASES_OVER, &point);
    let asking = async {
        let operator = eventually("an operator signs in", async || {
            let client = world.platform_client();
            client.sign_in(&world.seeded.operator.identifier, &world.seeded.operator.password).await.ok()?;
            Some(client)
        })
        .await;
        drop(ask(&operator, way, &payment, &request).await);
    };
    let ((), ()) = tokio::join!(asking, doomed.died(&point));
    let ahead = 2 * LEASES_OVER;
    let program = Program::start(&world, ahead);
    let operator = eventually("an operator signs in again", async || {
        let client = world.platform_client();
        client.sign_in(&world.seeded.operator.identifier, &world.seeded.operator.password).await.ok()?;
        Some(client)
    })
    .await;
    ask(&operator, way, &payment, &request).await.unwrap_or_else(|error| panic!("{point} {way:?}: the same request again: {error}"));
    let ended = eventually(&format!("{point} {way:?}: it ends"), async || {
        let listed = operator.platform().list_refunds(ListRefundsRequest::default()).await.ok()?.refunds;
        assert_eq!(listed.len(), 1, "{point} {way:?}: once");
        listed.into_iter().find(|one| matches!(one.status(), SettlementStatus::Completed | SettlementStatus::Failed | SettlementStatus::Unknown))
    })
    .await;
    let requests: u64 = world.payouts().iter().map(|paid| paid["requests"].as_u64().unwrap_or(0)).sum();
    assert!(requests <= 1, "{point} {way:?}: {requests} requests");
    let mut sql = world.sql().await;
    let owed = sql.value("SELECT -balance_minor FROM tenant.ledger_balance WHERE account = 'ISP_PAYABLE'").await;
    let account = sql.value("SELECT balance_minor FROM tenant.customer_account WHERE balance_minor <> 0 UNION ALL SELECT 0 LIMIT 1").await;
    let left = if ended.status() == SettlementStatus::Failed { (28_500, 30_000) } else { (0, 0) };
    assert_eq!((owed.as_i64(), account.as_i64()), (Some(left.0), Some(left.1)), "{point} {way:?}: {ended:?}");
    drop(program);
    world.advance(ahead);
    world.finish().await;
}
