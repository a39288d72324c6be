//! Customers on the wire. Pure.

use netily_sdk::selfservice as pb;
use netily_sdk::types::CustomerStatus;

use crate::customer::{Customer, Status};
use crate::error::Result;
use crate::rpc::answer::timestamp;
use crate::rpc::auth::user;
use crate::self_service::Profile;

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
