//! Staff change a customer. A new phone or e-mail address counts as not proven, and the old one is told, so that no account is taken
//! over without its owner hearing of it.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::json;

use super::invite::invite;
use super::person::{Person, person};
use super::status::Status;
use super::{search, store};
use crate::actor::Tenant;
use crate::app::App;
use crate::audit::{self, By};
use crate::auth::{self, UserChange};
use crate::clock::Time;
use crate::db::Tx;
use crate::error::{Error, Reason, Result};
use crate::id::{CustomerId, IspId};
use crate::lang::Lang;
use crate::notify::{self, Note, Template, To};
use crate::phone::Phone;
use crate::schema::customer;

/// What staff change; what is `None` stays.
#[derive(Clone, Debug, Default)]
pub struct Change {
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// Phone.
    pub phone: Option<Phone>,
    /// E-mail address in its one form; the inner `None` takes it away.
    pub email: Option<Option<String>>,
    /// National id card or passport; the inner `None` takes it away.
    pub id_number: Option<Option<String>>,
    /// What they read.
    pub lang: Option<Lang>,
}

/// Changes a customer. `STATE_CONFLICT` once closed; `ALREADY_EXISTS` names `email` or `phone_number` when somebody has it.
pub async fn change(app: &App, tenant: &Tenant, by: By, id: CustomerId, change: &Change) -> Result<Person> {
    let (isp, now) = (tenant.id, app.clock.now());
    app.db
        .tx(isp, async |tx| {
            let before = person(tx, isp, id).await?;
            write(tx, isp, &before, change).await?;
            if store::lock(tx, isp, id).await?.status()? == Status::Closed {
                return Err(Error::new(Reason::StateConflict, "This customer is CLOSED, so this cannot be done."));
            }
            let changed = person(tx, isp, id).await?;
            let names = differences(&before, &changed);
            if names.is_empty() {
                return Ok(changed);
            }
            let (new_phone, new_email) = (names.contains(&"phone_number"), names.contains(&"email"));
            unprove(tx, isp, id, new_phone, new_email).await?;
            search::write(tx, isp, id).await?;
            audit::record(tx, isp, by, "change_customer", &id.to_string(), json!({ "changed": names }), now).await?;
            if new_phone && let Some(old) = before.user.phone.as_deref().and_then(|phone| phone.parse().ok()) {
                tell_old(app, tx, isp, &before, Template::PhoneChanged, To::Phone(old), now).await?;
            }
            if new_email && let Some(old) = &before.user.email {
                tell_old(app, tx, isp, &before, Template::EmailChanged, To::Mailbox(old.clone()), now).await?;
            }
            if new_email {
                auth::link::void(tx, isp, before.user.id).await?;
                invite(app, tx, tenant, &changed, now).await?;
            }
            person(tx, isp, id).await
        })
        .await
}

/// The account before the customer, as everywhere: two changes at once wait for each other in the same order.
async fn write(tx: &mut Tx, isp: IspId, before: &Person, change: &Change) -> Result<()> {
    let account = UserChange {
        first_name: change.first_name.clone(),
        last_name: change.last_name.clone(),
        lang: change.lang.map(Lang::code),
        email: change.email.clone().flatten(),
        phone: change.phone.as_ref().map(|phone| phone.digits().to_owned()),
    };
    auth::change_user(tx, isp, before.user.id, &account).await?;
    if change.email == Some(None) {
        auth::drop_email(tx, isp, before.user.id).await?;
    }
    if let Some(number) = &change.id_number {
        store::set_id_number(tx, isp, before.customer.id, number.as_deref()).await?;
    }
    Ok(())
}

/// The names of what is not as before, for the audit log.
fn differences(before: &Person, after: &Person) -> Vec<&'static str> {
    let all = [
        ("first_name", before.user.first_name != after.user.first_name),
        ("last_name", before.user.last_name != after.user.last_name),
        ("phone_number", before.user.phone != after.user.phone),
        ("email", before.user.email != after.user.email),
        ("id_number", before.customer.id_number != after.customer.id_number),
        ("language", before.user.lang() != after.user.lang()),
    ];
    all.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name).collect()
}

async fn unprove(tx: &mut Tx, isp: IspId, id: CustomerId, phone: bool, email: bool) -> Result<()> {
    let row = diesel::update(customer::table.find((isp, id)));
    match (phone, email) {
        (true, true) => row.set((customer::phone_verified_at.eq(None::<Time>), customer::email_verified_at.eq(None::<Time>))).execute(&mut **tx).await?,
        (true, false) => row.set(customer::phone_verified_at.eq(None::<Time>)).execute(&mut **tx).await?,
        (false, true) => row.set(customer::email_verified_at.eq(None::<Time>)).execute(&mut **tx).await?,
        (false, false) => 0,
    };
    Ok(())
}

async fn tell_old(app: &App, tx: &mut Tx, isp: IspId, before: &Person, template: Template, to: To, now: Time) -> Result<()> {
    let user = &before.user;
    let facts = [("name", user.first_name.as_str())];
    let note = Note { template, to, user: Some(user.id), lang: user.lang(), facts: &facts, text: None, expires_at: None };
    notify::queue(app, tx, isp, note, now).await?;
    Ok(())
}
