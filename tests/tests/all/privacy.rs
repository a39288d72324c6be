//! What the law gives a person: a copy of everything that is held about them and of nothing else, and its end.

use netily_sdk::billing::{CreateConnectionRequest, ListCommissionsRequest, RecordOfflinePaymentRequest};
use netily_sdk::customer::{
    ApproveCustomerRequest, EraseCustomerRequest, ExportCustomerRequest, GetCustomerRequest, ListCustomersRequest, UpdateServiceRequestRequest,
};
use netily_sdk::hotspot::PurchaseStatus;
use netily_sdk::selfservice::initiate_payment_request::Target;
use netily_sdk::selfservice::{CreateServiceRequestRequest, Customer, InitiatePaymentRequest, RegisterRequest, VerifyPhoneRequest};
use netily_sdk::types::{CustomerStatus, ErrorReason, ServiceRequestCategory};
use netily_sdk::{Client, Error, new_request_id};
use netily_tests::{Access, Guest, PASSWORD, Sql, World, digits, kes, registration};
use serde_json::{Value, json};

/// A customer with a name like no other, who has proven the phone, asked for something and got an answer.
async fn chebet(world: &World) -> (Client, Customer) {
    let client = world.client("yellow");
    let ask = RegisterRequest { first_name: "Chebet".into(), last_name: "Kiprotich".into(), id_number: "77665544".into(), ..registration(1) };
    let customer = client.register(ask).await.expect("registered").customer.expect("a customer");
    let phone_number = registration(1).phone_number;
    let otp_code = world.code_on(&phone_number).await;
    client.selfservice().verify_phone(VerifyPhoneRequest { phone_number, otp_code }).await.expect("proven");
    let asked = CreateServiceRequestRequest {
        subject: "Chebet moves".into(),
        description: "To Kiprotich road 7.".into(),
        category: ServiceRequestCategory::Transfer.into(),
        request_id: new_request_id(),
    };
    let id = client.selfservice().create_service_request(asked).await.expect("filed").service_request.expect("a service request").id;
    let answer = UpdateServiceRequestRequest { id, reply: "Chebet, on Monday.".into(), ..UpdateServiceRequestRequest::default() };
    world.signed_in("yellow", Access::Staff).await.customer().update_service_request(answer).await.expect("answered");
    world.run_due().await;
    (client, customer)
}

fn guest(n: u16) -> Guest {
    Guest { phone: registration(1).phone_number, ..Guest::number(n) }
}

async fn export(staff: &Client, id: &str) -> Value {
    let json = staff.customer().export_customer(ExportCustomerRequest { id: id.to_owned() }).await.expect("exported").json;
    serde_json::from_slice(&json).expect("JSON")
}

async fn erase(owner: &Client, id: &str, reason: &str) -> Result<netily_sdk::customer::Customer, Error> {
    let ask = EraseCustomerRequest { id: id.to_owned(), reason: reason.to_owned() };
    Ok(owner.customer().erase_customer(ask).await?.customer.expect("a customer"))
}

