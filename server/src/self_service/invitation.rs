//! Accepting an invitation: whoever has the link chooses the first password of an account that staff made, and is signed in. The link
//! was mailed, so it proves the mailbox too.

use secrecy::{ExposeSecret as _, SecretString};

use super::login::LoggedIn;
use super::profile::{self, Profile};
use crate::actor::Origin;
use crate::app::App;
use crate::audit::{self, By};
use crate::auth::link::{self, Purpose};
use crate::auth::{self, Passwords};
use crate::clock::Time;
use crate::customer::{self, Proof};
use crate::db::Tx;
use crate::error::{Error, Reason, Result};
use crate::id::{IspId, UserId};

/// Uses an invitation up, or `LINK_INVALID`.
pub async fn accept_invitation(app: &App, isp: IspId, token: &str, password: &SecretString, origin: &Origin) -> Result<LoggedIn> {
    let begun = app.clock.now();
    let invited = app
        .db
        .tx(isp, async |tx| {
            let link = link::look(tx, isp, Purpose::Invitation, token, begun).await?;
            invited(tx, isp, link.user).await
        })
        .await?;
    Passwords::acceptable(password.expose_secret(), &invited.user.own_words()).map_err(|wanted| Error::field("new_password", wanted))?;
    let hash = app.passwords.hash(password).await?;
    let now = app.clock.now();
    app.db.tx(isp, async |tx| redeem(app, tx, isp, token, &hash, origin, now).await).await
}

async fn redeem(app: &App, tx: &mut Tx, isp: IspId, token: &str, hash: &str, origin: &Origin, now: Time) -> Result<LoggedIn> {
    let link = link::redeem(tx, isp, Purpose::Invitation, token, now).await?;
    let Profile { customer, user, rules } = invited(tx, isp, link.user).await?;
    auth::set_password(tx, isp, user.id, hash, None, now).await?;
    audit::record(tx, isp, By::Themselves(user.id), "accept_invitation", &customer.id.to_string(), serde_json::json!({}), now).await?;
    if user.email.as_deref() == Some(link.email.as_str()) {
        customer::prove(tx, isp, customer.id, Proof::Email, rules, now).await?;
    }
    let profile = profile::profile(tx, isp, user.id).await?;
    let grant = auth::open_session(app, tx, isp, &profile.user, origin, now).await?;
    Ok(LoggedIn { profile, grant })
}

/// A customer who may sign in and has no password yet; anybody else's link is of no use here.
async fn invited(tx: &mut Tx, isp: IspId, user: UserId) -> Result<Profile> {
    let invalid = || Error::new(Reason::LinkInvalid, "This link was used or is too old. Ask for a new one.");
    let found = profile::profile(tx, isp, user).await;
    let found = found.map_err(|error| if error.reason == Reason::NotFound { invalid() } else { error })?;
    if found.customer.status()?.may_sign_in() && !found.user.has_password() { Ok(found) } else { Err(invalid()) }
}
