//! What staff and operators do: plans, routers, who is online, ISPs, callbacks as they came.

use netily_sdk::auth::{AcceptInvitationRequest, Role};
use netily_sdk::hotspot::{
    ArchivePlanRequest, CreatePlanRequest, ListAllPlansRequest, ListPlansRequest, ListSessionsRequest, Plan as PlanMessage, PurchaseStatus, UpdatePlanRequest,
};
use netily_sdk::new_request_id;
use netily_sdk::platform::{CreateIspRequest, ListIspsRequest, ListWebhookDeliveriesRequest, WebhookState};
use netily_sdk::router::{CheckRouterRequest, CreateRouterRequest, GetRouterRequest, ListActiveSessionsRequest, RouterHealth};
use netily_sdk::types::{ErrorReason, Money};
use netily_tests::{Access, Guest, World};
use serde_json::json;

fn kes(shillings: i64) -> Option<Money> {
    Some(Money { amount_minor: shillings * 100, currency_code: "KES".into() })
}

fn evening() -> PlanMessage {
    PlanMessage {
        name: "Evening".into(),
        price: kes(20),
        duration: Some(prost_types::Duration { seconds: 4 * 3_600, nanos: 0 }),
        download_kbps: 4_000,
        upload_kbps: 1_000,
        shared_devices: 1,
        ..PlanMessage::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_is_made_changed_and_archived() {
    let world = World::new().await;
    let staff = world.signed_in("yellow", Access::Staff).await;
    let create = CreatePlanRequest { plan: Some(evening()), request_id: new_request_id() };
    let made = staff.hotspot().create_plan(create.clone()).await.expect("made").plan.expect("a plan");
    let again = staff.hotspot().create_plan(create.clone()).await.expect("the same request").plan.expect("a plan");
    assert_eq!(made.id, again.id, "the same request makes one plan");
    let other = CreatePlanRequest { plan: Some(PlanMessage { price: kes(30), ..evening() }), ..create };
    assert_eq!(staff.hotspot().create_plan(other).await.expect_err("other content").reason, ErrorReason::RequestIdReused);

    let changed = PlanMessage { price: kes(25), router_ids: vec![world.router_id("yellow-stage")], ..made.clone() };
    staff.hotspot().update_plan(UpdatePlanRequest { plan: Some(changed) }).await.expect("changed");
    let sold_at = async |router: &str| {
        let page = world.client("yellow").hotspot().list_plans(ListPlansRequest { router_id: world.router_id(router) }).await.expect("the page");
        page.plans.iter().find(|plan| plan.id == made.id).and_then(|plan| plan.price.clone())
    };
    assert_eq!((sold_at("yellow-market").await, sold_at("yellow-stage").await), (None, kes(25)), "sold where it is meant to be, at the new price");
    let error =
        world.client("yellow").hotspot().purchase(netily_sdk::hotspot::PurchaseRequest { plan_id: made.id.clone(), ..world.ask(&Guest::number(1)) }).await;
    assert_eq!(error.expect_err("not sold at this router").reason, ErrorReason::PlanNotAvailable);

    staff.hotspot().archive_plan(ArchivePlanRequest { id: made.id.clone() }).await.expect("archived");
    assert_eq!(sold_at("yellow-stage").await, None);
    let count = async |include_archived| {
        let ask = ListAllPlansRequest { include_archived, ..ListAllPlansRequest::default() };
        staff.hotspot().list_all_plans(ask).await.expect("plans").plans.len()
    };
    assert_eq!((count(false).await, count(true).await), (3, 4));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_that_cannot_be_sold_is_refused() {
    let world = World::new().await;
    let staff = world.signed_in("yellow", Access::Staff).await;
    let bad = [
        PlanMessage { name: String::new(), ..evening() },
        PlanMessage { price: None, ..evening() },
        PlanMessage { price: kes(0), ..evening() },
        PlanMessage { price: kes(-5), ..evening() },
        PlanMessage { price: Some(Money { amount_minor: 1_050, currency_code: "KES".into() }), ..evening() },
        PlanMessage { price: Some(Money { amount_minor: 1_000, currency_code: "USD".into() }), ..evening() },
        PlanMessage { duration: Some(prost_types::Duration { seconds: -1, nanos: 0 }), ..evening() },
        PlanMessage { data_cap_bytes: -1, ..evening() },
        PlanMessage { download_kbps: -1, ..evening() },
        PlanMessage { shared_devices: 101, ..evening() },
        PlanMessage { weekdays: vec![0], ..evening() },
        PlanMessage { weekdays: vec![8], ..evening() },
    ];
    for plan in bad {
        let ask = CreatePlanRequest { plan: Some(plan.clone()), request_id: new_request_id() };
        let error = staff.hotspot().create_plan(ask).await.expect_err(&format!("{plan:?}"));
        assert_eq!(error.reason, ErrorReason::InvalidArgument, "{plan:?}: {error}");
        assert!(!error.field_violations.is_empty(), "{error}");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_router_is_registered_checked_and_shows_who_is_online() {
    let world = World::new().await;
    let staff = world.signed_in("yellow", Access::Staff).await;
    let guest = Guest::number(1);
    world.join("yellow-market", &guest).await;
    let purchase = world.buy_and_pay(&guest).await;
    let id = world.router_id("yellow-market");
    let checked = staff.router().check_router(CheckRouterRequest { id: id.clone() }).await.expect("checked");
    assert!(checked.reachable, "{}", checked.problem);
    assert_eq!(checked.identity, "Market Street");
    assert!(!checked.version.is_empty() && !checked.board.is_empty(), "{checked:?}");
    let online = staff
        .router()
        .list_active_sessions(ListActiveSessionsRequest { id: id.clone(), ..ListActiveSessionsRequest::default() })
        .await
        .expect("asked")
        .sessions;
    let [session] = &online[..] else { panic!("one device: {online:?}") };
    assert_eq!((&session.session_id, &session.mac_address, &session.client_ip), (&purchase.session_id, &guest.mac, &guest.ip));
    let router = staff.router().get_router(GetRouterRequest { id: id.clone() }).await.expect("found").router.expect("a router");
    assert_eq!(router.health(), RouterHealth::Online);

    world.router("yellow-market").set_state(json!({ "power": "off" })).await.expect("switched off");
    let away = staff.router().check_router(CheckRouterRequest { id: id.clone() }).await.expect("checked");
    assert!(!away.reachable && !away.problem.is_empty());
    let asked = staff.router().list_active_sessions(ListActiveSessionsRequest { id: id.clone(), ..ListActiveSessionsRequest::default() }).await;
    assert_eq!(asked.expect_err("away").reason, ErrorReason::RouterUnreachable);
    let router = staff.router().get_router(GetRouterRequest { id }).await.expect("found").router.expect("a router");
    assert_eq!(router.health(), RouterHealth::Offline);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_router_may_be_called_over_tls_with_its_own_certificate_only() {
    let world = World::new().await;
    let staff = world.signed_in("blue", Access::Owner).await;
    let stand_in = world.router("blue-harbour");
    let register = async |name: &str, certificate_sha256: String| {
        let ask = CreateRouterRequest {
            name: name.into(),
            host: "127.0.0.1".into(),
            port: stand_in.tls_address().port().into(),
            use_tls: true,
            certificate_sha256,
            username: "netily".into(),
            password: "sandbox-router".into(),
            request_id: new_request_id(),
            ..CreateRouterRequest::default()
        };
        let router = staff.router().create_router(ask).await.expect("registered").router.expect("a router");
        staff.router().check_router(CheckRouterRequest { id: router.id }).await.expect("checked")
    };
    assert!(register("Pinned", stand_in.certificate_sha256()).await.reachable);
    let other = register("Stranger", "ab".repeat(32)).await;
    assert!(!other.reachable && other.problem.contains("certificate"), "{}", other.problem);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_inside_our_network_is_refused_like_one_that_does_not_exist() {
    let world = World::new().await;
    let staff = world.signed_in("yellow", Access::Staff).await;
    let mut answers = Vec::new();
    for host in ["169.254.169.254", "10.0.0.1", "192.168.88.1", "0.0.0.0", "224.0.0.1", "[::]", "no-such-host.invalid"] {
        let ask = CreateRouterRequest {
            name: format!("at {host}"),
            host: host.into(),
            username: "netily".into(),
            password: "secret-of-the-router".into(),
            request_id: new_request_id(),
            ..CreateRouterRequest::default()
        };
        let error = staff.router().create_router(ask).await.expect_err(host);
        assert!(matches!(error.reason, ErrorReason::AddressRefused | ErrorReason::InvalidArgument), "{host}: {error}");
        if error.reason == ErrorReason::AddressRefused {
            answers.push(error.message);
        }
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "one answer for all: {answers:?}");
    assert_eq!(world.sql().await.count("tenant.router").await, 3, "nothing was stored");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn staff_see_purchases_by_router_and_status_page_by_page() {
    let world = World::new().await;
    world.buy_and_pay(&Guest::number(1)).await;
    for n in 2..7 {
        world.buy_at("yellow-stage", &Guest::number(n)).await;
    }
    let staff = world.signed_in("yellow", Access::Staff).await;
    let list = async |ask: ListSessionsRequest| staff.hotspot().list_sessions(ask).await.expect("sessions");
    let mut seen = Vec::new();
    let mut page_token = String::new();
    loop {
        let page = list(ListSessionsRequest { page_size: 2, page_token, ..ListSessionsRequest::default() }).await;
        assert!(page.sessions.len() <= 2);
        seen.extend(page.sessions.into_iter().map(|session| session.session_id));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(seen.len(), 6);
    let distinct: std::collections::BTreeSet<_> = seen.iter().collect();
    assert_eq!(distinct.len(), 6, "nothing twice");
    let active = list(ListSessionsRequest { status: PurchaseStatus::Active.into(), ..ListSessionsRequest::default() }).await.sessions;
    assert_eq!(active.len(), 1);
    let there = list(ListSessionsRequest { router_id: world.router_id("yellow-stage"), ..ListSessionsRequest::default() }).await.sessions;
    assert_eq!(there.len(), 5);
    let ask = ListSessionsRequest { page_token: "nonsense".into(), ..ListSessionsRequest::default() };
    assert_eq!(staff.hotspot().list_sessions(ask).await.expect_err("no token of ours").reason, ErrorReason::InvalidArgument);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_opens_an_isp_that_can_sell_at_once() {
    let world = World::new().await;
    let operator = world.operator().await;
    let ask = CreateIspRequest {
        slug: "green".into(),
        name: "Green Fibre".into(),
        owner_email: "Owner@Green.example".into(),
        owner_phone_number: "0722000003".into(),
        owner_first_name: "Achieng".into(),
        owner_last_name: "O".into(),
        request_id: new_request_id(),
    };
    let isp = operator.platform().create_isp(ask.clone()).await.expect("opened").isp.expect("an ISP");
    assert_eq!((isp.slug.as_str(), isp.commission_rate.as_str()), ("green", "0.05"));
    let again = operator.platform().create_isp(ask.clone()).await.expect("the same request").isp.expect("an ISP");
    assert_eq!(isp.id, again.id);
    let taken = CreateIspRequest { request_id: new_request_id(), ..ask.clone() };
    assert_eq!(operator.platform().create_isp(taken).await.expect_err("taken").reason, ErrorReason::AlreadyExists);
    let listed = operator.platform().list_isps(ListIspsRequest::default()).await.expect("ISPs").isps;
    assert_eq!(listed.len(), 3);

    let owner = world.client("green");
    owner.sign_in("owner@green.example", "mbuzi na mchele").await.expect_err("there is no password yet");
    let token = world.link_token("owner@green.example").await;
    let accept = AcceptInvitationRequest { token, new_password: "mbuzi na mchele".into(), ..AcceptInvitationRequest::default() };
    let signed_in = owner.accept_invitation(accept).await.expect("the owner chooses a password");
    assert_eq!((signed_in.role(), signed_in.first_name.as_str()), (Role::Owner, "Achieng"));
    for identifier in ["owner@green.example", "+254 722 000 003"] {
        owner.sign_in(identifier, "mbuzi na mchele").await.expect("the owner signs in");
    }
    let made = owner.hotspot().create_plan(CreatePlanRequest { plan: Some(evening()), request_id: new_request_id() }).await;
    made.expect("and sells");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn callbacks_are_shown_to_operators_without_the_payers_number() {
    let world = World::new().await;
    let guest = Guest::number(1);
    world.buy_and_pay(&guest).await;
    let operator = world.operator().await;
    let seen = operator.platform().list_webhook_deliveries(ListWebhookDeliveriesRequest::default()).await.expect("callbacks").deliveries;
    let [delivery] = &seen[..] else { panic!("one callback: {seen:?}") };
    assert_eq!((delivery.isp_slug.as_str(), delivery.state()), ("yellow", WebhookState::Applied));
    assert!(delivery.body.contains("Success"), "{}", delivery.body);
    assert!(!delivery.body.contains(&guest.phone) && !delivery.body.contains(&guest.phone[3..]), "{}", delivery.body);
    world.finish().await;
}
