//! What an ISP's plan with Netily allows, and what happens when it is not paid.

use std::time::Duration;

use futures::future::join_all;
use netily_sdk::isp::{
    GetSubscriptionRequest, InviteStaffRequest, PaySubscriptionRequest, RemoveStaffRequest, ScheduleSubscriptionRequest, StaffRole, SubscriptionCycle,
    SubscriptionPlan, SubscriptionStatus,
};
use netily_sdk::router::CreateRouterRequest;
use netily_sdk::types::ErrorReason;
use netily_sdk::{Client, Error, new_request_id};
use netily_tests::{Access, Guest, World, eventually, registration};

const DAY: Duration = Duration::from_secs(86_400);
const PHONE: &str = "254722009900";

async fn invite(owner: &Client, n: usize) -> Result<String, Error> {
    let ask = InviteStaffRequest {
        email: format!("person-{n}@yellow.example"),
        first_name: "Amina".into(),
        last_name: "Otieno".into(),
        role: StaffRole::Staff.into(),
        request_id: new_request_id(),
    };
    Ok(owner.isp().invite_staff(ask).await?.staff.expect("a person").id)
}

async fn add_router(world: &World, staff: &Client, n: usize) -> Result<(), Error> {
    let ask = CreateRouterRequest {
        name: format!("Router {n}"),
        host: "127.0.0.1".into(),
        port: i32::from(world.address.port()),
        username: "netily".into(),
        password: "x".into(),
        request_id: new_request_id(),
        ..Default::default()
    };
    staff.router().create_router(ask).await.map(drop)
}

