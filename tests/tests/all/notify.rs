//! Messages on their way: they arrive, or are tried again, or are given up; a provider that is down holds up nothing else, and no
//! secret outlives its message.

use std::time::Duration;

use netily::jobs::{self, Lane};
use netily::lang::Lang;
use netily::notify::{Note, Template};
use netily_sandbox::{Config as SandboxConfig, Sandbox};
use netily_sdk::types::ErrorReason;
use netily_tests::{Guest, World, to_mailbox, to_phone};
use serde_json::json;

const PHONE: &str = "254712345678";
const OTHER: &str = "254722345678";
const MAILBOX: &str = "asha@example.co.ke";
const CODE: [(&str, &str); 1] = [("code", "739251")];
const NAME: [(&str, &str); 2] = [("name", "Asha"), ("reason", "The bill is not paid.")];

fn code(world: &World) -> Note<'static> {
    Note { facts: &CODE, expires_at: Some(world.app.clock.now() + netily::auth::code::LIVES), ..to_phone(Template::VerifyPhone, PHONE) }
}

fn suspended() -> Note<'static> {
    Note { facts: &NAME, ..to_phone(Template::CustomerSuspended, PHONE) }
}

fn state(fate: &(String, String)) -> &str {
    &fate.0
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_reaches_its_phone_and_is_forgotten() {
    let world = World::new().await;
    let id = world.queue("yellow", code(&world)).await.expect("queued");
    let waiting = world.message(id).await;
    assert_eq!((&waiting["state"], &waiting["body"]), (&json!("QUEUED"), &json!(null)));
    assert!(waiting["body_sealed"].as_str().is_some_and(|sealed| !sealed.contains(&hex::encode("739251"))), "sealed: {waiting}");
    world.run_due().await;
    let texts = world.sms_on(PHONE).await;
    assert_eq!(texts, ["Yellow WiFi: your code is 739251. It is good for 5 minutes. Give it to nobody; our staff never ask for it."]);
    let sent = world.message(id).await;
    assert_eq!((&sent["state"], &sent["attempts"], &sent["provider"]), (&json!("SENT"), &json!(1), &json!("sms")));
    assert_eq!((&sent["body"], &sent["body_sealed"]), (&json!(null), &json!(null)), "nothing of it is left");
    assert!(sent["provider_id"].as_str().is_some_and(|id| id.starts_with("ATXid_")), "{sent}");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sealed_text_that_is_copied_to_another_message_is_not_sent() {
    let world = World::new().await;
    let mine = world.queue("yellow", code(&world)).await.expect("queued");
    let other = world.queue("yellow", Note { facts: &[("code", "111222")], ..code(&world) }).await.expect("queued");
    let copy =
        format!("UPDATE tenant.message SET body_sealed = (SELECT body_sealed FROM tenant.message WHERE id = '{}') WHERE id = '{}'", other.uuid(), mine.uuid());
    world.sql().await.run(&copy).await;
    world.run_due().await;
    assert_eq!(world.fate(mine).await, ("FAILED".to_owned(), "it cannot be opened".to_owned()));
    assert_eq!(state(&world.fate(other).await), "SENT");
    assert_eq!(world.sms_on(PHONE).await.len(), 1);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_comes_in_the_name_of_the_isp_and_its_link_is_forgotten() {
    let world = World::new().await;
    let link = world.app.config.link("yellow", "invitation?token=c2VjcmV0LXRva2VuLW9mLTI1Ni1iaXRz");
    let facts = [("name", "Asha"), ("link", link.as_str())];
    let id = world.queue("yellow", Note { facts: &facts, ..to_mailbox(Template::Invitation, MAILBOX) }).await.expect("queued");
    assert_eq!(world.message(id).await["body"], json!(null));
    world.run_due().await;
    let mails = world.mails_to(MAILBOX).await;
    assert_eq!((mails.len(), &mails[0]["subject"]), (1, &json!("You are invited to Yellow WiFi")));
    assert!(mails[0]["text"].as_str().is_some_and(|text| text.contains(&format!("\r\n{link}\r\n"))), "{}", mails[0]["text"]);
    assert!(mails[0]["raw"].as_str().is_some_and(|raw| raw.contains("From: \"Yellow WiFi\" <no-reply@netily.example>")), "{}", mails[0]["raw"]);
    assert!(mails[0]["raw"].as_str().is_some_and(|raw| raw.contains(&format!("Message-ID: <{id}@netily.example>"))), "{}", mails[0]["raw"]);
    let sent = world.message(id).await;
    assert_eq!((&sent["state"], &sent["body_sealed"], &sent["provider"]), (&json!("SENT"), &json!(null), &json!("smtp")));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn people_are_written_to_in_their_language() {
    let world = World::new().await;
    world.queue("yellow", Note { lang: Lang::Swahili, ..code(&world) }).await.expect("queued");
    let mail = Note { lang: Lang::Swahili, facts: &CODE, ..to_mailbox(Template::ResetPasswordMail, MAILBOX) };
    world.queue("blue", mail).await.expect("queued");
    world.run_due().await;
    let sms = world.sms_on(PHONE).await.remove(0);
    assert!(sms.starts_with("Yellow WiFi: nambari yako ya siri ni 739251."), "{sms}");
    let mail = world.mails_to(MAILBOX).await.remove(0);
    assert_eq!(mail["subject"], "Weka nenosiri jipya la Blue Net");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_wrong_with_the_provider_the_message_waits_for_it() {
    for (mode, words) in [("error_500", "HTTP 500"), ("html", "cannot be read"), ("unauthorized", "HTTP 401"), ("refuse", "InsufficientBalance")] {
        let world = World::new().await;
        world.sms_behave(json!({ "mode": mode })).await;
        let id = world.queue("yellow", suspended()).await.expect("a provider that is down refuses nothing");
        world.run_due().await;
        let (state, problem) = world.fate(id).await;
        assert!(state == "QUEUED" && problem.contains(words), "{mode}: {state} {problem}");
        world.sms_behave(json!({})).await;
        world.run_after(Duration::from_secs(1)).await;
        assert_eq!(world.message(id).await["attempts"], 1, "{mode}: not at once");
        world.run_after(Duration::from_secs(2)).await;
        assert_eq!(world.fate(id).await, ("SENT".to_owned(), String::new()), "{mode}");
        assert_eq!(world.sms_on(PHONE).await.len(), 1, "{mode}");
        world.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn waits_grow_and_a_message_is_given_up_after_a_day() {
    let world = World::new().await;
    world.sms_behave(json!({ "mode": "error_500" })).await;
    let id = world.queue("yellow", suspended()).await.expect("queued");
    world.run_due().await;
    for (at, seconds) in [2, 4, 8, 16, 32, 64, 128, 256, 300, 300].into_iter().enumerate() {
        let before = world.message(id).await["attempts"].as_u64().expect("a number");
        assert_eq!(before, at as u64 + 1);
        world.run_after(Duration::from_secs(seconds - 1)).await;
        assert_eq!(world.message(id).await["attempts"].as_u64(), Some(before), "too early after {before} attempts");
        world.run_after(Duration::from_secs(2)).await;
    }
    world.sms_behave(json!({})).await;
    world.run_after(Duration::from_secs(24 * 3600)).await;
    let (state, problem) = world.fate(id).await;
    assert!(state == "EXPIRED" && problem.contains("HTTP 500"), "{state} {problem}");
    assert!(world.sms_on(PHONE).await.is_empty());
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_is_not_sent_once_it_is_of_no_use() {
    let world = World::new().await;
    world.sms_behave(json!({ "mode": "error_500" })).await;
    let id = world.queue("yellow", code(&world)).await.expect("queued");
    for _ in 0..8 {
        world.run_after(Duration::from_secs(30)).await;
    }
    assert_eq!(state(&world.fate(id).await), "QUEUED");
    world.sms_behave(json!({})).await;
    world.run_after(Duration::from_secs(61)).await;
    let row = world.message(id).await;
    assert_eq!((&row["state"], &row["body_sealed"]), (&json!("EXPIRED"), &json!(null)), "and it is forgotten in its last minute");
    assert!(world.sms_on(PHONE).await.is_empty());
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_is_refused_fails_alone_and_for_good() {
    let world = World::new().await;
    world.sms_behave(json!({ "refuse_numbers": [PHONE] })).await;
    let refused = world.queue("yellow", code(&world)).await.expect("queued");
    let taken = world.queue("yellow", Note { facts: &NAME, ..to_phone(Template::CustomerSuspended, OTHER) }).await.expect("queued");
    world.run_due().await;
    let row = world.message(refused).await;
    assert_eq!((&row["state"], &row["body_sealed"], &row["attempts"]), (&json!("FAILED"), &json!(null), &json!(1)));
    assert_eq!(row["problem"], "the provider refuses this recipient: InvalidPhoneNumber (403)");
    assert_eq!((state(&world.fate(taken).await), world.sms_on(OTHER).await.len()), ("SENT", 1));
    world.sms_behave(json!({})).await;
    world.run_after(Duration::from_secs(3600)).await;
    assert!(world.sms_on(PHONE).await.is_empty(), "it is not tried again");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_whose_answer_never_came_is_sent_again() {
    let world = World::builder().configured(|config| config.sms.total_timeout = Duration::from_millis(1_500)).start().await;
    world.sms_behave(json!({ "mode": "timeout" })).await;
    let id = world.queue("yellow", suspended()).await.expect("queued");
    world.run_due().await;
    assert_eq!(world.fate(id).await, ("QUEUED".to_owned(), "the provider did not answer in time".to_owned()));
    world.sms_behave(json!({})).await;
    world.run_after(Duration::from_secs(3)).await;
    assert_eq!(state(&world.fate(id).await), "SENT");
    assert_eq!(world.sms_on(PHONE).await.len(), 2, "at least once, and here twice");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_provider_takes_over() {
    let folder = tempfile::tempdir().expect("a folder");
    let second = Sandbox::start(SandboxConfig::new(folder.path())).await.expect("a second sandbox");
    let base_url = second.sms_url();
    let world =
        World::builder().configured(move |config| config.sms_fallback = Some(netily::gateways::sms::Settings { base_url, ..config.sms.clone() })).start().await;
    world.sms_behave(json!({ "mode": "error_500" })).await;
    let id = world.queue("yellow", code(&world)).await.expect("queued");
    world.run_due().await;
    assert_eq!(state(&world.fate(id).await), "QUEUED");
    world.run_after(Duration::from_secs(3)).await;
    let row = world.message(id).await;
    assert_eq!((&row["state"], &row["provider"], &row["attempts"]), (&json!("SENT"), &json!("sms_fallback"), &json!(2)));
    assert_eq!((world.sms_on(PHONE).await.len(), world.sms_in(&second, PHONE).await.len()), (0, 1));
    world.sms_behave(json!({})).await;
    world.queue("yellow", suspended()).await.expect("queued");
    world.run_due().await;
    assert_eq!(world.sms_on(PHONE).await.len(), 1, "the next message goes to the first provider again");
    second.stop().await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_hangs_holds_up_no_purchase() {
    let world = World::builder().working().configured(|config| config.sms.total_timeout = Duration::from_secs(5)).start().await;
    world.sms_behave(json!({ "mode": "timeout" })).await;
    // More than there are places for, so that the lane is full.
    for _ in 0..Lane::Notify.places() + 8 {
        world.queue("yellow", suspended()).await.expect("queued");
    }
    world.behave(json!({ "auto_answer": "accept" })).await;
    let purchase = world.buy(&Guest::number(1)).await;
    netily_tests::eventually("the guest is online while all messages hang", async || {
        let now = world.look(&purchase.session_id).await.status();
        (now == netily_sdk::hotspot::PurchaseStatus::Active).then_some(())
    })
    .await;
    assert_eq!(world.sql().await.count("tenant.message WHERE state = 'SENT'").await, 0, "none was answered meanwhile");
    world.sms_behave(json!({})).await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_whose_process_died_is_sent_by_the_next() {
    let world = World::new().await;
    let id = world.queue("yellow", code(&world)).await.expect("queued");
    let claimed = jobs::claim(&world.app.db, Lane::Notify, 10, world.app.clock.now()).await.expect("claimed");
    assert_eq!(claimed.len(), 1);
    drop(claimed); // and nobody ever says how it ended
    world.run_due().await;
    assert_eq!(state(&world.fate(id).await), "QUEUED", "the claim holds for a minute");
    world.run_after(Duration::from_secs(61)).await;
    assert_eq!((state(&world.fate(id).await), world.sms_on(PHONE).await.len()), ("SENT", 1));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_rolled_back_is_not_sent() {
    let world = World::new().await;
    let yellow = netily::isp::tenant(&world.app.db, "yellow").await.expect("the ISP").id;
    let now = world.app.clock.now();
    let failed = world
        .app
        .db
        .tx(yellow, async |tx| {
            netily::notify::queue(&world.app, tx, yellow, suspended(), now).await?;
            Err::<(), _>(netily::error::Error::not_found("reason to go on"))
        })
        .await;
    failed.expect_err("rolled back");
    world.run_due().await;
    assert_eq!((world.sms_on(PHONE).await.len(), world.sql().await.count("tenant.message").await), (0, 0));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_server_may_refuse_be_busy_or_hang() {
    for (mode, state, words) in [("refuse", "FAILED", "550"), ("busy", "QUEUED", "421"), ("hang", "QUEUED", "in time")] {
        let world = World::builder().configured(|config| config.mail.total_timeout = Duration::from_millis(1_500)).start().await;
        world.mail_behave(mode).await;
        let id = world.queue("yellow", Note { facts: &NAME, ..to_mailbox(Template::EmailChanged, MAILBOX) }).await.expect("queued");
        world.run_due().await;
        let (is, problem) = world.fate(id).await;
        assert!(is == state && problem.contains(words) && !problem.contains(MAILBOX), "{mode}: {is} {problem}");
        world.mail_behave("ok").await;
        world.run_after(Duration::from_secs(3)).await;
        let arrived = usize::from(state == "QUEUED");
        assert_eq!(world.mails_to(MAILBOX).await.len(), arrived, "{mode}");
        world.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_isp_has_so_many_text_messages_a_day_and_whoever_waits_is_told() {
    let world = World::builder().configured(|config| config.sms_per_isp_day = 3).start().await;
    for _ in 0..3 {
        world.queue("yellow", suspended()).await.expect("queued");
    }
    let error = world.queue("yellow", code(&world)).await.expect_err("somebody waits for this one");
    assert!(error.reason == ErrorReason::RateLimited && error.retry_after.is_some_and(|wait| wait > Duration::ZERO), "{error}");
    let over = world.queue("yellow", suspended()).await.expect("nobody waits for this one, and nothing is held up");
    assert_eq!(world.fate(over).await, ("FAILED".to_owned(), "the text messages of the day are used up".to_owned()));
    assert_eq!(world.sql().await.count("tenant.message").await, 4, "what was refused was not written");
    world.queue("yellow", Note { facts: &NAME, ..to_mailbox(Template::EmailChanged, MAILBOX) }).await.expect("mails are free");
    world.queue("blue", code(&world)).await.expect("another ISP has its own");
    world.run_due().await;
    assert_eq!(world.sms_on(PHONE).await.len(), 4);
    world.advance(Duration::from_secs(24 * 3600 / 3 + 1));
    world.queue("yellow", code(&world)).await.expect("a third of a day later there is one more");
    world.queue("yellow", code(&world)).await.expect_err("and only one");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_are_forgotten_after_ninety_days() {
    let world = World::new().await;
    let old = world.queue("yellow", suspended()).await.expect("queued");
    world.run_due().await;
    world.advance(Duration::from_secs(60 * 24 * 3600));
    let young = world.queue("yellow", suspended()).await.expect("queued");
    world.run_due().await;
    world.advance(Duration::from_secs(31 * 24 * 3600));
    world.sweep().await;
    let (old, young) = (world.message(old).await, world.message(young).await);
    assert_eq!((&old["recipient"], &old["body"], &old["state"]), (&json!(""), &json!(null), &json!("SENT")));
    assert_eq!((&young["recipient"], young["body"].is_string()), (&json!(PHONE), true));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_is_erased_gets_no_more_messages_and_leaves_none() {
    let world = World::new().await;
    let yellow = netily::isp::tenant(&world.app.db, "yellow").await.expect("the ISP").id;
    let (asha, other) = (netily::id::UserId::unguessable(), netily::id::UserId::unguessable());
    let theirs = world.queue("yellow", Note { user: Some(asha), ..suspended() }).await.expect("queued");
    let secret = world.queue("yellow", Note { user: Some(asha), ..code(&world) }).await.expect("queued");
    let kept = world.queue("yellow", Note { user: Some(other), ..suspended() }).await.expect("queued");
    world.app.db.tx(yellow, async |tx| netily::notify::forget(tx, yellow, asha).await).await.expect("forgotten");
    world.run_due().await;
    for id in [theirs, secret] {
        let row = world.message(id).await;
        assert_eq!((&row["recipient"], &row["body"], &row["body_sealed"], &row["state"]), (&json!(""), &json!(null), &json!(null), &json!("FAILED")));
    }
    assert_eq!((state(&world.fate(kept).await), world.sms_on(PHONE).await.len()), ("SENT", 1));
    world.finish().await;
}
