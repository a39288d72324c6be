//! Passwords and signing in: what is taken, what is told, what is limited, and how a lost password is replaced.

use std::collections::BTreeSet;
use std::time::Duration;

use argon2::password_hash::PasswordHasher as _;
use argon2::{Algorithm, Argon2, Params, Version};
use futures::future::join_all;
use netily_sdk::auth::{ChangePasswordRequest, GetMeRequest, RequestPasswordResetRequest, ResetPasswordRequest};
use netily_sdk::types::ErrorReason;
use netily_sdk::{Client, Error};
use netily_tests::{Access, World};

const NEW: &str = "maziwa na mandazi";
/// The phone of the owner of `yellow`.
const PHONE: &str = "0722000001";

fn is_limit(error: &Error) -> bool {
    error.reason == ErrorReason::RateLimited && error.retry_after.is_some_and(|wait| wait > Duration::ZERO)
}

fn owner(world: &World) -> (String, String) {
    let owner = &world.seeded.isps[0].owner;
    (owner.identifier.clone(), owner.password.clone())
}

async fn ask_for_code(client: &Client, identifier: &str) -> Result<(), Error> {
    client.auth().request_password_reset(RequestPasswordResetRequest { identifier: identifier.into() }).await.map(drop)
}

async fn reset(client: &Client, identifier: &str, code: &str, password: &str) -> Result<(), Error> {
    let ask = ResetPasswordRequest { identifier: identifier.into(), otp_code: code.into(), new_password: password.into() };
    client.auth().reset_password(ask).await.map(drop)
}

async fn change(client: &Client, current: &str, new: &str) -> Result<(), Error> {
    let ask = ChangePasswordRequest { current_password: current.into(), new_password: new.into() };
    client.auth().change_password(ask).await.map(drop)
}

/// The newest code on the owner's phone.
async fn code(world: &World) -> String {
    world.run_due().await;
    world.code_on("254722000001").await
}

/// Another code than this one.
fn not(code: &str) -> String {
    if code == "000000" { "000001".into() } else { "000000".into() }
}

