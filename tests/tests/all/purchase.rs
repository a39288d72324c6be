//! The whole line of a purchase, from the page's first question to the router that forgets the guest.

use std::time::Duration;

use futures::StreamExt as _;
use netily_sdk::billing::ListCommissionsRequest;
use netily_sdk::hotspot::{ListPlansRequest, PurchaseStatus};
use netily_sdk::platform::SetCommissionRateRequest;
use netily_sdk::types::ErrorReason;
use netily_sdk::types::FailureReason;
use netily_tests::{Access, Guest, Plan, World};
use serde_json::{Value, json};

const HOUR: Duration = Duration::from_secs(3_600);

/// The row of a list of the router's snapshot in which a field has a value.
fn row<'a>(snapshot: &'a Value, list: &str, field: &str, value: &str) -> Option<&'a Value> {
    snapshot[list].as_array().expect("a list").iter().find(|row| row[field] == value)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_pays_and_is_online() {
    let world = World::working().await;
    let guest = Guest::number(1);
    let client = world.client("yellow");
    world.join("yellow-market", &guest).await;

    let page = client.hotspot().list_plans(ListPlansRequest { router_id: world.router_id("yellow-market") }).await.expect("the page");
    let prices: Vec<i64> = page.plans.iter().map(|plan| plan.price.clone().expect("a price").amount_minor).collect();
    assert_eq!(prices, [1_000, 5_000, 30_000], "cheapest first");
    let branding = page.branding.expect("branding");
    assert_eq!((branding.display_name.as_str(), branding.primary_color.as_str()), ("Yellow WiFi", "#f2b705"));

    let bought = world.buy(&guest).await;
    assert_eq!(bought.status(), PurchaseStatus::AwaitingPayment);
    assert_eq!((bought.username.as_str(), bought.password.as_str()), ("", ""), "no credentials before the time begins");
    assert_eq!(bought.amount.clone().expect("an amount").amount_minor, 1_000);

    let mut states = client.watch_purchase(&bought.session_id);
    let first = states.next().await.expect("the state it is in").expect("no error");
    assert_eq!(first.status(), PurchaseStatus::AwaitingPayment);
    world.answer_prompt(&guest.phone, "accept").await;
    let rest: Vec<_> = states.map(|state| state.expect("no error")).collect().await;
    let seen: Vec<PurchaseStatus> = rest.iter().map(netily_sdk::hotspot::Purchase::status).collect();
    assert!(seen.is_sorted(), "a purchase never goes back: {seen:?}");
    let online = rest.last().expect("an end");
    assert_eq!(online.status(), PurchaseStatus::Active);
    assert!(online.logged_in, "the router logged the device in by itself");
    assert_eq!(online.mpesa_receipt, world.collection_from(&guest.phone)["receipt"]);

    let router = world.router("yellow-market").snapshot().await;
    let user = row(&router, "users", "name", &online.username).expect("the router holds the user");
    assert_eq!(user["limit-uptime"], "1h", "{user}");
    assert_eq!(user["mac-address"], guest.mac);
    assert_eq!(user["comment"], format!("netily {}", online.session_id));
    let profile = row(&router, "profiles", "name", user["profile"].as_str().expect("a profile")).expect("the profile");
    assert_eq!(profile["rate-limit"], "1M/3M", "upload and download of the plan: {profile}");
    let session = row(&router, "active", "user", &online.username).expect("the device is online");
    assert_eq!((&session["mac-address"], &session["address"]), (&json!(guest.mac), &json!(guest.ip)));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_is_split_between_the_isp_and_netily() {
    let world = World::new().await;
    let purchase = world.buy_and_pay(&Guest::number(1)).await;
    let staff = world.signed_in("yellow", Access::Staff).await;
    let ledger = staff.billing().list_commissions(ListCommissionsRequest::default()).await.expect("the commission ledger");
    let [line] = &ledger.commissions[..] else { panic!("one line: {:?}", ledger.commissions) };
    let minor = |money: &Option<netily_sdk::types::Money>| money.as_ref().expect("an amount").amount_minor;
    assert_eq!((minor(&line.gross), minor(&line.commission), minor(&line.isp_amount)), (1_000, 50, 950));
    assert_eq!((line.rate.as_str(), line.mpesa_receipt.as_str()), ("0.05", purchase.mpesa_receipt.as_str()));
    assert_eq!(minor(&ledger.pending_balance), 950, "what Netily owes the ISP");
    let other = world.signed_in("blue", Access::Owner).await;
    let theirs = other.billing().list_commissions(ListCommissionsRequest::default()).await.expect("the commission ledger");
    assert_eq!((theirs.commissions.len(), minor(&theirs.pending_balance)), (0, 0), "another ISP sees nothing of it");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_keeps_the_rate_it_began_with() {
    let world = World::new().await;
    let (before, after) = (Guest::number(1), Guest::number(2));
    world.buy(&before).await;
    let ask = SetCommissionRateRequest { isp: "yellow".into(), rate: "0.0475".into() };
    let asked = world.operator().await.platform().set_commission_rate(ask.clone()).await.expect("asked for");
    assert!(asked.needs_another_operator && asked.isp.expect("an ISP").commission_rate == "0.05", "one operator changes no rate");
    let set = world.another_operator().await.platform().set_commission_rate(ask).await.expect("agreed");
    assert!(!set.needs_another_operator && set.isp.expect("an ISP").commission_rate == "0.0475");
    world.buy(&after).await;
    world.run_due().await;
    for guest in [&before, &after] {
        world.answer_prompt(&guest.phone, "accept").await;
    }
    world.callbacks_delivered().await;
    world.run_due().await;
    let mut sql = world.sql().await;
    let split = "SELECT c.commission_minor, c.isp_minor FROM tenant.commission_ledger c JOIN tenant.payment p ON p.id = c.payment_id ORDER BY p.created_at";
    let parts: Vec<_> = sql.rows(split).await.iter().map(|row| (row["commission_minor"].as_i64(), row["isp_minor"].as_i64())).collect();
    // 47.5 cents are rounded to the even cent.
    assert_eq!(parts, [(Some(50), Some(950)), (Some(48), Some(952))]);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn api_2_0_0_of_payhero_is_spoken_as_well() {
    let world = World::builder().v2().start().await;
    let guest = Guest::number(1);
    world.join("yellow-market", &guest).await;
    let purchase = world.buy_and_pay(&guest).await;
    assert!(purchase.logged_in);
    assert_eq!(world.collection_from(&guest.phone)["generation"], "v2");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn why_a_payment_failed_is_told_in_both_generations() {
    for world in [World::new().await, World::builder().v2().start().await] {
        let refusals = [("cancel", FailureReason::CancelledByUser), ("wrong_pin", FailureReason::WrongPin), ("insufficient", FailureReason::InsufficientFunds)];
        for (n, (answer, reason)) in (1..).zip(refusals) {
            let guest = Guest::number(n);
            let bought = world.buy(&guest).await;
            world.run_due().await;
            world.answer_prompt(&guest.phone, answer).await;
            world.callbacks_delivered().await;
            world.run_due().await;
            let purchase = world.look(&bought.session_id).await;
            assert_eq!((purchase.status(), purchase.failure_reason()), (PurchaseStatus::Failed, reason), "{answer}");
            assert!(!purchase.failure_message.is_empty(), "and in words");
        }
        world.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prompt_that_nobody_answers_times_out() {
    let world = World::new().await;
    let guest = Guest::number(1);
    let bought = world.buy(&guest).await;
    world.run_due().await;
    world.answer_prompt(&guest.phone, "ignore").await;
    world.run_after(Duration::from_secs(170)).await;
    assert_eq!(world.look(&bought.session_id).await.status(), PurchaseStatus::AwaitingPayment, "not before its time");
    world.run_after(Duration::from_secs(11)).await;
    let purchase = world.look(&bought.session_id).await;
    assert_eq!((purchase.status(), purchase.failure_reason()), (PurchaseStatus::Failed, FailureReason::TimedOut));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_the_router_does_not_see_logs_in_by_the_form() {
    let world = World::new().await;
    let guest = Guest::number(1);
    let purchase = world.buy_and_pay(&guest).await;
    assert!(!purchase.logged_in, "the router has never seen the device");
    assert_eq!(purchase.login_url, "http://wifi.example/login");
    let router = world.router("yellow-market");
    router.join_host(&guest.mac, &guest.ip).await.expect("the device joins");
    router.browser_login(&guest.mac, &guest.ip, &purchase.username, &purchase.password).await.expect("the form lets the device in");
    let stranger = Guest::number(2);
    router.join_host(&stranger.mac, &stranger.ip).await.expect("another device joins");
    let refused = router.browser_login(&stranger.mac, &stranger.ip, &purchase.username, &purchase.password).await;
    assert!(refused.is_err(), "the plan is for one device, and it was named");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_for_two_devices_lets_two_in_and_not_three() {
    let world = World::new().await;
    let guest = Guest::number(1);
    let ask = world.ask_at("yellow-market", &guest, Plan::Week);
    let bought = world.client("yellow").hotspot().purchase(ask).await.expect("taken").purchase.expect("a purchase");
    assert_eq!(bought.data_remaining_bytes, Some(10_000_000_000), "the cap is told");
    world.run_due().await;
    world.answer_prompt(&guest.phone, "accept").await;
    world.callbacks_delivered().await;
    world.run_due().await;
    let purchase = world.look(&bought.session_id).await;
    let router = world.router("yellow-market");
    for (n, may) in [(1, true), (2, true), (3, false)] {
        let device = Guest::number(n);
        router.join_host(&device.mac, &device.ip).await.expect("the device joins");
        let login = router.browser_login(&device.mac, &device.ip, &purchase.username, &purchase.password).await;
        assert_eq!(login.is_ok(), may, "device {n}: {login:?}");
    }
    let snapshot = router.snapshot().await;
    assert_eq!(row(&snapshot, "users", "name", &purchase.username).expect("the user")["limit-bytes-total"], "10000000000");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn at_the_end_of_the_time_the_router_forgets_the_user() {
    let world = World::new().await;
    let guest = Guest::number(1);
    world.join("yellow-market", &guest).await;
    let purchase = world.buy_and_pay(&guest).await;
    world.run_after(HOUR - Duration::from_secs(5)).await;
    assert_eq!(world.look(&purchase.session_id).await.status(), PurchaseStatus::Active, "not before its time");
    world.run_after(Duration::from_secs(6)).await;
    let ended = world.look(&purchase.session_id).await;
    assert_eq!(ended.status(), PurchaseStatus::Expired);
    assert_eq!((ended.username.as_str(), ended.password.as_str()), ("", ""), "credentials are told in ACTIVE only");
    let router = world.router("yellow-market").snapshot().await;
    assert!(row(&router, "users", "name", &purchase.username).is_none(), "the user is gone");
    assert!(row(&router, "active", "user", &purchase.username).is_none(), "and offline");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_isps_sell_at_the_same_time_and_each_is_owed_its_own() {
    let world = World::working().await;
    let (here, there) = (Guest::number(1), Guest::number(2));
    let yellow = world.buy_at("yellow-stage", &here).await;
    let blue = world.buy_at("blue-harbour", &there).await;
    for guest in [&here, &there] {
        world.answer_prompt(&guest.phone, "accept").await;
    }
    world.until(&yellow.session_id, PurchaseStatus::Active).await;
    netily_tests::eventually("blue's guest is online", async || {
        Some(world.look_at("blue", &blue.session_id).await).filter(|purchase| purchase.status() == PurchaseStatus::Active)
    })
    .await;
    let mut sql = world.sql().await;
    let owed = sql.rows("SELECT i.slug, -b.balance_minor AS owed FROM tenant.ledger_balance b JOIN public.isp i ON i.id = b.tenant_id ORDER BY 1").await;
    assert_eq!(owed, [json!({ "slug": "blue", "owed": 950 }), json!({ "slug": "yellow", "owed": 950 })]);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_input_is_refused_with_the_name_of_the_field() {
    let world = World::new().await;
    let client = world.client("yellow");
    let good = world.ask(&Guest::number(1));
    let bad = |field: &'static str, change: &dyn Fn(&mut netily_sdk::hotspot::PurchaseRequest)| {
        let mut ask = good.clone();
        change(&mut ask);
        (field, ask)
    };
    let asks = [
        bad("phone_number", &|ask| ask.phone_number = "12345".into()),
        bad("phone_number", &|ask| ask.phone_number = "+255712345678".into()),
        bad("phone_number", &|ask| ask.phone_number = String::new()),
        bad("mac_address", &|ask| ask.mac_address = "AA:BB:CC".into()),
        bad("mac_address", &|ask| ask.mac_address = "AA:BB:CC:DD:EE:GG".into()),
        bad("client_ip", &|ask| ask.client_ip = "10.0.0.256".into()),
        bad("login_url", &|ask| ask.login_url = "javascript:alert(1)".into()),
        bad("login_url", &|ask| ask.login_url = "//evil.example".into()),
        bad("login_url", &|ask| ask.login_url = format!("http://wifi.example/{}", "a".repeat(5_000))),
        bad("router_id", &|ask| ask.router_id = "hpl_0190b5c0a1b27c3d8e4f5a6b7c8d9e0f".into()),
        bad("plan_id", &|ask| ask.plan_id = "nonsense".into()),
        bad("request_id", &|ask| ask.request_id = "not a uuid".into()),
    ];
    for (field, ask) in asks {
        let error = client.hotspot().purchase(ask.clone()).await.expect_err("refused");
        assert_eq!(error.reason, ErrorReason::InvalidArgument, "{field}: {ask:?}: {error}");
        assert!(error.field_violations.iter().any(|violation| violation.path == field), "{field}: {error}");
    }
    assert_eq!(world.sql().await.count("tenant.payment").await, 0, "nothing was begun");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archived_plan_is_sold_no_longer_and_what_is_sold_stays() {
    let world = World::new().await;
    let guest = Guest::number(1);
    let bought = world.buy(&guest).await;
    let staff = world.signed_in("yellow", Access::Staff).await;
    let id = world.plan_id("yellow", Plan::Hour);
    staff.hotspot().archive_plan(netily_sdk::hotspot::ArchivePlanRequest { id }).await.expect("archived");
    let error = world.client("yellow").hotspot().purchase(world.ask(&Guest::number(2))).await.expect_err("no longer sold");
    assert_eq!(error.reason, ErrorReason::PlanNotAvailable);
    world.run_due().await;
    world.answer_prompt(&guest.phone, "accept").await;
    world.callbacks_delivered().await;
    world.run_due().await;
    assert_eq!(world.look(&bought.session_id).await.status(), PurchaseStatus::Active);
    world.finish().await;
}
