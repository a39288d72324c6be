//! Buying: reads the form of the plans page, starts the purchase and leads to its page. What the person got wrong comes
//! back on the plans page with everything typed still there.

use axum::http::StatusCode;
use axum::response::Response;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::form::Sent;
use super::plans::fresh_page;
use super::refused::{Refused, wait_seconds};
use super::visit::Visit;
use crate::error::{Error, Reason};
use crate::gateways::routeros::MacAddress;
use crate::hotspot::{self, Ask};
use crate::id::{HotspotPlanId, RequestId, RouterId};
use crate::phone::Phone;
use crate::portal::{FieldError, Fields, FormTarget, Notice, PlansPage};

/// POST: 303 to the purchase. The same form sent again leads to the same purchase.
pub async fn buy(Sent(visit): Sent) -> Response {
    visit.answer(bought(&visit).await).await
}

async fn bought(visit: &Visit) -> Result<Response, Refused> {
    let router = visit.router()?;
    let order = match read(&visit.fields) {
        Ok(order) => order,
        Err(complaint) => return complain(visit, complaint).await,
    };
    let mac = visit.mac();
    let ask = Ask {
        router,
        plan: order.plan,
        request_hash: content_hash(router, &order, mac),
        phone: order.phone,
        mac,
        client_ip: visit.client_ip(),
        login_url: visit.login_url(),
        request_id: order.request_id,
        address: visit.address,
    };
    match hotspot::purchase(&visit.app, &visit.tenant, ask).await {
        Ok(session) => visit.to_purchase(router, session.row.id),
        Err(error) => complain(visit, Complaint::about(error)?).await,
    }
}

/// The plans page again, with what was typed and what is wrong with it.
async fn complain(visit: &Visit, complaint: Complaint) -> Result<Response, Refused> {
    let fresh = fresh_page(visit).await?;
    // Nothing was started under this id, so it may be used again, unless it is the id itself that was refused.
    let request_id = visit.fields.get("request_id").filter(|_| complaint.keeps_request_id).map(str::to_owned);
    let page = PlansPage {
        request_id: request_id.unwrap_or(fresh.request_id),
        selected_plan_id: visit.fields.get("plan_id").map(str::to_owned),
        phone: visit.typed("phone"),
        plan_error: complaint.plan,
        phone_error: complaint.phone,
        notice: complaint.notice,
        ..fresh
    };
    let status = match complaint.notice {
        Some(Notice::TooManyTries { .. }) => StatusCode::TOO_MANY_REQUESTS,
        Some(_) => StatusCode::CONFLICT,
        None => StatusCode::UNPROCESSABLE_ENTITY,
    };
    visit.page(status, &page, FormTarget::OwnServer)
}

/// A form that makes sense.
#[derive(Debug)]
struct Order {
    plan: HotspotPlanId,
    phone: Phone,
    request_id: RequestId,
}

/// What is wrong with a form.
#[derive(Debug, Default, PartialEq, Eq)]
struct Complaint {
    plan: Option<FieldError>,
    phone: Option<FieldError>,
    notice: Option<Notice>,
    keeps_request_id: bool,
}

impl Complaint {
    /// What the person can do something about; everything else is refused or broken.
    fn about(error: Error) -> Result<Complaint, Refused> {
        let kept = Complaint { keeps_request_id: true, ..Complaint::default() };
        match error.reason {
            // A router that is not there is found out when the page is made again.
            Reason::PlanNotAvailable | Reason::NotFound => Ok(Complaint { plan: Some(FieldError::PlanNotAvailable), ..kept }),
            Reason::PhoneBlocked => Ok(Complaint { phone: Some(FieldError::PhoneBlocked), ..kept }),
            Reason::RateLimited if error.fields.iter().any(|(field, _)| field == "phone") => Ok(Complaint { phone: Some(FieldError::PhoneBusy), ..kept }),
            Reason::RateLimited => Ok(Complaint { notice: Some(Notice::TooManyTries { wait_seconds: wait_seconds(&error) }), ..kept }),
            Reason::RequestIdReused => Ok(Complaint { notice: Some(Notice::CouldNotStart), ..Complaint::default() }),
            _ => Err(error.into()),
        }
    }
}

