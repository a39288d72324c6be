//! What every rendered page must hold, whatever strangers put into it.

use askama::Template;

use super::*;
use crate::portal::{Branding, Device, Fields, Lang, continue_link, safe_link};

/// Breaks out of text, attributes, addresses and style sheets where something is printed as it is.
const EVIL: &str = "\"'><script>alert(1)</script></style>{}javascript:";

fn frame(lang: Lang) -> Frame {
    Frame {
        lang,
        nonce: "n0nce".to_owned(),
        branding: Branding {
            display_name: EVIL.to_owned(),
            logo_url: Some(format!("/{EVIL}")),
            primary_color: EVIL.to_owned(),
            welcome_title: EVIL.to_owned(),
            welcome_message: EVIL.to_owned(),
            support_phone: Some(format!("0712 345 678 {EVIL}")),
        },
        router_id: Some(EVIL.to_owned()),
        device: Device {
            link_login_only: safe_link("http://10.5.50.1/login?a=\"'><script>"),
            link_orig: safe_link("http://news.example/?a=\"'><script>"),
            chap_id: Some(EVIL.to_owned()),
            ..Device::read(&Fields::parse("mac=AA:BB:CC:DD:EE:FF&ip=10.5.50.20"))
        },
    }
}

fn plans(lang: Lang) -> PlansPage {
    let card = |id: &str| PlanCard {
        id: id.to_owned(),
        name: EVIL.to_owned(),
        price: EVIL.to_owned(),
        duration_seconds: Some(3600),
        data_cap_bytes: None,
        download_kbps: Some(5000),
        upload_kbps: Some(2000),
        shared_devices: 1,
    };
    PlansPage {
        frame: frame(lang),
        plans: vec![card("hpl_1"), card(EVIL)],
        request_id: EVIL.to_owned(),
        selected_plan_id: Some("hpl_1".to_owned()),
        phone: EVIL.to_owned(),
        plan_error: Some(FieldError::PlanMissing),
        phone_error: Some(FieldError::PhoneInvalid),
        notice: Some(Notice::TooManyTries { wait_seconds: 90 }),
    }
}

fn status(lang: Lang, state: PurchaseState) -> StatusPage {
    StatusPage {
        frame: frame(lang),
        session_id: EVIL.to_owned(),
        plan_id: EVIL.to_owned(),
        plan_name: EVIL.to_owned(),
        price: EVIL.to_owned(),
        phone_masked: EVIL.to_owned(),
        receipt: Some(EVIL.to_owned()),
        state,
        elapsed_seconds: 0,
    }
}

fn connected(lang: Lang, how: HowConnected) -> ConnectedPage {
    let frame = frame(lang);
    let continue_url = continue_link(frame.device.link_orig.as_ref(), None);
    ConnectedPage {
        frame,
        session_id: EVIL.to_owned(),
        plan_name: EVIL.to_owned(),
        how,
        until_text: Some(EVIL.to_owned()),
        data_remaining_bytes: Some(1),
        continue_url,
    }
}

fn login_form(lang: Lang) -> HowConnected {
    let device = frame(lang).device;
    HowConnected::SubmitLoginForm { action: device.link_login_only.unwrap(), username: EVIL.to_owned(), password: EVIL.to_owned(), dst: device.link_orig }
}

const STATES: [PurchaseState; 9] = [
    PurchaseState::Sending,
    PurchaseState::WaitingForPin { seconds_left: 40 },
    PurchaseState::Checking,
    PurchaseState::PaidConnecting,
    PurchaseState::PaidWaitingForRouter,
    PurchaseState::Moving,
    PurchaseState::Failed { reason: FailureReason::TimedOut },
    PurchaseState::Failed { reason: FailureReason::WrongPin },
    PurchaseState::Expired,
];

fn every_page(lang: Lang) -> Vec<String> {
    let evil = || EVIL.to_owned();
    let mut pages = vec![
        plans(lang).render(),
        PlansPage { plans: Vec::new(), ..plans(lang) }.render(),
        connected(lang, HowConnected::AlreadyLoggedIn).render(),
        connected(lang, login_form(lang)).render(),
        connected(lang, HowConnected::ReadyElsewhere).render(),
        ResumePage {
            frame: frame(lang),
            phone: evil(),
            receipt: evil(),
            phone_error: Some(FieldError::PhoneMissing),
            receipt_error: Some(FieldError::ReceiptNotFound),
            notice: Some(Notice::CouldNotStart),
        }
        .render(),
    ];
    for stopped_phone in [None, Some(evil())] {
        let page = NotMePage { frame: frame(lang), phone: evil(), phone_error: None, stopped_phone, notice: None };
        pages.push(page.render());
    }
    for kind in [
        ErrorKind::UnknownIsp,
        ErrorKind::UnknownRouter,
        ErrorKind::PlanNotFound,
        ErrorKind::PurchaseNotFound,
        ErrorKind::IspClosed,
        ErrorKind::TooManyTries { wait_seconds: 600 },
        ErrorKind::FormRefused { http_status: 403 },
        ErrorKind::ServerTrouble { request_id: evil() },
    ] {
        pages.push(ErrorPage { frame: frame(lang), kind }.render());
    }
    pages.extend(STATES.map(|state| status(lang, state).render()));
    pages.into_iter().map(Result::unwrap).collect()
}

