//! What staff do with messages: their own words, checked when saved; looking at what was sent, and sending again.

use std::time::Duration;

use netily::lang::Lang;
use netily::notify::{Note, Template};
use netily_sdk::notify::{
    Channel, ListMessagesRequest, ListTemplatesRequest, Message, MessageState, PreviewTemplateRequest, ResetTemplateRequest, RetryMessageRequest, TemplateKind,
    UpdateTemplateRequest,
};
use netily_sdk::types::ErrorReason;
use netily_sdk::{Client, Error};
use netily_tests::{Access, World, to_mailbox, to_phone};
use serde_json::json;

const PHONE: &str = "254712345678";
const MAILBOX: &str = "asha@example.co.ke";
const WELCOME: [(&str, &str); 2] = [("name", "Asha"), ("customer_code", "CUST-0007")];

fn welcome() -> Note<'static> {
    Note { facts: &WELCOME, ..to_phone(Template::Welcome, PHONE) }
}

fn code() -> Note<'static> {
    Note { facts: &[("code", "739251")], ..to_phone(Template::VerifyPhone, PHONE) }
}

fn words(kind: TemplateKind, subject: &str, body: &str) -> UpdateTemplateRequest {
    UpdateTemplateRequest { kind: kind.into(), language: "en".into(), subject: subject.into(), body: body.into() }
}

async fn messages(client: &Client, ask: ListMessagesRequest) -> Vec<Message> {
    client.notify().list_messages(ask).await.expect("messages").messages
}

