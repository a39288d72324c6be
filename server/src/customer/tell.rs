//! Telling a customer something, in their language: by an alert in the app, by a message.

use super::person::Person;
use crate::alert::{self, Kind, News};
use crate::app::App;
use crate::clock::Time;
use crate::db::Tx;
use crate::error::Result;
use crate::id::IspId;
use crate::notify::{self, Note, Template, To};

/// Raises an alert about the service. `subject_id` is what it is about; empty: the account.
pub async fn tell(tx: &mut Tx, isp: IspId, person: &Person, news: News<'_>, subject_id: &str, now: Time) -> Result<()> {
    alert::raise(tx, isp, person.customer.id, Kind::Service, &news.words(person.user.lang()), subject_id, now).await?;
    Ok(())
}

/// Queues a message to the customer's phone, or to the mailbox of whoever has no phone. The name is a fact of every message.
pub async fn write_to(app: &App, tx: &mut Tx, isp: IspId, person: &Person, template: Template, facts: &[(&str, &str)], now: Time) -> Result<()> {
    let user = &person.user;
    let phone = user.phone.as_deref().and_then(|phone| phone.parse().ok()).map(To::Phone);
    let Some(to) = phone.or_else(|| user.email.clone().map(To::Mailbox)) else { return Ok(()) };
    let facts = [&[("name", user.first_name.as_str())], facts].concat();
    let note = Note { template, to, user: Some(user.id), lang: user.lang(), facts: &facts, text: None, expires_at: None };
    notify::queue(app, tx, isp, note, now).await?;
    Ok(())
}
