//! Queueing a failed message again, because a human asks for it.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::app::App;
use crate::error::{Error, Reason, Result};
use crate::id::{IspId, MessageId};
use crate::jobs::{self, Kind};
use crate::notify::Channel;
use crate::notify::message::{self as rows, Message, State};
use crate::notify::queue::take_from_budget;
use crate::schema::message;

/// Queues a failed message again; one that waits stays as it is.
///
/// # Errors
/// `STATE_CONFLICT` for any other, and for one whose text is gone; `RATE_LIMITED` when the text messages of the day are used up.
pub async fn retry(app: &App, tenant: IspId, id: MessageId) -> Result<Message> {
    let now = app.clock.now();
    app.db
        .tx(tenant, async |tx| {
            let found = rows::lock(tx, tenant, id).await?;
            match State::parse(&found.state) {
                Some(State::Queued) => return Ok(found),
                Some(State::Failed) => {}
                _ => return Err(Error::new(Reason::StateConflict, "Only a message that failed can be sent again.")),
            }
            if found.body.is_none() || found.recipient.is_empty() {
                return Err(Error::new(Reason::StateConflict, "The text of this message is gone. Its person has to ask for a new one."));
            }
            if found.channel == Channel::Sms.as_str() {
                take_from_budget(app, tx, tenant, now).await?;
            }
            diesel::update(message::table.find((tenant, id)))
                .set((message::state.eq(State::Queued.as_str()), message::problem.eq(""), message::attempts.eq(0), message::queued_at.eq(now)))
                .execute(&mut **tx)
                .await?;
            jobs::enqueue(tx, Kind::SendMessage, tenant, id.uuid(), now, now).await?;
            rows::lock(tx, tenant, id).await
        })
        .await
}
