//! Customers and service requests on the wire, as staff see them. Pure.

use netily_sdk::customer as pb;
use netily_sdk::types::{CustomerStatus, ServiceRequestCategory, ServiceRequestStatus};

use crate::customer::{Person, Status};
use crate::error::Result;
use crate::isp::Registration;
use crate::rpc::answer::timestamp;
use crate::service_request::{Asked, Category, Status as RequestStatus};

/// A status.
pub const fn status(status: Status) -> CustomerStatus {
    match status {
        Status::Pending => CustomerStatus::Pending,
        Status::Active => CustomerStatus::Active,
        Status::Suspended => CustomerStatus::Suspended,
        Status::Rejected => CustomerStatus::Rejected,
        Status::Closed => CustomerStatus::Closed,
    }
}

/// A customer.
pub fn customer(person: &Person) -> Result<pb::Customer> {
    let (customer, user) = (&person.customer, &person.user);
    let registered_by = if customer.registered_by == "STAFF" { pb::RegisteredBy::Staff } else { pb::RegisteredBy::Self_ };
    Ok(pb::Customer {
        id: customer.id.to_string(),
        customer_code: customer.customer_code.clone(),
        status: status(customer.status()?).into(),
        status_reason: customer.status_reason.clone(),
        first_name: user.first_name.clone(),
        last_name: user.last_name.clone(),
        phone_number: user.phone.clone().unwrap_or_default(),
        email: user.email.clone().unwrap_or_default(),
        id_number: customer.id_number.clone().unwrap_or_default(),
        language: user.lang().code().to_owned(),
        phone_verified: customer.proven().phone,
        email_verified: customer.proven().email,
        has_password: user.has_password(),
        registered_by: registered_by.into(),
        created_at: Some(timestamp(customer.created_at)),
        approved_at: customer.approved_at.map(timestamp),
        closed_at: customer.closed_at.map(timestamp),
        erased_at: customer.erased_at.map(timestamp),
    })
}

/// A customer in a list: without the number of the id card, which nobody needs there.
pub fn listed(person: &Person) -> Result<pb::Customer> {
    Ok(pb::Customer { id_number: String::new(), ..customer(person)? })
}

/// The rules of self-registration.
pub fn settings(rules: Registration) -> pb::RegistrationSettings {
    let begins = Status::parse(&rules.default_customer_status).map_or(CustomerStatus::Unspecified, status);
    pb::RegistrationSettings {
        allow_self_registration: rules.allow_self_registration,
        require_phone_verification: rules.require_phone_verification,
        require_email_verification: rules.require_email_verification,
        require_id_number: rules.require_id_number,
        auto_approve_customers: rules.auto_approve_customers,
        default_customer_status: begins.into(),
        welcome_sms_template: rules.welcome_sms_template,
    }
}

/// A service request with who asked.
pub fn asked(asked: Asked) -> Result<pb::ServiceRequest> {
    let request = asked.request;
    Ok(pb::ServiceRequest {
        id: request.id.to_string(),
        customer_id: request.customer_id.to_string(),
        customer_code: asked.customer_code,
        customer_name: asked.customer_name,
        category: category(request.category()?).into(),
        status: request_status(request.status()?).into(),
        subject: request.subject,
        description: request.description,
        reply: request.reply,
        replied_at: request.replied_at.map(timestamp),
        created_at: Some(timestamp(request.created_at)),
        updated_at: Some(timestamp(request.updated_at)),
    })
}

/// Where a service request stands.
pub const fn request_status(status: RequestStatus) -> ServiceRequestStatus {
    match status {
        RequestStatus::Pending => ServiceRequestStatus::Pending,
        RequestStatus::Approved => ServiceRequestStatus::Approved,
        RequestStatus::InProgress => ServiceRequestStatus::InProgress,
        RequestStatus::Completed => ServiceRequestStatus::Completed,
        RequestStatus::Rejected => ServiceRequestStatus::Rejected,
        RequestStatus::Cancelled => ServiceRequestStatus::Cancelled,
    }
}

/// What a service request asks for.
pub const fn category(category: Category) -> ServiceRequestCategory {
    match category {
        Category::Connection => ServiceRequestCategory::Connection,
        Category::Upgrade => ServiceRequestCategory::Upgrade,
        Category::Downgrade => ServiceRequestCategory::Downgrade,
        Category::Transfer => ServiceRequestCategory::Transfer,
        Category::Suspension => ServiceRequestCategory::Suspension,
        Category::Termination => ServiceRequestCategory::Termination,
        Category::Billing => ServiceRequestCategory::Billing,
        Category::Technical => ServiceRequestCategory::Technical,
        Category::Other => ServiceRequestCategory::Other,
    }
}
