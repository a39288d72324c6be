//! New passwords: by a code that was sent, or by the current password. Either way the other sign-ins end and the person is told.
//! Whether an account exists is not told by any answer.

use std::net::IpAddr;

use chrono::TimeDelta;
use secrecy::{ExposeSecret as _, SecretString};

use super::Passwords;
use super::code::{self, Purpose};
use super::session::hash as hashed;
use super::sign_in::{Failures, PER_ADDRESS, from_address, normal};
use super::user::{self, User};
use crate::actor::{Person, Role};
use crate::app::App;
use crate::audit::{self, By};
use crate::clock::Time;
use crate::db::Tx;
use crate::error::{Error, Reason, Result};
use crate::id::IspId;
use crate::limit::{self, Limit};
use crate::notify::{self, Note, Template, To};

/// Codes for one account: never two within a minute, three within an hour, five within a day.
const PER_ACCOUNT: [(&str, Limit); 3] =
    [("minute", Limit::new(1, CODES_APART)), ("hour", Limit::new(3, TimeDelta::hours(1))), ("day", Limit::new(5, TimeDelta::hours(24)))];
const CODES_APART: TimeDelta = TimeDelta::seconds(60);
/// Codes asked for from one address.
const CODES_PER_ADDRESS: Limit = Limit::new(5, TimeDelta::minutes(1));

/// What whoever asks for a code is told, whether there is such an account or not.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    /// When the code stops being good.
    pub expires_at: Time,
    /// When the next one may be asked for.
    pub next_at: Time,
}

/// Sends a code with which a new password can be chosen, if there is such an account.
pub async fn request_reset(app: &App, tenant: IspId, identifier: &str, address: IpAddr) -> Result<Asked> {
    let now = app.clock.now();
    let typed = hex::encode(hashed(&normal(identifier)));
    app.db
        .tx(tenant, async |tx| {
            limit::take(tx, &format!("reset/address/{address}"), &CODES_PER_ADDRESS, "Too many codes were asked for from this network.", now).await?;
            take_all(tx, &format!("reset/{tenant}/{typed}"), now).await?;
            let known = user::find_by_identifier(tx, tenant, identifier).await?.filter(may_reset);
            // The same account may be asked for by its phone and by its e-mail address; about that nothing is said.
            let account = known.as_ref().map_or_else(|| format!("nobody/{typed}"), |user| user.id.to_string());
            match take_all(tx, &format!("reset/{tenant}/{account}"), now).await {
                Err(error) if error.reason == Reason::RateLimited => return Ok(()),
                taken => taken?,
            }
            let Some(user) = known else {
                code::issue(app, tx, tenant, Purpose::ResetPassword, &account, now).await?;
                return Ok(());
            };
            let code = code::issue(app, tx, tenant, Purpose::ResetPassword, &target(&user), now).await?;
            send(app, tx, tenant, &user, &code, now).await
        })
        .await?;
    Ok(Asked { expires_at: now + code::LIVES, next_at: now + CODES_APART })
}

async fn take_all(tx: &mut Tx, key: &str, now: Time) -> Result<()> {
    for (name, limit) in &PER_ACCOUNT {
        limit::take(tx, &format!("{key}/{name}"), limit, "A code was asked for already.", now).await?;
    }
    Ok(())
}

async fn send(app: &App, tx: &mut Tx, tenant: IspId, user: &User, code: &SecretString, now: Time) -> Result<()> {
    let to = contact(user)?;
    let template = if matches!(to, To::Phone(_)) { Template::ResetPassword } else { Template::ResetPasswordMail };
    let facts = [("code", code.expose_secret())];
    let note = Note { template, to, user: Some(user.id), lang: user.lang(), facts: &facts, text: None, expires_at: Some(now + code::LIVES) };
    match notify::queue(app, tx, tenant, note, now).await {
        // The ISP's text messages of the day are used up: an answer that said so would tell that the account exists.
        Err(error) if error.reason == Reason::RateLimited => {
            tracing::warn!(%tenant, "a code for a new password was not sent: no text messages are left today");
            Ok(())
        }
        sent => sent.map(drop),
    }
}