#[tokio::test(flavor = "multi_thread")]
async fn known_and_unknown_accounts_give_the_same_answer_after_the_same_work() {
    let world = World::new().await;
    let mut sql = world.sql().await;
    let insert = |id: &str, email: &str, role: &str, password: &str| {
        format!(
            "INSERT INTO tenant.user_account (tenant_id, id, email, role, password_hash, created_at)
             SELECT id, '{id}', '{email}', '{role}', {password}, now() FROM public.isp WHERE slug = 'yellow'"
        )
    };
    let any = "(SELECT password_hash FROM tenant.user_account LIMIT 1)";
    sql.run(&insert("00000000-0000-7000-8000-000000000001", "customer@yellow.example", "CUSTOMER", any)).await;
    sql.run(&insert("00000000-0000-7000-8000-000000000002", "invited@yellow.example", "STAFF", "NULL")).await;
    sql.run(&insert("00000000-0000-7000-8000-000000000003", "removed@yellow.example", "STAFF", any)).await;
    sql.run("UPDATE tenant.user_account SET disabled_at = now() WHERE email = 'removed@yellow.example'").await;
    let known = owner(&world).0;
    let mut answers = BTreeSet::new();
    for identifier in [&known, "nobody@yellow.example", "0722999999", "customer@yellow.example", "invited@yellow.example", "removed@yellow.example"] {
        let before = world.app.passwords.runs();
        let error = world.client("yellow").sign_in(identifier, "not the password").await.expect_err("refused");
        assert_eq!(world.app.passwords.runs() - before, 1, "{identifier} costs one run of argon2");
        answers.insert(format!("{:?} {} {:?}", error.reason, error.message, error.field_violations));
    }
    assert_eq!(answers.len(), 1, "{answers:?}");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn waits_double_up_to_a_quarter_of_an_hour_and_never_lock_for_good() {
    let world = World::new().await;
    let (identifier, password) = owner(&world);
    let client = world.client("yellow");
    let mut waits = Vec::new();
    while waits.len() < 14 {
        let error = client.sign_in(&identifier, "not the password").await.expect_err("refused");
        if error.reason == ErrorReason::WrongCredentials {
            continue;
        }
        assert!(is_limit(&error), "{error}");
        let wait = error.retry_after.expect("a wait");
        waits.push(wait.as_secs_f32().ceil() as u64);
        world.advance(wait);
    }
    assert_eq!(waits, [2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900, 900, 900]);
    let error = client.sign_in(&identifier, &password).await;
    error.expect("after the wait the right password opens");
    client.sign_in(&identifier, "not the password").await.expect_err("and the count begins anew");
    client.sign_in(&identifier, &password).await.expect("without a wait");
    let mut sql = world.sql().await;
    let delays = sql.rows("SELECT actor, subject, facts FROM tenant.audit_event WHERE act = 'delay_sign_in'").await;
    let [delay] = &delays[..] else { panic!("kept once, when waits begin: {delays:?}") };
    assert_eq!((delay["actor"].as_str(), delay["facts"]["address"].as_str()), (Some("netily"), Some("127.0.0.1")));
    assert!(delay["subject"].as_str().is_some_and(|subject| subject.starts_with("usr_")));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_passwords_of_yesterday_count_no_longer() {
    let world = World::new().await;
    let client = world.client("yellow");
    for _ in 0..4 {
        client.sign_in("nobody@yellow.example", "not the password").await.expect_err("refused");
    }
    world.advance(Duration::from_secs(24 * 3_600 + 1));
    for _ in 0..4 {
        let error = client.sign_in("nobody@yellow.example", "not the password").await.expect_err("refused");
        assert_eq!(error.reason, ErrorReason::WrongCredentials, "a new day");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_fails_thirty_times_and_succeeds_as_often_as_it_likes() {
    let world = World::new().await;
    let (identifier, password) = owner(&world);
    let client = world.client("yellow");
    for _ in 0..40 {
        client.sign_in(&identifier, &password).await.expect("a village behind one address signs in");
    }
    for n in 0..30 {
        let error = client.sign_in(format!("nobody-{n}@yellow.example"), "not the password").await.expect_err("refused");
        assert_eq!(error.reason, ErrorReason::WrongCredentials, "{n}");
    }
    let error = client.sign_in("one-more@yellow.example", "not the password").await.expect_err("refused");
    assert!(is_limit(&error) && error.message.contains("network"), "{error}");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_thousand_who_sign_in_at_once_the_surplus_is_told_to_come_back() {
    let world = World::new().await;
    let secret = || "not the password".to_owned().into();
    let before = world.app.passwords.runs();
    let outcomes = join_all((0..1_000).map(|_| async { world.app.passwords.verify(&secret(), None).await })).await;
    let refused: Vec<_> = outcomes.into_iter().filter_map(Result::err).collect();
    let places = 50 + u64::try_from(std::thread::available_parallelism().expect("cores").get()).expect("fits");
    assert_eq!(world.app.passwords.runs() - before, places, "as many as there are places were compared");
    assert_eq!(refused.len(), 1_000 - usize::try_from(places).expect("fits"));
    assert!(refused.iter().all(|error| error.reason == ErrorReason::RateLimited && error.retry_after.is_some()));

    let client = world.client("yellow");
    let outcomes = join_all((0..1_000).map(|n| {
        let client = client.clone();
        async move { client.sign_in(format!("nobody-{n}@yellow.example"), "not the password").await.expect_err("nobody") }
    }))
    .await;
    let told = outcomes.iter().filter(|error| error.retry_after.is_some()).count();
    let wrong = outcomes.iter().filter(|error| error.reason == ErrorReason::WrongCredentials).count();
    let others: BTreeSet<_> = outcomes.iter().filter(|error| error.retry_after.is_none()).map(ToString::to_string).collect();
    assert_eq!(told + wrong, 1_000, "everybody is answered, and the surplus knows when to come back: {others:?}");
    assert!(wrong < 60, "thirty of them, and one more every two seconds: {wrong}");
    let (identifier, password) = owner(&world);
    world.sql().await.run("DELETE FROM public.rate_limit").await;
    client.sign_in(&identifier, &password).await.expect("and it is over as soon as they are gone");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hash_with_other_parameters_is_made_anew_at_sign_in() {
    let world = World::new().await;
    let (identifier, password) = owner(&world);
    let weak = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(8, 1, 1, None).expect("parameters"));
    let old = weak.hash_password(password.as_bytes()).expect("hashes").to_string();
    let mut sql = world.sql().await;
    sql.run(&format!("UPDATE tenant.user_account SET password_hash = '{old}' WHERE email = '{identifier}'")).await;
    let client = world.client("yellow");
    client.sign_in(&identifier, "not the password").await.expect_err("refused");
    let stored = format!("SELECT password_hash FROM tenant.user_account WHERE email = '{identifier}'");
    assert_eq!(sql.value(&stored).await, old, "only the right password can be hashed anew");
    client.sign_in(&identifier, &password).await.expect("signs in");
    let anew = sql.value(&stored).await;
    assert!(anew.as_str().is_some_and(|hash| hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$")), "{anew}");
    client.sign_in(&identifier, &password).await.expect("and signs in with it");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn weak_and_huge_passwords_are_refused_by_every_way_to_choose_one() {
    let world = World::new().await;
    let (_, password) = owner(&world);
    let client = world.signed_in("yellow", Access::Owner).await;
    ask_for_code(&client, PHONE).await.expect("asked");
    let code = code(&world).await;
    let huge = "x".repeat(129);
    for bad in ["", "short", "password", "PASSWORD123", "qwertyuiop", &huge, &"x".repeat(1_000_000), PHONE, "+254722000001", "owner@yellow.example"] {
        for error in [change(&client, &password, bad).await.expect_err("refused"), reset(&client, PHONE, &code, bad).await.expect_err("refused")] {
            assert_eq!(error.reason, ErrorReason::InvalidArgument, "{}: {error}", &bad[..bad.len().min(40)]);
            assert_eq!(error.field_violations[0].path, "new_password");
        }
    }
    let same = change(&client, &password, &password).await.expect_err("the same again");
    assert_eq!((same.reason, same.field_violations[0].path.as_str()), (ErrorReason::InvalidArgument, "new_password"));
    let longest = "🔒".repeat(128);
    change(&client, &password, &longest).await.expect("128 characters of any script are taken");
    reset(&client, PHONE, &code, NEW).await.expect("and no refusal used the code up");
    let mut huge = world.client("yellow").sign_in(PHONE, "x".repeat(129)).await.expect_err("refused");
    assert_eq!(huge.field_violations.remove(0).path, "password", "before it is hashed");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_password_is_replaced_by_a_code_on_the_phone() {
    let world = World::new().await;
    let (identifier, password) = owner(&world);
    let before = world.signed_in("yellow", Access::Owner).await;
    let client = world.client("yellow");
    ask_for_code(&client, &identifier).await.expect("asked by e-mail address");
    let code = code(&world).await;
    assert!(world.mails_to(&identifier).await.is_empty(), "the code goes to the phone");
    let wrong = reset(&client, &identifier, &not(&code), NEW).await.expect_err("a wrong code");
    assert_eq!(wrong.reason, ErrorReason::OtpInvalid);
    reset(&client, PHONE, &code, NEW).await.expect("a new password, by another identifier of the same account");
    assert_eq!(reset(&client, PHONE, &code, "ugali na samaki").await.expect_err("used").reason, ErrorReason::OtpInvalid);

    assert_eq!(before.auth().get_me(GetMeRequest {}).await.expect_err("every sign-in ended").reason, ErrorReason::RefreshTokenInvalid);
    client.sign_in(&identifier, &password).await.expect_err("the old password is over");
    client.sign_in(&identifier, NEW).await.expect("the new one holds");
    world.run_due().await;
    let told = world.sms_on("254722000001").await;
    assert!(told.last().is_some_and(|sms| sms.contains("password was changed") && !sms.contains(NEW)), "{told:?}");
    assert_eq!(world.sql().await.count("tenant.audit_event WHERE act = 'reset_password'").await, 1);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_no_phone_gets_the_code_by_mail_and_everybody_in_their_language() {
    let world = World::new().await;
    let staff = &world.seeded.isps[0].staff.identifier;
    let client = world.client("yellow");
    ask_for_code(&client, staff).await.expect("asked");
    world.run_due().await;
    let mails = world.mails_to(staff).await;
    let text = mails[0]["text"].as_str().expect("a text");
    let code: String = text.split_whitespace().find(|word| word.len() == 6 && word.bytes().all(|byte| byte.is_ascii_digit())).expect("a code").into();
    reset(&client, staff, &code, NEW).await.expect("a new password");
    client.sign_in(staff, NEW).await.expect("signs in");

    world.sql().await.run("UPDATE tenant.user_account SET lang = 'sw' WHERE phone = '254722000001'").await;
    ask_for_code(&client, PHONE).await.expect("asked");
    world.run_due().await;
    let sms = world.sms_on("254722000001").await;
    assert!(sms.last().is_some_and(|sms| sms.contains("nenosiri")), "{sms:?}");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_tells_whether_an_account_exists_that_a_code_is_asked_for() {
    let world = World::new().await;
    let client = world.client("yellow");
    let mut answers = Vec::new();
    for identifier in [PHONE, "0722999999"] {
        ask_for_code(&client, identifier).await.expect("the same answer");
        let soon = ask_for_code(&client, identifier).await.expect_err("within a minute");
        assert!(is_limit(&soon), "{soon}");
        let wrong = reset(&client, identifier, "abcdef", NEW).await.expect_err("no code");
        answers.push(format!("{} {:?} {}", soon.message, wrong.reason, wrong.message));
    }
    assert_eq!(answers[0], answers[1]);
    world.run_due().await;
    assert!(world.sms_on("254722999999").await.is_empty(), "nothing is sent to a stranger");
    let unknown = world.sql().await.count("tenant.one_time_code WHERE target LIKE 'nobody/%'").await;
    assert_eq!(unknown, 1, "the same work is done");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn codes_come_sixty_seconds_apart_three_an_hour_and_five_a_day() {
    let world = World::new().await;
    let client = world.client("yellow");
    let mut sent_at = Vec::new();
    let mut now = 0;
    while now < 24 * 3_600 {
        match ask_for_code(&client, PHONE).await {
            Ok(()) => sent_at.push(now),
            Err(error) => assert!(is_limit(&error), "{error}"),
        }
        world.advance(Duration::from_secs(61));
        now += 61;
    }
    assert!((4..=5).contains(&sent_at.len()), "{sent_at:?}");
    for (at, first) in sent_at.iter().enumerate() {
        let within = |span: i32| sent_at[at..].iter().filter(|sent| **sent - first < span).count();
        assert!(within(60) <= 1 && within(3_600) <= 3, "{sent_at:?}");
    }
    world.run_due().await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_not_flooded_by_its_other_names_nor_strangers_by_one_address() {
    let world = World::new().await;
    let client = world.client("yellow");
    for identifier in [PHONE, "owner@yellow.example", "+254 722 000 001"] {
        match ask_for_code(&client, identifier).await {
            Ok(()) => {}
            Err(error) => assert!(is_limit(&error), "{error}"),
        }
    }
    world.run_due().await;
    assert_eq!(world.sms_on("254722000001").await.len(), 1, "one account, one code a minute");
    let mut asked = 2; // the third was a repetition, and a refusal gives its token back
    loop {
        match ask_for_code(&client, &format!("07229{asked:05}")).await {
            Ok(()) => asked += 1,
            Err(error) => {
                assert!(is_limit(&error) && error.message.contains("network"), "{error}");
                break;
            }
        }
        assert!(asked < 50, "fifty strangers from one address");
    }
    assert_eq!(asked, 5);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_is_good_for_five_tries_five_minutes_and_its_own_account() {
    let world = World::new().await;
    let client = world.client("yellow");
    ask_for_code(&client, PHONE).await.expect("asked");
    let first = code(&world).await;
    for _ in 0..5 {
        assert_eq!(reset(&client, PHONE, &not(&first), NEW).await.expect_err("wrong").reason, ErrorReason::OtpInvalid);
    }
    assert_eq!(reset(&client, PHONE, &first, NEW).await.expect_err("tried too often").reason, ErrorReason::OtpInvalid);

    world.advance(Duration::from_secs(61));
    ask_for_code(&client, PHONE).await.expect("asked");
    let second = code(&world).await;
    for (elsewhere, whom) in [(&client, "staff@yellow.example"), (&world.client("blue"), "0722000002"), (&world.client("blue"), PHONE)] {
        assert_eq!(reset(elsewhere, whom, &second, NEW).await.expect_err("another's").reason, ErrorReason::OtpInvalid, "{whom}");
    }
    world.advance(Duration::from_secs(300));
    assert_eq!(reset(&client, PHONE, &second, NEW).await.expect_err("too old").reason, ErrorReason::OtpInvalid);
    let outcomes = {
        world.advance(Duration::from_secs(3_600));
        ask_for_code(&client, PHONE).await.expect("asked");
        let third = code(&world).await;
        join_all((0..10).map(|_| reset(&client, PHONE, &third, NEW))).await
    };
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "ten at once use it once");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_password_ends_the_other_sign_ins_and_a_wrong_one_counts() {
    let world = World::new().await;
    let (identifier, password) = owner(&world);
    let (here, there) = (world.signed_in("yellow", Access::Owner).await, world.signed_in("yellow", Access::Owner).await);
    change(&here, &password, NEW).await.expect("changed");
    here.auth().get_me(GetMeRequest {}).await.expect("this sign-in goes on");
    assert_eq!(there.auth().get_me(GetMeRequest {}).await.expect_err("the other ended").reason, ErrorReason::RefreshTokenInvalid);
    world.client("yellow").sign_in(&identifier, &password).await.expect_err("the old password is over");
    world.run_due().await;
    assert!(world.sms_on("254722000001").await.last().is_some_and(|sms| sms.contains("password was changed")));
    assert_eq!(world.sql().await.count("tenant.audit_event WHERE act = 'change_password'").await, 1);

    for _ in 0..4 {
        assert_eq!(change(&here, "not the password", "ugali na samaki").await.expect_err("wrong").reason, ErrorReason::WrongCredentials);
    }
    let waits = change(&here, NEW, "ugali na samaki").await.expect_err("has to wait, as at the door");
    assert!(is_limit(&waits), "{waits}");
    world.finish().await;
}
