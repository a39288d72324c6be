//! Changing what needs no proof, and closing the account. A closed account frees nothing and deletes nothing.

use std::net::IpAddr;

use secrecy::SecretString;
use serde_json::json;

use super::change::confirmed;
use super::profile::{self, Profile};
use crate::app::App;
use crate::audit::{self, By};
use crate::auth::{self, UserChange};
use crate::billing;
use crate::customer::{self, Customer, search};
use crate::error::{Error, Result};
use crate::id::{IspId, UserId};
use crate::isp;
use crate::lang::Lang;

/// What a customer changes; what is `None` stays.
#[derive(Clone, Debug, Default)]
pub struct ProfileChange {
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// Language of messages.
    pub lang: Option<Lang>,
    /// National id card; the inner `None` takes it away.
    pub id_number: Option<Option<String>>,
}

impl ProfileChange {
    /// The names of what changes, for the audit log.
    fn names(&self) -> Vec<&'static str> {
        let all = [
            ("first_name", self.first_name.is_some()),
            ("last_name", self.last_name.is_some()),
            ("language", self.lang.is_some()),
            ("id_number", self.id_number.is_some()),
        ];
        all.into_iter().filter(|(_, changes)| *changes).map(|(name, _)| name).collect()
    }
}

/// Changes a customer's own account.
pub async fn update_profile(app: &App, isp: IspId, user: UserId, change: ProfileChange) -> Result<Profile> {
    let now = app.clock.now();
    app.db
        .tx(isp, async |tx| {
            let before = profile::profile(tx, isp, user).await?;
            let (id, changed) = (before.customer.id, change.names());
            if changed.is_empty() {
                return Ok(before);
            }
            if change.id_number == Some(None) && isp::registration(tx, isp).await?.require_id_number {
                return Err(Error::field("id_number", "must be given: this internet provider asks for it"));
            }
            let account = UserChange {
                first_name: change.first_name.clone(),
                last_name: change.last_name.clone(),
                lang: change.lang.map(Lang::code),
                ..UserChange::default()
            };
            // The account before the customer, as everywhere: two changes at once wait for each other in the same order.
            auth::change_user(tx, isp, user, &account).await?;
            if let Some(number) = &change.id_number {
                customer::set_id_number(tx, isp, id, number.as_deref()).await?;
            }
            search::write(tx, isp, id).await?;
            audit::record(tx, isp, By::User(user), "update_profile", &id.to_string(), json!({ "changed": changed }), now).await?;
            profile::profile(tx, isp, user).await
        })
        .await
}

/// Closes a customer's own account for good.
pub async fn close_account(app: &App, isp: IspId, user: UserId, password: &SecretString, address: IpAddr) -> Result<Customer> {
    let user = confirmed(app, isp, user, password, address).await?.id;
    let now = app.clock.now();
    app.db.tx(isp, async |tx| billing::close_own(tx, isp, user, now).await).await
}