/// Chooses a new password by a code.
pub async fn reset(app: &App, tenant: IspId, identifier: &str, code: &SecretString, password: &SecretString, address: IpAddr) -> Result<()> {
    let now = app.clock.now();
    let refuse = |wanted| Error::field("new_password", wanted);
    Passwords::acceptable(password.expose_secret(), &[identifier]).map_err(refuse)?;
    let from = from_address(address);
    app.db.tx(tenant, async |tx| limit::take(tx, &from, &PER_ADDRESS, "Too many tries from this network.", now).await).await?;
    // Before the code is looked at: nothing is told by how long it takes, and a good code is used up and obeyed in one transaction.
    let hash = app.passwords.hash(password).await?;
    let good = app
        .db
        .tx(tenant, async |tx| {
            let known = user::find_by_identifier(tx, tenant, identifier).await?.filter(may_reset);
            let target = known.as_ref().map_or_else(|| format!("nobody/{}", hex::encode(hashed(&normal(identifier)))), target);
            let good = code::redeem(app, tx, tenant, Purpose::ResetPassword, &target, code, now).await?;
            let Some(user) = known.filter(|_| good) else { return Ok(false) };
            // The code was right, so this may be said; failing here leaves it unused.
            Passwords::acceptable(password.expose_secret(), &user.own_words()).map_err(refuse)?;
            user::set_password(tx, tenant, user.id, &hash, None, now).await?;
            for known_as in [&user.email, &user.phone].into_iter().flatten() {
                Failures::of(known_as).forget(tx, tenant).await?;
            }
            limit::give_back(tx, &from, &PER_ADDRESS).await?;
            audit::record(tx, tenant, By::Themselves(user.id), "reset_password", &user.id.to_string(), serde_json::json!({}), now).await?;
            tell(app, tx, tenant, &user, now).await?;
            Ok(true)
        })
        .await?;
    if good { Ok(()) } else { Err(code::invalid()) }
}

/// Asks for the password again: whoever holds a sign-in may have found the laptop open. Counted like a sign-in.
pub async fn confirm(app: &App, tenant: IspId, person: &Person, current: &SecretString, address: IpAddr) -> Result<User> {
    let now = app.clock.now();
    let from = from_address(address);
    let (user, key) = app
        .db
        .tx(tenant, async |tx| {
            let user = user::get(tx, tenant, person.user).await?;
            let key = Failures::of(user.email.as_deref().or(user.phone.as_deref()).unwrap_or_default());
            limit::take(tx, &from, &PER_ADDRESS, "Too many tries from this network.", now).await?;
            key.refuse_while_waiting(tx, tenant, now).await?;
            Ok((user, key))
        })
        .await?;
    if !app.passwords.verify(current, user.password_hash.clone()).await? {
        app.db.tx(tenant, async |tx| key.count(tx, tenant, Some(user.id), address, now).await).await?;
        return Err(Error::new(Reason::WrongCredentials, "The current password is wrong."));
    }
    app.db
        .tx(tenant, async |tx| {
            limit::give_back(tx, &from, &PER_ADDRESS).await?;
            key.forget(tx, tenant).await
        })
        .await?;
    Ok(user)
}

/// Chooses a new password by the current one.
pub async fn change(app: &App, tenant: IspId, person: &Person, current: &SecretString, password: &SecretString, address: IpAddr) -> Result<()> {
    let user = confirm(app, tenant, person, current, address).await?;
    let now = app.clock.now();
    let refuse = |wanted| Error::field("new_password", wanted);
    Passwords::acceptable(password.expose_secret(), &user.own_words()).map_err(refuse)?;
    if password.expose_secret() == current.expose_secret() {
        return Err(refuse("must be another one than the current password"));
    }
    let hash = app.passwords.hash(password).await?;
    app.db
        .tx(tenant, async |tx| {
            user::set_password(tx, tenant, user.id, &hash, Some(person.sign_in), now).await?;
            audit::record(tx, tenant, By::User(user.id), "change_password", &user.id.to_string(), serde_json::json!({}), now).await?;
            tell(app, tx, tenant, &user, now).await
        })
        .await
}

/// Tells a person that their password was changed, so that a thief is noticed.
async fn tell(app: &App, tx: &mut Tx, tenant: IspId, user: &User, now: Time) -> Result<()> {
    let facts = [("name", user.first_name.as_str())];
    let note =
        Note { template: Template::PasswordChanged, to: contact(user)?, user: Some(user.id), lang: user.lang(), facts: &facts, text: None, expires_at: None };
    notify::queue(app, tx, tenant, note, now).await.map(drop)
}

/// Where a person is reached: their phone, else their mailbox.
fn contact(user: &User) -> Result<To> {
    match (&user.phone, &user.email) {
        (Some(phone), _) => phone.parse().map(To::Phone).map_err(Error::internal),
        (None, Some(email)) => Ok(To::Mailbox(email.clone())),
        (None, None) => Err(Error::internal(format!("{} has neither phone nor e-mail address", user.id))),
    }
}

/// What a code is bound to besides ISP and purpose.
fn target(user: &User) -> String {
    user.phone.as_ref().or(user.email.as_ref()).cloned().unwrap_or_default()
}

/// Whoever was invited to work chooses the first password by the invitation, and by nothing else.
fn may_reset(user: &User) -> bool {
    user.disabled_at.is_none() && (user.has_password() || user.role().is_ok_and(|role| role == Role::Customer))
}
