//! A new phone or e-mail address. It is the customer's once it is proven, and the old one is told: whoever finds a phone that is signed
//! in needs the password, and does not go unnoticed.

use std::net::IpAddr;

use chrono::TimeDelta;
use secrecy::SecretString;

use super::code::{Code, send};
use super::email::send_link;
use super::profile::{self, Profile};
use crate::actor::{Role, Tenant};
use crate::app::App;
use crate::audit::{self, By};
use crate::auth::code::{self, Purpose};
use crate::auth::sending::{self, Sent};
use crate::auth::{self, User, UserChange};
use crate::clock::Time;
use crate::customer::{self, Proof, search};
use crate::db::Tx;
use crate::error::{Error, Reason, Result};
use crate::id::{IspId, UserId};
use crate::limit::{self, Limit};
use crate::notify::{self, Note, Template, To};
use crate::phone::Phone;

/// Changes that one customer asks for: whether an address or a number is somebody's must not be had by asking for thousands.
const PER_CUSTOMER: Limit = Limit::new(10, TimeDelta::minutes(6));

/// The person behind a sign-in, if the password is right and there were not too many of these calls.
pub(super) async fn confirmed(app: &App, isp: IspId, user: UserId, password: &SecretString, address: IpAddr) -> Result<User> {
    let known = app.db.tx(isp, async |tx| auth::get_user(tx, isp, user).await).await?;
    let identifier = known.phone.as_deref().or(known.email.as_deref()).unwrap_or_default();
    let user = auth::check_password(app, isp, identifier, password, address, &[Role::Customer]).await?;
    let now = app.clock.now();
    let key = format!("change/user/{}", user.id);
    app.db.tx(isp, async |tx| limit::take(tx, &key, &PER_CUSTOMER, "Too many changes of this account were asked for.", now).await).await?;
    Ok(user)
}

/// A code for a new phone is bound to the phone and to who asked for it.
fn target(phone: &Phone, user: UserId) -> String {
    format!("{}/{user}", phone.digits())
}

/// Sends a code to a new phone.
pub async fn request_phone_change(app: &App, isp: IspId, user: UserId, phone: &Phone, password: &SecretString, address: IpAddr) -> Result<Sent> {
    let user = confirmed(app, isp, user, password, address).await?;
    let now = app.clock.now();
    app.db
        .tx(isp, async |tx| {
            if auth::find_by_identifier(tx, isp, phone.digits()).await?.is_some() {
                return Err(phone_taken());
            }
            let sent = sending::allow(tx, isp, phone, address, now).await?;
            let code = Code { purpose: Purpose::ChangePhone, target: &target(phone, user.id), phone, user: Some(user.id), lang: user.lang() };
            send(app, tx, isp, &code, now).await?;
            Ok(sent)
        })
        .await
}

fn phone_taken() -> Error {
    Error { fields: vec![("phone_number".into(), "is taken".into())], ..Error::new(Reason::AlreadyExists, "Somebody has this phone number already.") }
}

/// Changes the phone by the code that was sent to the new one, or `OTP_INVALID`.
pub async fn confirm_phone_change(app: &App, isp: IspId, user: UserId, phone: &Phone, code: &SecretString) -> Result<Profile> {
    let now = app.clock.now();
    let tried = app
        .db
        .tx(isp, async |tx| {
            if !code::redeem(app, tx, isp, Purpose::ChangePhone, &target(phone, user), code, now).await? {
                return Ok(None); // the try is counted, so it must be committed
            }
            change_phone(app, tx, isp, user, phone, now).await.map(Some)
        })
        .await?;
    tried.ok_or_else(code::invalid)
}

async fn change_phone(app: &App, tx: &mut Tx, isp: IspId, user: UserId, phone: &Phone, now: Time) -> Result<Profile> {
    let before = profile::profile(tx, isp, user).await?;
    auth::change_user(tx, isp, user, &UserChange { phone: Some(phone.digits().to_owned()), ..UserChange::default() }).await?;
    search::write(tx, isp, before.customer.id).await?;
    audit::record(tx, isp, By::User(user), "change_phone", &before.customer.id.to_string(), serde_json::json!({ "to": phone.to_string() }), now).await?;
    customer::prove(tx, isp, before.customer.id, Proof::Phone, before.rules, now).await?;
    if let Some(old) = before.user.phone.as_deref().and_then(|old| old.parse().ok()) {
        let note = Note {
            template: Template::PhoneChanged,
            to: To::Phone(old),
            user: Some(user),
            lang: before.user.lang(),
            facts: &[("name", &before.user.first_name)],
            text: None,
            expires_at: None,
        };
        notify::queue(app, tx, isp, note, now).await?;
    }
    profile::profile(tx, isp, user).await
}

/// Mails a link to a new address; `verify_email` makes it the customer's. Tells until when the link is good.
pub async fn request_email_change(app: &App, tenant: &Tenant, user: UserId, email: &str, password: &SecretString, address: IpAddr) -> Result<Time> {
    let isp = tenant.id;
    let user = confirmed(app, isp, user, password, address).await?;
    let now = app.clock.now();
    app.db
        .tx(isp, async |tx| {
            if auth::find_by_identifier(tx, isp, email).await?.is_some() {
                let fields = vec![("email".into(), "is taken".into())];
                return Err(Error { fields, ..Error::new(Reason::AlreadyExists, "Somebody has this e-mail address already.") });
            }
            send_link(app, tx, tenant, &user, email, now).await
        })
        .await
}
