//! What customers ask of staff, and the alerts that tell them of it.

use std::time::Duration;

use netily_sdk::customer::{ListServiceRequestsRequest as StaffList, ServiceRequest as Seen, UpdateServiceRequestRequest};
use netily_sdk::selfservice::{
    CancelServiceRequestRequest, CreateServiceRequestRequest, GetDashboardRequest, GetServiceRequestRequest, ListAlertsRequest, ListPlansRequest,
    ListServiceRequestsRequest, MarkAlertReadRequest, MarkAllAlertsReadRequest, ServiceRequest,
};
use netily_sdk::types::{AlertKind, BillingPeriodUnit, ErrorReason, ServiceRequestCategory as Category, ServiceRequestStatus as State};
use netily_sdk::{Client, Error, new_request_id};
use netily_tests::{Access, World, registration};

fn move_it() -> CreateServiceRequestRequest {
    CreateServiceRequestRequest {
        subject: "Move my router".into(),
        description: "From the shop to the house.\nNext week, please.".into(),
        category: Category::Transfer.into(),
        request_id: new_request_id(),
    }
}

async fn file(customer: &Client) -> ServiceRequest {
    try_to_file(customer).await.expect("filed")
}

async fn try_to_file(customer: &Client) -> Result<ServiceRequest, Error> {
    Ok(customer.selfservice().create_service_request(move_it()).await?.service_request.expect("a service request"))
}

async fn own(customer: &Client, id: &str) -> Result<ServiceRequest, Error> {
    let found = customer.selfservice().get_service_request(GetServiceRequestRequest { id: id.to_owned() }).await?;
    Ok(found.service_request.expect("a service request"))
}

async fn cancel(customer: &Client, id: &str) -> Result<ServiceRequest, Error> {
    let cancelled = customer.selfservice().cancel_service_request(CancelServiceRequestRequest { id: id.to_owned() }).await?;
    Ok(cancelled.service_request.expect("a service request"))
}

async fn answer(staff: &Client, id: &str, status: State, reply: &str) -> Result<Seen, Error> {
    let ask = UpdateServiceRequestRequest { id: id.to_owned(), status: status.into(), reply: reply.to_owned() };
    Ok(staff.customer().update_service_request(ask).await?.service_request.expect("a service request"))
}

async fn dashboard(customer: &Client) -> (i32, i32) {
    let page = customer.selfservice().get_dashboard(GetDashboardRequest {}).await.expect("the first page");
    (page.open_service_requests, page.unread_alerts)
}

