//! Rows of messages. Nothing here is secret: a text with a code or a link is sealed, and only `send` opens it.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::clock::Time;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::id::{IspId, MessageId};
use crate::notify::Channel;
use crate::page::{Cursor, PageAsk};
use crate::phone::Phone;
use crate::schema::message;

/// Where a message stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It waits to be sent, or to be sent again.
    Queued,
    /// A provider took it.
    Sent,
    /// A provider says that it arrived.
    Delivered,
    /// It will not be sent.
    Failed,
    /// It could not be sent while it was of use.
    Expired,
}

impl State {
    /// Every state.
    pub const ALL: [State; 5] = [State::Queued, State::Sent, State::Delivered, State::Failed, State::Expired];

    /// As the database writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            State::Queued => "QUEUED",
            State::Sent => "SENT",
            State::Delivered => "DELIVERED",
            State::Failed => "FAILED",
            State::Expired => "EXPIRED",
        }
    }

    /// From what the database wrote.
    pub fn parse(text: &str) -> Option<State> {
        State::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// A message as it is stored.
#[derive(Clone, Queryable, Selectable)]
#[diesel(table_name = message)]
pub struct Message {
    /// Its id.
    pub id: MessageId,
    /// `SMS` or `EMAIL`.
    pub channel: String,
    /// The name of its template.
    pub template: String,
    /// `en` or `sw`.
    pub lang: String,
    /// Phone number or e-mail address; empty once it was forgotten.
    pub recipient: String,
    /// The subject of a mail.
    pub subject: String,
    /// The text, unless it holds a secret or was forgotten.
    pub body: Option<String>,
    /// The text that holds a secret, sealed, until it is sent.
    pub body_sealed: Option<Vec<u8>>,
    /// The name of its state.
    pub state: String,
    /// How often sending it was begun.
    pub attempts: i32,
    /// What was in the way last, or why it failed.
    pub problem: String,
    /// When it was written.
    pub created_at: Time,
    /// When it was queued last.
    pub queued_at: Time,
    /// It is of no use to anybody after that.
    pub expires_at: Option<Time>,
    /// When a provider took it.
    pub sent_at: Option<Time>,
}

impl Message {
    /// The recipient as staff may see it: `2547•••••678`, `a•••@example.com`.
    pub fn masked_recipient(&self) -> String {
        if let Ok(phone) = self.recipient.parse::<Phone>() {
            return phone.to_string();
        }
        match (self.recipient.chars().next(), self.recipient.rsplit_once('@')) {
            (Some(first), Some((_, domain))) => format!("{first}•••@{domain}"),
            _ => String::new(),
        }
    }

    /// What a sealed text is bound to.
    pub(super) fn row(tenant: IspId, id: MessageId) -> String {
        format!("message/{tenant}/{id}")
    }
}

/// The message, or `NOT_FOUND`. Held until the end of the transaction.
pub async fn lock(tx: &mut Tx, tenant: IspId, id: MessageId) -> Result<Message> {
    let found = message::table.find((tenant, id)).for_update().select(Message::as_select()).first(&mut **tx).await.optional()?;
    found.ok_or_else(|| Error::not_found("message"))
}

/// A page of messages, newest first.
pub async fn list(tx: &mut Tx, tenant: IspId, state: Option<State>, channel: Option<Channel>, page: PageAsk) -> Result<(Vec<Message>, String)> {
    let before = page.before();
    let mut query = message::table
        .filter(message::tenant_id.eq(tenant))
        .filter(message::created_at.lt(before.at).or(message::created_at.eq(before.at).and(message::id.lt(before.id))))
        .order((message::created_at.desc(), message::id.desc()))
        .limit(page.size + 1)
        .select(Message::as_select())
        .into_boxed();
    if let Some(state) = state {
        query = query.filter(message::state.eq(state.as_str()));
    }
    if let Some(channel) = channel {
        query = query.filter(message::channel.eq(channel.as_str()));
    }
    Ok(page.cut(query.load(&mut **tx).await?, |row: &Message| Cursor { at: row.created_at, id: row.id.uuid() }))
}
