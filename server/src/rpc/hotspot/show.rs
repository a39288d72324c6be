//! From what the slice answers to messages of the hotspot. Pure. Decides what of a purchase may be seen in which state.

use netily_sdk::hotspot as pb;
use netily_sdk::types as shared;

use crate::hotspot::session::SessionRow;
use crate::hotspot::{Plan, Session, Status};
use crate::isp::Branding;
use crate::payments::FailureReason;
use crate::phone::Phone;
use crate::portal::{self, Lang};
use crate::rpc::answer::{money, timestamp};

/// A plan on sale.
pub fn plan(plan: Plan) -> pb::Plan {
    pb::Plan {
        id: plan.id.to_string(),
        name: plan.name,
        price: Some(money(plan.price_minor)),
        duration: plan.duration_seconds.map(span),
        data_cap_bytes: plan.data_cap_bytes,
        download_kbps: plan.download_kbps,
        upload_kbps: plan.upload_kbps,
        shared_devices: plan.shared_devices,
        weekdays: plan.weekdays.into_iter().map(i32::from).collect(),
        router_ids: plan.router_ids.iter().map(ToString::to_string).collect(),
        archived_at: plan.archived_at.map(timestamp),
    }
}

/// The look of the captive page.
pub fn branding(branding: Branding) -> pb::Branding {
    pb::Branding {
        display_name: branding.display_name,
        logo_url: branding.logo_url,
        primary_color: branding.primary_color,
        welcome_title: branding.welcome_title,
        welcome_message: branding.welcome_message,
        support_phone: branding.support_phone,
    }
}

/// A purchase as its guest sees it. The way in is shown while it is open, and the reason of a failure while it has failed.
pub fn purchase(session: &Session, lang: Lang) -> pb::Purchase {
    let row = &session.row;
    let active = session.status == Status::Active;
    let failure = session.failure.filter(|_| session.status == Status::Failed);
    let (failure_reason, said) = failure.map_or((shared::FailureReason::Unspecified, None), |reason| {
        let (wire, said) = failed(reason);
        (wire, Some(said))
    });
    pb::Purchase {
        session_id: row.id.to_string(),
        status: status(session.status).into(),
        plan: Some(plan_then(row)),
        amount: Some(money(row.price_minor)),
        failure_reason: failure_reason.into(),
        failure_message: said.map(|said| said.message(lang).to_owned()).unwrap_or_default(),
        username: if active { row.username.clone() } else { String::new() },
        password: if active { row.password.clone() } else { String::new() },
        login_url: row.login_url.clone().filter(|_| active).unwrap_or_default(),
        expires_at: row.expires_at.map(timestamp),
        data_remaining_bytes: (row.data_cap_bytes > 0).then_some(row.data_cap_bytes),
        logged_in: active && row.logged_in,
        prompt_expires_at: (session.status == Status::AwaitingPayment).then(|| timestamp(session.prompt_expires_at)),
        mpesa_receipt: session.mpesa_receipt.clone().unwrap_or_default(),
        router_id: row.router_id.to_string(),
    }
}

/// A purchase as staff see it: the payer masked, and nothing to log in with.
pub fn session(session: Session) -> pb::Session {
    let row = session.row;
    pb::Session {
        session_id: row.id.to_string(),
        status: status(session.status).into(),
        router_id: row.router_id.to_string(),
        plan_name: row.plan_name,
        amount: Some(money(row.price_minor)),
        phone_number: row.phone.parse::<Phone>().map(|phone| phone.to_string()).unwrap_or_default(),
        mac_address: row.mac.unwrap_or_default(),
        mpesa_receipt: session.mpesa_receipt.unwrap_or_default(),
        created_at: Some(timestamp(row.created_at)),
        activated_at: row.activated_at.map(timestamp),
        expires_at: row.expires_at.map(timestamp),
        router_error: row.router_error.unwrap_or_default(),
    }
}

/// The plan as it was when bought.
fn plan_then(row: &SessionRow) -> pb::Plan {
    pb::Plan {
        id: row.plan_id.to_string(),
        name: row.plan_name.clone(),
        price: Some(money(row.price_minor)),
        duration: row.duration_seconds.map(span),
        data_cap_bytes: row.data_cap_bytes,
        download_kbps: row.download_kbps,
        upload_kbps: row.upload_kbps,
        shared_devices: row.shared_devices,
        ..pb::Plan::default()
    }
}

