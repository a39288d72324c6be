//! What providers report later about messages that they took. A report names a message by the provider's own id and no ISP, and may
//! come before we have written down that the message was taken.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use diesel::prelude::*;
use diesel::upsert::excluded;
use diesel_async::RunQueryDsl;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

use crate::app::App;
use crate::clock::Time;
use crate::db::Tx;
use crate::error::Result;
use crate::id::{IspId, MessageId};
use crate::notify::message::State;
use crate::schema::{message, message_receipt};

/// Length of the token: 128 bits.
const TOKEN_BYTES: usize = 16;

/// What a provider reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The provider's id of the message.
    pub provider_id: String,
    /// What became of it.
    pub fate: Fate,
}

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is on the phone.
    Delivered,
    /// It is not, and why.
    Failed(String),
}

/// The last part of the address to which providers report: a MAC that only we can make, one for the whole platform.
pub fn token(key: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap_or_else(|_| unreachable!("HMAC takes keys of any length"));
    mac.update(b"sms delivery report");
    URL_SAFE_NO_PAD.encode(&mac.finalize().into_bytes()[..TOKEN_BYTES])
}

/// Whether an address ends with our token. Compares in constant time.
pub fn is_token(key: &[u8], given: &str) -> bool {
    token(key).as_bytes().ct_eq(given.as_bytes()).into()
}

/// Reads a report's form: `id`, `status`, `phoneNumber`, `failureReason`. `None` when it is none, or not the last word on its message.
pub fn read(form: &[u8]) -> Option<Report> {
    let mut id = None;
    let mut status = String::new();
    let mut reason = String::new();
    for (name, value) in form_urlencoded::parse(form) {
        match &*name {
            "id" => id = Some(value.into_owned()).filter(|id| (1..=100).contains(&id.len())),
            "status" => status = value.into_owned(),
            // A word, as documented; anything else could hold anything.
            "failureReason" if value.len() <= 60 && value.bytes().all(|byte| byte.is_ascii_alphanumeric()) => reason = value.into_owned(),
            _ => {}
        }
    }
    let fate = match status.as_str() {
        "Success" => Fate::Delivered,
        "Failed" | "Rejected" | "Expired" | "AbsentSubscriber" => {
            let why = if reason.is_empty() { status } else { reason };
            Fate::Failed(format!("it did not arrive: {why}"))
        }
        // Sent, Submitted, Buffered: on its way.
        _ => return None,
    };
    Some(Report { provider_id: id?, fate })
}

/// Marks the message that a report speaks of; one that we do not know yet is remembered for when we do.
pub async fn report(app: &App, report: Report) -> Result<()> {
    let now = app.clock.now();
    let known: (Option<IspId>, Option<MessageId>) = app
        .db
        .public(async |tx| {
            let (outcome, problem) = match &report.fate {
                Fate::Delivered => (State::Delivered.as_str(), ""),
                Fate::Failed(problem) => (State::Failed.as_str(), problem.as_str()),
            };
            Ok(diesel::insert_into(message_receipt::table)
                .values((
                    (message_receipt::provider_id.eq(&report.provider_id), message_receipt::created_at.eq(now)),
                    (message_receipt::outcome.eq(outcome), message_receipt::problem.eq(problem)),
                ))
                .on_conflict(message_receipt::provider_id)
                .do_update()
                .set((message_receipt::outcome.eq(excluded(message_receipt::outcome)), message_receipt::problem.eq(excluded(message_receipt::problem))))
                .returning((message_receipt::isp_id, message_receipt::message_id))
                .get_result(&mut **tx)
                .await?)
        })
        .await?;
    let (Some(tenant), Some(id)) = known else { return Ok(()) };
    app.db.tx(tenant, async |tx| mark(tx, tenant, id, &report.fate).await).await
}

/// Remembers which message the provider's id stands for, and takes in a report that was faster.
pub(super) async fn taken(tx: &mut Tx, provider_id: &str, tenant: IspId, id: MessageId, now: Time) -> Result<()> {
    use diesel::query_dsl::methods::FilterDsl as _;
    if provider_id.is_empty() {
        return Ok(());
    }
    let early: Option<(Option<String>, String)> = diesel::insert_into(message_receipt::table)
        .values((
            (message_receipt::provider_id.eq(provider_id), message_receipt::created_at.eq(now)),
            (message_receipt::isp_id.eq(tenant), message_receipt::message_id.eq(id)),
        ))
        .on_conflict(message_receipt::provider_id)
        .do_update()
        .set((message_receipt::isp_id.eq(tenant), message_receipt::message_id.eq(id)))
        // An id that stands for one message stands for no other.
        .filter(message_receipt::isp_id.is_null())
        .returning((message_receipt::outcome, message_receipt::problem))
        .get_result(&mut **tx)
        .await
        .optional()?;
    match early {
        Some((Some(outcome), _)) if outcome == State::Delivered.as_str() => mark(tx, tenant, id, &Fate::Delivered).await,
        Some((Some(_), problem)) => mark(tx, tenant, id, &Fate::Failed(problem)).await,
        _ => Ok(()),
    }
}

/// Only a message that was sent changes: a report that comes twice, or after a human sent it again, changes nothing.
async fn mark(tx: &mut Tx, tenant: IspId, id: MessageId, fate: &Fate) -> Result<()> {
    let sent = message::table.find((tenant, id)).filter(message::state.eq(State::Sent.as_str()));
    let (state, problem) = match fate {
        Fate::Delivered => (State::Delivered, ""),
        Fate::Failed(problem) => (State::Failed, problem.as_str()),
    };
    diesel::update(sent).set((message::state.eq(state.as_str()), message::problem.eq(problem))).execute(&mut **tx).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_token_of_the_key_opens_the_door() {
        let token = token(b"key");
        assert!(is_token(b"key", &token) && !is_token(b"other", &token));
        for wrong in ["", &token[1..], &format!("{token}A")] {
            assert!(!is_token(b"key", wrong), "{wrong}");
        }
    }

    #[test]
    fn reports_are_read_as_they_are_documented() {
        let report = |fate| Some(Report { provider_id: "ATXid_1".to_owned(), fate });
        let failed = |why: &str| report(Fate::Failed(format!("it did not arrive: {why}")));
        for (form, wanted) in [
            ("id=ATXid_1&status=Success&phoneNumber=%2B254712345678&networkCode=63902&retryCount=0", report(Fate::Delivered)),
            ("id=ATXid_1&status=Failed&failureReason=UserInBlacklist", failed("UserInBlacklist")),
            ("id=ATXid_1&status=Rejected", failed("Rejected")),
            ("id=ATXid_1&status=Rejected&failureReason=call+254712345678+now", failed("Rejected")),
            ("id=ATXid_1&status=Buffered", None),
            ("id=&status=Success", None),
            ("status=Success", None),
            ("", None),
            ("{\"id\":1}", None),
        ] {
            assert_eq!(read(form.as_bytes()), wanted, "{form}");
        }
    }
}
