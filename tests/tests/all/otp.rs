//! Codes sent to phones: what opens with one, how often one is sent, and what a stranger learns.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use futures::future::join_all;
use futures::stream::{StreamExt as _, iter};
use netily::actor::{Origin, Tenant};
use netily::auth::code::{self, Purpose};
use netily::self_service::{self, Registration};
use netily_sdk::selfservice::{
    ConfirmPhoneChangeRequest, Customer, RegisterRequest, RequestPhoneChangeRequest, ResendOtpRequest, ResendOtpResponse, VerifyPhoneRequest,
};
use netily_sdk::types::{CustomerStatus, ErrorReason};
use netily_sdk::{Client, Error};
use netily_tests::{PASSWORD, World, registration};
use secrecy::ExposeSecret as _;

async fn verify(client: &Client, phone: &str, code: &str) -> Result<Customer, Error> {
    let ask = VerifyPhoneRequest { phone_number: phone.to_owned(), otp_code: code.to_owned() };
    client.selfservice().verify_phone(ask).await.map(|answer| answer.customer.expect("a customer"))
}

async fn resend(client: &Client, phone: &str) -> Result<ResendOtpResponse, Error> {
    client.selfservice().resend_otp(ResendOtpRequest { phone_number: phone.to_owned() }).await
}

fn is_invalid(outcome: Result<Customer, Error>) -> bool {
    let refused = outcome.expect_err("refused");
    assert_eq!(refused.reason, ErrorReason::OtpInvalid, "{refused}");
    true
}

/// A code of six digits that is not this one.
fn other_than(code: &str, n: u32) -> String {
    let number: u32 = code.parse().expect("digits");
    format!("{:06}", (number + 1 + n) % 1_000_000)
}

async fn tenant(world: &World, slug: &str) -> Tenant {
    netily::isp::tenant(&world.app.db, slug).await.expect("the ISP")
}

/// The wait that a refusal tells.
fn wait(outcome: Result<ResendOtpResponse, Error>) -> Duration {
    let refused = outcome.expect_err("too early");
    assert_eq!(refused.reason, ErrorReason::RateLimited, "{refused}");
    refused.retry_after.expect("when to come back")
}