async fn pay(world: &World, owner: &Client, plan: SubscriptionPlan, cycle: SubscriptionCycle) -> i64 {
    let ask = PaySubscriptionRequest { plan: plan.into(), phone_number: PHONE.into(), request_id: new_request_id(), cycle: cycle.into() };
    let asked = owner.isp().pay_subscription(ask).await.expect("asked for").payment.expect("a payment");
    world.run_due().await;
    world.answer_prompt(PHONE, "accept").await;
    world.callbacks_delivered().await;
    world.run_due().await;
    asked.amount.expect("an amount").amount_minor / 100
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_is_for_so_many_and_a_larger_one_begins_at_once() {
    let world = World::new().await;
    world.on_trial("yellow").await;
    let owner = world.signed_in("yellow", Access::Owner).await;
    // Two are there; of ten invitations at once one fits.
    let invited: Vec<_> = join_all((0..10).map(|n| invite(&owner, n))).await;
    let (fit, rest): (Vec<_>, Vec<_>) = invited.into_iter().partition(Result::is_ok);
    assert_eq!(fit.len(), 1, "three people");
    for refused in rest {
        let refused = refused.expect_err("refused");
        assert_eq!(refused.reason, ErrorReason::LimitReached);
        assert!(refused.message.contains("Starter") && refused.message.contains("3 people"), "{refused}");
    }
    owner.isp().remove_staff(RemoveStaffRequest { id: fit.into_iter().next().expect("one").expect("an id") }).await.expect("removed");
    invite(&owner, 20).await.expect("a place is free again");
    for n in 0..3 {
        add_router(&world, &owner, n).await.expect("five routers");
    }
    let refused = add_router(&world, &owner, 3).await.expect_err("six");
    assert!(refused.reason == ErrorReason::LimitReached && refused.message.contains("5 routers"), "{refused}");
    let held = owner.isp().get_subscription(GetSubscriptionRequest {}).await.expect("a subscription");
    assert_eq!((held.routers, held.staff), (5, 3));

    let many = "INSERT INTO tenant.user_account (tenant_id, id, email, first_name, last_name, role, created_at)
                  SELECT i.id, gen_random_uuid(), 'many-' || n || '@example.com', 'Many', 'Many', 'CUSTOMER', now() FROM public.isp i, generate_series(1, 98) n WHERE i.slug = 'yellow';
                INSERT INTO tenant.customer (tenant_id, id, user_id, number, customer_code, status, registered_by, created_at, request_id, request_hash)
                  SELECT u.tenant_id, gen_random_uuid(), u.id, 1000 + row_number() OVER (), 'MANY-' || row_number() OVER (), 'ACTIVE', 'STAFF', now(), gen_random_uuid(), ''
                  FROM tenant.user_account u WHERE u.first_name = 'Many'";
    world.sql().await.run(many).await;
    let register = async |n: u32| world.client("yellow").register(registration(n)).await;
    let refused = register(901).await.expect_err("a hundred are there");
    assert_eq!(refused.reason, ErrorReason::RegistrationClosed, "{refused}");
    pay(&world, &owner, SubscriptionPlan::Pro, SubscriptionCycle::Monthly).await;
    register(902).await.expect("a larger plan begins at once");
    add_router(&world, &owner, 4).await.expect("25 routers");
    world.finish().await;
}

/// The trial ends, nobody pays: told in time, a week of grace, then the people can only look while everybody else goes on; paying
/// brings all back at once.
#[tokio::test(flavor = "multi_thread")]
async fn an_isp_that_does_not_pay_is_told_and_can_only_look_in_the_end() {
    let world = World::new().await;
    world.on_trial("yellow").await;
    let told = async |words: &str| world.sms_on("254722000001").await.iter().filter(|sms| sms.contains(words)).count();
    world.sweep().await;
    assert_eq!(told("Please pay").await, 0, "two weeks are left");
    for (days, words, count) in [(8, "is paid until", 1), (5, "is paid until", 2), (2, "you can only look; your customers stay", 1)] {
        world.advance(days * DAY);
        world.sweep().await;
        world.run_due().await;
        assert_eq!(told(words).await, count, "{words}");
    }
    let owner = world.signed_in("yellow", Access::Owner).await;
    let held = owner.isp().get_subscription(GetSubscriptionRequest {}).await.expect("a subscription");
    assert_eq!(held.status(), SubscriptionStatus::PastDue);
    invite(&owner, 1).await.expect("a week of grace");

    world.advance(7 * DAY);
    world.sweep().await;
    world.run_due().await;
    assert_eq!(told("so you can only look").await, 1);
    let owner = world.signed_in("yellow", Access::Owner).await;
    // The edge remembers for a moment how an ISP stands.
    eventually("read-only is noticed", async || {
        let refused = invite(&owner, 2).await.expect_err("three people are there");
        (refused.reason == ErrorReason::SubscriptionPastDue).then_some(())
    })
    .await;
    owner.router().list_routers(Default::default()).await.expect("they can look");
    world.buy_and_pay(&Guest::number(1)).await;
    let customer = world.customer("yellow").await;
    customer.selfservice().get_dashboard(Default::default()).await.expect("customers are served");

    assert_eq!(pay(&world, &owner, SubscriptionPlan::Starter, SubscriptionCycle::Yearly).await, 29_990);
    owner.isp().remove_staff(RemoveStaffRequest { id: staff_id(&owner).await }).await.expect("removed");
    eventually("all is back", async || invite(&owner, 2).await.ok()).await;
    let held = owner.isp().get_subscription(GetSubscriptionRequest {}).await.expect("a subscription");
    assert_eq!((held.status(), held.cycle()), (SubscriptionStatus::Active, SubscriptionCycle::Yearly));
    world.finish().await;
}

async fn staff_id(owner: &Client) -> String {
    let listed = owner.isp().list_staff(Default::default()).await.expect("people").staff;
    listed.into_iter().find(|person| person.role() == StaffRole::Staff).expect("somebody").id
}

#[tokio::test(flavor = "multi_thread")]
async fn a_smaller_plan_begins_when_what_is_paid_is_over() {
    let world = World::new().await;
    world.on_trial("yellow").await;
    let owner = world.signed_in("yellow", Access::Owner).await;
    pay(&world, &owner, SubscriptionPlan::Pro, SubscriptionCycle::Monthly).await;
    let plan = |plan: SubscriptionPlan| ScheduleSubscriptionRequest { plan: plan.into(), cycle: 0 };
    let larger = owner.isp().schedule_subscription(plan(SubscriptionPlan::Enterprise)).await.expect_err("a larger one is paid at once");
    assert_eq!(larger.reason, ErrorReason::StateConflict);
    let planned = owner.isp().schedule_subscription(plan(SubscriptionPlan::Starter)).await.expect("planned");
    assert_eq!((planned.plan(), planned.next_plan()), (SubscriptionPlan::Pro, SubscriptionPlan::Starter));
    let kept = owner.isp().schedule_subscription(plan(SubscriptionPlan::Unspecified)).await.expect("taken back");
    assert_eq!(kept.next_plan(), SubscriptionPlan::Unspecified);
    owner.isp().schedule_subscription(plan(SubscriptionPlan::Starter)).await.expect("planned");
    world.advance(46 * DAY);
    world.sweep().await;
    let owner = world.signed_in("yellow", Access::Owner).await;
    let held = owner.isp().get_subscription(GetSubscriptionRequest {}).await.expect("a subscription");
    assert_eq!((held.plan(), held.status()), (SubscriptionPlan::Starter, SubscriptionStatus::PastDue));
    assert_eq!(pay(&world, &owner, SubscriptionPlan::Starter, SubscriptionCycle::Monthly).await, 2_999);
    world.finish().await;
}
