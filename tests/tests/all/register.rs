//! Registering as a customer: the form, the ISP's rules, codes without gaps, and who may sign in afterwards.

use std::collections::BTreeSet;

use futures::future::join_all;
use netily::audit::By;
use netily::customer::{self, Act};
use netily_sdk::auth::Role;
use netily_sdk::selfservice::{GetDashboardRequest, GetProfileRequest, RegisterRequest, VerifyEmailRequest, VerifyPhoneRequest};
use netily_sdk::types::{CustomerStatus, ErrorReason};
use netily_sdk::{Client, Error, new_request_id};
use netily_tests::{Access, PASSWORD, World, registration};

/// The paths of the fields that an error names.
fn paths(error: &Error) -> Vec<&str> {
    error.field_violations.iter().map(|violation| violation.path.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_registers_proves_the_phone_and_is_a_customer() {
    let world = World::new().await;
    world.set_rules("yellow", "auto_approve_customers = true").await;
    let ask = RegisterRequest { id_number: " 1234 5678 ".into(), ..registration(1) };
    let client = world.client("yellow");
    let made = client.register(ask.clone()).await.expect("registered");
    let (user, customer) = (made.user.expect("a user"), made.customer.expect("a customer"));
    assert_eq!((user.email.as_str(), user.phone_number.as_str(), user.first_name.as_str()), (ask.email.as_str(), ask.phone_number.as_str(), "Njeri"));
    assert_eq!(user.role(), Role::Customer);
    assert_eq!((customer.customer_code.as_str(), customer.status()), ("CUST-0003", CustomerStatus::Pending), "two were seeded");
    assert!(made.requires_verification && made.next_resend_at.is_some() && made.expires_at.is_some());
    assert_eq!(made.message, "Registration successful. Please verify your phone number.");
    let profile = world.own_profile(&client).await;
    assert_eq!((profile.id_number.as_str(), profile.language.as_str(), profile.requires_verification), ("12345678", "en", true));

    let otp_code = world.code_on(&ask.phone_number).await;
    let texts = world.sms_on(&ask.phone_number).await;
    assert_eq!(texts.len(), 1, "{texts:?}");
    assert!(texts[0].contains("Yellow WiFi") && !texts[0].contains("http"), "it names the ISP and holds no link: {}", texts[0]);
    let verify = VerifyPhoneRequest { phone_number: format!("0{}", &ask.phone_number[3..]), otp_code };
    let proven = client.selfservice().verify_phone(verify).await.expect("proven").customer.expect("a customer");
    assert_eq!((proven.id.as_str(), proven.status(), proven.phone_verified), (customer.id.as_str(), CustomerStatus::Active, true));

    for identifier in [ask.phone_number.clone(), format!("+{}", ask.phone_number), ask.email.to_uppercase()] {
        let later = world.client("yellow");
        let answer = later.log_in(&identifier, PASSWORD).await.expect("signs in");
        assert!(!answer.requires_verification);
        assert_eq!(world.own_profile(&later).await.customer.expect("a customer").id, customer.id, "{identifier}");
    }
    let dashboard = client.selfservice().get_dashboard(GetDashboardRequest {}).await.expect("the first page");
    assert!(dashboard.may_buy && dashboard.first_name == "Njeri", "{dashboard:?}");
    world.finish().await;
}

/// What an ISP's rules make of a new customer who proves all that can be proven: the first status, whether a proof is missing, the
/// status after the proof of the phone, and after that of the e-mail address.
async fn with_rules(world: &World, n: u32, rules: &str) -> (CustomerStatus, bool, Option<CustomerStatus>, Option<CustomerStatus>) {
    world.set_rules("yellow", rules).await;
    let ask = registration(n);
    let client = world.client("yellow");
    let made = client.register(ask.clone()).await.expect("registered");
    world.run_due().await;
    let by_phone = if world.sms_on(&ask.phone_number).await.is_empty() {
        None
    } else {
        let verify = VerifyPhoneRequest { phone_number: ask.phone_number.clone(), otp_code: world.code_on(&ask.phone_number).await };
        Some(client.selfservice().verify_phone(verify).await.expect("proven").customer.expect("a customer").status())
    };
    let by_mail = if world.mails_to(&ask.email).await.is_empty() {
        None
    } else {
        let verify = VerifyEmailRequest { token: world.link_token(&ask.email).await };
        Some(world.client("yellow").selfservice().verify_email(verify).await.expect("proven").customer.expect("a customer").status())
    };
    assert!(!world.own_profile(&client).await.requires_verification, "nothing more can be asked of them");
    (made.customer.expect("a customer").status(), made.requires_verification, by_phone, by_mail)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_isps_rules_decide_what_is_asked_and_how_one_begins() {
    use CustomerStatus::{Active, Pending, Suspended};
    let world = World::new().await;
    let rules = |phone: bool, email: bool, auto: bool, default: &str| {
        format!(
            "require_phone_verification = {phone}, require_email_verification = {email}, auto_approve_customers = {auto}, default_customer_status = '{default}'"
        )
    };
    let table = [
        (rules(true, false, false, "PENDING"), (Pending, true, Some(Pending), None)),
        (rules(true, false, true, "PENDING"), (Pending, true, Some(Active), None)),
        (rules(true, true, true, "PENDING"), (Pending, true, Some(Pending), Some(Active))),
        (rules(false, true, true, "PENDING"), (Pending, true, None, Some(Active))),
        (rules(false, true, false, "PENDING"), (Pending, true, None, Some(Pending))),
        (rules(false, false, true, "PENDING"), (Active, false, None, None)),
        (rules(false, false, false, "PENDING"), (Pending, false, None, None)),
        (rules(true, false, false, "ACTIVE"), (Active, true, Some(Active), None)),
        (rules(false, false, false, "SUSPENDED"), (Suspended, false, None, None)),
    ];
    for (n, (rules, wanted)) in (1..).zip(table) {
        assert_eq!(with_rules(&world, n, &rules).await, wanted, "{rules}");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_can_be_bought_before_the_phone_is_proven_and_the_customer_active() {
    let world = World::new().await;
    let may_buy = async |client: &Client| client.selfservice().get_dashboard(GetDashboardRequest {}).await.expect("the first page").may_buy;
    world.set_rules("yellow", "default_customer_status = 'ACTIVE'").await;
    let (client, customer) = world.registered("yellow", 1).await;
    assert_eq!((customer.status(), may_buy(&client).await), (CustomerStatus::Active, false), "the phone is not proven");
    world.set_rules("yellow", "require_phone_verification = false").await;
    assert!(may_buy(&client).await, "the ISP does not ask for it any longer");
    world.set_rules("yellow", "default_customer_status = 'PENDING', require_phone_verification = true").await;
    let (client, customer) = world.proven("yellow", 2).await;
    assert_eq!((customer.status(), may_buy(&client).await), (CustomerStatus::Pending, false), "staff have not approved");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn registration_can_be_closed() {
    let world = World::new().await;
    world.set_rules("yellow", "allow_self_registration = false").await;
    let refused = world.client("yellow").register(registration(1)).await.expect_err("closed");
    assert_eq!(refused.reason, ErrorReason::RegistrationClosed);
    assert_eq!(world.sql().await.count("tenant.customer").await, 4, "the seeded ones");
    world.registered("blue", 1).await;
    world.set_rules("yellow", "allow_self_registration = true").await;
    world.registered("yellow", 1).await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_isp_may_ask_for_an_id_number() {
    let world = World::new().await;
    world.set_rules("yellow", "require_id_number = true").await;
    let client = world.client("yellow");
    for id_number in ["", "  ", "1234", "12345678901234567890123", "12_34567"] {
        let refused = client.register(RegisterRequest { id_number: id_number.into(), ..registration(1) }).await.expect_err(id_number);
        assert_eq!((refused.reason, paths(&refused)), (ErrorReason::InvalidArgument, vec!["id_number"]), "{id_number:?}");
    }
    client.register(RegisterRequest { id_number: "ak 0123456".into(), ..registration(1) }).await.expect("registered");
    assert_eq!(world.own_profile(&client).await.id_number, "AK0123456");
    world.set_rules("yellow", "require_id_number = false").await;
    world.registered("yellow", 2).await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_isps_welcome_comes_once_the_phone_is_known_to_be_the_customers() {
    let world = World::new().await;
    world.set_rules("yellow", "welcome_sms_template = 'Karibu {name}, your code is {customer_code}. {unknown}'").await;
    let (_, customer) = world.registered("yellow", 1).await;
    world.run_due().await;
    let phone = registration(1).phone_number;
    assert_eq!(world.sms_on(&phone).await.len(), 1, "nobody is greeted on a phone that may be a stranger's");
    let otp_code = world.code_on(&phone).await;
    world.client("yellow").selfservice().verify_phone(VerifyPhoneRequest { phone_number: phone.clone(), otp_code }).await.expect("proven");
    world.run_due().await;
    let texts = world.sms_on(&phone).await;
    assert_eq!(texts[1..], [format!("Karibu Njeri, your code is {}. {{unknown}}", customer.customer_code)]);

    world.set_rules("yellow", "require_phone_verification = false").await;
    world.registered("yellow", 2).await;
    world.run_due().await;
    assert_eq!(world.sms_on(&registration(2).phone_number).await, ["Karibu Njeri, your code is CUST-0004. {unknown}"], "no proof is asked for");
    world.set_rules("yellow", "welcome_sms_template = ' '").await;
    world.registered("yellow", 3).await;
    world.run_due().await;
    assert!(world.sms_on(&registration(3).phone_number).await.is_empty(), "no text, no message");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_that_is_not_valid_names_its_fields() {
    let world = World::new().await;
    let client = world.client("yellow");
    let good = || registration(1);
    let mut bad: Vec<(&str, RegisterRequest)> = Vec::new();
    for email in ["", "asha", "asha@", "@x.ke", "a@b@c.ke", "a b@c.ke", "a@localhost", "a@b..c", "ásha@x.ke", "a@10.0.0.1", &format!("{}@x.ke", "a".repeat(65))]
    {
        bad.push(("email", RegisterRequest { email: email.into(), ..good() }));
    }
    for phone in
        ["", "020 123 4567", "0201234567", "+255712345678", "+14155550100", "2547123456789", "07123456", "0712x45678", "asha", "٠٧١٢٣٤٥٦٧٨", "254212345678"]
    {
        bad.push(("phone_number", RegisterRequest { phone_number: phone.into(), ..good() }));
    }
    for name in ["", "  ", "a\nb", &"x".repeat(81), "www.win.example", "http://x", "a/b", "{code}"] {
        bad.push(("first_name", RegisterRequest { first_name: name.into(), ..good() }));
        bad.push(("last_name", RegisterRequest { last_name: name.into(), ..good() }));
    }
    let (phone, national) = (good().phone_number, format!("0{}", &good().phone_number[3..]));
    for password in
        ["", "short", "1234567", "password", "PassWord123", "12345678", &"x".repeat(129), &"🔒".repeat(129), &"x".repeat(100_000), &phone, &national]
    {
        bad.push(("password", RegisterRequest { password: password.into(), ..good() }));
    }
    for language in ["fr", "swahili", "e"] {
        bad.push(("language", RegisterRequest { language: language.into(), ..good() }));
    }
    for id in ["1", "not-a-uuid", "00000000-0000-0000-0000-000000000000"] {
        bad.push(("request_id", RegisterRequest { request_id: id.into(), ..good() }));
    }
    for (field, ask) in bad {
        let refused = client.selfservice().register(ask.clone()).await.err().unwrap_or_else(|| panic!("{field} was taken: {ask:?}"));
        assert_eq!((refused.reason, paths(&refused)), (ErrorReason::InvalidArgument, vec![field]), "{ask:?}: {refused}");
    }
    let empty = RegisterRequest { request_id: new_request_id(), ..RegisterRequest::default() };
    let refused = client.selfservice().register(empty).await.expect_err("an empty form");
    assert_eq!(paths(&refused), ["email", "phone_number", "first_name", "last_name", "password"], "everything at once");
    assert_eq!(world.sql().await.count("tenant.customer").await, 4, "the seeded ones");
    for (n, password) in (2..).zip(["пароль на двоих", "8 chars!", &"x".repeat(126)]) {
        let long = if password.len() == 126 { format!("{password}yz") } else { password.to_owned() };
        client.register(RegisterRequest { password: long, ..registration(n) }).await.expect("a password that may be taken");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_e_mail_address_is_one_whatever_its_letters_and_two_with_a_plus() {
    let world = World::new().await;
    world.set_rules("yellow", "require_phone_verification = false").await;
    let client = world.client("yellow");
    let register = async |n: u32, email: &str| client.register(RegisterRequest { email: email.into(), ..registration(n) }).await;
    let first = register(1, " Asha.M@Bücher.Example ").await.expect("registered").user.expect("a user");
    assert_eq!(first.email, "asha.m@xn--bcher-kva.example");
    for same in ["asha.m@bücher.example", "ASHA.M@XN--BCHER-KVA.EXAMPLE"] {
        let refused = register(2, same).await.expect_err("taken");
        assert_eq!((refused.reason, paths(&refused)), (ErrorReason::AlreadyExists, vec!["email"]), "{same}");
        world.client("yellow").log_in(same, PASSWORD).await.expect("the same mailbox signs in");
    }
    let plus = register(2, "asha.m+home@bücher.example").await.expect("another address").user.expect("a user");
    assert_ne!(plus.id, first.id);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn phone_and_e_mail_address_are_one_persons_within_an_isp() {
    let world = World::new().await;
    let (_, ours) = world.registered("yellow", 1).await;
    let (one, two) = (registration(1), registration(2));
    let client = world.client("yellow");
    let local = format!("0{}", &one.phone_number[3..]);
    for (ask, wanted) in [
        (RegisterRequest { phone_number: local.clone(), ..two.clone() }, vec!["phone_number"]),
        (RegisterRequest { email: one.email.to_uppercase(), ..two.clone() }, vec!["email"]),
        (RegisterRequest { phone_number: local, email: one.email.clone(), ..two.clone() }, vec!["phone_number", "email"]),
        (RegisterRequest { email: world.seeded.isps[0].staff.identifier.clone(), ..two.clone() }, vec!["email"]),
    ] {
        let refused = client.register(ask).await.expect_err("taken");
        assert_eq!((refused.reason, paths(&refused)), (ErrorReason::AlreadyExists, wanted));
    }
    let (there, theirs) = world.registered("blue", 1).await;
    assert_ne!(ours.id, theirs.id, "the same person at two ISPs has two accounts");
    assert_eq!((ours.customer_code.as_str(), theirs.customer_code.as_str()), ("CUST-0003", "CUST-0003"));
    let elsewhere = world.client("yellow");
    elsewhere.set_tokens(there.tokens());
    let refused = elsewhere.selfservice().get_profile(GetProfileRequest {}).await.expect_err("a token of blue");
    assert!(matches!(refused.reason, ErrorReason::TokenInvalid | ErrorReason::RefreshTokenInvalid), "{refused}");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_request_is_the_same_registration() {
    let world = World::new().await;
    let ask = registration(1);
    let first = world.client("yellow").register(ask.clone()).await.expect("registered");
    let client = world.client("yellow");
    let again = client.register(ask.clone()).await.expect("the same request");
    let id = |answer: &netily_sdk::selfservice::RegisterResponse| answer.customer.clone().expect("a customer").id;
    assert_eq!(id(&first), id(&again));
    assert_ne!(first.tokens.expect("tokens").refresh, again.tokens.expect("tokens").refresh, "a sign-in of its own");
    assert_eq!((first.message, first.next_resend_at, first.expires_at), (again.message, again.next_resend_at, again.expires_at));
    world.own_profile(&client).await;
    for other in [
        RegisterRequest { first_name: "Other".into(), ..ask.clone() },
        RegisterRequest { password: "another good password".into(), ..ask.clone() },
        RegisterRequest { phone_number: registration(2).phone_number, email: registration(2).email, ..ask.clone() },
    ] {
        assert_eq!(client.register(other).await.expect_err("other content").reason, ErrorReason::RequestIdReused);
    }
    world.set_rules("yellow", "allow_self_registration = false").await;
    client.register(ask.clone()).await.expect("what was made stays made");
    world.run_due().await;
    assert_eq!(world.sms_on(&ask.phone_number).await.len(), 1, "one registration, one code");
    // Whoever has an old request with an old password does not get in by it.
    let newer = "UPDATE tenant.user_account SET password_hash = (SELECT password_hash FROM tenant.user_account WHERE email = 'owner@yellow.example')";
    world.sql().await.run(&format!("{newer} WHERE email = '{}'", ask.email)).await;
    assert_eq!(client.register(ask).await.expect_err("no longer the password").reason, ErrorReason::WrongCredentials);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_clicks_make_one_customer() {
    let world = World::new().await;
    let ask = registration(1);
    let clicks = (0..50).map(|_| {
        let (client, ask) = (world.client("yellow"), ask.clone());
        tokio::spawn(async move { client.register(ask).await.map(|answer| answer.customer.expect("a customer").customer_code) })
    });
    let codes: Vec<String> = join_all(clicks).await.into_iter().map(|click| click.expect("no panic").expect("an answer")).collect();
    assert!(codes.iter().all(|code| code == "CUST-0003"), "{codes:?}");
    let mut sql = world.sql().await;
    assert_eq!(sql.count("tenant.customer").await, 5, "four were seeded");
    assert_eq!(sql.count("tenant.message").await, 1, "one code");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn customer_codes_have_no_gaps_though_many_register_at_once_and_some_fail() {
    let world = World::new().await;
    // Registrations of people with this name fail after their number was taken.
    world
        .sql()
        .await
        .run(
            "CREATE FUNCTION tenant.stumble() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF new.word = 'stumble' THEN RAISE 'stumbled'; END IF; RETURN new; END $$;
             CREATE TRIGGER stumble BEFORE INSERT ON tenant.customer_search FOR EACH ROW EXECUTE FUNCTION tenant.stumble()",
        )
        .await;
    let people = (0..50u32).map(|n| {
        let ask = match n % 5 {
            0 => RegisterRequest { last_name: "Stumble".into(), ..registration(n) },
            1 => RegisterRequest { phone_number: registration(1).phone_number, ..registration(n) }, // ten people, one phone
            _ => registration(n),
        };
        let client = world.client("yellow");
        tokio::spawn(async move { client.register(ask).await })
    });
    let outcomes: Vec<_> = join_all(people).await.into_iter().map(|one| one.expect("no panic")).collect();
    let codes: BTreeSet<String> = outcomes.iter().flatten().map(|answer| answer.customer.clone().expect("a customer").customer_code).collect();
    let failed: Vec<ErrorReason> = outcomes.iter().filter_map(|outcome| outcome.as_ref().err().map(|error| error.reason)).collect();
    let count = |wanted: ErrorReason| failed.iter().filter(|reason| **reason == wanted).count();
    assert_eq!((count(ErrorReason::Internal), count(ErrorReason::AlreadyExists)), (10, 9), "{failed:?}");
    let wanted: BTreeSet<String> = (3..=33).map(|number| format!("CUST-{number:04}")).collect();
    assert_eq!(codes, wanted, "31 people, 31 numbers in a row");
    world.sql().await.run("UPDATE tenant.counter SET value = 9999 WHERE tenant_id = (SELECT id FROM public.isp WHERE slug = 'yellow')").await;
    let (_, after) = world.registered("yellow", 60).await;
    assert_eq!(after.customer_code, "CUST-10000", "the number grows");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_isp_registers_nobody() {
    let world = World::new().await;
    world.sql().await.run("UPDATE public.isp SET status = 'SUSPENDED' WHERE slug = 'yellow'").await;
    let refused = world.client("yellow").register(registration(1)).await.expect_err("suspended");
    assert_eq!(refused.reason, ErrorReason::IspSuspended);
    let seeded = &world.seeded.isps[0].customers[0];
    world.client("yellow").log_in(&seeded.phone, &seeded.password).await.expect("its customers still sign in");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_refused_or_gone_is_told_so_after_the_right_password_only() {
    let world = World::new().await;
    let yellow = netily::isp::tenant(&world.app.db, "yellow").await.expect("the ISP").id;
    for (n, act) in [(1, Act::Reject), (2, Act::Close)] {
        let (client, customer) = world.registered("yellow", n).await;
        let (id, now) = (customer.id.parse().expect("an id"), world.app.clock.now());
        world.app.db.tx(yellow, async |tx| customer::set_status(tx, yellow, id, act, "We know no such street.", By::Netily, now).await).await.expect("done");
        let refused = client.selfservice().get_profile(GetProfileRequest {}).await.expect_err("signed out everywhere");
        assert!(matches!(refused.reason, ErrorReason::TokenInvalid | ErrorReason::RefreshTokenInvalid), "{act:?}: {refused}");
        let phone = registration(n).phone_number;
        let log_in = async |password: &str| world.client("yellow").log_in(&phone, password).await.expect_err("refused").reason;
        assert_eq!(log_in("not the password").await, ErrorReason::WrongCredentials, "{act:?}");
        assert_eq!(log_in(PASSWORD).await, ErrorReason::CustomerNotActive, "{act:?}");
        let again = world.app.db.tx(yellow, async |tx| customer::set_status(tx, yellow, id, act, "", By::Netily, now).await).await;
        assert_eq!(again.expect_err("done before").reason, ErrorReason::StateConflict);
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn customers_and_staff_have_doors_of_their_own() {
    let world = World::new().await;
    let isp = &world.seeded.isps[0];
    let [active, pending] = &isp.customers[..] else { panic!("two customers: {:?}", isp.customers) };
    assert_eq!((active.status.as_str(), pending.status.as_str()), ("ACTIVE", "PENDING"));
    for customer in [active, pending] {
        let answer = world.client("yellow").log_in(&customer.phone, &customer.password).await.expect("signs in");
        let found = answer.customer.expect("a customer");
        assert_eq!(
            (found.customer_code.clone(), found.status().as_str_name()),
            (customer.customer_code.clone(), format!("CUSTOMER_STATUS_{}", customer.status).as_str())
        );
        assert_eq!(answer.requires_verification, customer.status == "PENDING");
    }
    let as_staff = world.client("yellow").sign_in(&active.phone, &active.password).await.expect_err("no staff");
    let as_customer = world.client("yellow").log_in(&isp.staff.identifier, &isp.staff.password).await.expect_err("no customer");
    let nobody = world.client("yellow").log_in("254799999999", PASSWORD).await.expect_err("nobody");
    for refused in [&as_staff, &as_customer, &nobody] {
        assert_eq!((refused.reason, refused.message.as_str()), (ErrorReason::WrongCredentials, nobody.message.as_str()));
    }
    let staff = world.signed_in("yellow", Access::Staff).await;
    let refused = staff.selfservice().get_profile(GetProfileRequest {}).await.expect_err("staff are no customers");
    assert_eq!(refused.reason, ErrorReason::PermissionDenied);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn trying_out_who_is_registered_is_slowed_down_and_registering_is_not() {
    let world = World::new().await;
    world.registered("yellow", 1).await;
    let mut sql = world.sql().await;
    let taken = async || world.client("yellow").register(RegisterRequest { email: registration(2).email, ..registration(1) }).await.expect_err("taken");
    let tokens = "SELECT extract(epoch FROM full_at - now())::bigint AS seconds FROM public.rate_limit WHERE key = 'register/address/127.0.0.1'";
    let before = sql.value(tokens).await.as_i64().expect("seconds");
    assert!(before <= 2, "who registered gave back what it took: {before}");
    for _ in 0..20 {
        assert_eq!(taken().await.reason, ErrorReason::AlreadyExists);
    }
    let after = sql.value(tokens).await.as_i64().expect("seconds");
    assert!(after > 20, "tries that fail are counted: {after}");
    sql.run("UPDATE public.rate_limit SET full_at = now() + interval '408 seconds' WHERE key = 'register/address/127.0.0.1'").await;
    let refused = taken().await;
    assert!(refused.reason == ErrorReason::RateLimited && refused.retry_after.is_some(), "{refused}");
    world.finish().await;
}