#[test]
fn nothing_is_printed_unescaped_and_no_page_has_script() {
    for lang in [Lang::English, Lang::Swahili] {
        for page in every_page(lang) {
            assert!(!page.contains("<script"), "{page}");
            assert!(!page.contains("'>") && !page.contains("\"'"), "{page}");
            assert_eq!(page.matches("</style>").count(), 1);
            assert_eq!(page.matches(" style=").count() + page.matches(" onclick").count(), 0);
            assert!(page.starts_with("<!doctype html>") && page.trim_end().ends_with("</html>"));
            assert!(page.contains(&format!("<html lang=\"{}\">", lang.code())));
            assert!(page.contains("<style nonce=\"n0nce\">"));
        }
    }
}

#[test]
fn forms_carry_the_device_the_language_and_the_request() {
    let page = plans(Lang::Swahili).render().unwrap();
    for field in [
        "<input type=\"hidden\" name=\"mac\" value=\"AA:BB:CC:DD:EE:FF\">",
        "<input type=\"hidden\" name=\"ip\" value=\"10.5.50.20\">",
        "name=\"link-login-only\"",
        "name=\"link-orig\"",
        "<input type=\"hidden\" name=\"lang\" value=\"sw\">",
        "name=\"request_id\"",
    ] {
        assert!(page.contains(field), "{field}");
    }
    assert_eq!(page.matches(" checked").count(), 1);
}

#[test]
fn a_plan_that_stands_alone_is_chosen() {
    let mut page = PlansPage { selected_plan_id: None, ..plans(Lang::English) };
    assert!(!page.render().unwrap().contains(" checked"));
    page.plans.truncate(1);
    assert!(page.render().unwrap().contains(" checked"));
}

#[test]
fn a_page_reloads_for_as_long_as_something_can_change() {
    for (state, reloads) in STATES.into_iter().zip([true, true, true, true, true, true, true, false, false]) {
        let page = status(Lang::English, state).render().unwrap();
        assert_eq!(page.contains("http-equiv=\"refresh\""), reloads, "{state:?}");
    }
    let seconds = [0, 29, 30, 119, 120, 599, 600, 86_400].map(refresh_after_seconds);
    assert_eq!(seconds, [3, 3, 6, 6, 15, 15, 30, 30]);
}

#[test]
fn only_a_device_that_is_online_is_sent_on_by_itself() {
    let sends_on = |how| connected(Lang::English, how).render().unwrap().contains("http-equiv=\"refresh\"");
    assert!(sends_on(HowConnected::AlreadyLoggedIn));
    assert!(!sends_on(login_form(Lang::English)));
    assert!(!sends_on(HowConnected::ReadyElsewhere));
}

#[test]
fn no_page_offers_to_pay_again_while_the_answer_is_open() {
    let pay_again = [false, false, false, false, false, false, true, true, true];
    for (state, wanted) in STATES.into_iter().zip(pay_again) {
        assert_eq!(status(Lang::English, state).may_pay_again(), wanted, "{state:?}");
    }
}

/// About what 4 kB hold once a proxy has packed them; nothing else is loaded before the page can be seen.
const BUDGET: usize = 12_000;

#[test]
fn six_plans_are_seen_after_little_is_loaded() {
    let card = |number: u64| PlanCard {
        id: format!("hpl_{number:032}"),
        name: format!("{number} hours"),
        price: format!("KES {number}0"),
        duration_seconds: Some(number * 3600),
        data_cap_bytes: Some(number * 1_000_000_000),
        download_kbps: Some(5000),
        upload_kbps: Some(2000),
        shared_devices: 2,
    };
    for lang in [Lang::English, Lang::Swahili] {
        let page = PlansPage {
            frame: Frame {
                router_id: Some("rtr_0190b5c0a1b27c3d8e4f5a6b7c8d9e0f".to_owned()),
                branding: Branding { display_name: "Yellow WiFi".to_owned(), ..Branding::unknown() },
                nonce: "0123456789abcdef0123456789abcdef".to_owned(),
                device: Device::read(&Fields::parse(
                    "mac=AA:BB:CC:DD:EE:FF&ip=10.5.50.20&link-login-only=http://10.5.50.1/login&link-orig=http://news.example/",
                )),
                ..frame(lang)
            },
            plans: (1..=6).map(card).collect(),
            request_id: "67e55044-10b1-426f-9247-bb680e5fe0c8".to_owned(),
            selected_plan_id: None,
            phone: String::new(),
            plan_error: None,
            phone_error: None,
            notice: None,
        };
        let size = page.render().unwrap().len();
        assert!(size <= BUDGET, "{size} bytes");
    }
}