/// Every fault at once. An id of the request that is none is replaced, and the person sends the form again.
fn read(fields: &Fields) -> Result<Order, Complaint> {
    let plan = match fields.get("plan_id") {
        None => Err(FieldError::PlanMissing),
        Some(text) => text.parse().map_err(|_| FieldError::PlanNotAvailable),
    };
    let phone = read_phone(fields);
    let request_id = fields.get("request_id").and_then(|text| Uuid::try_parse(text).ok());
    match (plan, phone, request_id) {
        (Ok(plan), Ok(phone), Some(request_id)) => Ok(Order { plan, phone, request_id: RequestId(request_id) }),
        (Ok(_), Ok(_), None) => Err(Complaint { notice: Some(Notice::CouldNotStart), ..Complaint::default() }),
        (plan, phone, request_id) => Err(Complaint { plan: plan.err(), phone: phone.err(), notice: None, keeps_request_id: request_id.is_some() }),
    }
}

/// The field `phone` of any of our forms.
pub fn read_phone(fields: &Fields) -> Result<Phone, FieldError> {
    fields.get("phone").ok_or(FieldError::PhoneMissing)?.parse().map_err(|_| FieldError::PhoneInvalid)
}

/// What makes two forms with one id the same form.
fn content_hash(router: RouterId, order: &Order, mac: Option<MacAddress>) -> Vec<u8> {
    let mac = mac.map_or_else(String::new, |mac| mac.to_string());
    Sha256::digest(format!("portal purchase\n{router}\n{}\n{}\n{mac}", order.plan, order.phone.digits())).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAN: &str = "hpl_0190b5c0a1b27c3d8e4f5a6b7c8d9e0f";
    const REQUEST: &str = "67e55044-10b1-426f-9247-bb680e5fe0c8";

    fn form(plan: &str, phone: &str, request_id: &str) -> Result<Order, Complaint> {
        read(&Fields::parse(&format!("plan_id={plan}&phone={phone}&request_id={request_id}")))
    }

    #[test]
    fn every_fault_of_a_form_is_told_at_once() {
        assert!(form(PLAN, "0712 345 678", REQUEST).is_ok());
        for (plan, phone, plan_error, phone_error) in [
            ("", "", Some(FieldError::PlanMissing), Some(FieldError::PhoneMissing)),
            ("hpl_1", "12", Some(FieldError::PlanNotAvailable), Some(FieldError::PhoneInvalid)),
            (PLAN, "0200123456", None, Some(FieldError::PhoneInvalid)),
        ] {
            let wanted = Complaint { plan: plan_error, phone: phone_error, notice: None, keeps_request_id: true };
            assert_eq!(form(plan, phone, REQUEST).unwrap_err(), wanted);
        }
        let fresh = form(PLAN, "0712345678", "1").unwrap_err();
        assert_eq!((fresh.notice, fresh.keeps_request_id), (Some(Notice::CouldNotStart), false));
    }

    #[test]
    fn a_form_is_the_same_however_its_phone_is_written() {
        let (router, mac) = (RouterId::unguessable(), MacAddress::parse("AA:BB:CC:DD:EE:FF"));
        let hash = |phone: &str| content_hash(router, &form(PLAN, phone, REQUEST).unwrap(), mac);
        assert_eq!(hash("0712345678"), hash("%2B254 712 345 678"));
        assert_ne!(hash("0712345678"), hash("0712345679"));
        assert_ne!(hash("0712345678"), content_hash(router, &form(PLAN, "0712345678", REQUEST).unwrap(), None));
    }

    #[test]
    fn errors_become_words_where_the_person_can_help() {
        let about = |error| Complaint::about(error).unwrap();
        let busy = Error { fields: vec![("phone".to_owned(), String::new())], ..Error::rate_limited("", std::time::Duration::from_secs(9)) };
        assert_eq!(about(busy).phone, Some(FieldError::PhoneBusy));
        let limited = Error::rate_limited("", std::time::Duration::from_secs(9));
        assert_eq!(about(limited).notice, Some(Notice::TooManyTries { wait_seconds: 9 }));
        assert!(!about(Error::new(Reason::RequestIdReused, "")).keeps_request_id);
        assert!(Complaint::about(Error::internal("x")).is_err() && Complaint::about(Error::new(Reason::IspSuspended, "")).is_err());
    }
}
