//! How a customer stands, and what leads from one state to another. Pure.

use crate::isp::Registration;

/// How a customer stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// Waits for proofs or for staff.
    Pending,
    /// May buy.
    Active,
    /// Stopped by staff; may look and ask for help.
    Suspended,
    /// Refused by staff.
    Rejected,
    /// Gone for good.
    Closed,
}

impl Status {
    /// Every status.
    pub const ALL: [Status; 5] = [Status::Pending, Status::Active, Status::Suspended, Status::Rejected, Status::Closed];

    /// As the database writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Status::Pending => "PENDING",
            Status::Active => "ACTIVE",
            Status::Suspended => "SUSPENDED",
            Status::Rejected => "REJECTED",
            Status::Closed => "CLOSED",
        }
    }

    /// From what the database wrote.
    pub fn parse(text: &str) -> Option<Status> {
        Status::ALL.into_iter().find(|status| status.as_str() == text)
    }

    /// Whether somebody in this state is sold anything, and asked for what it costs. Whoever waits to be let in may have a line that waits too.
    pub const fn is_served(self) -> bool {
        matches!(self, Status::Pending | Status::Active)
    }

    /// Whether somebody in this state may be signed in.
    pub const fn may_sign_in(self) -> bool {
        matches!(self, Status::Pending | Status::Active | Status::Suspended)
    }
}

/// What is done to a customer's status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Act {
    /// Lets a registration in, also one that was refused before.
    Approve,
    /// Refuses a registration.
    Reject,
    /// Stops a customer.
    Suspend,
    /// Lets a stopped customer on again.
    Reactivate,
    /// Ends it for good.
    Close,
}

impl Act {
    /// Every act.
    pub const ALL: [Act; 5] = [Act::Approve, Act::Reject, Act::Suspend, Act::Reactivate, Act::Close];

    /// Its name in the audit log.
    pub const fn audit_name(self) -> &'static str {
        match self {
            Act::Approve => "approve_customer",
            Act::Reject => "reject_customer",
            Act::Suspend => "suspend_customer",
            Act::Reactivate => "reactivate_customer",
            Act::Close => "close_customer",
        }
    }

    /// What it makes of a status; `None` where it cannot be done.
    pub const fn after(self, status: Status) -> Option<Status> {
        match (self, status) {
            (Act::Approve, Status::Pending | Status::Rejected) | (Act::Reactivate, Status::Suspended) => Some(Status::Active),
            (Act::Reject, Status::Pending) => Some(Status::Rejected),
            (Act::Suspend, Status::Active) => Some(Status::Suspended),
            (Act::Close, Status::Pending | Status::Active | Status::Suspended | Status::Rejected) => Some(Status::Closed),
            _ => None,
        }
    }
}

/// The ISP's rules that decide how a new customer stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// The phone must be proven.
    pub phone: bool,
    /// The e-mail address must be proven.
    pub email: bool,
    /// Proofs suffice; nobody needs to approve.
    pub auto_approve: bool,
    /// How a new customer stands otherwise.
    pub default: Status,
}

/// What a customer has proven.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Proven {
    /// The phone.
    pub phone: bool,
    /// The e-mail address.
    pub email: bool,
}

impl Rules {
    /// The rules within an ISP's settings.
    pub fn of(settings: &Registration) -> Rules {
        Rules {
            phone: settings.require_phone_verification,
            email: settings.require_email_verification,
            auto_approve: settings.auto_approve_customers,
            default: Status::parse(&settings.default_customer_status).unwrap_or(Status::Pending),
        }
    }

    /// Whether a proof is still missing.
    pub const fn requires_verification(self, proven: Proven) -> bool {
        (self.phone && !proven.phone) || (self.email && !proven.email)
    }

    /// How somebody stands who has just registered. Whom a proof alone will let in waits for nothing but the proof.
    pub fn at_registration(self, proven: Proven) -> Status {
        match (self.auto_approve, self.default) {
            (true, _) if !self.requires_verification(proven) => Status::Active,
            (true, Status::Suspended) => Status::Pending,
            (_, default) => default,
        }
    }

    /// How a customer stands after a proof. Only who waits is moved: what staff decided stays.
    pub fn after_proof(self, status: Status, proven: Proven) -> Status {
        let lets_in = status == Status::Pending && self.auto_approve && !self.requires_verification(proven);
        if lets_in { Status::Active } else { status }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Status::{Active, Closed, Pending, Rejected, Suspended};

    #[test]
    fn an_act_leads_where_the_table_says_and_nowhere_else() {
        let legal = [
            (Act::Approve, Pending, Active),
            (Act::Approve, Rejected, Active),
            (Act::Reject, Pending, Rejected),
            (Act::Suspend, Active, Suspended),
            (Act::Reactivate, Suspended, Active),
            (Act::Close, Pending, Closed),
            (Act::Close, Active, Closed),
            (Act::Close, Suspended, Closed),
            (Act::Close, Rejected, Closed),
        ];
        for act in Act::ALL {
            for from in Status::ALL {
                let wanted = legal.iter().find(|row| (row.0, row.1) == (act, from)).map(|row| row.2);
                assert_eq!(act.after(from), wanted, "{act:?} of {from:?}");
            }
        }
    }

    /// Every setting, every proof: how one stands at registration, and after all proofs.
    #[test]
    fn proofs_let_in_only_where_the_isp_says_so() {
        let on_off = [false, true];
        for (phone, email) in on_off.into_iter().flat_map(|phone| on_off.map(|email| (phone, email))) {
            let nothing = Proven::default();
            let all = Proven { phone: true, email: true };
            for default in [Pending, Active, Suspended] {
                let rules = |auto_approve| Rules { phone, email, auto_approve, default };
                assert_eq!(rules(false).at_registration(nothing), default, "staff decide, and begin with the default");
                assert_eq!(rules(false).after_proof(default, all), default, "a proof alone lets nobody in");
                let first = rules(true).at_registration(nothing);
                let wanted = match (phone || email, default) {
                    (false, _) | (true, Active) => Active,
                    (true, _) => Pending,
                };
                assert_eq!(first, wanted, "{:?}", rules(true));
                assert_eq!(rules(true).after_proof(first, all), Active);
                let half = Proven { phone: true, email: false };
                assert_eq!(rules(true).after_proof(Pending, half), if email { Pending } else { Active }, "half of the proofs");
            }
        }
    }

    #[test]
    fn a_proof_undoes_nothing_that_staff_decided() {
        let rules = Rules { phone: true, email: false, auto_approve: true, default: Pending };
        for status in [Suspended, Rejected, Closed] {
            assert_eq!(rules.after_proof(status, Proven { phone: true, email: true }), status);
        }
    }

    #[test]
    fn a_status_reads_back_what_it_writes() {
        for status in Status::ALL {
            assert_eq!(Status::parse(status.as_str()), Some(status));
        }
        assert_eq!(Status::parse("active"), None);
    }
}