/// The rows of any table that hold a text, as `table: row`: in text, in JSON, or in bytes.
async fn traces(sql: &mut Sql, text: &str) -> Vec<String> {
    let tables = sql
        .rows(
            "SELECT c.oid::regclass::text AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE n.nspname IN ('tenant', 'public') AND c.relkind = 'r'",
        )
        .await;
    assert!(tables.len() > 25, "the catalogue was not read: {tables:?}");
    let mut found = Vec::new();
    for table in tables {
        let table = table["name"].as_str().expect("a name");
        let holds = format!("position(lower('{text}') in lower(to_jsonb(t)::text)) > 0 OR position('{}' in to_jsonb(t)::text) > 0", hex::encode(text));
        let rows = sql.rows(&format!("SELECT to_jsonb(t) AS row FROM {table} t WHERE {holds}")).await;
        found.extend(rows.iter().map(|row| format!("{table}: {}", row["row"])));
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_holds_everything_of_one_person_and_nothing_of_others() {
    let world = World::new().await;
    let (_client, customer) = chebet(&world).await;
    let mine = world.buy_and_pay(&guest(1)).await;
    world.buy_and_pay(&Guest::number(9)).await;
    let (other, _) = world.proven("yellow", 2).await;
    let theirs = CreateServiceRequestRequest {
        subject: "Somebody else's".into(),
        description: "Not hers.".into(),
        category: ServiceRequestCategory::Other.into(),
        request_id: new_request_id(),
    };
    other.selfservice().create_service_request(theirs).await.expect("filed");

    let staff = world.signed_in("yellow", Access::Staff).await;
    let document = export(&staff, &customer.id).await;
    let profile = &document["profile"];
    assert_eq!((&profile["first_name"], &profile["last_name"], &profile["id_number"]), (&json!("Chebet"), &json!("Kiprotich"), &json!("77665544")));
    assert_eq!((&profile["phone_number"], &profile["email"]), (&json!(registration(1).phone_number), &json!(registration(1).email)));
    assert_eq!(document["internet_provider"], "Yellow WiFi");
    for (kind, many) in [("service_requests", 1), ("alerts", 1), ("messages", 2), ("sign_ins", 1), ("purchases", 1), ("payments", 1)] {
        let list = &document[kind];
        assert_eq!((list["items"].as_array().map(Vec::len), &list["complete"]), (Some(many), &json!(true)), "{kind}: {list:#}");
    }
    assert_eq!(document["service_requests"]["items"][0]["reply"], "Chebet, on Monday.");
    assert_eq!(document["purchases"]["items"][0]["device"], guest(1).mac);
    assert_eq!(document["payments"]["items"][0]["mpesa_receipt"], mine.mpesa_receipt);
    assert_eq!(document["sign_ins"]["items"][0]["network_address"], "127.0.0.1");
    let acts: Vec<_> = document["history"]["items"].as_array().expect("a list").iter().map(|act| (act["act"].as_str().expect("an act"), &act["by"])).collect();
    for act in ["register_customer", "verify_phone"] {
        assert!(acts.contains(&(act, &json!("you"))), "{act}: {acts:?}");
    }

    let text = document.to_string();
    for foreign in ["Somebody else", "Number 2", "person2@", &Guest::number(9).phone, &Guest::number(9).mac, "staff@yellow", "usr_", "$argon2"] {
        assert!(!text.contains(foreign), "{foreign} is in {document:#}");
    }
    let code = world.sms_on(&registration(1).phone_number).await.remove(0);
    assert!(!text.contains(&digits(&code)), "codes are forgotten: {document:#}");
    let log = world.sql().await.count(&format!("tenant.audit_event WHERE act = 'export_customer' AND subject = '{}'", customer.id)).await;
    assert_eq!(log, 1, "who looked is written down");
    let elsewhere = world.signed_in("blue", Access::Owner).await.customer().export_customer(ExportCustomerRequest { id: customer.id }).await;
    assert_eq!(elsewhere.expect_err("another ISP's").reason, ErrorReason::NotFound);
    world.finish().await;
}

/// The national digits of another phone that pays.
const SPOUSE: &str = "788990011";

/// A line by a name that says who it is, paid from another phone and in cash with words beside it.
async fn pay_for_a_line(world: &World, client: &Client, customer: &Customer) {
    let staff = world.signed_in("yellow", Access::Staff).await;
    staff.customer().approve_customer(ApproveCustomerRequest { id: customer.id.clone() }).await.ok();
    let ask = CreateConnectionRequest {
        customer_id: customer.id.clone(),
        plan_id: world.service_plan(0),
        router_id: world.router_id("yellow-market"),
        username: "chebet.kiprotich".into(),
        request_id: new_request_id(),
        ..Default::default()
    };
    staff.billing().create_connection(ask).await.expect("a line");
    let cash = RecordOfflinePaymentRequest {
        customer_id: customer.id.clone(),
        amount: Some(kes(1_500)),
        note: "Brought by Chebet".into(),
        request_id: new_request_id(),
        ..Default::default()
    };
    staff.billing().record_offline_payment(cash).await.expect("recorded");
    let target = Some(Target::Amount(kes(100)));
    let ask = InitiatePaymentRequest { target, phone_number: format!("0{SPOUSE}"), request_id: new_request_id() };
    client.selfservice().initiate_payment(ask).await.expect("asked for");
    world.run_due().await;
    world.answer_prompt(&format!("254{SPOUSE}"), "accept").await;
    world.callbacks_delivered().await;
    world.run_due().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_erasure_no_table_names_the_person_and_the_books_are_whole() {
    let world = World::new().await;
    let (client, customer) = chebet(&world).await;
    let (phone, email) = (registration(1).phone_number, registration(1).email);
    world.buy_and_pay(&guest(1)).await;
    world.buy(&guest(2)).await;
    world.run_due().await;
    world.answer_prompt(&phone, "cancel").await;
    world.callbacks_delivered().await;
    world.run_due().await;
    for identifier in [&phone, &email] {
        let _wrong = world.client("yellow").log_in(identifier, "a wrong password").await;
    }
    client.selfservice().resend_verification_email(Default::default()).await.expect("a link that waits in a queued mail");
    pay_for_a_line(&world, &client, &customer).await;
    let names = [&phone[3..], SPOUSE, &email, "Chebet", "Kiprotich", "77665544"];
    let mut sql = world.sql().await;
    for name in names {
        assert!(!traces(&mut sql, name).await.is_empty(), "{name} is somewhere before");
    }
    let owner = world.signed_in("yellow", Access::Owner).await;
    let books = async || owner.billing().list_commissions(ListCommissionsRequest::default()).await.expect("the books");
    let before = books().await;

    let erased = erase(&owner, &customer.id, "Asked for it by letter of 3 March.").await.expect("erased");
    assert_eq!((erased.status(), erased.customer_code.as_str()), (CustomerStatus::Closed, customer.customer_code.as_str()));
    assert!(erased.erased_at.is_some() && erased.closed_at.is_some(), "{erased:?}");
    let mails = world.mails_to(&email).await.len();
    world.run_due().await; // the router forgets the name of the line as well
    assert_eq!(world.mails_to(&email).await.len(), mails, "what waited is not sent");
    assert_eq!([erased.first_name, erased.last_name, erased.phone_number, erased.email, erased.id_number].concat(), "");
    for name in names {
        let left = traces(&mut sql, name).await;
        assert!(left.is_empty(), "{name} is still in {left:#?}");
    }
    assert_eq!(books().await, before, "the money is as it was");
    assert_eq!(sql.count("tenant.payment WHERE phone = ''").await, 3);
    assert_eq!(sql.count("tenant.connection WHERE status = 'ENDED'").await, 1, "the line is ended");
    let sessions = sql.rows("SELECT status, mac IS NULL AS bare FROM tenant.hotspot_session WHERE phone = '' ORDER BY created_at").await;
    assert_eq!(sessions, [json!({ "status": "ACTIVE", "bare": false }), json!({ "status": "FAILED", "bare": true })], "what runs goes on");
    assert_eq!(sql.count("tenant.service_request WHERE subject = '' AND category = 'TRANSFER'").await, 1, "that there was a request stays");
    let log = sql.row("SELECT actor, facts FROM tenant.audit_event WHERE act = 'erase_customer'").await;
    assert_eq!(log["facts"]["reason"], "Asked for it by letter of 3 March.");

    assert!(client.selfservice().get_profile(Default::default()).await.is_err(), "signed out");
    assert_eq!(world.client("yellow").log_in(&phone, PASSWORD).await.expect_err("nobody").reason, ErrorReason::WrongCredentials);
    let found = async |search: &str| {
        let found = owner.customer().list_customers(ListCustomersRequest { search: search.into(), ..Default::default() }).await.expect("customers");
        found.customers.len()
    };
    assert_eq!((found("chebet").await, found(&phone).await, found(&customer.customer_code).await), (0, 0, 1), "by the code alone");
    let again = erase(&owner, &customer.id, "Another reason.").await.expect("twice is once");
    assert_eq!(again, owner.customer().get_customer(GetCustomerRequest { id: customer.id }).await.expect("found").customer.expect("a customer"));
    assert_eq!((again.erased_at, sql.count("tenant.audit_event WHERE act = 'erase_customer'").await), (erased.erased_at, 1));
    world.client("yellow").register(RegisterRequest { request_id: new_request_id(), ..registration(1) }).await.expect("a new beginning with the same phone");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_erased_while_a_payment_is_on_its_way() {
    let world = World::new().await;
    let (_client, customer) = chebet(&world).await;
    let owner = world.signed_in("yellow", Access::Owner).await;
    let bought = world.buy(&guest(1)).await;
    let refused = erase(&owner, &customer.id, "Asked for it.").await.expect_err("a prompt is about to ring");
    assert_eq!(refused.reason, ErrorReason::StateConflict);
    world.run_due().await;
    assert_eq!(erase(&owner, &customer.id, "Asked for it.").await.expect_err("it rings").reason, ErrorReason::StateConflict);
    assert!(traces(&mut world.sql().await, "Chebet").await.len() > 1, "all or nothing");
    world.answer_prompt(&guest(1).phone, "accept").await;
    world.callbacks_delivered().await;
    world.run_due().await;
    assert_eq!(world.look(&bought.session_id).await.status(), PurchaseStatus::Active);
    erase(&owner, &customer.id, "Asked for it.").await.expect("erased");
    assert_eq!(world.look(&bought.session_id).await.status(), PurchaseStatus::Active, "what is paid for goes on");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_success_is_credited_to_whom_nobody_names_any_more() {
    let world = World::new().await;
    let (_client, customer) = chebet(&world).await;
    world.behave(json!({ "callback": "never" })).await;
    let bought = world.buy(&guest(1)).await;
    world.run_due().await;
    world.run_until(&bought.session_id, PurchaseStatus::Failed, std::time::Duration::from_secs(60)).await;
    let owner = world.signed_in("yellow", Access::Owner).await;
    erase(&owner, &customer.id, "Asked for it.").await.expect("erased");
    world.answer_prompt(&guest(1).phone, "accept").await;
    world.run_until(&bought.session_id, PurchaseStatus::Active, std::time::Duration::from_secs(900)).await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_reason_that_stays_for_good_names_nobody() {
    let world = World::new().await;
    let (_client, customer) = chebet(&world).await;
    let owner = world.signed_in("yellow", Access::Owner).await;
    let phone = registration(1).phone_number;
    let national = format!("Calls from 0{} {}.", &phone[3..6], &phone[6..]);
    let (bracketed, long) = (format!("({phone})"), "x".repeat(201));
    for named in ["", "Chebet asked.", "mrs KIPROTICH, by letter", "by mail of person1@example.com.", &national, &bracketed, &long] {
        let error = erase(&owner, &customer.id, named).await.expect_err(named);
        assert_eq!((error.reason, error.field_violations[0].path.as_str()), (ErrorReason::InvalidArgument, "reason"), "{named}");
    }
    let elsewhere = world.signed_in("blue", Access::Owner).await;
    assert_eq!(erase(&elsewhere, &customer.id, "Asked.").await.expect_err("another ISP's").reason, ErrorReason::NotFound);
    erase(&owner, &customer.id, "Asked by letter, cheque 12345 enclosed.").await.expect("erased");
    world.finish().await;
}

/// Anybody can register with anybody's number: what was bought by it is theirs only once it is proven.
#[tokio::test(flavor = "multi_thread")]
async fn purchases_of_a_phone_that_is_not_proven_are_neither_told_nor_touched() {
    let world = World::new().await;
    let bought = world.buy_and_pay(&guest(1)).await;
    let (_impostor, customer) = world.registered("yellow", 1).await;
    let owner = world.signed_in("yellow", Access::Owner).await;
    let document = export(&owner, &customer.id).await;
    assert_eq!((document["purchases"]["items"].as_array().map(Vec::len), document["payments"]["items"].as_array().map(Vec::len)), (Some(0), Some(0)));
    erase(&owner, &customer.id, "Registered by mistake.").await.expect("erased");
    assert_eq!(world.sql().await.count(&format!("tenant.payment WHERE phone = '{}'", guest(1).phone)).await, 1);
    let resume = world.resume_ask("yellow-market", &guest(2), &bought.mpesa_receipt);
    world.client("yellow").hotspot().resume_purchase(resume).await.expect("the guest still comes back by phone and receipt");
    world.finish().await;
}
