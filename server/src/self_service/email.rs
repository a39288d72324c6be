//! Proving an e-mail address by the link that was mailed to it. The link of a new address also makes it the customer's.

use chrono::TimeDelta;

use super::profile::{self, Profile};
use crate::actor::Tenant;
use crate::app::App;
use crate::audit::{self, By};
use crate::auth::link::{self, Purpose};
use crate::auth::{self, User, UserChange};
use crate::clock::Time;
use crate::customer::{self, Customer, Proof, search};
use crate::db::Tx;
use crate::error::{Error, Reason, Result};
use crate::id::{IspId, UserId};
use crate::limit::{self, Limit};
use crate::notify::{self, Note, Template, To};

/// Links to one mailbox, whoever asks for them.
const PER_MAILBOX: Limit = Limit::new(3, TimeDelta::minutes(20));
/// Links that one customer asks for, to whatever mailboxes.
const PER_CUSTOMER: Limit = Limit::new(5, TimeDelta::hours(1));

/// Mails a link that proves an address, within the limits; links of before are void. Tells until when it is good.
pub(super) async fn send_link(app: &App, tx: &mut Tx, tenant: &Tenant, user: &User, email: &str, now: Time) -> Result<Time> {
    let isp = tenant.id;
    limit::take(tx, &format!("link/user/{}", user.id), &PER_CUSTOMER, "Too many links were asked for.", now).await?;
    limit::take(tx, &format!("link/mailbox/{}/{email}", isp.uuid()), &PER_MAILBOX, "Too many links were mailed to this address.", now).await?;
    let token = link::issue(tx, isp, Purpose::VerifyEmail, user.id, email, now).await?;
    let good_until = now + link::VERIFY_EMAIL_LIVES;
    // Behind the #, so that the token stays out of the logs of whatever stands between.
    let address = app.config.link(&tenant.slug, &format!("verify-email#token={token}"));
    let note = Note {
        template: Template::VerifyEmail,
        to: To::Mailbox(email.to_owned()),
        user: Some(user.id),
        lang: user.lang(),
        facts: &[("name", &user.first_name), ("link", &address)],
        text: None,
        expires_at: Some(good_until),
    };
    notify::queue(app, tx, isp, note, now).await?;
    Ok(good_until)
}

/// Mails a new link to a customer's present address; `None` if it is proven.
pub async fn resend_verification_email(app: &App, tenant: &Tenant, user: UserId) -> Result<Option<Time>> {
    let now = app.clock.now();
    app.db
        .tx(tenant.id, async |tx| {
            let Profile { customer, user, .. } = profile::profile(tx, tenant.id, user).await?;
            match &user.email {
                Some(email) if !customer.proven().email => send_link(app, tx, tenant, &user, email, now).await.map(Some),
                _ => Ok(None),
            }
        })
        .await
}

/// Proves an address by the token of its link, or `LINK_INVALID`.
pub async fn verify_email(app: &App, isp: IspId, token: &str) -> Result<Customer> {
    let now = app.clock.now();
    app.db.tx(isp, async |tx| redeem(app, tx, isp, token, now).await).await
}

async fn redeem(app: &App, tx: &mut Tx, isp: IspId, token: &str, now: Time) -> Result<Customer> {
    let proof = link::redeem(tx, isp, Purpose::VerifyEmail, token, now).await?;
    let profile = profile::profile(tx, isp, proof.user).await?;
    if !profile.customer.status()?.may_sign_in() {
        return Err(Error::new(Reason::LinkInvalid, "This link is of no more use."));
    }
    if profile.user.email.as_deref() != Some(proof.email.as_str()) {
        change(app, tx, isp, &profile, proof.email, now).await?;
    }
    customer::prove(tx, isp, profile.customer.id, Proof::Email, profile.rules, now).await
}

/// The new address is the customer's; the old one is told.
async fn change(app: &App, tx: &mut Tx, isp: IspId, before: &Profile, email: String, now: Time) -> Result<()> {
    let user = before.user.id;
    auth::change_user(tx, isp, user, &UserChange { email: Some(email), ..UserChange::default() }).await?;
    search::write(tx, isp, before.customer.id).await?;
    audit::record(tx, isp, By::Themselves(user), "change_email", &before.customer.id.to_string(), serde_json::json!({}), now).await?;
    if let Some(old) = &before.user.email {
        let note = Note {
            template: Template::EmailChanged,
            to: To::Mailbox(old.clone()),
            user: Some(user),
            lang: before.user.lang(),
            facts: &[("name", &before.user.first_name)],
            text: None,
            expires_at: None,
        };
        notify::queue(app, tx, isp, note, now).await?;
    }
    Ok(())
}
