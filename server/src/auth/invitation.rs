//! Invitations: an e-mailed link, good for a day and one use, with which somebody chooses their first password and is signed in.
//! Whoever has a password, or was removed, is not invited.

use chrono::TimeDelta;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use secrecy::{ExposeSecret as _, SecretString};

use super::link::{self, Purpose};
use super::session::open_session;
use super::user::{self, User};
use super::{Passwords, SignedIn};
use crate::actor::{Origin, Role};
use crate::app::App;
use crate::audit::{self, By};
use crate::clock::Time;
use crate::db::Tx;
use crate::error::{Error, Reason, Result};
use crate::id::IspId;
use crate::isp;
use crate::limit::{self, Limit};
use crate::notify::{self, Note, Template, To};
use crate::schema::user_account;

/// Invitations of one person.
const PER_PERSON: Limit = Limit::new(3, TimeDelta::minutes(10));

/// What an invitation is for.
#[derive(Clone, Debug)]
pub struct Invitation {
    /// Whose it is.
    pub user: User,
    /// What the ISP is called.
    pub isp_name: String,
    /// When it stops being good.
    pub expires_at: Time,
}

/// Sends an invitation, in the caller's transaction, and gives its link; the one before is void.
///
/// # Errors
/// `STATE_CONFLICT` for whoever has a password or was removed; `RATE_LIMITED`.
pub async fn send(app: &App, tx: &mut Tx, tenant: IspId, user: &User, now: Time) -> Result<String> {
    let email = user
        .email
        .as_deref()
        .filter(|_| user.is_invited())
        .ok_or_else(|| Error::new(Reason::StateConflict, "There is nobody to invite here: the invitation was accepted, or the person was removed."))?;
    limit::take(tx, &format!("invitation/{tenant}/{}", user.id), &PER_PERSON, "This invitation was sent already.", now).await?;
    let token = link::issue(tx, tenant, Purpose::Invitation, user.id, email, now).await?;
    // Behind the # it stays in the browser: neither our log nor another site is told.
    let address = app.config.link(&isp::label(tx, tenant).await?, &format!("invitation#token={token}"));
    let note = Note {
        template: Template::Invitation,
        to: To::Mailbox(email.to_owned()),
        user: Some(user.id),
        lang: user.lang(),
        facts: &[("name", &user.first_name), ("link", &address)],
        text: None,
        expires_at: Some(now + link::INVITATION_LIVES),
    };
    notify::queue(app, tx, tenant, note, now).await?;
    diesel::update(user_account::table.find((tenant, user.id))).set(user_account::invited_at.eq(now)).execute(&mut **tx).await?;
    Ok(address)
}

/// What an invitation is for, or `LINK_INVALID`.
pub async fn look(app: &App, tenant: IspId, token: &str) -> Result<Invitation> {
    let now = app.clock.now();
    app.db
        .tx(tenant, async |tx| {
            let found = link::look(tx, tenant, Purpose::Invitation, token, now).await?;
            let user = invited(user::get(tx, tenant, found.user).await?)?;
            Ok(Invitation { user, isp_name: isp::name(tx, tenant).await?, expires_at: found.expires_at })
        })
        .await
}

/// Uses an invitation up. Empty names leave what it says.
pub async fn accept(
    app: &App,
    tenant: IspId,
    token: &str,
    names: (Option<String>, Option<String>),
    password: &SecretString,
    origin: &Origin,
) -> Result<SignedIn> {
    let invitation = look(app, tenant, token).await?;
    let first_name = names.0.unwrap_or(invitation.user.first_name.clone());
    let last_name = names.1.unwrap_or(invitation.user.last_name.clone());
    let own = [&[first_name.as_str(), &last_name][..], &invitation.user.own_words()].concat();
    Passwords::acceptable(password.expose_secret(), &own).map_err(|wanted| Error::field("new_password", wanted))?;
    let hash = app.passwords.hash(password).await?;
    let now = app.clock.now();
    app.db
        .tx(tenant, async |tx| {
            let found = link::redeem(tx, tenant, Purpose::Invitation, token, now).await?;
            invited(user::get(tx, tenant, found.user).await?)?;
            diesel::update(user_account::table.find((tenant, found.user)))
                .set((user_account::password_hash.eq(&hash), user_account::first_name.eq(&first_name), user_account::last_name.eq(&last_name)))
                .execute(&mut **tx)
                .await?;
            let user = user::get(tx, tenant, found.user).await?;
            audit::record(tx, tenant, By::Themselves(user.id), "accept_invitation", &user.id.to_string(), serde_json::json!({}), now).await?;
            let grant = open_session(app, tx, tenant, &user, origin, now).await?;
            Ok(SignedIn { user, grant })
        })
        .await
}

/// Whoever still has to choose a password at work; the link of anybody else is void.
fn invited(user: User) -> Result<User> {
    let at_work = user.role()? != Role::Customer;
    if at_work && user.is_invited() { Ok(user) } else { Err(link::invalid()) }
}
