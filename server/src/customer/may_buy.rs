//! Whether a customer may buy anything: ACTIVE, and with a proven phone where the ISP asks for one.

use super::status::{Rules, Status};
use super::store::Customer;
use crate::error::{Error, Reason, Result};

/// Lets a customer buy, or says why not: `PHONE_NOT_VERIFIED`, `CUSTOMER_NOT_ACTIVE`.
pub fn may_buy(customer: &Customer, rules: Rules) -> Result<()> {
    allows(customer.status()?, customer.proven().phone, rules)
}

fn allows(status: Status, phone_proven: bool, rules: Rules) -> Result<()> {
    if rules.phone && !phone_proven && status.may_sign_in() {
        return Err(Error::new(Reason::PhoneNotVerified, "Verify your phone number first."));
    }
    let sentence = match status {
        Status::Active => return Ok(()),
        Status::Pending => "Your registration waits for approval.",
        Status::Suspended => "Your account is suspended. Ask your internet provider.",
        Status::Rejected => "Your registration was refused. Ask your internet provider.",
        Status::Closed => "This account is closed.",
    };
    Err(Error::new(Reason::CustomerNotActive, sentence))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_is_active_and_proven_where_it_is_asked_may_buy() {
        let rules = |phone| Rules { phone, email: true, auto_approve: false, default: Status::Pending };
        for status in Status::ALL {
            for (asked, proven) in [(false, false), (false, true), (true, false), (true, true)] {
                let answer = allows(status, proven, rules(asked)).err().map(|error| error.reason);
                let wanted = match (status, asked && !proven) {
                    (Status::Active, false) => None,
                    (Status::Pending | Status::Active | Status::Suspended, true) => Some(Reason::PhoneNotVerified),
                    _ => Some(Reason::CustomerNotActive),
                };
                assert_eq!(answer, wanted, "{status:?} asked {asked} proven {proven}");
            }
        }
    }
}