#[tokio::test(flavor = "multi_thread")]
async fn five_wrong_tries_void_a_code_and_a_new_one_opens() {
    let world = World::new().await;
    let (client, _) = world.registered("yellow", 1).await;
    let phone = registration(1).phone_number;
    let code = world.code_on(&phone).await;
    for n in 0..5 {
        assert!(is_invalid(verify(&client, &phone, &other_than(&code, n)).await));
    }
    assert!(is_invalid(verify(&client, &phone, &code).await), "the right one comes too late");
    world.advance(Duration::from_secs(61));
    resend(&client, &phone).await.expect("a new code");
    let newer = world.code_on(&phone).await;
    for n in 0..4 {
        assert!(is_invalid(verify(&client, &phone, &other_than(&newer, n)).await));
    }
    let spaced = format!("{} {}", &newer[..3], &newer[3..]);
    assert!(verify(&client, &phone, &spaced).await.expect("four wrong tries are forgiven").phone_verified);
    assert!(is_invalid(verify(&client, &phone, &newer).await), "a code is good for one use");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_lives_five_minutes_and_a_new_one_voids_it() {
    let world = World::new().await;
    let client = world.client("yellow");
    for n in [1, 2] {
        world.registered("yellow", n).await;
    }
    let (first, second) = (registration(1).phone_number, registration(2).phone_number);
    let old = world.code_on(&first).await;
    let in_time = world.code_on(&second).await;
    world.advance(Duration::from_secs(61));
    resend(&client, &first).await.expect("a new code");
    let new = world.code_on(&first).await;
    assert!(old == new || is_invalid(verify(&client, &first, &old).await), "the one before is void");
    world.advance(Duration::from_secs(5 * 60 - 61 - 10));
    verify(&client, &second, &in_time).await.expect("ten seconds before five minutes are over");
    world.advance(Duration::from_secs(61 + 10 + 1));
    assert!(is_invalid(verify(&client, &first, &new).await), "five minutes are over");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_opens_nothing_but_what_it_was_sent_for() {
    let world = World::new().await;
    let (yellow, _) = world.registered("yellow", 1).await;
    let (other, _) = world.registered("yellow", 2).await;
    let (blue, _) = world.registered("blue", 1).await;
    let (phone, others) = (registration(1).phone_number, registration(2).phone_number);
    world.run_due().await;
    let texts = world.sms_on(&phone).await;
    assert_eq!(texts.len(), 2, "one from each ISP");
    let code_from = |isp: &str| netily_tests::digits(texts.iter().find(|text| text.contains(isp)).expect("its text"));
    let (of_yellow, of_blue, of_other) = (code_from("Yellow WiFi"), code_from("Blue Net"), world.code_on(&others).await);
    // Six digits may be the same by chance; then there is nothing to tell apart.
    if of_yellow != of_blue {
        assert!(is_invalid(verify(&blue, &phone, &of_yellow).await), "another ISP's");
    }
    if of_yellow != of_other {
        assert!(is_invalid(verify(&other, &others, &of_yellow).await), "another phone's");
    }
    let confirm = ConfirmPhoneChangeRequest { phone_number: phone.clone(), otp_code: of_yellow.clone() };
    assert_eq!(yellow.selfservice().confirm_phone_change(confirm).await.expect_err("another purpose").reason, ErrorReason::OtpInvalid);
    verify(&yellow, &phone, &of_yellow).await.expect("and it is good all the same");

    let new = registration(9).phone_number;
    let change = RequestPhoneChangeRequest { phone_number: new.clone(), current_password: PASSWORD.into() };
    yellow.selfservice().request_phone_change(change).await.expect("a code for a new phone");
    let for_change = world.code_on(&new).await;
    assert!(is_invalid(verify(&yellow, &new, &for_change).await), "no proof of a registration");
    let confirm = ConfirmPhoneChangeRequest { phone_number: new, otp_code: for_change };
    assert_eq!(other.selfservice().confirm_phone_change(confirm.clone()).await.expect_err("another person's").reason, ErrorReason::OtpInvalid);
    yellow.selfservice().confirm_phone_change(confirm).await.expect("and it is good all the same");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_guesses_at_once_five_are_compared() {
    let world = World::new().await;
    let (_, customer) = world.registered("yellow", 1).await;
    let phone = registration(1).phone_number;
    let code = world.code_on(&phone).await;
    let guesses = (0..50).map(|n| {
        let (client, phone, guess) = (world.client("yellow"), phone.clone(), other_than(&code, n));
        tokio::spawn(async move { verify(&client, &phone, &guess).await })
    });
    for guess in join_all(guesses).await {
        assert!(is_invalid(guess.expect("no panic")));
    }
    let tries = world.sql().await.value("SELECT tries FROM tenant.one_time_code").await;
    assert_eq!(tries, 5, "the rest was not looked at");
    assert!(is_invalid(verify(&world.client("yellow"), &phone, &code).await));
    let stored = world.sql().await.row(&format!("SELECT phone_verified_at FROM tenant.customer WHERE customer_code = '{}' AND phone_verified_at IS NULL AND registered_by = 'SELF' AND created_at = (SELECT max(created_at) FROM tenant.customer)", customer.customer_code)).await;
    assert!(stored["phone_verified_at"].is_null());
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_right_answers_at_once_open_once() {
    let world = World::new().await;
    world.registered("yellow", 1).await;
    let phone = registration(1).phone_number;
    let code = world.code_on(&phone).await;
    let answers = (0..50).map(|_| {
        let (client, phone, code) = (world.client("yellow"), phone.clone(), code.clone());
        tokio::spawn(async move { verify(&client, &phone, &code).await })
    });
    let opened = join_all(answers).await.into_iter().filter(|answer| answer.as_ref().expect("no panic").is_ok()).count();
    assert_eq!(opened, 1);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn leading_zeros_count() {
    let world = World::new().await;
    let (client, _) = world.registered("yellow", 1).await;
    let (phone, yellow, now) = (registration(1).phone_number, tenant(&world, "yellow").await.id, world.app.clock.now());
    let code = world
        .app
        .db
        .tx(yellow, async |tx| {
            loop {
                let code = code::issue(&world.app, tx, yellow, Purpose::VerifyPhone, &phone, now).await?;
                if code.expose_secret().starts_with('0') {
                    return Ok(code.expose_secret().to_owned());
                }
            }
        })
        .await
        .expect("one in ten begins with a zero");
    assert_eq!(code.len(), 6);
    assert!(is_invalid(verify(&client, &phone, code.trim_start_matches('0')).await));
    verify(&client, &phone, &code).await.expect("with its zeros it is right");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_code_is_refused_and_uses_up_no_luck_of_others() {
    let world = World::new().await;
    let (client, _) = world.registered("yellow", 1).await;
    let phone = registration(1).phone_number;
    let code = world.code_on(&phone).await;
    for empty in ["", "  "] {
        let refused = verify(&client, &phone, empty).await.expect_err("empty");
        assert_eq!((refused.reason, refused.field_violations[0].path.as_str()), (ErrorReason::InvalidArgument, "otp_code"));
    }
    for strange in ["1", "1234567", "abcdef", "１２３４５６"] {
        assert!(is_invalid(verify(&client, &phone, strange).await), "{strange}");
    }
    for no_phone in ["", "0201234567", "asha"] {
        let refused = verify(&client, no_phone, &code).await.expect_err("no phone");
        assert_eq!((refused.reason, refused.field_violations[0].path.as_str()), (ErrorReason::InvalidArgument, "phone_number"));
    }
    verify(&client, &phone, &code).await.expect("four tries were spent, not five");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn codes_to_a_phone_are_a_minute_apart_three_an_hour_and_five_a_day() {
    let world = World::new().await;
    let (client, _) = world.registered("yellow", 1).await; // the first code
    let phone = registration(1).phone_number;
    let minute = Duration::from_secs(60);
    let early = wait(resend(&client, &phone).await);
    assert!(early > minute - Duration::from_secs(5) && early <= minute, "{early:?}");
    world.advance(early);
    let told = resend(&client, &phone).await.expect("the second code");
    let next = told.next_resend_at.expect("a time").seconds - told.expires_at.expect("a time").seconds;
    assert_eq!(next, 60 - 300, "a minute after this one; which is good for five");
    world.advance(Duration::from_secs(61));
    let third = resend(&client, &phone).await.expect("the third code");
    world.advance(Duration::from_secs(61));
    let hour = wait(resend(&client, &phone).await);
    let in_told = third.next_resend_at.expect("a time").seconds - (world.app.clock.now().timestamp());
    assert!(hour > 55 * minute && hour < 60 * minute && in_told.abs_diff(i64::try_from(hour.as_secs()).expect("small")) <= 1, "{hour:?} {in_told}");
    world.advance(hour);
    resend(&client, &phone).await.expect("the fourth code");
    world.advance(minute);
    resend(&client, &phone).await.expect("the fifth code");
    world.advance(2 * 60 * minute);
    let day = wait(resend(&client, &phone).await);
    assert!(day > 20 * 60 * minute && day < 24 * 60 * minute, "{day:?}");
    world.advance(day);
    resend(&client, &phone).await.expect("the next day");
    world.run_due().await;
    // What was not sent while it was good is not sent at all, so only rows tell how many there were.
    assert_eq!(world.sql().await.count(&format!("tenant.message WHERE recipient = '{phone}'")).await, 6);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_gets_five_codes_and_then_one_a_minute() {
    let world = World::new().await;
    let client = world.client("yellow");
    for n in 0..5 {
        resend(&client, &registration(n).phone_number).await.expect("five at once");
    }
    let before = wait(resend(&client, &registration(5).phone_number).await);
    assert!(before <= Duration::from_secs(61), "{before:?}");
    let refused = resend(&world.client("blue"), &registration(6).phone_number).await;
    assert!(wait(refused) <= Duration::from_secs(61), "the address is one, whichever ISP is asked");
    let late = world.client("yellow").register(registration(7)).await.expect("whoever registers is not held up");
    assert!(late.expires_at.is_none() && late.next_resend_at.is_some() && late.requires_verification, "{late:?}");
    assert!(late.message.contains("No code could be sent"), "{}", late.message);
    world.advance(before);
    resend(&client, &registration(7).phone_number).await.expect("one a minute");
    wait(resend(&client, &registration(8).phone_number).await);
    let code = world.code_on(&registration(7).phone_number).await;
    verify(&client, &registration(7).phone_number, &code).await.expect("and so they get in");
    world.finish().await;
}

/// Somebody had a code sent to a phone, whose owner registers a moment later.
#[tokio::test(flavor = "multi_thread")]
async fn a_code_that_may_not_be_sent_uses_up_none_of_those_that_may() {
    let world = World::new().await;
    let client = world.client("yellow");
    resend(&client, &registration(1).phone_number).await.expect("one of five");
    let made = client.register(registration(1)).await.expect("whoever registers is not held up");
    assert!(made.expires_at.is_none() && made.next_resend_at.is_some(), "a minute lies between two: {made:?}");
    for n in 2..=5 {
        resend(&client, &registration(n).phone_number).await.expect("four are left");
    }
    wait(resend(&client, &registration(6).phone_number).await);
    let mut sql = world.sql().await;
    // Each of these numbers has neighbours of its own, and each got one code: of ten, one every ten minutes.
    assert_eq!(sql.count("public.rate_limit WHERE key LIKE 'code/block/%'").await, 5);
    assert_eq!(sql.count("public.rate_limit WHERE key LIKE 'code/block/%' AND full_at > now() + interval '11 minutes'").await, 0);
    world.finish().await;
}

/// One of many addresses.
fn address(n: u32) -> IpAddr {
    IpAddr::V4(Ipv4Addr::from_bits(0x0a00_0000 + n))
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_numbers_in_a_row_get_a_hundred_codes() {
    let world = World::new().await;
    let yellow = tenant(&world, "yellow").await.id;
    // Ten thousand people who wait for a code, from ten thousand addresses.
    let uuid = yellow.uuid();
    world
        .sql()
        .await
        .run(&format!(
            "WITH people AS (SELECT gen_random_uuid() AS user_id, n, '2547' || (40000000 + n) AS phone FROM generate_series(0, 9999) n),
             accounts AS (INSERT INTO tenant.user_account (tenant_id, id, phone, role, created_at) SELECT '{uuid}', user_id, phone, 'CUSTOMER', now() FROM people)
             INSERT INTO tenant.customer (tenant_id, id, user_id, number, customer_code, status, registered_by, request_id, request_hash, created_at)
             SELECT '{uuid}', gen_random_uuid(), user_id, 100 + n, 'CUST-' || 100 + n, 'PENDING', 'SELF', gen_random_uuid(), '', now() FROM people"
        ))
        .await;
    let asks = (0..10_000u32).map(|n| {
        let app = world.app.clone();
        async move {
            let phone = format!("2547{}", 40_000_000 + n).parse().expect("a phone");
            self_service::resend_otp(&app, yellow, &phone, address(n)).await.is_ok()
        }
    });
    let sent = iter(asks).buffer_unordered(8).filter(|sent| std::future::ready(*sent)).count().await;
    let rows = world.sql().await.count("tenant.message WHERE template = 'VERIFY_PHONE'").await;
    assert!(sent == 100 && rows == 100, "{sent} answers, {rows} texts");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn registering_neighbouring_numbers_sends_ten_codes_and_turns_nobody_away() {
    let world = World::new().await;
    let yellow = tenant(&world, "yellow").await;
    let mut later = 0;
    for n in 0..12u32 {
        let ask = Registration {
            email: format!("n{n}@example.com"),
            phone: format!("2547{}", 50_000_000 + n).parse().expect("a phone"),
            first_name: "Njeri".into(),
            last_name: "Kamau".into(),
            password: PASSWORD.to_owned().into(),
            id_number: None,
            lang: Default::default(),
            request_id: netily::id::RequestId(uuid::Uuid::new_v4()),
            request_hash: vec![1],
        };
        let origin = Origin { address: address(n), user_agent: String::new(), cookie: false };
        let made = self_service::register(&world.app, &yellow, &ask, &origin).await.expect("registered");
        later += usize::from(made.code.expect("a code is needed").expires_at.is_none());
    }
    assert_eq!((later, world.sql().await.count("tenant.message").await), (2, 10));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_learns_nothing_from_asking_for_codes() {
    let world = World::new().await;
    let (_, _) = world.proven("yellow", 1).await;
    world.registered("yellow", 2).await;
    world.advance(Duration::from_secs(61));
    let client = world.client("yellow");
    let (proven, waiting, unknown) = (registration(1).phone_number, registration(2).phone_number, registration(3).phone_number);
    world.run_due().await;
    let texts = async |phone: &str| world.sms_on(phone).await.len();
    let before = [texts(&proven).await, texts(&waiting).await, texts(&unknown).await];
    assert_eq!(before, [1, 1, 0]);
    for phone in [&proven, &waiting, &unknown] {
        let now = world.app.clock.now().timestamp();
        let told = resend(&client, phone).await.expect("one answer for all");
        let spans = (told.next_resend_at.expect("a time").seconds - now, told.expires_at.expect("a time").seconds - now);
        assert!((59..=62).contains(&spans.0) && (299..=302).contains(&spans.1), "{phone}: {spans:?}");
        assert!(wait(resend(&client, phone).await) > Duration::from_secs(55), "and one refusal");
    }
    world.run_due().await;
    assert_eq!([texts(&proven).await, texts(&waiting).await, texts(&unknown).await], [1, 2, 0], "only who waits gets a text");
    let mut sql = world.sql().await;
    assert_eq!(sql.count(&format!("tenant.one_time_code WHERE target = '{unknown}'")).await, 0, "nothing is kept of strangers' codes");
    let refusals = [verify(&client, &proven, "123456").await, verify(&client, &waiting, "123456").await, verify(&client, &unknown, "123456").await];
    let sentences: Vec<String> = refusals.into_iter().map(|refusal| refusal.expect_err("a guess").message).collect();
    assert!(sentences.windows(2).all(|pair| pair[0] == pair[1]), "{sentences:?}");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_isp_that_has_sent_too_many_texts_still_registers_people() {
    let world = World::new().await;
    let full =
        "INSERT INTO public.rate_limit SELECT 'sms/isp_' || replace(id::text, '-', ''), now() + interval '86408 seconds' FROM public.isp WHERE slug = 'yellow'"; // just above a full bucket
    world.sql().await.run(full).await;
    let made = world.client("yellow").register(RegisterRequest { language: "sw".into(), ..registration(1) }).await.expect("registered");
    assert!(made.expires_at.is_none() && made.message.starts_with("Umesajiliwa. Hatukuweza"), "{made:?}");
    assert_eq!(made.customer.expect("a customer").status(), CustomerStatus::Pending);
    assert_eq!(world.sql().await.count("tenant.one_time_code").await, 0, "there is no code that nobody was sent");
    world.advance(Duration::from_secs(61));
    world.sql().await.run("UPDATE public.rate_limit SET full_at = now() + interval '86469 seconds' WHERE key LIKE 'sms/isp_%'").await;
    assert!(wait(resend(&world.client("yellow"), &registration(1).phone_number).await) > Duration::from_secs(60));
    assert!(wait(resend(&world.client("yellow"), &registration(2).phone_number).await) > Duration::from_secs(60), "for strangers too");
    assert_eq!(world.sql().await.count("tenant.message").await, 0);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_guesses_at_many_phones_is_slowed_down_and_spends_no_ones_tries() {
    let world = World::new().await;
    let (client, _) = world.registered("yellow", 1).await;
    let phone = registration(1).phone_number;
    let code = world.code_on(&phone).await;
    let mut sql = world.sql().await;
    sql.run(
        "INSERT INTO public.rate_limit VALUES ('code/try/127.0.0.1', now() + interval '308 seconds') ON CONFLICT (key) DO UPDATE SET full_at = excluded.full_at",
    )
    .await;
    for n in 0..10 {
        let refused = verify(&client, &phone, &other_than(&code, n)).await.expect_err("slowed down");
        assert!(refused.reason == ErrorReason::RateLimited && refused.retry_after.is_some(), "{refused}");
    }
    sql.run("DELETE FROM public.rate_limit WHERE key LIKE 'code/try/%'").await;
    verify(&client, &phone, &code).await.expect("no try was spent");
    world.finish().await;
}
