//! Customers as staff see them: written down, found, changed, let in, refused, stopped, closed; and the rules of registration.

use std::collections::BTreeSet;

use netily_sdk::auth::{RequestPasswordResetRequest, ResetPasswordRequest};
use netily_sdk::customer::{
    ApproveCustomerRequest, CloseCustomerRequest, CreateCustomerRequest, Customer, GetCustomerRequest, GetRegistrationSettingsRequest, ListCustomersRequest,
    ReactivateCustomerRequest, RegisteredBy, RegistrationSettings, RejectCustomerRequest, SuspendCustomerRequest, UpdateCustomerRequest,
    UpdateRegistrationSettingsRequest,
};
use netily_sdk::selfservice::{Alert, ListAlertsRequest};
use netily_sdk::types::{CustomerStatus, ErrorReason};
use netily_sdk::{Client, Error, new_request_id};
use netily_tests::{Access, PASSWORD, World, registration};

fn asha() -> CreateCustomerRequest {
    CreateCustomerRequest {
        first_name: "Wanjiku".into(),
        last_name: "Ng'ang'a".into(),
        phone_number: "0745 678 901".into(),
        email: "Wanjiku@Example.com".into(),
        id_number: "23456789".into(),
        language: "sw".into(),
        request_id: new_request_id(),
    }
}

/// One of many people, without a mailbox.
fn nth(n: u32) -> CreateCustomerRequest {
    CreateCustomerRequest {
        first_name: "Amina".into(),
        last_name: format!("Otieno{n}"),
        phone_number: registration(n).phone_number,
        request_id: new_request_id(),
        ..CreateCustomerRequest::default()
    }
}

async fn create(staff: &Client, ask: CreateCustomerRequest) -> Customer {
    staff.customer().create_customer(ask).await.expect("made").customer.expect("a customer")
}

async fn look(staff: &Client, id: &str) -> Customer {
    staff.customer().get_customer(GetCustomerRequest { id: id.to_owned() }).await.expect("found").customer.expect("a customer")
}

async fn page(staff: &Client, ask: ListCustomersRequest) -> (Vec<Customer>, String) {
    let page = staff.customer().list_customers(ask).await.expect("customers");
    (page.customers, page.next_page_token)
}

/// The ids of whom a search finds.
async fn found(staff: &Client, search: &str) -> Vec<String> {
    let (customers, _) = page(staff, ListCustomersRequest { search: search.into(), ..ListCustomersRequest::default() }).await;
    customers.into_iter().map(|customer| customer.id).collect()
}

async fn approve(staff: &Client, id: &str) -> Result<Customer, Error> {
    Ok(staff.customer().approve_customer(ApproveCustomerRequest { id: id.to_owned() }).await?.customer.expect("a customer"))
}

async fn reject(staff: &Client, id: &str, reason: &str) -> Result<Customer, Error> {
    let ask = RejectCustomerRequest { id: id.to_owned(), reason: reason.to_owned() };
    Ok(staff.customer().reject_customer(ask).await?.customer.expect("a customer"))
}

async fn suspend(staff: &Client, id: &str, reason: &str) -> Result<Customer, Error> {
    let ask = SuspendCustomerRequest { id: id.to_owned(), reason: reason.to_owned() };
    Ok(staff.customer().suspend_customer(ask).await?.customer.expect("a customer"))
}

async fn reactivate(staff: &Client, id: &str) -> Result<Customer, Error> {
    Ok(staff.customer().reactivate_customer(ReactivateCustomerRequest { id: id.to_owned() }).await?.customer.expect("a customer"))
}

async fn close(staff: &Client, id: &str, reason: &str) -> Result<Customer, Error> {
    let ask = CloseCustomerRequest { id: id.to_owned(), reason: reason.to_owned() };
    Ok(staff.customer().close_customer(ask).await?.customer.expect("a customer"))
}

async fn alerts(customer: &Client) -> Vec<Alert> {
    customer.selfservice().list_alerts(ListAlertsRequest::default()).await.expect("alerts").alerts
}

fn is_conflict(error: &Error, state: &str) -> bool {
    error.reason == ErrorReason::StateConflict && error.message.contains(state)
}

