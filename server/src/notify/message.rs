//! Rows of messages.

use diesel::prelude::*;

use crate::clock::Time;
use crate::id::{IspId, MessageId};
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
    /// What a sealed text is bound to.
    pub(super) fn row(tenant: IspId, id: MessageId) -> String {
        format!("message/{tenant}/{id}")
    }
}
