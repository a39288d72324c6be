//! What providers report about messages that they took, and who may report.

use netily::id::MessageId;
use netily::notify::{Note, Template, delivery};
use netily_tests::{World, eventually, to_phone};
use serde_json::{Value, json};

const PHONE: &str = "254712345678";

fn address(world: &World) -> String {
    format!("http://{}/api/v1/webhooks/africastalking/delivery/{}/", world.address, delivery::token(&world.app.config.callback_key))
}

fn approved() -> Note<'static> {
    Note { facts: &[("name", "Asha"), ("customer_code", "CUST-0001")], ..to_phone(Template::CustomerApproved, PHONE) }
}

/// Sends a message while the provider reports as the switches say, and waits for its state.
async fn reported(switches: Value, wanted: &str) -> (World, MessageId) {
    let world = World::new().await;
    let mut all = json!({ "report_url": address(&world) });
    for (name, value) in switches.as_object().expect("switches") {
        all[name] = value.clone();
    }
    world.sms_behave(all).await;
    let id = world.queue("yellow", approved()).await.expect("queued");
    world.run_due().await;
    eventually("the report is taken in", async || (world.fate(id).await.0 == wanted).then_some(())).await;
    (world, id)
}

async fn post(world: &World, url: &str, form: &str) -> u16 {
    world.post(url, form.as_bytes().to_vec()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_arrived_is_delivered_and_stays_so() {
    let (world, id) = reported(json!({}), "DELIVERED").await;
    let provider_id = world.message(id).await["provider_id"].as_str().expect("an id").to_owned();
    for late in ["Failed", "Success", "Buffered"] {
        assert_eq!(post(&world, &address(&world), &format!("id={provider_id}&status={late}")).await, 200);
        assert_eq!(world.fate(id).await.0, "DELIVERED", "{late} comes after");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_is_faster_than_the_answer_is_not_lost() {
    // The answer comes half a second after the report.
    let (world, _) = reported(json!({ "mode": "slow", "slow_ms": 500 }), "DELIVERED").await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_did_not_arrive_failed_and_may_be_sent_again() {
    let switches = json!({ "report_status": "Failed", "report_failure_reason": "UserInBlacklist" });
    let (world, id) = reported(switches, "FAILED").await;
    assert_eq!(world.fate(id).await.1, "it did not arrive: UserInBlacklist");
    let staff = world.signed_in("yellow", netily_tests::Access::Staff).await;
    world.sms_behave(json!({ "report_url": address(&world) })).await;
    staff.notify().retry_message(netily_sdk::notify::RetryMessageRequest { id: id.to_string() }).await.expect("queued again");
    world.run_due().await;
    eventually("it arrives at last", async || (world.fate(id).await.0 == "DELIVERED").then_some(())).await;
    assert_eq!(world.sms_on(PHONE).await.len(), 2);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_token_looks_like_any_unknown_path() {
    let world = World::new().await;
    let id = world.queue("yellow", approved()).await.expect("queued");
    world.run_due().await;
    let provider_id = world.message(id).await["provider_id"].as_str().expect("an id").to_owned();
    let form = format!("id={provider_id}&status=Success");
    let base = format!("http://{}/api/v1/webhooks/africastalking/delivery", world.address);
    for wrong in [format!("{base}/AAAAAAAAAAAAAAAAAAAAAA/"), format!("{base}/x"), format!("{base}/"), format!("{base}/../nothing")] {
        assert_eq!(post(&world, &wrong, &form).await, 404, "{wrong}");
    }
    assert_eq!(world.fate(id).await.0, "SENT");
    assert_eq!(post(&world, address(&world).trim_end_matches('/'), &form).await, 200, "with and without the last slash");
    assert_eq!(world.fate(id).await.0, "DELIVERED");
    for odd in ["", "id=1", "status=Success", "\u{0}\u{1}", "id=unknown&status=Success"] {
        assert_eq!(post(&world, &address(&world), odd).await, 200, "{odd:?}");
    }
    assert_eq!(world.post(&address(&world), vec![b'x'; 17 * 1024]).await, 413);
    world.finish().await;
}
