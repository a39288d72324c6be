//! The page of a purchase: how the payment stands, and once the router lets the device in, how it gets online.

use axum::http::StatusCode;
use axum::response::Response;
use chrono::TimeDelta;

use super::refused::Refused;
use super::visit::Visit;
use crate::clock::Time;
use crate::db::Tx;
use crate::error::{Error, Reason, Result as Found};
use crate::hotspot::{self, Session, Status};
use crate::id::{IspId, SessionId};
use crate::isp::{self, Branding};
use crate::payments;
use crate::portal::ends::until_text;
use crate::portal::wording::price;
use crate::portal::{
    ConnectedPage, Device, ErrorKind, FailureReason, FormTarget, Frame, HowConnected, PurchaseState, StatusPage, chap, continue_link, phone_text, safe_link,
};

/// M-Pesa shows its prompt for about a minute.
const PROMPT_LIVES: TimeDelta = TimeDelta::seconds(60);

/// A prompt may take this long to reach the phone; so long after it was sent it is surely over.
const PROMPT_SURELY_OVER: TimeDelta = TimeDelta::seconds(90);

/// GET: the page as things stand now.
pub async fn show(visit: Visit) -> Response {
    visit.answer(purchase(&visit).await).await
}

async fn purchase(visit: &Visit) -> Result<Response, Refused> {
    let (router, id, isp) = (visit.router()?, visit.session()?, visit.tenant.id);
    let found = visit.app.db.tx(isp, async |tx| find(tx, isp, id).await).await;
    let (session, look) = found.map_err(no_purchase)?;
    if session.row.router_id != router {
        return Err(ErrorKind::PurchaseNotFound.into());
    }
    let (now, frame) = (visit.app.clock.now(), visit.frame(look));
    match standing(&session, now) {
        Standing::Waits { state, since } => visit.page(StatusCode::OK, &waiting(frame, session, state, now - since), FormTarget::OwnServer),
        Standing::Ready => {
            let page = connected(frame, session, now);
            let forms = if matches!(page.how, HowConnected::SubmitLoginForm { .. }) { FormTarget::RouterLogin } else { FormTarget::OwnServer };
            visit.page(StatusCode::OK, &page, forms)
        }
    }
}

async fn find(tx: &mut Tx, isp: IspId, id: SessionId) -> Found<(Session, Branding)> {
    Ok((hotspot::find_session(tx, isp, id).await?, isp::look(tx, isp).await?))
}

fn no_purchase(error: Error) -> Refused {
    if error.reason == Reason::NotFound { ErrorKind::PurchaseNotFound.into() } else { error.into() }
}

/// Where a purchase stands for the person.
#[derive(Debug, PartialEq, Eq)]
enum Standing {
    /// Not online, or no longer; `since` is when this part began.
    Waits { state: PurchaseState, since: Time },
    /// The router lets the device in.
    Ready,
}

fn standing(session: &Session, now: Time) -> Standing {
    let row = &session.row;
    let waits = |state, since| Standing::Waits { state, since };
    match session.status {
        Status::AwaitingPayment => waits(prompt(session, now), row.created_at),
        Status::Failed => waits(PurchaseState::Failed { reason: reason(session.failure) }, row.created_at),
        Status::Paid => {
            let state = if row.router_error.is_some() { PurchaseState::PaidWaitingForRouter } else { PurchaseState::PaidConnecting };
            waits(state, row.paid_at.unwrap_or(row.created_at))
        }
        Status::Active if row.expires_at.is_some_and(|end| end <= now) => waits(PurchaseState::Expired, row.created_at),
        // The router refused or is away: what it held before may still let this device in.
        Status::Active if row.router_pending && row.router_error.is_none() => waits(PurchaseState::Moving, now),
        Status::Active => Standing::Ready,
        Status::Expired => waits(PurchaseState::Expired, row.created_at),
    }
}

fn prompt(session: &Session, now: Time) -> PurchaseState {
    let age = now - session.row.created_at;
    if age >= PROMPT_SURELY_OVER || now >= session.prompt_expires_at {
        return PurchaseState::Checking;
    }
    PurchaseState::WaitingForPin { seconds_left: seconds(PROMPT_LIVES - age) }
}

/// Whole seconds; none when the time is over.
fn seconds(left: TimeDelta) -> u64 {
    u64::try_from(left.num_seconds()).unwrap_or(0)
}

fn reason(failure: Option<payments::FailureReason>) -> FailureReason {
    use payments::FailureReason as Stored;
    match failure {
        Some(Stored::CancelledByUser) => FailureReason::CancelledByUser,
        Some(Stored::InsufficientFunds) => FailureReason::InsufficientFunds,
        Some(Stored::WrongPin) => FailureReason::WrongPin,
        Some(Stored::TimedOut) => FailureReason::TimedOut,
        Some(Stored::PhoneUnreachable) => FailureReason::PhoneUnreachable,
        Some(Stored::LimitExceeded) => FailureReason::LimitExceeded,
        Some(Stored::GatewayError) | None => FailureReason::GatewayError,
    }
}

fn waiting(frame: Frame, session: Session, state: PurchaseState, elapsed: TimeDelta) -> StatusPage {
    let row = session.row;
    StatusPage {
        frame,
        session_id: row.id.to_string(),
        plan_id: row.plan_id.to_string(),
        plan_name: row.plan_name,
        price: price(row.price_minor),
        phone_masked: phone_text::masked(&row.phone),
        receipt: session.mpesa_receipt,
        state,
        elapsed_seconds: seconds(elapsed),
    }
}

/// How much of a data cap is left is known to the router only, so it is not said.
fn connected(frame: Frame, session: Session, now: Time) -> ConnectedPage {
    let row = session.row;
    let device = &frame.device;
    let stored = row.login_url.as_deref().and_then(safe_link);
    let login = stored.or_else(|| device.link_login_only.clone());
    let continue_url = continue_link(device.link_orig.as_ref(), login.as_ref());
    let how = match login {
        _ if row.logged_in => HowConnected::AlreadyLoggedIn,
        Some(action) => {
            HowConnected::SubmitLoginForm { action, username: row.username, password: login_password(device, row.password), dst: device.link_orig.clone() }
        }
        None => HowConnected::ReadyElsewhere,
    };
    ConnectedPage {
        how,
        until_text: row.expires_at.map(|ends| until_text(frame.lang, ends, now)),
        frame,
        session_id: row.id.to_string(),
        plan_name: row.plan_name,
        data_remaining_bytes: None,
        continue_url,
    }
}

/// A router that sent a challenge wants it answered; any other takes the password itself.
fn login_password(device: &Device, password: String) -> String {
    match (&device.chap_id, &device.chap_challenge) {
        (Some(id), Some(challenge)) => chap::answer(id, &password, challenge),
        _ => password,
    }
}

#[cfg(test)]
mod tests;
