//! The job that sends one message. No transaction is open while a provider is asked. An attempt is written down before the call, its
//! end after it: if we die between, the message is sent again, so that it is sent at least once.

use std::time::Duration;

use chrono::TimeDelta;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use secrecy::SecretString;

use crate::app::App;
use crate::clock::Time;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::gateways::Delivery;
use crate::gateways::mail::Letter;
use crate::id::{IspId, MessageId};
use crate::isp;
use crate::jobs::{Outcome, backoff};
use crate::notify::message::{Message, State};
use crate::notify::{Channel, delivery};
use crate::schema::message;

/// A message that could not be sent for this long is given up.
const GIVE_UP: TimeDelta = TimeDelta::hours(24);

/// A message that is about to be sent.
struct Ready {
    id: MessageId,
    to: String,
    channel: Channel,
    subject: String,
    text: SecretString,
    isp_name: String,
    /// Which provider of text messages has its turn.
    provider: usize,
    attempts: i32,
    /// When it is of no more use.
    until: Time,
}

/// The job `send_message`.
pub async fn send(app: &App, tenant: IspId, id: MessageId) -> Result<Outcome> {
    let begun = app.clock.now();
    let Some(ready) = app.db.tx(tenant, async |tx| begin(app, tx, tenant, id, begun).await).await? else { return Ok(Outcome::Done) };
    let came = deliver(app, &ready).await;
    let now = app.clock.now();
    if let Delivery::Later { problem, operator: true } = &came
        && app.seldom.tell(&format!("provider {} {problem}", ready.channel.as_str()), TimeDelta::minutes(5), now)
    {
        tracing::error!(channel = ready.channel.as_str(), provider = name_of(ready.channel, ready.provider), problem, "messages wait for an operator");
    }
    app.db.tx(tenant, async |tx| end(tx, tenant, id, &ready, came, now).await).await
}

/// Looks whether there is something to send, and writes the attempt down.
async fn begin(app: &App, tx: &mut Tx, tenant: IspId, id: MessageId, now: Time) -> Result<Option<Ready>> {
    let row = message::table.find((tenant, id));
    let Some(found) = row.for_update().select(Message::as_select()).first::<Message>(&mut **tx).await.optional()? else { return Ok(None) };
    if found.state != State::Queued.as_str() {
        return Ok(None);
    }
    let given_up = found.queued_at + GIVE_UP;
    let until = found.expires_at.map_or(given_up, |expires| expires.min(given_up));
    if now >= until {
        let problem = if found.problem.is_empty() { "it was not sent in time".to_owned() } else { found.problem };
        close(tx, tenant, id, State::Expired, &problem).await?;
        return Ok(None);
    }
    let channel = Channel::parse(&found.channel).ok_or_else(|| Error::internal(format!("{id} has no channel")))?;
    let text = match (found.body, found.body_sealed) {
        (Some(text), _) => text.into(),
        (None, Some(sealed)) => match app.seal.open(&Message::row(tenant, id), &sealed) {
            Ok(text) => text,
            Err(error) => {
                tracing::error!(message = %id, %error, "a message cannot be opened, and will not be sent");
                close(tx, tenant, id, State::Failed, "it cannot be opened").await?;
                return Ok(None);
            }
        },
        (None, None) => {
            close(tx, tenant, id, State::Failed, "its text was forgotten").await?;
            return Ok(None);
        }
    };
    // Each attempt goes to the other provider, so that one which is down costs one attempt.
    let attempts = found.attempts.saturating_add(1);
    let provider = usize::try_from(found.attempts).unwrap_or(0) % app.sms.len();
    diesel::update(row).set((message::attempts.eq(attempts), message::provider.eq(name_of(channel, provider)))).execute(&mut **tx).await?;
    let isp_name = isp::name(tx, tenant).await?;
    Ok(Some(Ready { id, to: found.recipient, channel, subject: found.subject, text, isp_name, provider, attempts, until }))
}

const fn name_of(channel: Channel, provider: usize) -> &'static str {
    match (channel, provider) {
        (Channel::Email, _) => "smtp",
        (Channel::Sms, 0) => "sms",
        (Channel::Sms, _) => "sms_fallback",
    }
}

async fn deliver(app: &App, ready: &Ready) -> Delivery {
    match ready.channel {
        Channel::Email => {
            let letter = Letter { id: ready.id.to_string(), to: &ready.to, from_name: &ready.isp_name, subject: &ready.subject, text: &ready.text };
            app.mail.send(letter).await
        }
        Channel::Sms => match ready.to.parse() {
            Ok(phone) => app.sms[ready.provider].send(&phone, &ready.text).await,
            Err(_) => Delivery::Refused("this is no phone number".to_owned()),
        },
    }
}

/// Writes down what came of it.
async fn end(tx: &mut Tx, tenant: IspId, id: MessageId, ready: &Ready, came: Delivery, now: Time) -> Result<Outcome> {
    let waiting = message::table.find((tenant, id)).filter(message::state.eq(State::Queued.as_str()));
    match came {
        Delivery::Taken { id: provider_id } => {
            let set = (message::state.eq(State::Sent.as_str()), message::provider_id.eq(&provider_id), message::problem.eq(""), message::sent_at.eq(now));
            diesel::update(waiting).set((set, message::body_sealed.eq(None::<Vec<u8>>))).execute(&mut **tx).await?;
            delivery::taken(tx, &provider_id, tenant, id, now).await?;
            Ok(Outcome::Done)
        }
        Delivery::Refused(problem) => {
            close(tx, tenant, id, State::Failed, &problem).await?;
            Ok(Outcome::Done)
        }
        Delivery::Later { problem, .. } => {
            diesel::update(waiting).set(message::problem.eq(&problem)).execute(&mut **tx).await?;
            let next = now + backoff(ready.attempts, Duration::from_secs(2), Duration::from_secs(300));
            Ok(Outcome::Retry(next.min(ready.until), problem))
        }
    }
}

/// Ends a message that is not sent. A secret text is forgotten.
async fn close(tx: &mut Tx, tenant: IspId, id: MessageId, state: State, problem: &str) -> Result<()> {
    diesel::update(message::table.find((tenant, id)))
        .set((message::state.eq(state.as_str()), message::problem.eq(problem), message::body_sealed.eq(None::<Vec<u8>>)))
        .execute(&mut **tx)
        .await?;
    Ok(())
}
