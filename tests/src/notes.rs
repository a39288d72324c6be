//! Messages as a use case would write them.

use netily::error::Result;
use netily::id::MessageId;
use netily::isp;
use netily::lang::Lang;
use netily::notify::{self, Note, Template, To};
use serde_json::Value;

use crate::world::World;

/// A note in English to a phone, without values.
pub fn to_phone<'a>(template: Template, phone: &str) -> Note<'a> {
    let phone = phone.parse().expect("a phone");
    Note { template, to: To::Phone(phone), user: None, lang: Lang::English, facts: &[], text: None, expires_at: None }
}

/// The same to a mailbox.
pub fn to_mailbox<'a>(template: Template, mailbox: &str) -> Note<'a> {
    Note { to: To::Mailbox(mailbox.to_owned()), ..to_phone(template, "254700000000") }
}

impl World {
    /// Queues a message of an ISP in a transaction of its own.
    pub async fn queue(&self, slug: &str, note: Note<'_>) -> Result<MessageId> {
        let isp = isp::tenant(&self.app.db, slug).await?.id;
        let now = self.app.clock.now();
        self.app.db.tx(isp, async |tx| notify::queue(&self.app, tx, isp, note, now).await).await
    }

    /// The row of a message.
    pub async fn message(&self, id: MessageId) -> Value {
        self.sql().await.row(&format!("SELECT * FROM tenant.message WHERE id = '{}'", id.uuid())).await
    }

    /// The state of a message and what was in the way.
    pub async fn fate(&self, id: MessageId) -> (String, String) {
        let row = self.message(id).await;
        let text = |name: &str| row[name].as_str().expect("a text").to_owned();
        (text("state"), text("problem"))
    }
}
