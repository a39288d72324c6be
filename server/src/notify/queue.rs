//! Writing a message down, to be sent after the commit. Asks no provider.

use chrono::TimeDelta;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::app::App;
use crate::clock::Time;
use crate::db::Tx;
use crate::error::{Error, Reason, Result};
use crate::id::{IspId, MessageId, UserId};
use crate::isp;
use crate::jobs::{self, Kind};
use crate::lang::Lang;
use crate::limit::{self, Limit};
use crate::notify::message::{Message, State};
use crate::notify::{Channel, Template, render, text};
use crate::phone::Phone;
use crate::schema::message;

/// What a message that is over its ISP's budget says.
const OVER_BUDGET: &str = "the text messages of the day are used up";

/// Where a message goes.
#[derive(Clone, Debug)]
pub enum To {
    /// A phone.
    Phone(Phone),
    /// A mailbox.
    Mailbox(String),
}

/// A message to be sent.
pub struct Note<'a> {
    /// What it is.
    pub template: Template,
    /// Where it goes.
    pub to: To,
    /// Whom it is for, when it is somebody with an account.
    pub user: Option<UserId>,
    /// Their language.
    pub lang: Lang,
    /// Values of the template's placeholders; `{isp}` is filled by itself.
    pub facts: &'a [(&'a str, &'a str)],
    /// A text to use in place of the template's.
    pub text: Option<&'a str>,
    /// It is of no use to anybody after that.
    pub expires_at: Option<Time>,
}

/// Writes a message and the job that sends it.
///
/// # Errors
/// `RATE_LIMITED` when the ISP's text messages of the day are used up and the message holds a code or link: whoever waits for it must
/// be told. Any other message is written as failed instead, and holds up nothing.
pub async fn queue(app: &App, tx: &mut Tx, tenant: IspId, note: Note<'_>, now: Time) -> Result<MessageId> {
    let id = MessageId::sortable(now);
    let (channel, recipient) = match &note.to {
        To::Phone(phone) => (Channel::Sms, phone.digits().to_owned()),
        To::Mailbox(mailbox) => (Channel::Email, mailbox.clone()),
    };
    if channel == Channel::Sms && note.template.channel() == Channel::Email {
        return Err(Error::internal(format!("{} is a mail, too long for a text message", note.template.as_str())));
    }
    let over_budget = channel == Channel::Sms && is_over_budget(app, tx, tenant, note.template.secret().is_some(), now).await?;
    let text = text::of(tx, tenant, note.template, note.lang).await?;
    let name = isp::name(tx, tenant).await?;
    let facts = [&[("isp", name.as_str())], note.facts].concat();
    let body = render::fill(note.text.unwrap_or(&text.body), channel, &facts);
    let subject = if channel == Channel::Email { render::fill(&text.subject, channel, &facts) } else { String::new() };
    let (body, sealed) = match note.template.secret() {
        Some(_) => (None, Some(app.seal.seal(&Message::row(tenant, id), &body.into())?)),
        None => (Some(body), None),
    };
    let (state, problem) = if over_budget { (State::Failed, OVER_BUDGET) } else { (State::Queued, "") };
    diesel::insert_into(message::table)
        .values((
            (message::tenant_id.eq(tenant), message::id.eq(id), message::channel.eq(channel.as_str()), message::template.eq(note.template.as_str())),
            (message::lang.eq(note.lang.code()), message::recipient.eq(recipient), message::user_id.eq(note.user)),
            (message::subject.eq(subject), message::body.eq(body), message::body_sealed.eq(sealed)),
            (message::state.eq(state.as_str()), message::problem.eq(problem)),
            (message::created_at.eq(now), message::queued_at.eq(now), message::expires_at.eq(note.expires_at)),
        ))
        .execute(&mut **tx)
        .await?;
    if state == State::Queued {
        jobs::enqueue(tx, Kind::SendMessage, tenant, id.uuid(), now, now).await?;
    }
    Ok(id)
}

/// Takes one text message of the ISP's day. False: there was one. True: there was none, and nobody waits for the message. An error:
/// there was none, and somebody waits.
async fn is_over_budget(app: &App, tx: &mut Tx, tenant: IspId, awaited: bool, now: Time) -> Result<bool> {
    match take_from_budget(app, tx, tenant, now).await {
        Ok(()) => Ok(false),
        Err(error) if error.reason == Reason::RateLimited && !awaited => Ok(true),
        Err(error) => Err(error),
    }
}

/// Takes one text message of the ISP's day, or says when there will be one; an operator is told of it once an hour.
pub(super) async fn take_from_budget(app: &App, tx: &mut Tx, tenant: IspId, now: Time) -> Result<(), Error> {
    let day = app.config.sms_per_isp_day;
    let refill = TimeDelta::days(1) / day;
    let taken = limit::take(tx, &format!("sms/{tenant}"), &Limit::new(day, refill), "Too many text messages were sent.", now).await;
    if matches!(&taken, Err(error) if error.reason == Reason::RateLimited) && app.seldom.tell(&format!("sms budget {tenant}"), TimeDelta::hours(1), now) {
        tracing::error!(%tenant, day, "the text messages that this ISP may send in a day are used up");
    }
    taken
}
