//! What staff send about customers, read into types. Pure.

use netily_sdk::customer as pb;
use netily_sdk::types::{CustomerStatus, ServiceRequestCategory, ServiceRequestStatus};

use crate::customer::{Addition, Change, Status};
use crate::error::{Error, Result};
use crate::isp::Registration;
use crate::rpc::fields::{self, Faults};
use crate::service_request::{Category, Status as RequestStatus};

/// The most characters of a reason.
pub const REASON_MAX: usize = 200;
/// The most characters of a reply.
pub const REPLY_MAX: usize = 2_000;

/// A customer to be written down. Everything that is wrong with the form is told at once.
pub fn addition(mut ask: pb::CreateCustomerRequest, key: &[u8]) -> Result<Addition> {
    let (request_id, request_hash) = fields::once(&mut ask, |ask| &mut ask.request_id, key)?;
    let mut faults = Faults::default();
    let first_name = faults.note(fields::person_name("first_name", &ask.first_name));
    let last_name = faults.note(fields::person_name("last_name", &ask.last_name));
    let phone = faults.note(fields::phone("phone_number", &ask.phone_number));
    let email = faults.note(fields::optional("email", ask.email.trim(), fields::email));
    let id_number = faults.note(fields::optional("id_number", ask.id_number.trim(), fields::id_number));
    let lang = faults.note(fields::optional("language", &ask.language, fields::lang));
    match (first_name, last_name, phone, email, id_number, lang) {
        (Some(first_name), Some(last_name), Some(phone), Some(email), Some(id_number), Some(lang)) => {
            Ok(Addition { first_name, last_name, phone, email, id_number, lang: lang.unwrap_or_default(), request_id, request_hash })
        }
        _ => Err(faults.error()),
    }
}

/// A change of a customer.
pub fn change(ask: pb::UpdateCustomerRequest) -> Result<Change> {
    let mut faults = Faults::default();
    let first_name = faults.note(ask.first_name.map(|name| fields::person_name("first_name", &name)).transpose());
    let last_name = faults.note(ask.last_name.map(|name| fields::person_name("last_name", &name)).transpose());
    let phone = faults.note(ask.phone_number.map(|phone| fields::phone("phone_number", &phone)).transpose());
    let email = faults.note(ask.email.map(|email| fields::optional("email", email.trim(), fields::email)).transpose());
    let id_number = faults.note(ask.id_number.map(|number| fields::optional("id_number", number.trim(), fields::id_number)).transpose());
    let lang = faults.note(ask.language.map(|lang| fields::lang("language", &lang)).transpose());
    match (first_name, last_name, phone, email, id_number, lang) {
        (Some(first_name), Some(last_name), Some(phone), Some(email), Some(id_number), Some(lang)) => {
            Ok(Change { first_name, last_name, phone, email, id_number, lang })
        }
        _ => Err(faults.error()),
    }
}

/// The rules of self-registration. Which status a customer may begin with is decided by the slice.
pub fn settings(settings: Option<pb::RegistrationSettings>) -> Result<Registration> {
    let settings = settings.ok_or_else(|| Error::field("settings", "must be set"))?;
    let begins = fields::choice("settings.default_customer_status", settings.default_customer_status)?.and_then(status);
    let begins = begins.ok_or_else(|| Error::field("settings.default_customer_status", "must be PENDING, ACTIVE or SUSPENDED"))?;
    Ok(Registration {
        allow_self_registration: settings.allow_self_registration,
        require_phone_verification: settings.require_phone_verification,
        require_email_verification: settings.require_email_verification,
        require_id_number: settings.require_id_number,
        auto_approve_customers: settings.auto_approve_customers,
        default_customer_status: begins.as_str().to_owned(),
        welcome_sms_template: settings.welcome_sms_template.trim().to_owned(),
    })
}

/// The status of customers to list; unspecified is all.
pub const fn status(status: CustomerStatus) -> Option<Status> {
    match status {
        CustomerStatus::Unspecified => None,
        CustomerStatus::Pending => Some(Status::Pending),
        CustomerStatus::Active => Some(Status::Active),
        CustomerStatus::Suspended => Some(Status::Suspended),
        CustomerStatus::Rejected => Some(Status::Rejected),
        CustomerStatus::Closed => Some(Status::Closed),
    }
}

/// Where a service request stands, or shall; unspecified is anywhere.
pub const fn request_status(status: ServiceRequestStatus) -> Option<RequestStatus> {
    match status {
        ServiceRequestStatus::Unspecified => None,
        ServiceRequestStatus::Pending => Some(RequestStatus::Pending),
        ServiceRequestStatus::Approved => Some(RequestStatus::Approved),
        ServiceRequestStatus::InProgress => Some(RequestStatus::InProgress),
        ServiceRequestStatus::Completed => Some(RequestStatus::Completed),
        ServiceRequestStatus::Rejected => Some(RequestStatus::Rejected),
        ServiceRequestStatus::Cancelled => Some(RequestStatus::Cancelled),
    }
}

/// What a service request asks for; unspecified is anything.
pub const fn category(category: ServiceRequestCategory) -> Option<Category> {
    match category {
        ServiceRequestCategory::Unspecified => None,
        ServiceRequestCategory::Connection => Some(Category::Connection),
        ServiceRequestCategory::Upgrade => Some(Category::Upgrade),
        ServiceRequestCategory::Downgrade => Some(Category::Downgrade),
        ServiceRequestCategory::Transfer => Some(Category::Transfer),
        ServiceRequestCategory::Suspension => Some(Category::Suspension),
        ServiceRequestCategory::Termination => Some(Category::Termination),
        ServiceRequestCategory::Billing => Some(Category::Billing),
        ServiceRequestCategory::Technical => Some(Category::Technical),
        ServiceRequestCategory::Other => Some(Category::Other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_told_everything_that_is_wrong_with_it() {
        let empty = pb::CreateCustomerRequest {
            request_id: "6fa459ea-ee8a-4ca4-894e-db77e160355e".into(),
            email: "asha".into(),
            id_number: "1".into(),
            language: "fr".into(),
            ..Default::default()
        };
        let error = addition(empty, b"key").expect_err("refused");
        let named: Vec<&str> = error.fields.iter().map(|(field, _)| field.as_str()).collect();
        assert_eq!(named, ["first_name", "last_name", "phone_number", "email", "id_number", "language"]);
    }

    #[test]
    fn what_is_absent_stays_and_what_is_empty_goes() {
        let read = change(pb::UpdateCustomerRequest { id: "cus_1".into(), email: Some(String::new()), ..Default::default() }).expect("reads");
        assert_eq!((read.email, read.first_name, read.id_number), (Some(None), None, None));
        for (path, wrong) in [
            ("first_name", pb::UpdateCustomerRequest { first_name: Some(" ".into()), ..Default::default() }),
            ("phone_number", pb::UpdateCustomerRequest { phone_number: Some(String::new()), ..Default::default() }),
            ("email", pb::UpdateCustomerRequest { email: Some("x".into()), ..Default::default() }),
            ("language", pb::UpdateCustomerRequest { language: Some(String::new()), ..Default::default() }),
        ] {
            assert_eq!(change(wrong).expect_err("refused").fields[0].0, path);
        }
    }

    #[test]
    fn a_customer_begins_somewhere() {
        assert_eq!(settings(None).expect_err("refused").fields[0].0, "settings");
        let nowhere = settings(Some(pb::RegistrationSettings::default())).expect_err("refused");
        assert_eq!(nowhere.fields[0].0, "settings.default_customer_status");
    }
}
