//! Inviting a customer whom staff wrote down to choose a password. Who has no mailbox asks for a new password by phone instead.

use super::person::Person;
use crate::actor::Tenant;
use crate::app::App;
use crate::auth::link::{self, Purpose};
use crate::clock::Time;
use crate::db::Tx;
use crate::error::Result;
use crate::notify::{self, Note, Template, To};

/// Mails an invitation to whoever has a mailbox and no password; the one before is void.
pub(super) async fn invite(app: &App, tx: &mut Tx, tenant: &Tenant, person: &Person, now: Time) -> Result<()> {
    let user = &person.user;
    let Some(email) = user.email.as_deref().filter(|_| !user.has_password()) else { return Ok(()) };
    let token = link::issue(tx, tenant.id, Purpose::Invitation, user.id, email, now).await?;
    // Behind the #, so that the token stays out of the logs of whatever stands between.
    let address = app.config.link(&tenant.slug, &format!("customer-invitation#token={token}"));
    let note = Note {
        template: Template::Invitation,
        to: To::Mailbox(email.to_owned()),
        user: Some(user.id),
        lang: user.lang(),
        facts: &[("name", &user.first_name), ("link", &address)],
        text: None,
        expires_at: Some(now + link::INVITATION_LIVES),
    };
    notify::queue(app, tx, tenant.id, note, now).await?;
    Ok(())
}
