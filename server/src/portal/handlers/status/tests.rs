//! What a purchase looks like to the person, for every state and time.

use super::*;
use crate::hotspot::session::SessionRow;
use crate::id::{HotspotPlanId, PaymentId, RouterId};
use crate::money::Money;
use crate::portal::{Fields, Lang};

fn at(seconds: i64) -> Time {
    Time::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
}

/// Asked for at 0, the person is told of the time-out at 180.
fn session(status: Status) -> Session {
    let row = SessionRow {
        id: SessionId::unguessable(),
        router_id: RouterId::unguessable(),
        plan_id: HotspotPlanId::unguessable(),
        payment_id: PaymentId::unguessable(),
        plan_name: "1 hour".to_owned(),
        price_minor: Money::from_minor(1_000),
        duration_seconds: Some(3_600),
        data_cap_bytes: 0,
        download_kbps: 0,
        upload_kbps: 0,
        shared_devices: 1,
        phone: "254712345678".to_owned(),
        mac: None,
        client_ip: None,
        login_url: None,
        status: status.as_str().to_owned(),
        username: "n-abc".to_owned(),
        password: "secret".to_owned(),
        logged_in: false,
        paid_at: Some(at(20)),
        activated_at: Some(at(21)),
        expires_at: Some(at(3_621)),
        router_error: None,
        router_pending: false,
        created_at: at(0),
        extends_session: None,
        taken_back_at: None,
    };
    Session { row, status, failure: None, mpesa_receipt: None, prompt_expires_at: at(180) }
}

fn state(session: &Session, now: i64) -> Option<PurchaseState> {
    match standing(session, at(now)) {
        Standing::Waits { state, .. } => Some(state),
        Standing::Ready => None,
    }
}

fn frame(query: &str) -> Frame {
    Frame {
        lang: Lang::English,
        nonce: "n0nce".to_owned(),
        branding: crate::portal::Branding::unknown(),
        router_id: None,
        device: Device::read(&Fields::parse(query)),
    }
}

#[test]
fn a_prompt_counts_down_and_then_we_ask() {
    let mut waiting = session(Status::AwaitingPayment);
    for (now, wanted) in [
        (0, PurchaseState::WaitingForPin { seconds_left: 60 }),
        (45, PurchaseState::WaitingForPin { seconds_left: 15 }),
        (75, PurchaseState::WaitingForPin { seconds_left: 0 }),
        (90, PurchaseState::Checking),
        (500, PurchaseState::Checking),
    ] {
        assert_eq!(state(&waiting, now), Some(wanted), "{now}");
    }
    waiting.prompt_expires_at = at(30);
    assert_eq!(state(&waiting, 30), Some(PurchaseState::Checking));
}

#[test]
fn a_paid_purchase_waits_for_its_router() {
    let mut paid = session(Status::Paid);
    let connecting = Standing::Waits { state: PurchaseState::PaidConnecting, since: at(20) };
    assert_eq!(standing(&paid, at(22)), connecting);
    paid.row.router_error = Some("no answer".to_owned());
    assert_eq!(state(&paid, 22), Some(PurchaseState::PaidWaitingForRouter));
}

#[test]
fn an_active_purchase_is_ready_unless_it_moves_or_is_over() {
    let mut active = session(Status::Active);
    assert_eq!(state(&active, 100), None);
    active.row.router_pending = true;
    assert_eq!(state(&active, 100), Some(PurchaseState::Moving));
    assert_eq!(state(&active, 3_621), Some(PurchaseState::Expired));
    active.row.router_error = Some("no answer".to_owned());
    assert_eq!(state(&active, 100), None);
    active.row.expires_at = None;
    assert_eq!(state(&active, 1_000_000), None);
    assert_eq!(state(&session(Status::Expired), 1), Some(PurchaseState::Expired));
}

#[test]
fn every_failure_has_its_page() {
    let shown: std::collections::HashSet<_> = payments::FailureReason::ALL
        .into_iter()
        .map(|failure| {
            let failed = Session { failure: Some(failure), ..session(Status::Failed) };
            format!("{:?}", state(&failed, 60))
        })
        .collect();
    assert_eq!(shown.len(), payments::FailureReason::ALL.len());
    let silent = Some(PurchaseState::Failed { reason: FailureReason::GatewayError });
    assert_eq!(state(&session(Status::Failed), 60), silent);
}

#[test]
fn a_device_gets_online_in_the_way_that_is_left() {
    let query = "link-login-only=http%3A%2F%2F10.5.50.1%2Flogin&link-orig=http%3A%2F%2Fnews.example%2F";
    let mut active = session(Status::Active);
    assert!(matches!(connected(frame(""), active.clone(), at(100)).how, HowConnected::ReadyElsewhere));

    let page = connected(frame(query), active.clone(), at(100));
    assert!(matches!(&page.how, HowConnected::SubmitLoginForm { action, password, dst: Some(dst), .. }
            if action.as_str() == "http://10.5.50.1/login" && password == "secret" && dst.as_str() == "http://news.example/"));

    active.row.login_url = Some("http://10.9.9.1/login".to_owned());
    let page = connected(frame(query), active.clone(), at(100));
    assert!(matches!(&page.how, HowConnected::SubmitLoginForm { action, .. } if action.as_str() == "http://10.9.9.1/login"));

    active.row.logged_in = true;
    let page = connected(frame(query), active, at(100));
    assert!(matches!(page.how, HowConnected::AlreadyLoggedIn));
    assert_eq!(page.continue_url.unwrap().as_str(), "http://news.example/");
}

#[test]
fn a_stored_login_address_that_is_no_address_is_passed_over() {
    let mut active = session(Status::Active);
    active.row.login_url = Some("javascript:alert(1)".to_owned());
    assert!(matches!(connected(frame(""), active, at(100)).how, HowConnected::ReadyElsewhere));
}

#[test]
fn a_challenge_is_answered_instead_of_showing_the_password() {
    let query = r"link-login-only=http://10.5.50.1/login&chap-id=%5C371&chap-challenge=%5C357%5C015%5C330%5C013%5C021%5C234%5C145%5C245%5C303%5C253%5C142%5C246%5C133%5C175%5C375%5C316";
    let page = connected(frame(query), session(Status::Active), at(100));
    assert!(matches!(&page.how, HowConnected::SubmitLoginForm { password, .. } if password == "e5627b636f982d6233d0cf5931d404c2"));
}
