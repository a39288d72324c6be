//! Looking after one's account: names, language, a new phone, a new mailbox, and closing it.

use std::time::Duration;

use netily_sdk::selfservice::{
    CloseAccountRequest, ConfirmPhoneChangeRequest, GetProfileRequest, RegisterRequest, RequestEmailChangeRequest, RequestPhoneChangeRequest, ResendOtpRequest,
    ResendVerificationEmailRequest, UpdateProfileRequest, VerifyEmailRequest,
};
use netily_sdk::types::{CustomerStatus, ErrorReason};
use netily_sdk::{Client, Error};
use netily_tests::{PASSWORD, World, registration};

async fn verify_email(client: &Client, token: &str) -> Result<bool, ErrorReason> {
    let answer = client.selfservice().verify_email(VerifyEmailRequest { token: token.to_owned() }).await;
    answer.map(|answer| answer.customer.expect("a customer").email_verified).map_err(|error| error.reason)
}

async fn ask_for_email(client: &Client, email: &str, password: &str) -> Result<(), Error> {
    let ask = RequestEmailChangeRequest { email: email.to_owned(), current_password: password.to_owned() };
    client.selfservice().request_email_change(ask).await.map(drop)
}

async fn ask_for_phone(client: &Client, phone: &str, password: &str) -> Result<(), Error> {
    let ask = RequestPhoneChangeRequest { phone_number: phone.to_owned(), current_password: password.to_owned() };
    client.selfservice().request_phone_change(ask).await.map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn names_language_and_id_number_are_changed_and_what_is_absent_stays() {
    let world = World::new().await;
    let (client, customer) = world.registered("yellow", 1).await;
    let update = async |change: UpdateProfileRequest| client.selfservice().update_profile(change).await.map(|answer| answer.profile.expect("a profile"));
    let changed =
        update(UpdateProfileRequest { first_name: Some("Wanjikũ".into()), language: Some("sw".into()), ..Default::default() }).await.expect("changed");
    let user = changed.user.expect("a user");
    assert_eq!((user.first_name.as_str(), user.last_name.as_str(), changed.language.as_str()), ("Wanjikũ", "Number 1", "sw"));
    let changed = update(UpdateProfileRequest { id_number: Some("12345678".into()), ..Default::default() }).await.expect("changed");
    assert_eq!((changed.id_number.as_str(), changed.language.as_str()), ("12345678", "sw"));
    for (field, bad) in [
        ("first_name", UpdateProfileRequest { first_name: Some(" ".into()), ..Default::default() }),
        ("last_name", UpdateProfileRequest { last_name: Some("x".repeat(81)), ..Default::default() }),
        ("language", UpdateProfileRequest { language: Some("fr".into()), ..Default::default() }),
        ("id_number", UpdateProfileRequest { id_number: Some("123".into()), ..Default::default() }),
    ] {
        let refused = update(bad).await.expect_err(field);
        assert_eq!((refused.reason, refused.field_violations[0].path.as_str()), (ErrorReason::InvalidArgument, field));
    }
    world.set_rules("yellow", "require_id_number = true").await;
    let refused = update(UpdateProfileRequest { id_number: Some(String::new()), ..Default::default() }).await.expect_err("the ISP asks for it");
    assert_eq!(refused.field_violations[0].path, "id_number");
    world.set_rules("yellow", "require_id_number = false").await;
    let without = update(UpdateProfileRequest { id_number: Some(String::new()), ..Default::default() }).await.expect("taken away");
    assert_eq!(without.id_number, "");
    // Staff find them by the new name and no longer by the old one.
    let mut sql = world.sql().await;
    let words = |word: &str| {
        format!(
            "tenant.customer_search s JOIN tenant.customer c ON c.id = s.customer_id WHERE s.word = '{word}' AND c.customer_code = '{}'",
            customer.customer_code
        )
    };
    assert_eq!((sql.count(&words("wanjiku")).await, sql.count(&words("njeri")).await), (1, 0));
    assert_eq!(sql.count("tenant.audit_event WHERE act = 'update_profile' AND facts::text LIKE '%12345678%'").await, 0, "the log names fields, not values");
    assert_eq!(sql.count("tenant.audit_event WHERE act = 'update_profile'").await, 3);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_are_in_the_customers_language() {
    let world = World::new().await;
    let client = world.client("yellow");
    let made = client.register(RegisterRequest { language: "sw".into(), ..registration(1) }).await.expect("registered");
    assert_eq!(made.message, "Umesajiliwa. Tafadhali thibitisha nambari yako ya simu.");
    let phone = registration(1).phone_number;
    world.run_due().await;
    assert!(world.sms_on(&phone).await[0].contains("nambari yako ya siri"), "Kiswahili");
    client.selfservice().update_profile(UpdateProfileRequest { language: Some("en".into()), ..Default::default() }).await.expect("changed");
    world.advance(Duration::from_secs(61));
    client.selfservice().resend_otp(ResendOtpRequest { phone_number: phone.clone() }).await.expect("a new code");
    world.run_due().await;
    assert!(world.sms_on(&phone).await[1].contains("your code is"), "English");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_phone_is_the_customers_once_it_is_proven_and_the_old_one_is_told() {
    let world = World::new().await;
    let (client, customer) = world.proven("yellow", 1).await;
    world.registered("yellow", 2).await;
    let (old, new, theirs) = (registration(1).phone_number, registration(8).phone_number, registration(2).phone_number);
    assert_eq!(ask_for_phone(&client, &new, "not the password").await.expect_err("refused").reason, ErrorReason::WrongCredentials);
    let taken = ask_for_phone(&client, &theirs, PASSWORD).await.expect_err("taken");
    assert_eq!((taken.reason, taken.field_violations[0].path.as_str()), (ErrorReason::AlreadyExists, "phone_number"));
    ask_for_phone(&client, &new, PASSWORD).await.expect("a code is sent");
    assert_eq!(ask_for_phone(&client, &new, PASSWORD).await.expect_err("a minute apart").reason, ErrorReason::RateLimited);
    let otp_code = world.code_on(&new).await;
    assert_eq!(world.own_profile(&client).await.user.expect("a user").phone_number, old, "not yet");
    let confirm = ConfirmPhoneChangeRequest { phone_number: new.clone(), otp_code };
    let wrong = ConfirmPhoneChangeRequest { otp_code: "abcdef".into(), ..confirm.clone() };
    assert_eq!(client.selfservice().confirm_phone_change(wrong).await.expect_err("wrong").reason, ErrorReason::OtpInvalid);
    let changed = client.selfservice().confirm_phone_change(confirm.clone()).await.expect("changed").profile.expect("a profile");
    assert_eq!(changed.user.expect("a user").phone_number, new);
    assert!(changed.customer.expect("a customer").phone_verified);
    assert_eq!(client.selfservice().confirm_phone_change(confirm).await.expect_err("used").reason, ErrorReason::OtpInvalid);

    world.run_due().await;
    assert!(world.sms_on(&old).await.last().expect("a text").contains("another phone number"), "the old phone is told");
    world.client("yellow").log_in(&new, PASSWORD).await.expect("signs in by the new phone");
    assert_eq!(world.client("yellow").log_in(&old, PASSWORD).await.expect_err("not by the old one").reason, ErrorReason::WrongCredentials);
    let words =
        format!("tenant.customer_search s JOIN tenant.customer c ON c.id = s.customer_id WHERE c.customer_code = '{}' AND s.word", customer.customer_code);
    let mut sql = world.sql().await;
    assert_eq!((sql.count(&format!("{words} = '{new}'")).await, sql.count(&format!("{words} = '{old}'")).await), (1, 0));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_mailbox_is_the_customers_once_its_link_was_opened_and_the_old_one_is_told() {
    let world = World::new().await;
    let (client, _) = world.registered("yellow", 1).await;
    let (rival, _) = world.registered("yellow", 2).await;
    let (old, new) = (registration(1).email, "new@example.com");
    assert_eq!(ask_for_email(&client, new, "not the password").await.expect_err("refused").reason, ErrorReason::WrongCredentials);
    let taken = ask_for_email(&client, &registration(2).email, PASSWORD).await.expect_err("taken");
    assert_eq!((taken.reason, taken.field_violations[0].path.as_str()), (ErrorReason::AlreadyExists, "email"));
    ask_for_email(&client, new, PASSWORD).await.expect("a link is mailed");
    let token = world.link_token(new).await;
    assert_eq!(world.own_profile(&client).await.user.expect("a user").email, old, "not yet");
    assert_eq!(verify_email(&world.client("blue"), &token).await, Err(ErrorReason::LinkInvalid), "a link of another ISP");
    assert_eq!(verify_email(&world.client("yellow"), &token).await, Ok(true), "without being signed in");
    assert_eq!(verify_email(&world.client("yellow"), &token).await, Err(ErrorReason::LinkInvalid), "once");
    assert_eq!(world.own_profile(&client).await.user.expect("a user").email, new);
    world.run_due().await;
    let told = world.mails_to(&old).await;
    assert!(told.iter().any(|mail| mail["subject"].as_str().is_some_and(|subject| subject.contains("was changed"))), "{told:?}");

    // Two want the same mailbox: the second to open the link is told.
    ask_for_email(&client, "both@example.com", PASSWORD).await.expect("a link");
    let first = world.link_token("both@example.com").await;
    ask_for_email(&rival, "both@example.com", PASSWORD).await.expect("a link");
    let second = world.link_token("both@example.com").await;
    assert_ne!(first, second);
    assert_eq!(verify_email(&rival, &second).await, Ok(true));
    assert_eq!(verify_email(&client, &first).await, Err(ErrorReason::AlreadyExists));
    assert_eq!(world.own_profile(&client).await.user.expect("a user").email, new, "and stays as it was");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_link_of_a_mailbox_can_be_had_again_and_then_the_old_one_is_void() {
    let world = World::new().await;
    world.set_rules("yellow", "require_email_verification = true, require_phone_verification = false").await;
    let (client, _) = world.registered("yellow", 1).await;
    let email = registration(1).email;
    let first = world.link_token(&email).await;
    let again = async || client.selfservice().resend_verification_email(ResendVerificationEmailRequest {}).await;
    again().await.expect("another link");
    let second = world.link_token(&email).await;
    assert_eq!(verify_email(&client, &first).await, Err(ErrorReason::LinkInvalid), "void");
    again().await.expect("a third one");
    assert_eq!(again().await.expect_err("enough").reason, ErrorReason::RateLimited);
    let third = world.link_token(&email).await;
    assert_eq!(verify_email(&client, &second).await, Err(ErrorReason::LinkInvalid));
    assert_eq!(verify_email(&client, "nonsense").await, Err(ErrorReason::LinkInvalid));
    world.advance(Duration::from_secs(48 * 3_600 + 1));
    assert_eq!(verify_email(&client, &third).await, Err(ErrorReason::LinkInvalid), "too old");
    again().await.expect("a fresh one");
    let fresh = world.link_token(&email).await;
    assert_eq!(verify_email(&client, &fresh).await, Ok(true));
    assert_eq!(again().await.expect("nothing to do").expires_at, None, "it is proven");
    assert_eq!(world.mails_to(&email).await.len(), 4);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_account_is_shut_and_frees_nothing() {
    let world = World::new().await;
    let (client, customer) = world.registered("yellow", 1).await;
    let other_device = world.client("yellow");
    let phone = registration(1).phone_number;
    other_device.log_in(&phone, PASSWORD).await.expect("signed in twice");
    let close = async |password: &str| client.selfservice().close_account(CloseAccountRequest { current_password: password.into() }).await;
    assert_eq!(close("not the password").await.expect_err("refused").reason, ErrorReason::WrongCredentials);
    let closed = close(PASSWORD).await.expect("closed").customer.expect("a customer");
    assert_eq!((closed.status(), closed.id), (CustomerStatus::Closed, customer.id));
    for device in [&client, &other_device] {
        let refused = device.selfservice().get_profile(GetProfileRequest {}).await.expect_err("signed out");
        assert!(matches!(refused.reason, ErrorReason::TokenInvalid | ErrorReason::RefreshTokenInvalid | ErrorReason::Unauthenticated), "{refused}");
    }
    assert_eq!(world.client("yellow").log_in(&phone, PASSWORD).await.expect_err("closed").reason, ErrorReason::CustomerNotActive);
    for ask in [
        RegisterRequest { email: "free@example.com".into(), ..registration(1) },
        RegisterRequest { phone_number: registration(2).phone_number, ..registration(1) },
    ] {
        assert_eq!(world.client("yellow").register(ask).await.expect_err("stays taken").reason, ErrorReason::AlreadyExists);
    }
    let (_, next) = world.registered("yellow", 3).await;
    assert_eq!(next.customer_code, "CUST-0004", "the code stays taken");
    let code = world.code_on(&phone).await;
    world.advance(Duration::from_secs(61));
    world.client("yellow").selfservice().resend_otp(ResendOtpRequest { phone_number: phone.clone() }).await.expect("the answer to strangers");
    world.run_due().await;
    assert_eq!(world.sms_on(&phone).await.len(), 1, "no code for an account that is closed");
    let verify = netily_sdk::selfservice::VerifyPhoneRequest { phone_number: phone, otp_code: code };
    assert_eq!(world.client("yellow").selfservice().verify_phone(verify).await.expect_err("closed").reason, ErrorReason::OtpInvalid);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_cannot_try_out_thousands_of_numbers() {
    let world = World::new().await;
    let (client, _) = world.registered("yellow", 1).await;
    world.registered("yellow", 2).await;
    let theirs = registration(2).phone_number;
    for _ in 0..10 {
        assert_eq!(ask_for_phone(&client, &theirs, PASSWORD).await.expect_err("taken").reason, ErrorReason::AlreadyExists);
    }
    assert_eq!(ask_for_phone(&client, &theirs, PASSWORD).await.expect_err("enough").reason, ErrorReason::RateLimited);
    world.finish().await;
}