#[tokio::test(flavor = "multi_thread")]
async fn staff_write_a_customer_down_who_chooses_a_password_by_the_invitation() {
    let world = World::new().await;
    let staff = world.signed_in("yellow", Access::Staff).await;
    let ask = asha();
    let made = create(&staff, ask.clone()).await;
    assert_eq!((made.status(), made.registered_by()), (CustomerStatus::Active, RegisteredBy::Staff));
    assert_eq!((made.customer_code.as_str(), made.first_name.as_str(), made.last_name.as_str()), ("CUST-0003", "Wanjiku", "Ng'ang'a"));
    assert_eq!((made.phone_number.as_str(), made.email.as_str(), made.id_number.as_str()), ("254745678901", "wanjiku@example.com", "23456789"));
    assert!(!made.phone_verified && !made.email_verified && !made.has_password && made.language == "sw", "{made:?}");
    assert_eq!(create(&staff, ask.clone()).await, made, "the same request makes one customer");
    let other = CreateCustomerRequest { last_name: "Kamau".into(), ..ask.clone() };
    assert_eq!(staff.customer().create_customer(other).await.expect_err("other content").reason, ErrorReason::RequestIdReused);
    let taken = CreateCustomerRequest { email: String::new(), request_id: new_request_id(), ..ask };
    let error = staff.customer().create_customer(taken).await.expect_err("taken");
    assert_eq!((error.reason, error.field_violations[0].path.as_str()), (ErrorReason::AlreadyExists, "phone_number"));

    let token = world.link_token("wanjiku@example.com").await;
    assert_eq!(world.sms_on("254745678901").await, ["Yellow WiFi: Wanjiku, usajili wako umekubaliwa. Nambari yako ya mteja ni CUST-0003."]);
    let customer = world.client("yellow");
    let weak = customer.accept_customer_invitation(&token, "wanjiku@example.com").await.expect_err("what everybody knows of them");
    assert_eq!(weak.field_violations[0].path, "new_password");
    let elsewhere = world.client("blue").accept_customer_invitation(&token, PASSWORD).await.expect_err("another ISP");
    assert_eq!(elsewhere.reason, ErrorReason::LinkInvalid);
    let accepted = customer.accept_customer_invitation(&token, PASSWORD).await.expect("accepted");
    assert!(accepted.customer.expect("a customer").email_verified, "the link was mailed");
    assert_eq!(world.own_profile(&customer).await.user.expect("a user").first_name, "Wanjiku", "and signed in");
    let again = world.client("yellow").accept_customer_invitation(&token, "another one 99").await.expect_err("used");
    assert_eq!(again.reason, ErrorReason::LinkInvalid);
    world.client("yellow").log_in("0745678901", PASSWORD).await.expect("the password is theirs");
    assert!(look(&staff, &made.id).await.has_password);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_ends_with_its_day_and_with_the_account() {
    let world = World::new().await;
    let staff = world.signed_in("yellow", Access::Staff).await;
    let made = create(&staff, asha()).await;
    let token = world.link_token("wanjiku@example.com").await;
    close(&staff, &made.id, "A mistake.").await.expect("closed");
    let closed = world.client("yellow").accept_customer_invitation(&token, PASSWORD).await.expect_err("closed");
    assert_eq!(closed.reason, ErrorReason::LinkInvalid);
    let other = create(&staff, CreateCustomerRequest { email: "amina@example.com".into(), ..nth(1) }).await;
    assert_eq!(other.customer_code, "CUST-0004");
    let token = world.link_token("amina@example.com").await;
    world.advance(std::time::Duration::from_secs(24 * 3_600 + 1));
    let late = world.client("yellow").accept_customer_invitation(&token, PASSWORD).await.expect_err("a day is over");
    assert_eq!(late.reason, ErrorReason::LinkInvalid);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_no_mailbox_is_told_by_text_and_chooses_a_password_by_phone() {
    let world = World::new().await;
    let staff = world.signed_in("yellow", Access::Staff).await;
    let made = create(&staff, nth(1)).await;
    world.run_due().await;
    assert_eq!(world.sms_on(&made.phone_number).await, ["Yellow WiFi: Amina, your registration is approved. Your customer code is CUST-0003."]);
    assert_eq!(world.sql().await.count("tenant.message WHERE channel = 'EMAIL'").await, 0);
    let customer = world.client("yellow");
    let early = customer.log_in(&made.phone_number, PASSWORD).await.expect_err("no password yet");
    assert_eq!(early.reason, ErrorReason::WrongCredentials);
    let identifier = made.phone_number.clone();
    customer.auth().request_password_reset(RequestPasswordResetRequest { identifier: identifier.clone() }).await.expect("asked");
    let otp_code = world.code_on(&made.phone_number).await;
    let reset = ResetPasswordRequest { identifier, otp_code, new_password: PASSWORD.into() };
    customer.auth().reset_password(reset).await.expect("chosen");
    let signed_in = customer.log_in(&made.phone_number, PASSWORD).await.expect("signs in");
    assert_eq!(signed_in.customer.expect("a customer").customer_code, "CUST-0003");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_with_faults_is_told_all_of_them_and_makes_nobody() {
    let world = World::new().await;
    let staff = world.signed_in("yellow", Access::Staff).await;
    let bad = CreateCustomerRequest {
        first_name: " ".into(),
        last_name: "evil.com".into(),
        phone_number: "0201234567".into(),
        email: "wanjiku".into(),
        id_number: "1".into(),
        language: "fr".into(),
        request_id: new_request_id(),
    };
    let error = staff.customer().create_customer(bad).await.expect_err("refused");
    let named: Vec<_> = error.field_violations.iter().map(|bad| bad.path.as_str()).collect();
    assert_eq!(named, ["first_name", "last_name", "phone_number", "email", "id_number", "language"]);
    let error = staff.customer().create_customer(CreateCustomerRequest { request_id: "1".into(), ..asha() }).await.expect_err("no UUID");
    assert_eq!(error.field_violations[0].path, "request_id");
    assert_eq!(world.sql().await.count("tenant.customer").await, 4, "the seeded ones");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn customers_are_found_by_the_beginning_of_any_word_however_it_is_written() {
    let world = World::new().await;
    let staff = world.signed_in("yellow", Access::Staff).await;
    let nganga = create(&staff, asha()).await.id;
    let jose = create(
        &staff,
        CreateCustomerRequest { first_name: "José Mary-Anne".into(), last_name: "wa Thiong’o".into(), email: "jose.t+home@example.com".into(), ..nth(1) },
    )
    .await
    .id;
    let both = BTreeSet::from([nganga.clone(), jose.clone()]);
    for (search, wanted) in [
        ("nga", &nganga),
        ("Ng'ang'a", &nganga),
        ("NG’ANG’A wanj", &nganga),
        ("0745", &nganga),
        ("0745 678 901", &nganga),
        ("+254 745 678", &nganga),
        ("254745678901", &nganga),
        ("cust-0003", &nganga),
        ("CUST-0003", &nganga),
        ("wanjiku@exam", &nganga),
        ("jose", &jose),
        ("JOSÉ", &jose),
        ("anne", &jose),
        ("thiong'o", &jose),
        ("wa thiongo jos", &jose),
        ("jose.t+home", &jose),
        ("0004", &jose),
    ] {
        assert_eq!(found(&staff, search).await, std::slice::from_ref(wanted), "{search}");
    }
    for nobody in ["ang'a", "wanjiku jose", "0746", "cust-0099", "home@example", "%", "_", "*"] {
        assert_eq!(found(&staff, nobody).await, Vec::<String>::new(), "{nobody}");
    }
    let new: BTreeSet<String> = found(&staff, "cust-000").await.into_iter().collect();
    assert!(new.is_superset(&both) && new.len() == 4, "by code, with the seeded ones: {new:?}");
    assert_eq!(found(&world.signed_in("blue", Access::Staff).await, "nga").await, Vec::<String>::new(), "not at another ISP");
    let long = ListCustomersRequest { search: "x".repeat(101), ..ListCustomersRequest::default() };
    assert_eq!(staff.customer().list_customers(long).await.expect_err("too long").field_violations[0].path, "search");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_customers_stay_whole_while_others_register() {
    let world = World::new().await;
    let staff = world.signed_in("yellow", Access::Staff).await;
    for search in ["", "amina oti"] {
        let mut made = Vec::new();
        for n in 1..6 {
            made.push(create(&staff, nth(n + if search.is_empty() { 0 } else { 10 })).await.id);
        }
        let ask = |page_token: String| ListCustomersRequest { page_size: 2, page_token, search: search.into(), ..ListCustomersRequest::default() };
        let (first, token) = page(&staff, ask(String::new())).await;
        create(&staff, nth(if search.is_empty() { 6 } else { 16 })).await;
        let (second, token) = page(&staff, ask(token)).await;
        let (third, _) = page(&staff, ask(token)).await;
        let seen: Vec<String> = [first, second, third].concat().into_iter().map(|customer| customer.id).collect();
        let newest_first: Vec<String> = made.into_iter().rev().collect();
        assert_eq!(seen[..5], newest_first[..], "none twice, none left out: {search:?}");
    }
    let pending = ListCustomersRequest { status: CustomerStatus::Pending.into(), ..ListCustomersRequest::default() };
    let (pending, _) = page(&staff, pending).await;
    assert_eq!(pending.iter().map(|customer| customer.customer_code.as_str()).collect::<Vec<_>>(), ["CUST-0002"]);
    assert_eq!(pending[0].id_number, "", "lists show no id cards");
    let active = ListCustomersRequest { status: CustomerStatus::Active.into(), search: "asha".into(), ..ListCustomersRequest::default() };
    assert_eq!(page(&staff, active).await.0.len(), 1);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_staff_change_is_found_anew_and_must_be_proven_anew() {
    let world = World::new().await;
    let staff = world.signed_in("yellow", Access::Staff).await;
    let (customer, id) = {
        let (client, customer) = world.proven("yellow", 1).await;
        (client, customer.id)
    };
    let before = look(&staff, &id).await;
    assert!(before.phone_verified);
    let update = async |ask: UpdateCustomerRequest| staff.customer().update_customer(UpdateCustomerRequest { id: id.clone(), ..ask }).await;
    let named = update(UpdateCustomerRequest { first_name: Some("Chebet".into()), language: Some("sw".into()), ..Default::default() }).await;
    let named = named.expect("changed").customer.expect("a customer");
    assert_eq!((named.first_name.as_str(), named.last_name.as_str(), named.language.as_str()), ("Chebet", before.last_name.as_str(), "sw"));
    assert!(named.phone_verified, "nothing else changed");
    assert_eq!((found(&staff, "chebet").await.len(), found(&staff, "njeri").await.len()), (1, 0));

    let ask = UpdateCustomerRequest {
        phone_number: Some("0799000111".into()),
        email: Some("chebet@example.com".into()),
        id_number: Some("AK-0123456".into()),
        ..Default::default()
    };
    let moved = update(ask).await.expect("changed").customer.expect("a customer");
    assert_eq!((moved.phone_number.as_str(), moved.email.as_str(), moved.id_number.as_str()), ("254799000111", "chebet@example.com", "AK0123456"));
    assert!(!moved.phone_verified && !moved.email_verified, "{moved:?}");
    assert_eq!((found(&staff, "0799").await.len(), found(&staff, &before.phone_number).await.len()), (1, 0));
    world.run_due().await;
    let told = world.sms_on(&before.phone_number).await;
    assert!(told.last().is_some_and(|text| text.contains("nambari ya simu ya akaunti yako imebadilishwa")), "the old phone is told: {told:?}");
    assert_eq!(world.mails_to(&before.email).await.len(), 1, "and the old mailbox");
    assert_eq!(world.own_profile(&customer).await.user.expect("a user").phone_number, "254799000111");

    let taken = update(UpdateCustomerRequest { phone_number: Some(world.seeded.isps[0].customers[0].phone.clone()), ..Default::default() }).await;
    let taken = taken.expect_err("somebody's");
    assert_eq!((taken.reason, taken.field_violations[0].path.as_str()), (ErrorReason::AlreadyExists, "phone_number"));
    let without = update(UpdateCustomerRequest { email: Some(String::new()), id_number: Some(String::new()), ..Default::default() }).await;
    let without = without.expect("changed").customer.expect("a customer");
    assert_eq!((without.email.as_str(), without.id_number.as_str()), ("", ""));
    close(&staff, &id, "Moved away.").await.expect("closed");
    let late = update(UpdateCustomerRequest { first_name: Some("Njeri".into()), ..Default::default() }).await.expect_err("closed");
    assert!(is_conflict(&late, "CLOSED"), "{late}");

    let facts = world.sql().await.rows("SELECT facts FROM tenant.audit_event WHERE act = 'change_customer' ORDER BY at, id").await;
    let changed: Vec<String> = facts.iter().map(|row| row["facts"]["changed"].to_string()).collect();
    assert_eq!(changed, [r#"["first_name","language"]"#, r#"["phone_number","email","id_number"]"#, r#"["email","id_number"]"#], "names, no values");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_is_let_in_once_and_told_in_their_language() {
    let world = World::new().await;
    let staff = world.signed_in("yellow", Access::Staff).await;
    let card = &world.seeded.isps[0].customers[1];
    let id = found(&staff, &card.customer_code).await.remove(0);
    let customer = world.client("yellow");
    customer.log_in(&card.phone, &card.password).await.expect("who waits may sign in");
    let approved = approve(&staff, &id).await.expect("approved");
    assert!(approved.status() == CustomerStatus::Active && approved.approved_at.is_some(), "{approved:?}");
    let twice = approve(&staff, &id).await.expect_err("approved already");
    assert!(is_conflict(&twice, "ACTIVE"), "{twice}");
    world.run_due().await;
    assert_eq!(world.sms_on(&card.phone).await, ["Yellow WiFi: Baraka, usajili wako umekubaliwa. Nambari yako ya mteja ni CUST-0002."]);
    let told = alerts(&customer).await;
    assert_eq!((told.len(), told[0].title.as_str()), (1, "Usajili wako umekubaliwa"));
    let acts = world.sql().await.rows(&format!("SELECT actor, facts FROM tenant.audit_event WHERE act = 'approve_customer' AND subject = '{id}'")).await;
    assert!(acts.len() == 1 && acts[0]["actor"].as_str().is_some_and(|actor| actor.starts_with("usr_")), "{acts:?}");
    assert_eq!(acts[0]["facts"], serde_json::json!({ "from": "PENDING", "to": "ACTIVE" }));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_decision_leads_where_it_says_and_needs_its_reason() {
    let world = World::new().await;
    let staff = world.signed_in("yellow", Access::Staff).await;
    let (customer, made) = world.proven("yellow", 1).await;
    let (id, phone) = (made.id, registration(1).phone_number);
    for refused in [reject(&staff, &id, " ").await, suspend(&staff, &id, "").await, close(&staff, &id, "").await, reject(&staff, &id, &"x".repeat(201)).await] {
        assert_eq!(refused.expect_err("no reason").field_violations[0].path, "reason");
    }
    assert!(is_conflict(&suspend(&staff, &id, "Not paid.").await.expect_err("waits"), "PENDING"));
    assert!(is_conflict(&reactivate(&staff, &id).await.expect_err("waits"), "PENDING"));

    let rejected = reject(&staff, &id, "We have no cable in your street.").await.expect("rejected");
    assert_eq!((rejected.status(), rejected.status_reason.as_str()), (CustomerStatus::Rejected, "We have no cable in your street."));
    let shut = customer.selfservice().get_profile(Default::default()).await.expect_err("signed out");
    assert!(matches!(shut.reason, ErrorReason::TokenInvalid | ErrorReason::RefreshTokenInvalid | ErrorReason::Unauthenticated), "{shut}");
    assert_eq!(customer.log_in(&phone, PASSWORD).await.expect_err("refused").reason, ErrorReason::CustomerNotActive);
    assert!(is_conflict(&reject(&staff, &id, "Again.").await.expect_err("twice"), "REJECTED"));

    assert_eq!(approve(&staff, &id).await.expect("a second look").status(), CustomerStatus::Active);
    customer.log_in(&phone, PASSWORD).await.expect("signs in");
    assert_eq!(world.own_profile(&customer).await.customer.expect("a customer").status_reason, "", "the old reason is gone");
    assert_eq!(suspend(&staff, &id, "The bill of March is open.").await.expect("suspended").status(), CustomerStatus::Suspended);
    assert_eq!(world.own_profile(&customer).await.customer.expect("a customer").status_reason, "The bill of March is open.", "may look");
    assert_eq!(reactivate(&staff, &id).await.expect("on again").status(), CustomerStatus::Active);
    let told: Vec<(String, String)> = alerts(&customer).await.into_iter().map(|alert| (alert.title, alert.message)).collect();
    let told: Vec<(&str, &str)> = told.iter().map(|(title, message)| (title.as_str(), message.as_str())).collect();
    let wanted = [
        ("Your account is open again", "Welcome back!"),
        ("Your account is suspended", "The bill of March is open."),
        ("Your registration is approved", "Karibu! Your customer code is CUST-0003."),
    ];
    assert_eq!(told, wanted, "newest first");
    world.run_due().await;
    let texts = world.sms_on(&phone).await;
    let of_staff: Vec<&str> = texts.iter().map(String::as_str).filter(|text| !text.contains("code is ") || text.contains("CUST")).collect();
    assert_eq!(
        of_staff,
        [
            "Yellow WiFi: Njeri, we could not accept your registration. We have no cable in your street.",
            "Yellow WiFi: Njeri, your registration is approved. Your customer code is CUST-0003.",
            "Yellow WiFi: Njeri, your account is suspended. The bill of March is open.",
            "Yellow WiFi: Njeri, your account is open again. Welcome back!",
        ]
    );

    let closed = close(&staff, &id, "Moved away.").await.expect("closed");
    assert!(closed.status() == CustomerStatus::Closed && closed.closed_at.is_some(), "{closed:?}");
    assert!(customer.selfservice().get_profile(Default::default()).await.is_err(), "signed out");
    for refused in [approve(&staff, &id).await, reactivate(&staff, &id).await, suspend(&staff, &id, "x").await, close(&staff, &id, "x").await] {
        assert!(is_conflict(&refused.expect_err("closed for good"), "CLOSED"));
    }
    let again = staff.customer().create_customer(CreateCustomerRequest { phone_number: phone, ..nth(2) }).await.expect_err("a closed account frees nothing");
    assert_eq!(again.reason, ErrorReason::AlreadyExists);
    let stored = world.sql().await.rows("SELECT facts::text AS facts FROM tenant.audit_event").await;
    assert!(stored.iter().all(|row| !row["facts"].to_string().contains("cable")), "words of staff are not kept where nothing is forgotten");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_an_approval_and_a_refusal_at_once_one_wins() {
    let world = World::new().await;
    let staff = world.signed_in("yellow", Access::Staff).await;
    let owner = world.signed_in("yellow", Access::Owner).await;
    let mut won = BTreeSet::new();
    for n in 1..5 {
        let (_, customer) = world.registered("yellow", n).await;
        let (approved, rejected) = tokio::join!(approve(&staff, &customer.id), reject(&owner, &customer.id, "No cable."));
        // A refusal may come first and be lifted by the approval, which is legal; an approval that came first ends the matter.
        let now = look(&staff, &customer.id).await.status();
        match (&approved, &rejected) {
            (Ok(_), Err(error)) => assert!(is_conflict(error, "ACTIVE"), "{error}"),
            (Err(error), Ok(_)) => panic!("a refused registration can be approved: {error}"),
            (Ok(_), Ok(_)) => {}
            (Err(one), Err(other)) => panic!("one wins: {one}, {other}"),
        }
        assert_eq!(now, CustomerStatus::Active, "{approved:?} {rejected:?}");
        won.insert(rejected.is_ok());
        let acts = world
            .sql()
            .await
            .count(&format!("tenant.audit_event WHERE subject = '{}' AND act LIKE '%ct_customer' OR subject = '{0}' AND act = 'approve_customer'", customer.id))
            .await;
        assert_eq!(acts, if rejected.is_ok() { 2 } else { 1 }, "what won is in the log, and nothing else");
    }
    assert!(!won.is_empty());
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_suspensions_at_once_one_is_done_and_told() {
    let world = World::new().await;
    let staff = world.signed_in("yellow", Access::Staff).await;
    let id = found(&staff, "asha").await.remove(0);
    let tries = futures::future::join_all((0..50).map(|_| suspend(&staff, &id, "Not paid."))).await;
    assert_eq!(tries.iter().filter(|tried| tried.is_ok()).count(), 1);
    for error in tries.into_iter().filter_map(Result::err) {
        assert!(is_conflict(&error, "SUSPENDED"), "{error}");
    }
    let customer = world.customer("yellow").await;
    assert_eq!(alerts(&customer).await.len(), 1);
    world.run_due().await;
    assert_eq!(world.sms_on(&world.seeded.isps[0].customers[0].phone).await.len(), 1);
    world.finish().await;
}

fn rules() -> RegistrationSettings {
    RegistrationSettings {
        allow_self_registration: true,
        require_phone_verification: true,
        require_email_verification: false,
        require_id_number: false,
        auto_approve_customers: false,
        default_customer_status: CustomerStatus::Pending.into(),
        welcome_sms_template: String::new(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_rule_of_registration_is_written_read_and_logged() {
    let world = World::new().await;
    let staff = world.signed_in("yellow", Access::Staff).await;
    let read =
        async |staff: &Client| staff.customer().get_registration_settings(GetRegistrationSettingsRequest {}).await.expect("rules").settings.expect("rules");
    let write = async |settings: RegistrationSettings| {
        let ask = UpdateRegistrationSettingsRequest { settings: Some(settings) };
        staff.customer().update_registration_settings(ask).await.map(|answer| answer.settings.expect("rules"))
    };
    let before = read(&staff).await;
    let each: [RegistrationSettings; 8] = [
        RegistrationSettings { allow_self_registration: false, ..rules() },
        RegistrationSettings { require_phone_verification: false, ..rules() },
        RegistrationSettings { require_email_verification: true, ..rules() },
        RegistrationSettings { require_id_number: true, ..rules() },
        RegistrationSettings { auto_approve_customers: true, ..rules() },
        RegistrationSettings { default_customer_status: CustomerStatus::Active.into(), ..rules() },
        RegistrationSettings { default_customer_status: CustomerStatus::Suspended.into(), ..rules() },
        RegistrationSettings { welcome_sms_template: "Karibu {name}! Code: {customer_code}. {isp}".into(), ..rules() },
    ];
    for wanted in each {
        assert_eq!(write(wanted.clone()).await.expect("written"), wanted);
        assert_eq!(read(&staff).await, wanted);
        assert_eq!(write(wanted.clone()).await.expect("written"), wanted, "twice is once");
    }
    assert_eq!(world.sql().await.count("tenant.audit_event WHERE act = 'update_registration_settings'").await, 8);
    let last = read(&staff).await;
    for (path, wrong) in [
        ("settings.default_customer_status", RegistrationSettings { default_customer_status: CustomerStatus::Rejected.into(), ..rules() }),
        ("settings.default_customer_status", RegistrationSettings { default_customer_status: CustomerStatus::Closed.into(), ..rules() }),
        ("settings.default_customer_status", RegistrationSettings { default_customer_status: 0, ..rules() }),
        ("settings.default_customer_status", RegistrationSettings { default_customer_status: 99, ..rules() }),
        ("settings.welcome_sms_template", RegistrationSettings { welcome_sms_template: "Karibu {first_name}".into(), ..rules() }),
        ("settings.welcome_sms_template", RegistrationSettings { welcome_sms_template: "Karibu {name".into(), ..rules() }),
        ("settings.welcome_sms_template", RegistrationSettings { welcome_sms_template: "x".repeat(460), ..rules() }),
    ] {
        let error = write(wrong).await.expect_err(path);
        assert_eq!((error.reason, error.field_violations[0].path.as_str()), (ErrorReason::InvalidArgument, path));
    }
    let nothing = staff.customer().update_registration_settings(UpdateRegistrationSettingsRequest { settings: None }).await.expect_err("nothing");
    assert_eq!(nothing.field_violations[0].path, "settings");
    assert_eq!(read(&staff).await, last, "what is refused changes nothing");
    assert_eq!(read(&world.signed_in("blue", Access::Staff).await).await, before, "nor does it change another ISP's");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_that_staff_write_has_its_effect_at_once() {
    let world = World::new().await;
    let staff = world.signed_in("yellow", Access::Staff).await;
    let write = async |settings: RegistrationSettings| {
        let ask = UpdateRegistrationSettingsRequest { settings: Some(settings) };
        staff.customer().update_registration_settings(ask).await.expect("written")
    };
    write(RegistrationSettings { allow_self_registration: false, ..rules() }).await;
    let closed = world.client("yellow").register(registration(1)).await.expect_err("closed");
    assert_eq!(closed.reason, ErrorReason::RegistrationClosed);
    let welcome = "Karibu {name}, {customer_code}".to_owned();
    write(RegistrationSettings { require_phone_verification: false, auto_approve_customers: true, welcome_sms_template: welcome, ..rules() }).await;
    let (_, customer) = world.registered("yellow", 2).await;
    assert_eq!(customer.status(), CustomerStatus::Active);
    world.run_due().await;
    assert_eq!(world.sms_on(&registration(2).phone_number).await, ["Karibu Njeri, CUST-0003"]);
    world.finish().await;
}
