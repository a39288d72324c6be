//! Customers on the wire. Pure.

use netily_sdk::selfservice as pb;
use netily_sdk::types::AlertKind;

use crate::alert::{Alert, Kind};
use crate::billing::Plan;
use crate::customer::Customer;
use crate::error::{Error, Result};
use crate::rpc::answer::{money, timestamp};
use crate::rpc::auth::user;
use crate::rpc::billing::plan::wire_period;
use crate::rpc::customer::show::{category, request_status, status};
use crate::self_service::Profile;
use crate::service_request::ServiceRequest;

/// A customer.
pub fn customer(customer: &Customer) -> Result<pb::Customer> {
    Ok(pb::Customer {
        id: customer.id.to_string(),
        customer_code: customer.customer_code.clone(),
        status: status(customer.status()?).into(),
        status_reason: customer.status_reason.clone(),
        phone_verified: customer.phone_verified_at.is_some(),
        email_verified: customer.email_verified_at.is_some(),
        created_at: Some(timestamp(customer.created_at)),
    })
}

/// The own account.
pub fn profile(profile: &Profile) -> Result<pb::Profile> {
    Ok(pb::Profile {
        user: Some(user(&profile.user)?),
        customer: Some(customer(&profile.customer)?),
        id_number: profile.customer.id_number.clone().unwrap_or_default(),
        language: profile.user.lang().code().to_owned(),
        requires_verification: profile.requires_verification(),
    })
}

/// A plan on sale.
pub fn plan(plan: Plan) -> Result<pb::Plan> {
    Ok(pb::Plan {
        billing_period: Some(wire_period(plan.period()?)),
        id: plan.id.to_string(),
        name: plan.name,
        description: plan.description,
        price: Some(money(plan.price_minor)),
        download_kbps: plan.download_kbps,
        upload_kbps: plan.upload_kbps,
        data_cap_bytes: plan.data_cap_bytes,
    })
}

/// One of the own service requests.
pub fn service_request(request: ServiceRequest) -> Result<pb::ServiceRequest> {
    Ok(pb::ServiceRequest {
        id: request.id.to_string(),
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

/// One of the own alerts.
pub fn alert(alert: Alert) -> Result<pb::Alert> {
    let kind = match Kind::parse(&alert.kind) {
        Some(Kind::Data) => AlertKind::Data,
        Some(Kind::Billing) => AlertKind::Billing,
        Some(Kind::Payment) => AlertKind::Payment,
        Some(Kind::Service) => AlertKind::Service,
        None => return Err(Error::internal(format!("{} has a strange kind", alert.id))),
    };
    Ok(pb::Alert {
        id: alert.id.to_string(),
        kind: kind.into(),
        title: alert.title,
        message: alert.message,
        subject_id: alert.subject_id,
        created_at: Some(timestamp(alert.created_at)),
        read_at: alert.read_at.map(timestamp),
    })
}