fn is_conflict(error: &Error, state: &str) -> bool {
    error.reason == ErrorReason::StateConflict && error.message.contains(state)
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_sees_what_is_sold_cheapest_first() {
    let world = World::new().await;
    let plans = world.client("yellow").selfservice().list_plans(ListPlansRequest {}).await.expect("plans").plans;
    let shown: Vec<_> = plans.iter().map(|plan| (plan.name.as_str(), plan.price.as_ref().expect("a price").amount_minor, plan.download_kbps)).collect();
    assert_eq!(shown, [("Home 5 Mbps", 150_000, 5_000), ("Home 10 Mbps", 250_000, 10_000)]);
    let period = plans[0].billing_period.as_ref().expect("a period");
    assert_eq!((period.unit(), period.count), (BillingPeriodUnit::Month, 1));
    assert_eq!(plans.iter().map(|plan| plan.id.clone()).collect::<Vec<_>>(), world.seeded.isps[0].plans, "as on the card");
    let archive = netily_sdk::billing::ArchivePlanRequest { id: plans[0].id.clone() };
    world.signed_in("yellow", Access::Staff).await.billing().archive_plan(archive).await.expect("archived");
    let left = world.client("yellow").selfservice().list_plans(ListPlansRequest {}).await.expect("plans").plans;
    assert_eq!(left.len(), 1, "what is archived is not sold");
    assert_eq!(world.client("blue").selfservice().list_plans(ListPlansRequest {}).await.expect("plans").plans.len(), 2);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_filed_once_seen_by_staff_and_taken_back() {
    let world = World::new().await;
    let customer = world.customer("yellow").await;
    let ask = move_it();
    let made = customer.selfservice().create_service_request(ask.clone()).await.expect("filed").service_request.expect("a service request");
    assert_eq!((made.subject.as_str(), made.description.as_str()), (ask.subject.as_str(), ask.description.as_str()));
    assert_eq!((made.category(), made.status(), made.reply.as_str(), made.replied_at), (Category::Transfer, State::Pending, "", None));
    let again = customer.selfservice().create_service_request(ask.clone()).await.expect("the same request").service_request;
    assert_eq!(again, Some(made.clone()));
    let other = CreateServiceRequestRequest { subject: "Another".into(), ..ask };
    assert_eq!(customer.selfservice().create_service_request(other).await.expect_err("other content").reason, ErrorReason::RequestIdReused);
    assert_eq!(dashboard(&customer).await, (1, 0));

    let staff = world.signed_in("yellow", Access::Staff).await;
    let seen = staff.customer().list_service_requests(StaffList::default()).await.expect("requests").service_requests;
    let [seen] = &seen[..] else { panic!("one request: {seen:?}") };
    assert_eq!((seen.id.as_str(), seen.customer_code.as_str(), seen.customer_name.as_str()), (made.id.as_str(), "CUST-0001", "Asha Mwangi"));
    assert_eq!(seen.description, made.description);

    assert_eq!(own(&customer, &made.id).await.expect("found"), made);
    let cancelled = cancel(&customer, &made.id).await.expect("taken back");
    assert_eq!(cancelled.status(), State::Cancelled);
    assert_eq!(cancel(&customer, &made.id).await.expect("again"), cancelled, "twice is once");
    assert_eq!(dashboard(&customer).await, (0, 0), "what customers do themselves needs no alert");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_says_nothing_is_refused() {
    let world = World::new().await;
    let customer = world.customer("yellow").await;
    for (path, bad) in [
        ("subject", CreateServiceRequestRequest { subject: " ".into(), ..move_it() }),
        ("subject", CreateServiceRequestRequest { subject: "x".repeat(121), ..move_it() }),
        ("description", CreateServiceRequestRequest { description: String::new(), ..move_it() }),
        ("description", CreateServiceRequestRequest { description: "x".repeat(4_001), ..move_it() }),
        ("category", CreateServiceRequestRequest { category: 0, ..move_it() }),
        ("category", CreateServiceRequestRequest { category: 99, ..move_it() }),
        ("request_id", CreateServiceRequestRequest { request_id: "1".into(), ..move_it() }),
    ] {
        let error = customer.selfservice().create_service_request(bad).await.expect_err(path);
        assert_eq!((error.reason, error.field_violations[0].path.as_str()), (ErrorReason::InvalidArgument, path));
    }
    assert_eq!(dashboard(&customer).await.0, 0);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_an_alert_and_a_text_in_the_customers_language() {
    let world = World::new().await;
    let staff = world.signed_in("yellow", Access::Staff).await;
    let card = &world.seeded.isps[0].customers[1];
    let customer = world.client("yellow");
    customer.log_in(&card.phone, &card.password).await.expect("signs in");
    let id = file(&customer).await.id;
    let moved = answer(&staff, &id, State::InProgress, "").await.expect("moved on");
    assert_eq!((moved.status(), moved.reply.as_str()), (State::InProgress, ""));
    world.run_due().await;
    assert_eq!(world.sms_on(&card.phone).await.len(), 0, "a new state alone is no text");
    let late = cancel(&customer, &id).await.expect_err("somebody works on it");
    assert!(is_conflict(&late, "IN_PROGRESS"), "{late}");

    let answered = answer(&staff, &id, State::Unspecified, "Tunakuja Jumatatu.\nSaa nne.").await.expect("answered");
    assert_eq!((answered.status(), answered.reply.as_str()), (State::InProgress, "Tunakuja Jumatatu.\nSaa nne."));
    assert!(answered.replied_at.is_some());
    world.run_due().await;
    assert_eq!(world.sms_on(&card.phone).await, ["Yellow WiFi: kuhusu \"Move my router\": Tunakuja Jumatatu. Saa nne."]);
    let alerts = customer.selfservice().list_alerts(ListAlertsRequest::default()).await.expect("alerts").alerts;
    let told: Vec<_> = alerts.iter().map(|alert| (alert.kind(), alert.title.as_str(), alert.message.as_str(), alert.subject_id.as_str())).collect();
    let wanted = [
        (AlertKind::Service, "Jibu la ombi lako", "Move my router: Tunakuja Jumatatu.\nSaa nne.", id.as_str()),
        (AlertKind::Service, "Tunashughulikia ombi lako", "Move my router", id.as_str()),
    ];
    assert_eq!(told, wanted);
    assert_eq!(own(&customer, &id).await.expect("found").reply, "Tunakuja Jumatatu.\nSaa nne.");

    assert_eq!(answer(&staff, &id, State::Completed, "").await.expect("done").status(), State::Completed);
    for refused in [answer(&staff, &id, State::InProgress, "Again.").await, answer(&staff, &id, State::Unspecified, "One more word.").await] {
        let refused = refused.expect_err("done is done");
        assert!(is_conflict(&refused, "COMPLETED"), "{refused}");
    }
    let acts = world.sql().await.rows("SELECT facts FROM tenant.audit_event WHERE act = 'service_request_updated' ORDER BY at, id").await;
    assert_eq!(acts.len(), 3);
    assert!(!format!("{acts:?}").contains("Jumatatu"), "the log says that, not what: {acts:?}");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_says_why_and_nothing_is_no_answer() {
    let world = World::new().await;
    let staff = world.signed_in("yellow", Access::Staff).await;
    let customer = world.customer("yellow").await;
    let id = file(&customer).await.id;
    for (status, reply) in [(State::Rejected, " "), (State::Unspecified, ""), (State::Pending, "")] {
        let error = answer(&staff, &id, status, reply).await.expect_err("says nothing");
        assert_eq!(error.field_violations[0].path, "reply", "{status:?}");
    }
    let long = answer(&staff, &id, State::Rejected, &"x".repeat(2_001)).await.expect_err("too long");
    assert_eq!(long.field_violations[0].path, "reply");
    assert_eq!(own(&customer, &id).await.expect("found").status(), State::Pending);
    answer(&staff, &id, State::Rejected, "There is no cable there.").await.expect("refused");
    let alerts = customer.selfservice().list_alerts(ListAlertsRequest::default()).await.expect("alerts").alerts;
    assert_eq!((alerts[0].title.as_str(), alerts[0].message.as_str()), ("Your request is refused", "Move my router: There is no cable there."));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn staff_find_requests_by_state_kind_and_customer_page_by_page() {
    let world = World::new().await;
    let staff = world.signed_in("yellow", Access::Staff).await;
    let (asha, (njeri, njeris)) = (world.customer("yellow").await, world.registered("yellow", 1).await);
    for _ in 0..3 {
        file(&asha).await;
    }
    let billing = CreateServiceRequestRequest { category: Category::Billing.into(), ..move_it() };
    let billing = njeri.selfservice().create_service_request(billing).await.expect("filed").service_request.expect("a service request");
    answer(&staff, &billing.id, State::Approved, "").await.expect("approved");
    let list = async |ask: StaffList| staff.customer().list_service_requests(ask).await.expect("requests");
    let ids = |page: &netily_sdk::customer::ListServiceRequestsResponse| page.service_requests.iter().map(|row| row.id.clone()).collect::<Vec<_>>();
    let of_state = list(StaffList { status: State::Approved.into(), ..StaffList::default() }).await;
    let of_kind = list(StaffList { category: Category::Billing.into(), ..StaffList::default() }).await;
    let of_customer = list(StaffList { customer_id: njeris.id, ..StaffList::default() }).await;
    for page in [of_state, of_kind, of_customer] {
        assert_eq!(ids(&page), [billing.id.clone()]);
    }
    let first = list(StaffList { page_size: 2, ..StaffList::default() }).await;
    file(&njeri).await;
    let second = list(StaffList { page_size: 3, page_token: first.next_page_token.clone(), ..StaffList::default() }).await;
    let seen = [ids(&first), ids(&second)].concat();
    assert_eq!((seen.len(), seen.iter().collect::<std::collections::BTreeSet<_>>().len(), second.next_page_token.as_str()), (4, 4, ""));

    let own = async |page_size, page_token| {
        asha.selfservice().list_service_requests(ListServiceRequestsRequest { page_size, page_token }).await.expect("the own ones")
    };
    let first = own(2, String::new()).await;
    assert_eq!((first.service_requests.len(), own(2, first.next_page_token).await.service_requests.len()), (2, 1), "and nobody else's");
    let blue = world.signed_in("blue", Access::Staff).await;
    assert_eq!(blue.customer().list_service_requests(StaffList::default()).await.expect("requests").service_requests.len(), 0);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_another_customers_is_not_there() {
    let world = World::new().await;
    let staff = world.signed_in("yellow", Access::Staff).await;
    let (asha, (njeri, _)) = (world.customer("yellow").await, world.registered("yellow", 1).await);
    let theirs = file(&asha).await.id;
    answer(&staff, &theirs, State::Unspecified, "Yes.").await.expect("answered");
    let alert = asha.selfservice().list_alerts(ListAlertsRequest::default()).await.expect("alerts").alerts.remove(0).id;
    let elsewhere = world.customer("blue").await;
    for stranger in [&njeri, &elsewhere] {
        assert_eq!(own(stranger, &theirs).await.expect_err("not theirs").reason, ErrorReason::NotFound);
        assert_eq!(cancel(stranger, &theirs).await.expect_err("not theirs").reason, ErrorReason::NotFound);
        let read = stranger.selfservice().mark_alert_read(MarkAlertReadRequest { id: alert.clone() }).await.expect_err("not theirs");
        assert_eq!(read.reason, ErrorReason::NotFound);
        assert_eq!(stranger.selfservice().list_alerts(ListAlertsRequest::default()).await.expect("alerts").alerts.len(), 0);
        stranger.selfservice().mark_all_alerts_read(MarkAllAlertsReadRequest {}).await.expect("nothing to mark");
    }
    assert_eq!(dashboard(&asha).await, (1, 1), "nothing was touched");
    let foreign = world.signed_in("blue", Access::Staff).await;
    assert_eq!(answer(&foreign, &theirs, State::Completed, "Done.").await.expect_err("another ISP's").reason, ErrorReason::NotFound);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn alerts_are_read_one_by_one_or_all_at_once() {
    let world = World::new().await;
    let staff = world.signed_in("yellow", Access::Staff).await;
    let customer = world.customer("yellow").await;
    let id = file(&customer).await.id;
    for n in 0..5 {
        answer(&staff, &id, State::Unspecified, &format!("Word {n}")).await.expect("answered");
    }
    let list = async |ask: ListAlertsRequest| customer.selfservice().list_alerts(ask).await.expect("alerts");
    let first = list(ListAlertsRequest { page_size: 2, ..ListAlertsRequest::default() }).await;
    answer(&staff, &id, State::Unspecified, "Word 5").await.expect("answered");
    let second = list(ListAlertsRequest { page_size: 4, page_token: first.next_page_token, ..ListAlertsRequest::default() }).await;
    let words: Vec<_> = first.alerts.iter().chain(&second.alerts).map(|alert| alert.message.as_str()).collect();
    assert_eq!(words, [4, 3, 2, 1, 0].map(|n| format!("Move my router: Word {n}")), "whole pages, newest first");
    let read = customer.selfservice().mark_alert_read(MarkAlertReadRequest { id: first.alerts[0].id.clone() }).await.expect("read").alert.expect("an alert");
    assert!(read.read_at.is_some());
    world.advance(Duration::from_secs(60));
    let again = customer.selfservice().mark_alert_read(MarkAlertReadRequest { id: read.id.clone() }).await.expect("again").alert.expect("an alert");
    assert_eq!(again.read_at, read.read_at, "the first time counts");
    assert_eq!(list(ListAlertsRequest { unread_only: true, ..ListAlertsRequest::default() }).await.alerts.len(), 5);
    assert_eq!(dashboard(&customer).await.1, 5);
    let marked = customer.selfservice().mark_all_alerts_read(MarkAllAlertsReadRequest {}).await.expect("all").marked;
    assert_eq!((marked, dashboard(&customer).await.1), (5, 0));
    assert_eq!(list(ListAlertsRequest::default()).await.alerts.len(), 6, "read ones stay");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_has_ten_open_requests_and_makes_twenty_a_day() {
    let world = World::new().await;
    let customer = world.customer("yellow").await;
    let tries = futures::future::join_all((0..15).map(|_| try_to_file(&customer))).await;
    let (made, refused): (Vec<_>, Vec<_>) = tries.into_iter().partition(Result::is_ok);
    assert_eq!((made.len(), refused.len()), (10, 5), "also when all come at once");
    assert!(refused.into_iter().all(|refused| refused.is_err_and(|error| is_conflict(&error, "10 open"))));
    for filed in made {
        cancel(&customer, &filed.expect("filed").id).await.expect("taken back");
    }
    for _ in 0..10 {
        let id = file(&customer).await.id;
        cancel(&customer, &id).await.expect("taken back");
    }
    let error = try_to_file(&customer).await.expect_err("twenty in a day");
    let wait = error.retry_after.expect("a wait");
    assert!(error.reason == ErrorReason::RateLimited && wait > Duration::from_secs(23 * 3_600), "{error}");
    world.registered("yellow", 1).await.0.selfservice().create_service_request(move_it()).await.expect("others may");
    world.advance(wait + Duration::from_secs(1));
    let customer = world.customer("yellow").await;
    try_to_file(&customer).await.expect("when it was told");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_taking_back_and_beginning_work_at_once_one_wins() {
    let world = World::new().await;
    let staff = world.signed_in("yellow", Access::Staff).await;
    let customer = world.customer("yellow").await;
    for _ in 0..5 {
        let id = file(&customer).await.id;
        let (cancelled, begun) = tokio::join!(cancel(&customer, &id), answer(&staff, &id, State::InProgress, ""));
        let now = own(&customer, &id).await.expect("found").status();
        match (cancelled, begun) {
            (Ok(_), Err(error)) => assert!(now == State::Cancelled && is_conflict(&error, "CANCELLED"), "{now:?} {error}"),
            (Err(error), Ok(_)) => assert!(now == State::InProgress && is_conflict(&error, "IN_PROGRESS"), "{now:?} {error}"),
            other => panic!("one wins: {other:?}"),
        }
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_suspended_may_still_ask_for_help() {
    let world = World::new().await;
    let staff = world.signed_in("yellow", Access::Staff).await;
    let (customer, made) = world.proven("yellow", 1).await;
    staff.customer().approve_customer(netily_sdk::customer::ApproveCustomerRequest { id: made.id.clone() }).await.expect("approved");
    let suspend = netily_sdk::customer::SuspendCustomerRequest { id: made.id, reason: "The bill is open.".into() };
    staff.customer().suspend_customer(suspend).await.expect("suspended");
    file(&customer).await;
    assert_eq!(registration(1).first_name, world.own_profile(&customer).await.user.expect("a user").first_name);
    world.finish().await;
}
