//! "Already paid?" and "this was not me".

use std::time::Duration;

use netily_sdk::hotspot::{BlockPromptsRequest, PurchaseStatus};
use netily_sdk::types::ErrorReason;
use netily_tests::{Guest, World};

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_that_changed_its_address_resumes_by_phone_and_receipt() {
    let world = World::new().await;
    let guest = Guest::number(1);
    world.join("yellow-market", &guest).await;
    let purchase = world.buy_and_pay(&guest).await;

    let changed = Guest { mac: "02:00:00:00:00:99".into(), ip: "10.5.9.9".into(), ..guest.clone() };
    world.join("yellow-market", &changed).await;
    let ask = world.resume_ask("yellow-market", &changed, &purchase.mpesa_receipt);
    let resumed = world.client("yellow").hotspot().resume_purchase(ask).await.expect("resumed").purchase.expect("a purchase");
    assert_eq!(resumed.session_id, purchase.session_id, "the same purchase, not another one");
    world.run_due().await;
    let now = world.look(&purchase.session_id).await;
    assert_eq!((now.status(), now.logged_in), (PurchaseStatus::Active, true));
    assert_eq!(now.expires_at, purchase.expires_at, "time is not given twice");
    let router = world.router("yellow-market").snapshot().await;
    let online: Vec<_> = router["active"].as_array().expect("a list").iter().map(|row| row["mac-address"].clone()).collect();
    assert_eq!(online, [changed.mac.as_str()], "the new device instead of the old one");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_opens_nothing_for_another_phone_isp_or_router() {
    let world = World::new().await;
    let guest = Guest::number(1);
    let receipt = world.buy_and_pay(&guest).await.mpesa_receipt;
    let thief = Guest::number(2);
    let wrong = [
        ("yellow", world.resume_ask("yellow-market", &guest, "AAAAAAAAAA")),
        ("yellow", world.resume_ask("yellow-market", &thief, &receipt)),
        ("yellow", world.resume_ask("yellow-stage", &guest, &receipt)),
        ("blue", world.resume_ask("blue-harbour", &guest, &receipt)),
    ];
    for (slug, ask) in wrong {
        let error = world.client(slug).hotspot().resume_purchase(ask.clone()).await.expect_err("refused");
        assert_eq!(error.reason, ErrorReason::ReceiptNotFound, "{ask:?}");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_used_up_is_not_resumed() {
    let world = World::new().await;
    let guest = Guest::number(1);
    let purchase = world.buy_and_pay(&guest).await;
    world.run_after(Duration::from_secs(3_601)).await;
    let ask = world.resume_ask("yellow-market", &guest, &purchase.mpesa_receipt);
    let error = world.client("yellow").hotspot().resume_purchase(ask).await.expect_err("refused");
    assert_eq!(error.reason, ErrorReason::PurchaseEnded);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn receipts_cannot_be_guessed_by_trying() {
    let world = World::new().await;
    let guest = Guest::number(1);
    let client = world.client("yellow");
    let mut refused = None;
    for n in 0..20 {
        let ask = world.resume_ask("yellow-market", &guest, &format!("SGUESS{n:04}"));
        let error = client.hotspot().resume_purchase(ask).await.expect_err("nothing was paid");
        if error.reason == ErrorReason::RateLimited {
            assert!(error.retry_after.is_some(), "it says when to come back");
            refused = Some(n);
            break;
        }
        assert_eq!(error.reason, ErrorReason::ReceiptNotFound);
    }
    assert_eq!(refused, Some(10), "ten tries, then one every half minute");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_asked_for_no_prompts_gets_none_for_a_day() {
    let world = World::new().await;
    let guest = Guest::number(1);
    let client = world.client("yellow");
    let ask = BlockPromptsRequest { router_id: world.router_id("yellow-market"), phone_number: guest.phone.clone() };
    let until = client.hotspot().block_prompts(ask).await.expect("blocked").blocked_until.expect("a time");
    assert!(until.seconds > world.app.clock.now().timestamp() + 23 * 3_600);

    let error = client.hotspot().purchase(world.ask(&guest)).await.expect_err("refused");
    assert_eq!(error.reason, ErrorReason::PhoneBlocked);
    assert!(error.retry_after.is_some());
    world.buy_at("blue-harbour", &guest).await; // another ISP knows nothing of it
    world.advance(Duration::from_secs(24 * 3_600 + 1));
    world.buy(&guest).await;
    world.finish().await;
}