const fn span(seconds: i64) -> prost_types::Duration {
    prost_types::Duration { seconds, nanos: 0 }
}

const fn status(status: Status) -> pb::PurchaseStatus {
    match status {
        Status::AwaitingPayment => pb::PurchaseStatus::AwaitingPayment,
        Status::Paid => pb::PurchaseStatus::Paid,
        Status::Active => pb::PurchaseStatus::Active,
        Status::Failed => pb::PurchaseStatus::Failed,
        Status::Expired => pb::PurchaseStatus::Expired,
    }
}

/// A reason on the wire, and the one whose sentence is read to people.
pub const fn failed(reason: FailureReason) -> (shared::FailureReason, portal::FailureReason) {
    match reason {
        FailureReason::CancelledByUser => (shared::FailureReason::CancelledByUser, portal::FailureReason::CancelledByUser),
        FailureReason::InsufficientFunds => (shared::FailureReason::InsufficientFunds, portal::FailureReason::InsufficientFunds),
        FailureReason::WrongPin => (shared::FailureReason::WrongPin, portal::FailureReason::WrongPin),
        FailureReason::TimedOut => (shared::FailureReason::TimedOut, portal::FailureReason::TimedOut),
        FailureReason::PhoneUnreachable => (shared::FailureReason::PhoneUnreachable, portal::FailureReason::PhoneUnreachable),
        FailureReason::LimitExceeded => (shared::FailureReason::LimitExceeded, portal::FailureReason::LimitExceeded),
        FailureReason::GatewayError => (shared::FailureReason::GatewayError, portal::FailureReason::GatewayError),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Time;
    use crate::id::{HotspotPlanId, PaymentId, RouterId, SessionId};
    use crate::money::Money;

    fn in_state(status: Status) -> Session {
        let row = SessionRow {
            id: SessionId::unguessable(),
            router_id: RouterId::unguessable(),
            plan_id: HotspotPlanId::unguessable(),
            payment_id: PaymentId::unguessable(),
            plan_name: "Hour".into(),
            price_minor: Money::from_minor(1_000),
            duration_seconds: Some(3_600),
            data_cap_bytes: 5_000,
            download_kbps: 0,
            upload_kbps: 0,
            shared_devices: 1,
            phone: "254712345678".into(),
            mac: None,
            client_ip: None,
            login_url: Some("http://10.5.50.1/login".into()),
            status: status.as_str().into(),
            username: "n-abc".into(),
            password: "secret".into(),
            logged_in: true,
            paid_at: None,
            activated_at: None,
            expires_at: None,
            router_pending: false,
            router_error: None,
            created_at: Time::default(),
            extends_session: None,
            taken_back_at: None,
        };
        Session { row, status, failure: Some(FailureReason::WrongPin), mpesa_receipt: None, prompt_expires_at: Time::default() }
    }

    #[test]
    fn the_way_in_is_shown_while_it_is_open_only() {
        for status in Status::ALL {
            let shown = purchase(&in_state(status), Lang::English);
            let open = status == Status::Active;
            assert_eq!(!shown.username.is_empty(), open, "{status:?}");
            assert_eq!(!shown.password.is_empty(), open, "{status:?}");
            assert_eq!(!shown.login_url.is_empty(), open, "{status:?}");
            assert_eq!(shown.logged_in, open, "{status:?}");
            assert_eq!(shown.prompt_expires_at.is_some(), status == Status::AwaitingPayment, "{status:?}");
        }
    }

    #[test]
    fn a_failure_is_told_while_it_is_one_and_in_the_language_of_the_reader() {
        for status in Status::ALL {
            let shown = purchase(&in_state(status), Lang::English);
            let failed = status == Status::Failed;
            assert_eq!(shown.failure_reason() == shared::FailureReason::WrongPin, failed, "{status:?}");
            assert_eq!(!shown.failure_message.is_empty(), failed, "{status:?}");
        }
        let (english, swahili) = (purchase(&in_state(Status::Failed), Lang::English), purchase(&in_state(Status::Failed), Lang::Swahili));
        assert_ne!(english.failure_message, swahili.failure_message);
    }

    #[test]
    fn staff_see_the_payer_masked() {
        let shown = session(in_state(Status::Active));
        assert!(shown.phone_number.starts_with("2547") && shown.phone_number.contains('•') && !shown.phone_number.contains("12345"), "{}", shown.phone_number);
    }
}
