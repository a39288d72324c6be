//! A customer with the account and the ISP's rules: what most answers are made of.

use crate::auth::{self, User};
use crate::customer::{self, Customer, Rules};
use crate::db::Tx;
use crate::error::Result;
use crate::id::{IspId, UserId};
use crate::isp;

/// A customer, the account and the rules.
#[derive(Clone, Debug)]
pub struct Profile {
    /// The customer.
    pub customer: Customer,
    /// The account.
    pub user: User,
    /// The ISP's rules of registration.
    pub rules: Rules,
}

impl Profile {
    /// Whether a proof that the ISP asks for is missing.
    pub fn requires_verification(&self) -> bool {
        self.rules.requires_verification(self.customer.proven())
    }

    /// Whether the customer may buy.
    pub fn may_buy(&self) -> bool {
        customer::may_buy(&self.customer, self.rules).is_ok()
    }
}

/// The customer with this account.
pub async fn profile(tx: &mut Tx, isp: IspId, user: UserId) -> Result<Profile> {
    let customer = customer::of_user(tx, isp, user).await?;
    let user = auth::get_user(tx, isp, user).await?;
    Ok(Profile { customer, user, rules: Rules::of(&isp::registration(tx, isp).await?) })
}
