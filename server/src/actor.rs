//! Who is asking, and for which ISP. Made at the edge, carried by every use case that cares.

use crate::id::{IspId, SignInId, UserId};

/// What a signed-in person may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// A customer of one ISP.
    Customer,
    /// Staff of one ISP.
    Staff,
    /// Owner of one ISP.
    Owner,
    /// Operator of the platform.
    Operator,
}

impl Role {
    /// As the database writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Role::Customer => "CUSTOMER",
            Role::Staff => "STAFF",
            Role::Owner => "OWNER",
            Role::Operator => "OPERATOR",
        }
    }

    /// From what the database wrote.
    pub fn parse(text: &str) -> Option<Role> {
        [Role::Customer, Role::Staff, Role::Owner, Role::Operator].into_iter().find(|role| role.as_str() == text)
    }
}

/// The ISP that the host names.
#[derive(Clone, Debug)]
pub struct Tenant {
    /// Its id.
    pub id: IspId,
    /// Its subdomain.
    pub slug: String,
    /// Whether an operator has stopped it.
    pub suspended: bool,
    /// Whether its people can only look, since it has not paid Netily. Known at the edge; nothing below asks.
    pub read_only: bool,
}

/// A person with a valid token.
#[derive(Clone, Debug)]
pub struct Person {
    /// The person.
    pub user: UserId,
    /// The sign-in that the token belongs to.
    pub sign_in: SignInId,
    /// What they may do.
    pub role: Role,
}

/// Where a sign-in begins, and how it shall be kept.
#[derive(Clone, Debug)]
pub struct Origin {
    /// The network address.
    pub address: std::net::IpAddr,
    /// What the program calls itself, at most 200 characters.
    pub user_agent: String,
    /// A browser's: kept by a cookie. Otherwise by tokens.
    pub cookie: bool,
}

/// Everything the edge knows of who is asking.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The ISP; none on the platform's own host.
    pub tenant: Option<Tenant>,
    /// The person; none when nobody is signed in.
    pub person: Option<Person>,
    /// The network address the call came from.
    pub address: std::net::IpAddr,
    /// What the calling program calls itself, at most 200 characters.
    pub user_agent: String,
    /// Whether a sign-in that begins now shall be kept by a cookie.
    pub wants_cookie: bool,
    /// The cookie of a sign-in that came from a page of this host. Whether it is good, only `person` tells.
    pub cookie: Option<secrecy::SecretString>,
    /// Identifies this call in the log and in answers.
    pub request_id: String,
}

impl Caller {
    /// The ISP, or the error that says that one is needed.
    pub fn isp(&self) -> crate::error::Result<&Tenant> {
        self.tenant.as_ref().ok_or_else(|| {
            crate::error::Error::new(crate::error::Reason::TenantRequired, "This call needs an ISP: use its subdomain, or send the metadata netily-tenant.")
        })
    }

    /// The tenant of rows to work on: the ISP, or the platform itself.
    pub fn scope(&self) -> IspId {
        self.tenant.as_ref().map_or(crate::id::PLATFORM, |tenant| tenant.id)
    }

    /// Where a sign-in that begins now comes from.
    pub fn origin(&self) -> Origin {
        Origin { address: self.address, user_agent: self.user_agent.clone(), cookie: self.wants_cookie }
    }

    /// The person, or the error that says that one must sign in.
    pub fn person(&self) -> crate::error::Result<&Person> {
        self.person.as_ref().ok_or_else(|| crate::error::Error::new(crate::error::Reason::Unauthenticated, "Sign in first."))
    }
}