async fn retry(client: &Client, id: impl ToString) -> Result<Message, Error> {
    client.notify().retry_message(RetryMessageRequest { id: id.to_string() }).await.map(|answer| answer.message.expect("a message"))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_isp_writes_its_own_words_and_takes_them_back() {
    let world = World::new().await;
    let staff = world.signed_in("yellow", Access::Staff).await;
    let own = words(TemplateKind::Welcome, "", "Karibu {name}, wewe ni {customer_code} wa {isp}.\r\nAsante!");
    let saved = staff.notify().update_template(own).await.expect("saved").template.expect("a template");
    assert!(saved.is_own && saved.updated_at.is_some() && saved.built_in_body.starts_with("Karibu {name}! You are registered"), "{saved:?}");
    for (slug, lang) in [("yellow", Lang::English), ("yellow", Lang::Swahili), ("blue", Lang::English)] {
        world.queue(slug, Note { lang, ..welcome() }).await.expect("queued");
    }
    world.run_due().await;
    let texts = world.sms_on(PHONE).await;
    assert!(texts.contains(&"Karibu Asha, wewe ni CUST-0007 wa Yellow WiFi.\nAsante!".to_owned()), "{texts:?}");
    assert!(texts.contains(&"Karibu Asha! Umesajiliwa na Yellow WiFi. Nambari yako ya mteja ni CUST-0007.".to_owned()), "{texts:?}");
    assert!(texts.contains(&"Karibu Asha! You are registered with Blue Net. Your customer code is CUST-0007.".to_owned()), "{texts:?}");

    let list = async |client: &Client| client.notify().list_templates(ListTemplatesRequest { language: String::new() }).await.expect("templates").templates;
    assert_eq!(list(&staff).await.iter().filter(|template| template.is_own).count(), 1);
    assert_eq!(list(&staff).await.len(), Template::ALL.len() * 2);
    assert!(list(&world.signed_in("blue", Access::Staff).await).await.iter().all(|template| !template.is_own), "another ISP's words are its own");

    let ask = ResetTemplateRequest { kind: TemplateKind::Welcome.into(), language: "en".into() };
    for _ in 0..2 {
        let reset = staff.notify().reset_template(ask.clone()).await.expect("reset, and again").template.expect("a template");
        assert!(!reset.is_own && reset.body == reset.built_in_body, "{reset:?}");
    }
    let acts = world.sql().await.rows("SELECT act, subject FROM tenant.audit_event WHERE act LIKE '%_template' ORDER BY id").await;
    assert_eq!(json!(acts), json!([{ "act": "update_template", "subject": "WELCOME/en" }, { "act": "reset_template", "subject": "WELCOME/en" }]));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn words_that_could_not_be_sent_are_refused_by_their_field() {
    let world = World::new().await;
    let staff = world.signed_in("yellow", Access::Staff).await;
    let refused = [
        (words(TemplateKind::VerifyPhone, "", "{isp}: {kode}"), "body", "{kode}"),
        (words(TemplateKind::VerifyPhone, "", "{isp}: {code"), "body", "a { that"),
        (words(TemplateKind::VerifyPhone, "", "{isp}: code}"), "body", "a } that"),
        (words(TemplateKind::VerifyPhone, "", "{isp}: hello"), "body", "{code}"),
        (words(TemplateKind::VerifyPhone, "", "{code} https://a.example"), "body", "no link"),
        (words(TemplateKind::VerifyPhone, "", ""), "body", "empty"),
        (words(TemplateKind::VerifyPhone, "Hello", "{code}"), "subject", "no subject"),
        (words(TemplateKind::Invitation, "", "Hello {name}"), "body", "{link}"),
        (words(TemplateKind::Invitation, "{link}", "{link}"), "subject", "{link}"),
        (words(TemplateKind::Invitation, "a\nb", "{link}"), "subject", "one line"),
        (words(TemplateKind::Welcome, "", &"x".repeat(460)), "body", "at most 459"),
        (words(TemplateKind::Welcome, "", "{link}"), "body", "{link}"),
        (words(TemplateKind::Unspecified, "", "Hello"), "kind", "set"),
        (UpdateTemplateRequest { language: "fr".into(), ..words(TemplateKind::Welcome, "", "Bonjour") }, "language", "en or sw"),
    ];
    for (ask, path, said) in refused {
        let error = staff.notify().update_template(ask.clone()).await.expect_err("refused");
        assert_eq!(error.reason, ErrorReason::InvalidArgument, "{ask:?}");
        assert_eq!(error.field_violations.len(), 1, "{ask:?}");
        let (field, words) = (&error.field_violations[0].path, &error.field_violations[0].description);
        assert!(field == path && words.contains(said), "{ask:?}: {field} {words}");
        let UpdateTemplateRequest { kind, language, subject, body } = ask;
        let previewed = staff.notify().preview_template(PreviewTemplateRequest { kind, language, subject, body }).await;
        assert_eq!(previewed.expect_err("refused as well").reason, ErrorReason::InvalidArgument);
    }
    assert_eq!(world.sql().await.count("tenant.message_template").await, 0);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_shows_sample_values_and_the_price_in_parts() {
    let world = World::new().await;
    let staff = world.signed_in("yellow", Access::Staff).await;
    let show = async |kind: TemplateKind, subject: &str, body: &str| {
        let ask = PreviewTemplateRequest { kind: kind.into(), language: "sw".into(), subject: subject.into(), body: body.into() };
        staff.notify().preview_template(ask).await.expect("a preview")
    };
    let sms = show(TemplateKind::Welcome, "", "Karibu {name} kwa {isp}!").await;
    assert_eq!((sms.body.as_str(), sms.subject.as_str(), sms.sms_parts), ("Karibu Wanjiku kwa Yellow WiFi!", "", 1));
    assert_eq!(show(TemplateKind::Welcome, "", &format!("{{name}}{}", "x".repeat(160))).await.sms_parts, 2);
    assert_eq!(show(TemplateKind::Welcome, "", &format!("{{name}} {}", "ŋ".repeat(63))).await.sms_parts, 2, "one foreign letter makes all of them dear");
    let mail = show(TemplateKind::VerifyEmail, "Habari {name}", "{link}").await;
    assert_eq!((mail.subject.as_str(), mail.body.as_str(), mail.sms_parts), ("Habari Wanjiku", "https://example.com/link", 0));
    assert_eq!(show(TemplateKind::VerifyEmail, "", "{link}").await.subject, "Je, hii ni anwani yako ya barua pepe?");
    assert_eq!(world.sql().await.count("tenant.message_template").await, 0, "nothing is kept");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn staff_see_what_was_sent_but_no_secret_and_no_other_isps() {
    let world = World::new().await;
    let staff = world.signed_in("yellow", Access::Staff).await;
    world.queue("yellow", code()).await.expect("queued");
    world.advance(Duration::from_secs(1));
    let link = Note { facts: &[("name", "Asha"), ("link", "https://x.example/very-secret")], ..to_mailbox(Template::VerifyEmail, MAILBOX) };
    world.queue("yellow", link).await.expect("queued");
    world.advance(Duration::from_secs(1));
    world.queue("yellow", welcome()).await.expect("queued");
    world.queue("blue", welcome()).await.expect("queued");
    for moment in ["waiting", "sent"] {
        let all = messages(&staff, ListMessagesRequest::default()).await;
        let kinds: Vec<TemplateKind> = all.iter().map(Message::kind).collect();
        assert_eq!(kinds, [TemplateKind::Welcome, TemplateKind::VerifyEmail, TemplateKind::VerifyPhone], "newest first, and only their own, {moment}");
        assert_eq!(all[0].body, "Karibu Asha! You are registered with Yellow WiFi. Your customer code is CUST-0007.");
        assert!(!all[0].is_secret && all[1].is_secret && all[2].is_secret);
        assert_eq!((all[1].body.as_str(), all[2].body.as_str()), ("", ""));
        assert_eq!((all[1].recipient.as_str(), all[2].recipient.as_str()), ("a•••@example.co.ke", "2547•••••678"));
        let told = format!("{all:?}");
        for secret in ["739251", "very-secret", "712345678", "asha@"] {
            assert!(!told.contains(secret), "{secret} in {told}");
        }
        let wanted = if moment == "waiting" { MessageState::Queued } else { MessageState::Sent };
        assert!(all.iter().all(|message| message.state() == wanted), "{told}");
        world.run_due().await;
    }
    let filtered = async |state: MessageState, channel: Channel| {
        messages(&staff, ListMessagesRequest { state: state.into(), channel: channel.into(), ..ListMessagesRequest::default() }).await.len()
    };
    assert_eq!(filtered(MessageState::Sent, Channel::Unspecified).await, 3);
    assert_eq!(filtered(MessageState::Sent, Channel::Sms).await, 2);
    assert_eq!(filtered(MessageState::Unspecified, Channel::Email).await, 1);
    assert_eq!(filtered(MessageState::Failed, Channel::Unspecified).await, 0);
    let first = staff.notify().list_messages(ListMessagesRequest { page_size: 2, ..ListMessagesRequest::default() }).await.expect("a page");
    let rest = ListMessagesRequest { page_size: 2, page_token: first.next_page_token, ..ListMessagesRequest::default() };
    assert_eq!((first.messages.len(), messages(&staff, rest).await.len()), (2, 1));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_message_is_sent_again_when_staff_ask_for_it() {
    let world = World::new().await;
    let staff = world.signed_in("yellow", Access::Staff).await;
    world.sms_behave(json!({ "refuse_numbers": [PHONE] })).await;
    let id = world.queue("yellow", welcome()).await.expect("queued");
    let waiting = retry(&staff, id).await.expect("one that waits stays so");
    assert_eq!(waiting.state(), MessageState::Queued);
    let secret = world.queue("yellow", code()).await.expect("queued");
    world.run_due().await;
    let gone = retry(&staff, secret).await.expect_err("its text is gone");
    assert_eq!(gone.reason, ErrorReason::StateConflict);
    let foreign = retry(&world.signed_in("blue", Access::Staff).await, id).await.expect_err("another ISP's");
    assert_eq!(foreign.reason, ErrorReason::NotFound);
    world.sms_behave(json!({})).await;
    let again = retry(&staff, id).await.expect("queued again");
    assert_eq!((again.state(), again.attempts, again.problem.as_str()), (MessageState::Queued, 0, ""));
    world.run_due().await;
    assert_eq!((world.fate(id).await.0.as_str(), world.sms_on(PHONE).await.len()), ("SENT", 1));
    assert_eq!(retry(&staff, id).await.expect_err("it was sent").reason, ErrorReason::StateConflict);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sending_again_counts_as_a_message_of_the_day() {
    let world = World::builder().configured(|config| config.sms_per_isp_day = 1).start().await;
    let staff = world.signed_in("yellow", Access::Staff).await;
    world.queue("yellow", welcome()).await.expect("the one of the day");
    let over = world.queue("yellow", welcome()).await.expect("written as failed");
    let error = retry(&staff, over).await.expect_err("none is left");
    assert!(error.reason == ErrorReason::RateLimited && error.retry_after.is_some(), "{error}");
    world.advance(Duration::from_secs(24 * 3600 + 1));
    retry(&staff, over).await.expect("tomorrow");
    world.run_due().await;
    assert_eq!(world.sms_on(PHONE).await.len(), 1, "the first was given up meanwhile; this one is young again");
    world.finish().await;
}
