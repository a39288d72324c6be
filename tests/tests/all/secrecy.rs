//! What a run writes to its log and tells in its errors holds no secret: no password, token, receipt or full phone number.

use std::io::Write;
use std::sync::{Arc, Mutex};

use netily::notify::{Note, Template};
use netily_sdk::auth::{AcceptInvitationRequest, AcceptInvitationResponse, RequestPasswordResetRequest, ResetPasswordRequest};
use netily_sdk::isp::{InviteStaffRequest, StaffRole};
use netily_sdk::new_request_id;
use netily_sdk::selfservice::{RegisterRequest, ResendOtpRequest, VerifyEmailRequest, VerifyPhoneRequest};
use netily_tests::{Access, Guest, PASSWORD, World, registration, to_mailbox, to_phone};
use serde_json::json;
use tracing_subscriber::fmt::MakeWriter;

/// Everything that was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("no panic while it is held").write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Log;

    fn make_writer(&'a self) -> Log {
        self.clone()
    }
}

/// Goes through everything that lets somebody in who works here: codes, links, cookies, new passwords.
async fn ways_in(world: &World) -> Vec<(&'static str, String)> {
    let owner = world.signed_in("yellow", Access::Owner).await;
    let ask = RequestPasswordResetRequest { identifier: "0722000001".into() };
    owner.auth().request_password_reset(ask).await.expect("asked");
    let code = world.code_on("254722000001").await;
    let ask = ResetPasswordRequest { identifier: "0722000001".into(), otp_code: code.clone(), new_password: "ugali na samaki".into() };
    owner.auth().reset_password(ask).await.expect("reset");
    owner.sign_in("0722000001", "ugali na samaki").await.expect("signs in");
    let invite = InviteStaffRequest {
        email: "njeri@yellow.example".into(),
        first_name: "Njeri".into(),
        last_name: "Wanjiru".into(),
        role: StaffRole::Staff.into(),
        request_id: new_request_id(),
    };
    owner.isp().invite_staff(invite).await.expect("invited");
    let invitation = world.link_token("njeri@yellow.example").await;
    let accept = AcceptInvitationRequest { token: invitation.clone(), new_password: "maziwa na mandazi".into(), ..AcceptInvitationRequest::default() };
    let browser = world.browser("yellow");
    let joined = browser.call_with::<_, AcceptInvitationResponse>("netily.auth.v1.AuthService/AcceptInvitation", &accept, &[("netily-session", "cookie")]);
    joined.await.outcome.expect("accepted");
    let used = browser.call::<_, AcceptInvitationResponse>("netily.auth.v1.AuthService/AcceptInvitation", &accept).await;
    used.outcome.expect_err("used");
    vec![
        ("a code for a new password", format!(" {code}")),
        ("the token of an invitation", invitation),
        ("a cookie", browser.cookie().expect("a cookie")),
        ("a password that was chosen by a code", "ugali na samaki".into()),
        ("a password that was chosen by an invitation", "maziwa na mandazi".into()),
        ("the phone of an owner", "722000001".into()),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_logs_no_secret() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().with_env_filter("netily=trace,tower=trace,axum=trace,reqwest=trace").with_ansi(false).with_writer(log.clone());
    subscriber.try_init().expect("no other test sets the log of this process");

    let world = World::builder()
        .gateway_timeout(std::time::Duration::from_millis(500))
        .configured(|config| {
            config.sms.total_timeout = std::time::Duration::from_millis(300);
            config.mail.total_timeout = std::time::Duration::from_millis(300);
        })
        .start()
        .await;
    let staff = world.signed_in("yellow", Access::Staff).await;
    let tokens = staff.tokens().expect("tokens");
    let guest = Guest::number(1);
    let purchase = world.buy_and_pay(&guest).await;
    let paid = world.collection_from(&guest.phone);
    // Faults speak most.
    world.behave(json!({ "collect": "refuse" })).await;
    world.buy(&Guest::number(2)).await;
    world.run_due().await;
    world.behave(json!({ "collect": "timeout_after_accept", "hang_ms": 1_000 })).await;
    world.buy(&Guest::number(3)).await;
    world.run_due().await;
    world.answer_prompt(&Guest::number(3).phone, "cancel").await;
    world.callbacks_delivered().await;
    world.run_due().await;
    world.router("yellow-market").set_state(json!({ "power": "off" })).await.expect("switched off");
    let ask = world.resume_ask("yellow-market", &guest, &purchase.mpesa_receipt);
    world.client("yellow").hotspot().resume_purchase(ask).await.expect("resumed");
    world.run_due().await;
    let _wrong = world.client("yellow").sign_in("owner@yellow.example", "a wrong password").await;

    // Messages with secrets, to providers that fail in every way.
    let secrets_of_messages = [("code", "739251"), ("name", "Wanjiku"), ("link", "https://yellow.example/invitation?token=c2VjcmV0")];
    for mode in ["error_500", "unauthorized", "refuse", "html", "timeout", "ok"] {
        world.sms_behave(json!({ "mode": mode })).await;
        world.queue("yellow", Note { facts: &secrets_of_messages, ..to_phone(Template::VerifyPhone, "254799887766") }).await.expect("queued");
        world.run_after(std::time::Duration::from_secs(3)).await;
    }
    world.sms_behave(json!({ "refuse_numbers": ["254799887766"] })).await;
    world.queue("yellow", Note { facts: &secrets_of_messages, ..to_phone(Template::VerifyPhone, "254799887766") }).await.expect("queued");
    world.run_due().await;
    for mode in ["refuse", "busy", "hang", "ok"] {
        world.mail_behave(mode).await;
        world.queue("yellow", Note { facts: &secrets_of_messages, ..to_mailbox(Template::Invitation, "wanjiku@mail.example") }).await.expect("queued");
        world.run_after(std::time::Duration::from_secs(3)).await;
    }
    // A customer registers, mistypes, proves phone and mailbox, and wants another phone; texts fail at first.
    world.sms_behave(json!({ "mode": "error_500" })).await;
    let ask = RegisterRequest { id_number: "98765432".into(), ..registration(1) };
    let customer = world.client("yellow");
    customer.register(ask.clone()).await.expect("registered");
    world.run_due().await;
    world.sms_behave(json!({ "mode": "ok" })).await;
    world.advance(std::time::Duration::from_secs(61));
    customer.selfservice().resend_otp(ResendOtpRequest { phone_number: ask.phone_number.clone() }).await.expect("a code");
    let code = world.code_on(&ask.phone_number).await;
    let verify = VerifyPhoneRequest { phone_number: ask.phone_number.clone(), otp_code: "wrong".into() };
    let _wrong = customer.selfservice().verify_phone(verify.clone()).await;
    customer.selfservice().verify_phone(VerifyPhoneRequest { otp_code: code.clone(), ..verify }).await.expect("proven");
    customer.selfservice().resend_verification_email(Default::default()).await.expect("a link");
    let link = world.link_token(&ask.email).await;
    customer.selfservice().verify_email(VerifyEmailRequest { token: link.clone() }).await.expect("proven");
    let _taken = world.client("yellow").register(RegisterRequest { request_id: new_request_id(), ..ask.clone() }).await;
    let ways_in = ways_in(&world).await;

    let callback_url = paid["callback_url"].as_str().expect("an address");
    let secrets = [
        ("the password of a person", world.seeded.isps[0].staff.password.clone()),
        ("a wrong password", "a wrong password".into()),
        ("an access token", tokens.access),
        ("a refresh token", tokens.refresh),
        ("a phone", guest.phone.clone()),
        ("a phone as people write it", format!("0{}", &guest.phone[3..])),
        ("the phone of a refused prompt", Guest::number(2).phone),
        ("the phone of an unclear prompt", Guest::number(3).phone),
        ("a receipt", purchase.mpesa_receipt.clone()),
        ("the password of a router", world.seeded.isps[0].routers[0].password.clone()),
        ("the password of a guest", purchase.password.clone()),
        ("the token of a callback address", callback_url.trim_end_matches('/').rsplit('/').next().expect("a token").to_owned()),
        ("a one-time code", "739251".into()),
        ("the token of an e-mailed link", "c2VjcmV0".into()),
        ("a phone that was written to", "799887766".into()),
        ("a mailbox that was written to", "wanjiku@mail.example".into()),
        ("the key of the SMS provider", "atsk_sandbox".into()),
        ("the key of PayHero", "c2FuZGJveDpzYW5kYm94".into()),
        ("the key of the tokens", "7".repeat(64)),
        ("the password of a customer", PASSWORD.into()),
        ("the phone of a customer", ask.phone_number.clone()),
        ("the phone of a customer as people write it", format!("0{}", &ask.phone_number[3..])),
        ("the e-mail address of a customer", ask.email.clone()),
        ("the id number of a customer", ask.id_number.clone()),
        ("a code", format!(" {code}")),
        ("the token of a link", link),
    ]
    .into_iter()
    .chain(ways_in);
    world.finish().await;
    let logged = String::from_utf8_lossy(&log.0.lock().expect("no panic while it is held")).into_owned();
    assert!(logged.lines().count() > 5, "something was logged: {logged}");
    assert!(logged.contains("messages wait for an operator") && logged.contains("a mail was not taken"), "and also of messages: {logged}");
    for (what, secret) in secrets {
        if let Some(line) = logged.lines().find(|line| line.contains(&secret)) {
            panic!("{what} is in the log: {line}");
        }
    }
}
