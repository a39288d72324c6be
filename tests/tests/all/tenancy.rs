//! No ISP sees, names or touches what belongs to another: in the catalogue, through the pool, and by every id of the contract.

use std::collections::BTreeSet;
use std::time::Duration;

use diesel::QueryableByName;
use diesel::sql_types::{Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use futures::stream::{StreamExt as _, iter};
use netily::db::{Db, Tx};
use netily::error::{Error, Result};
use netily::id::IspId;
use netily::notify::Template;
use netily_sdk::auth::{EndSignInRequest, GetMeRequest, ListSignInsRequest};
use netily_sdk::billing::{ArchivePlanRequest as ArchiveServicePlanRequest, ServicePlan, UpdatePlanRequest as UpdateServicePlanRequest};
use netily_sdk::hotspot::{
    ArchivePlanRequest, BlockPromptsRequest, CreatePlanRequest, GetPurchaseStatusRequest, ListAllPlansRequest, ListPlansRequest, ListSessionsRequest,
    Plan as PlanMessage, UpdatePlanRequest, WatchPurchaseRequest,
};
use netily_sdk::isp::{ChangeStaffRoleRequest, RemoveStaffRequest, ResendInvitationRequest, StaffRole};
use netily_sdk::notify::RetryMessageRequest;
use netily_sdk::router::{CheckRouterRequest, GetRouterRequest, ListActiveSessionsRequest, ListRoutersRequest};
use netily_sdk::types::{BillingPeriod, BillingPeriodUnit, ErrorReason, ServiceRequestCategory};
use netily_sdk::{Client, customer, new_request_id, selfservice};
use netily_tests::{Access, Guest, Plan, Sql, World, to_phone};
use prost::Message as _;
use prost_types::FileDescriptorSet;
use prost_types::field_descriptor_proto::Type;
use uuid::Uuid;

mod money;

const AUDIT: &str = include_str!("../sql/rls_audit.sql");

async fn findings(sql: &mut Sql) -> BTreeSet<String> {
    let rows = sql.rows(AUDIT).await;
    rows.iter().map(|row| format!("{} ({})", row["finding"].as_str().expect("a finding"), row["object"].as_str().expect("an object"))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_catalogue_isolates_every_table() {
    let world = World::new().await;
    let found = findings(&mut world.sql().await).await;
    assert!(found.is_empty(), "{found:#?}");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_of_the_catalogue_sees_what_is_open() {
    let world = World::new().await;
    let mut sql = world.sql().await;
    sql.run(
        "CREATE TABLE tenant.a3 (tenant_id uuid);
         CREATE TABLE tenant.a4 (id uuid);
         CREATE TABLE public.a4 (id uuid);
         CREATE TABLE tenant.a7 (tenant_id uuid not null, id uuid, other uuid unique, primary key (tenant_id, id));
         ALTER TABLE tenant.a7 ENABLE ROW LEVEL SECURITY;
         CREATE POLICY everybody ON tenant.a7 USING (true);
         GRANT INSERT ON tenant.a7 TO netily_platform;
         CREATE TABLE tenant.a12 (tenant_id uuid not null, other uuid references tenant.a7 (other));
         CREATE VIEW tenant.a8 AS SELECT * FROM tenant.payment;
         GRANT SELECT ON tenant.a8 TO netily_app;
         CREATE MATERIALIZED VIEW tenant.a9 AS SELECT 1 AS one;
         GRANT SELECT ON tenant.a9 TO netily_app;
         CREATE FUNCTION public.a10() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1';
         GRANT TRUNCATE ON tenant.payment TO netily_app;
         GRANT USAGE ON SCHEMA tenant TO public",
    )
    .await;
    let found = findings(&mut sql).await;
    for rule in ["A3 ", "A4 ", "A5 ", "A6 ", "A7 ", "A8 ", "A9 ", "A10 ", "A12 ", "A13 ", "A14 ", "A15 ", "A16 ", "A18 "] {
        assert!(found.iter().any(|finding| finding.starts_with(rule)), "{rule} of {found:#?}");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_serving_role_sees_nothing_without_a_tenant_and_the_platform_role_writes_nothing() {
    let world = World::new().await;
    world.buy_and_pay(&Guest::number(1)).await;
    let mut served = Sql::connect(&world.urls.app).await;
    for table in ["tenant.payment", "tenant.user_account", "tenant.ledger_entry", "tenant.router", "tenant.hotspot_session"] {
        assert_eq!(served.count(table).await, 0, "{table} without a tenant");
    }
    served.attempt("SELECT count(*) FROM invariant.i01_unbalanced").await.expect_err("the rules are the platform's");
    let across = |statement: &str| format!("BEGIN; SET LOCAL ROLE netily_platform; {statement}; COMMIT");
    served.attempt(&across("SELECT count(*) FROM tenant.payment")).await.expect("it may read");
    for write in [
        "INSERT INTO tenant.prompt_block VALUES (gen_random_uuid(), '254700000000', now())",
        "UPDATE tenant.payment SET amount_minor = 100",
        "DELETE FROM tenant.hotspot_session",
        "UPDATE public.isp SET commission_bps = 0",
        "INSERT INTO public.rate_limit VALUES ('x', now())",
        "DELETE FROM public.job",
    ] {
        let refusal = served.attempt(&across(write)).await.expect_err(write);
        assert!(refusal.contains("permission denied"), "{write}: {refusal}");
    }
    let read_only = world.app.db.across(async |tx| Ok(diesel::sql_query("CREATE TEMP TABLE t ()").execute(&mut **tx).await?)).await;
    assert!(read_only.is_err(), "and the look across is a read-only transaction");
    world.finish().await;
}

#[derive(QueryableByName)]
struct Branding {
    #[diesel(sql_type = SqlUuid)]
    tenant_id: IspId,
    #[diesel(sql_type = Text)]
    display_name: String,
}

/// Everything that this transaction can see of a table that has one row for each ISP.
async fn visible(tx: &mut Tx) -> Result<Vec<Branding>> {
    Ok(diesel::sql_query("SELECT tenant_id, display_name FROM tenant.branding").load(&mut **tx).await?)
}

/// One request of an ISP, in one of the ways in which requests go; the number says which.
async fn request(db: &Db, isp: IspId, way: u64) {
    let own = async |tx: &mut Tx| -> Result<()> {
        let seen = visible(tx).await?;
        let [one] = &seen[..] else { panic!("{isp} sees {} rows", seen.len()) };
        assert_eq!((one.tenant_id, one.display_name.as_str()), (isp, isp.to_string().as_str()), "a foreign row");
        let changed = diesel::sql_query("UPDATE tenant.branding SET welcome_title = 'seen'").execute(&mut **tx).await?;
        assert_eq!(changed, 1, "a statement without a condition reaches the own row only");
        Ok(())
    };
    // A pool that is short of connections may refuse; only what is seen matters.
    match way % 5 {
        0 | 1 => drop(db.tx(isp, own).await),
        2 => {
            let failing = db.tx(isp, async |tx| {
                own(tx).await?;
                Err::<(), Error>(Error::not_found("reason to go on"))
            });
            drop(failing.await);
        }
        3 => drop(tokio::time::timeout(Duration::from_micros(way / 5 % 3_000), db.tx(isp, own)).await),
        _ => {
            let seen = db.public(visible).await;
            assert!(seen.is_err() || seen.is_ok_and(|rows| rows.is_empty()), "a platform transaction sees no ISP's rows");
        }
    }
}

/// A sequence of numbers that is the same at each run.
fn numbers(seed: u64) -> impl Iterator<Item = u64> {
    std::iter::successors(Some(seed), |last| Some(last.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407)))
        .map(|state| state >> 33)
}

#[tokio::test(flavor = "multi_thread")]
async fn interleaved_requests_of_fifty_isps_with_aborts_see_no_foreign_row() {
    let world = World::new().await;
    let isps: Vec<IspId> = (0..50).map(|_| IspId::unguessable()).collect();
    let mut sql = world.sql().await;
    sql.run("DELETE FROM tenant.branding").await;
    for (n, isp) in isps.iter().enumerate() {
        let uuid = isp.uuid();
        sql.run(&format!(
            "INSERT INTO public.isp (id, slug, name, created_at) VALUES ('{uuid}', 'fuzz-{n}x', 'Fuzz', now());
             INSERT INTO tenant.branding (tenant_id, display_name) VALUES ('{uuid}', '{isp}')"
        ))
        .await;
    }
    let db = Db::new(&world.urls.app, 4, world.app.wakes.clone()).expect("a small pool");
    let requests = numbers(2026).zip(numbers(11)).take(20_000).map(|(which, way)| {
        let (db, isp) = (db.clone(), isps[usize::try_from(which % 50).expect("a small number")]);
        async move { tokio::spawn(async move { request(&db, isp, way).await }).await.expect("no foreign row was seen") }
    });
    iter(requests).buffer_unordered(16).collect::<Vec<()>>().await;
    world.finish().await;
}

/// Every field of a request that holds an id, as `Service/Method field`, nested messages included.
fn id_fields() -> BTreeSet<String> {
    let files = FileDescriptorSet::decode(netily_sdk::FILE_DESCRIPTOR_SET).expect("descriptors").file;
    let messages: Vec<(String, &prost_types::DescriptorProto)> =
        files.iter().flat_map(|file| file.message_type.iter().map(move |message| (format!(".{}.{}", file.package(), message.name()), message))).collect();
    let mut found = BTreeSet::new();
    // Operators work across ISPs: their calls are not those of one.
    for file in files.iter().filter(|file| file.package().starts_with("netily.") && file.package() != "netily.platform.v1") {
        for (service, method) in file.service.iter().flat_map(|service| service.method.iter().map(move |method| (service, method))) {
            let mut open = vec![(method.input_type().to_owned(), String::new())];
            while let Some((name, path)) = open.pop() {
                let (_, message) = messages.iter().find(|(full, _)| *full == name).expect("a known message");
                for field in &message.field {
                    let name = field.name();
                    match field.r#type() {
                        Type::Message if field.type_name().starts_with(".netily.") => open.push((field.type_name().to_owned(), format!("{path}{name}."))),
                        Type::String if name != "request_id" && (name == "id" || name.ends_with("_id") || name.ends_with("_ids")) => {
                            found.insert(format!("{}/{} {path}{name}", service.name(), method.name()));
                        }
                        _ => {}
                    }
                }
            }
        }
    }
    found
}

/// A service plan with everything in order.
fn service_plan() -> ServicePlan {
    ServicePlan {
        name: "Home".into(),
        price: Some(netily_sdk::types::Money { amount_minor: 150_000, currency_code: "KES".into() }),
        billing_period: Some(BillingPeriod { unit: BillingPeriodUnit::Month.into(), count: 1 }),
        ..ServicePlan::default()
    }
}

/// Makes the call with an id in that field and everything else in order: what came of it, as text.
async fn call_with(world: &World, staff: &Client, field: &str, id: String) -> String {
    let guest = Guest::number(7);
    let ask = world.ask(&guest);
    let plan = PlanMessage {
        name: "Evening".into(),
        price: Some(netily_sdk::types::Money { amount_minor: 2_000, currency_code: "KES".into() }),
        duration: Some(prost_types::Duration { seconds: 3_600, nanos: 0 }),
        shared_devices: 1,
        ..PlanMessage::default()
    };
    let hotspot = staff.hotspot();
    let routers = staff.router();
    macro_rules! told {
        ($call:expr) => {
            match $call.await {
                Ok(answer) => format!("{answer:?}"),
                Err(error) => {
                    assert!(matches!(error.reason, ErrorReason::NotFound | ErrorReason::InvalidArgument), "{field}: {error}");
                    format!("{:?} {}", error.code, error)
                }
            }
        };
    }
    match field {
        "HotspotService/ListPlans router_id" => told!(hotspot.list_plans(ListPlansRequest { router_id: id })),
        "HotspotService/Purchase router_id" => told!(hotspot.purchase(netily_sdk::hotspot::PurchaseRequest { router_id: id, ..ask })),
        "HotspotService/Purchase plan_id" => told!(hotspot.purchase(netily_sdk::hotspot::PurchaseRequest { plan_id: id, ..ask })),
        "HotspotService/GetPurchaseStatus session_id" => told!(hotspot.get_purchase_status(GetPurchaseStatusRequest { session_id: id })),
        "HotspotService/WatchPurchase session_id" => {
            let stream = async { hotspot.watch_purchase(WatchPurchaseRequest { session_id: id }).await?.message().await };
            told!(stream)
        }
        "HotspotService/ResumePurchase router_id" => {
            told!(
                hotspot
                    .resume_purchase(netily_sdk::hotspot::ResumePurchaseRequest { router_id: id, ..world.resume_ask("yellow-market", &guest, "SABCDEFGHI") })
            )
        }
        "HotspotService/BlockPrompts router_id" => told!(hotspot.block_prompts(BlockPromptsRequest { router_id: id, phone_number: guest.phone })),
        "HotspotService/CreatePlan plan.router_ids" => {
            told!(hotspot.create_plan(CreatePlanRequest { plan: Some(PlanMessage { router_ids: vec![id], ..plan }), request_id: new_request_id() }))
        }
        "HotspotService/UpdatePlan plan.id" => told!(hotspot.update_plan(UpdatePlanRequest { plan: Some(PlanMessage { id, ..plan }) })),
        "HotspotService/UpdatePlan plan.router_ids" => {
            let own = world.plan_id("yellow", Plan::Day);
            told!(hotspot.update_plan(UpdatePlanRequest { plan: Some(PlanMessage { id: own, router_ids: vec![id], ..plan }) }))
        }
        "HotspotService/ArchivePlan id" => told!(hotspot.archive_plan(ArchivePlanRequest { id })),
        "HotspotService/ListSessions router_id" => told!(hotspot.list_sessions(ListSessionsRequest { router_id: id, ..ListSessionsRequest::default() })),
        "BillingService/UpdatePlan plan.id" => {
            told!(staff.billing().update_plan(UpdateServicePlanRequest { plan: Some(ServicePlan { id, ..service_plan() }) }))
        }
        "BillingService/ArchivePlan id" => told!(staff.billing().archive_plan(ArchiveServicePlanRequest { id })),
        "RouterService/GetRouter id" => told!(routers.get_router(GetRouterRequest { id })),
        "RouterService/CheckRouter id" => told!(routers.check_router(CheckRouterRequest { id })),
        "RouterService/ListActiveSessions id" => told!(routers.list_active_sessions(ListActiveSessionsRequest { id, ..ListActiveSessionsRequest::default() })),
        "AuthService/EndSignIn id" => told!(staff.auth().end_sign_in(EndSignInRequest { id })),
        "IspService/ResendInvitation id" => told!(staff.isp().resend_invitation(ResendInvitationRequest { id })),
        "IspService/ChangeStaffRole id" => told!(staff.isp().change_staff_role(ChangeStaffRoleRequest { id, role: StaffRole::Staff.into() })),
        "IspService/RemoveStaff id" => told!(staff.isp().remove_staff(RemoveStaffRequest { id })),
        "NotificationService/RetryMessage id" => told!(staff.notify().retry_message(RetryMessageRequest { id })),
        // The id of a plan to be made is documented as ignored.
        "HotspotService/CreatePlan plan.id" | "BillingService/CreatePlan plan.id" => String::new(),
        other => {
            assert!(
                ["CustomerService/", "SelfService/", "BillingService/", "PayoutService/", "IspService/GetSubscriptionPayment "]
                    .iter()
                    .any(|service| other.starts_with(service)),
                "{other} is new: add a row that calls it with another ISP's id"
            );
            let (customer, owner) = (world.customer("yellow").await, world.signed_in("yellow", Access::Owner).await);
            match money::call_with(world, &customer, staff, other, id.clone()).await {
                Some(answer) => answer,
                None => about_customers(&customer, staff, &owner, other, id).await,
            }
        }
    }
}

/// The same for calls about customers, by whom each is for.
async fn about_customers(customer: &Client, staff: &Client, owner: &Client, field: &str, id: String) -> String {
    let (own, of_staff) = (customer.selfservice(), staff.customer());
    let reason = "Not paid.".to_owned();
    macro_rules! told {
        ($call:expr) => {
            match $call.await {
                Ok(answer) => format!("{answer:?}"),
                Err(error) => {
                    assert_eq!(error.reason, ErrorReason::NotFound, "{field}: {error}");
                    format!("{:?} {}", error.code, error)
                }
            }
        };
    }
    match field {
        "CustomerService/GetCustomer id" => told!(of_staff.get_customer(customer::GetCustomerRequest { id })),
        "CustomerService/UpdateCustomer id" => {
            told!(of_staff.update_customer(customer::UpdateCustomerRequest { id, first_name: Some("Asha".into()), ..Default::default() }))
        }
        "CustomerService/ApproveCustomer id" => told!(of_staff.approve_customer(customer::ApproveCustomerRequest { id })),
        "CustomerService/RejectCustomer id" => told!(of_staff.reject_customer(customer::RejectCustomerRequest { id, reason })),
        "CustomerService/SuspendCustomer id" => told!(of_staff.suspend_customer(customer::SuspendCustomerRequest { id, reason })),
        "CustomerService/ReactivateCustomer id" => told!(of_staff.reactivate_customer(customer::ReactivateCustomerRequest { id })),
        "CustomerService/CloseCustomer id" => told!(of_staff.close_customer(customer::CloseCustomerRequest { id, reason })),
        "CustomerService/ListServiceRequests customer_id" => {
            told!(of_staff.list_service_requests(customer::ListServiceRequestsRequest { customer_id: id, ..Default::default() }))
        }
        "CustomerService/UpdateServiceRequest id" => {
            told!(of_staff.update_service_request(customer::UpdateServiceRequestRequest { id, reply: "Yes.".into(), ..Default::default() }))
        }
        "CustomerService/ExportCustomer id" => told!(of_staff.export_customer(customer::ExportCustomerRequest { id })),
        "CustomerService/EraseCustomer id" => told!(owner.customer().erase_customer(customer::EraseCustomerRequest { id, reason })),
        "SelfService/GetServiceRequest id" => told!(own.get_service_request(selfservice::GetServiceRequestRequest { id })),
        "SelfService/CancelServiceRequest id" => told!(own.cancel_service_request(selfservice::CancelServiceRequestRequest { id })),
        "SelfService/MarkAlertRead id" => told!(own.mark_alert_read(selfservice::MarkAlertReadRequest { id })),
        other => panic!("{other} is new: add a row that calls it with another ISP's id"),
    }
}

/// Ids of `blue`: a customer, what that customer asked for, and an alert about it.
async fn of_a_customer(world: &World) -> [String; 3] {
    let client = world.customer("blue").await;
    let asked = selfservice::CreateServiceRequestRequest {
        subject: "Help".into(),
        description: "Please.".into(),
        category: ServiceRequestCategory::Technical.into(),
        request_id: new_request_id(),
    };
    let request = client.selfservice().create_service_request(asked).await.expect("filed").service_request.expect("a service request").id;
    let answer = customer::UpdateServiceRequestRequest { id: request.clone(), reply: "Yes.".into(), ..Default::default() };
    world.signed_in("blue", Access::Staff).await.customer().update_service_request(answer).await.expect("answered");
    let alert = client.selfservice().list_alerts(Default::default()).await.expect("alerts").alerts.remove(0).id;
    let profile = client.selfservice().get_profile(Default::default()).await.expect("a profile").profile.expect("a profile");
    [profile.customer.expect("a customer").id, request, alert]
}

#[tokio::test(flavor = "multi_thread")]
async fn another_isps_id_is_answered_as_a_random_one() {
    let world = World::new().await;
    let theirs = world.buy_at("blue-harbour", &Guest::number(1)).await;
    let their_message = world.queue("blue", to_phone(Template::CustomerReactivated, &Guest::number(1).phone)).await.expect("queued");
    let [customer, service_request, alert] = of_a_customer(&world).await;
    let staff = world.signed_in("yellow", Access::Owner).await;
    let elsewhere = world.signed_in("blue", Access::Staff).await;
    let their_sign_in = elsewhere.auth().list_sign_ins(ListSignInsRequest::default()).await.expect("sign-ins").sign_ins.remove(0).id;
    let their_person = elsewhere.auth().get_me(GetMeRequest {}).await.expect("somebody").user.expect("a person").id;
    let fields = id_fields();
    assert!(fields.len() >= 14, "the descriptors were not read: {fields:?}");
    let money = money::Theirs::of(&world, &customer).await;
    for field in fields {
        let foreign = match field.rsplit(' ').next().expect("a field") {
            _ if money.id_for(&field).is_some() => money.id_for(&field).expect("an id"),
            "session_id" => theirs.session_id.clone(),
            "id" if field.contains("Alert") => alert.clone(),
            "id" if field.contains("ServiceRequest") => service_request.clone(),
            "id" | "customer_id" if field.starts_with("CustomerService/") => customer.clone(),
            "plan.id" | "plan_id" | "id" if field.starts_with("BillingService/") || field.starts_with("SelfService/") => world.seeded.isps[1].plans[0].clone(),
            "plan_id" | "plan.id" => world.plan_id("blue", Plan::Hour),
            "id" if field.contains("Message") => their_message.to_string(),
            "id" if field.contains("SignIn") => their_sign_in.clone(),
            "id" if field.starts_with("IspService") => their_person.clone(),
            "id" if field.contains("Plan") => world.plan_id("blue", Plan::Hour),
            _ => world.router_id("blue-harbour"),
        };
        let random = format!("{}{}", &foreign[..4], Uuid::new_v4().simple());
        let answers = [call_with(&world, &staff, &field, foreign.clone()).await, call_with(&world, &staff, &field, random.clone()).await];
        assert_eq!(answers[0].replace(&foreign, "ID"), answers[1].replace(&random, "ID"), "{field}");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_hold_only_what_is_ones_own() {
    let world = World::new().await;
    world.buy_at("blue-harbour", &Guest::number(1)).await;
    let ours = world.buy(&Guest::number(2)).await;
    let staff = world.signed_in("yellow", Access::Staff).await;
    let sessions = staff.hotspot().list_sessions(ListSessionsRequest::default()).await.expect("sessions").sessions;
    assert_eq!(sessions.iter().map(|session| session.session_id.as_str()).collect::<Vec<_>>(), [ours.session_id.as_str()]);
    assert!(!sessions[0].phone_number.contains(&Guest::number(2).phone[4..9]), "the payer is masked: {}", sessions[0].phone_number);
    let routers = staff.router().list_routers(ListRoutersRequest::default()).await.expect("routers").routers;
    let mut names: Vec<_> = routers.iter().map(|router| router.name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["Bus Stage", "Market Street"]);
    let plans = staff.hotspot().list_all_plans(ListAllPlansRequest::default()).await.expect("plans").plans;
    assert_eq!(plans.len(), 3);
    world.finish().await;
}
