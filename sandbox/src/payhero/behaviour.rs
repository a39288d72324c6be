//! How PayHero misbehaves just now. These are the words of the control side; what each does is decided where it is acted upon.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The switches, all of which the control side can set one by one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Behaviour {
    /// How the outcome of a transaction is announced.
    pub callback: CallbackMode,
    /// How long after the outcome the callback is sent.
    pub callback_delay_ms: u64,
    /// Which of the two live APIs is spoken.
    pub generation: Generation,
    /// How a request to collect is received.
    pub collect: Reception,
    /// How a request to withdraw is received.
    pub payout: Reception,
    /// How questions (status, transactions, balances) are answered.
    pub status: StatusMode,
    /// What the person does with each new prompt at once; `null` leaves it to the phone page.
    pub auto_answer: Option<Answer>,
    /// How long `auto_answer` thinks.
    pub auto_answer_delay_ms: u64,
    /// How long a prompt stays on the phone. M-Pesa's lives about 60 s.
    pub prompt_lifetime_ms: u64,
    /// How an accepted withdrawal ends.
    pub payout_result: PayoutResult,
    /// How long an accepted withdrawal takes.
    pub payout_delay_ms: u64,
    /// How long a call hangs that is never to be answered, before its connection is given up.
    pub hang_ms: u64,
    /// How long `slow` takes to answer.
    pub slow_ms: u64,
    /// For `early` and `failed_then_success`: how long questions are still answered with the older state.
    pub lag_ms: u64,
    /// What `Retry-After` says under `rate_limited`, in seconds.
    pub retry_after_s: u64,
    /// How many rows the transactions list gains at its newest end each time a page of it has been read, as while others
    /// pay; below zero, how many of its newest rows it shows no more.
    pub list_shift: i64,
    /// Fields that each status answer has otherwise, or besides, whatever is true: `{"external_reference": "ANOTHER", "amount": ""}`. With them an
    /// answer names another payment, another amount or phone, or holds what nobody can read.
    pub status_fields: Map<String, Value>,
    /// The same for each row of the transactions list.
    pub list_fields: Map<String, Value>,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            callback: CallbackMode::Once,
            callback_delay_ms: 0,
            generation: Generation::Legacy,
            collect: Reception::Ok,
            payout: Reception::Ok,
            status: StatusMode::Ok,
            auto_answer: None,
            auto_answer_delay_ms: 0,
            prompt_lifetime_ms: 60_000,
            payout_result: PayoutResult::Success,
            payout_delay_ms: 0,
            hang_ms: 65_000,
            slow_ms: 5_000,
            lag_ms: 1_500,
            retry_after_s: 30,
            list_shift: 0,
            status_fields: Map::new(),
            list_fields: Map::new(),
        }
    }
}

impl Behaviour {
    /// These switches with the named ones changed. An unknown name or word is refused in a sentence.
    pub(crate) fn with(&self, changes: Value) -> Result<Self, String> {
        let Value::Object(changes) = changes else {
            return Err("a JSON object of switches is expected".to_owned());
        };
        let mut all = serde_json::to_value(self).map_err(|fault| fault.to_string())?;
        if let Value::Object(fields) = &mut all {
            fields.extend(changes);
        }
        serde_json::from_value(all).map_err(|fault| fault.to_string())
    }
}

/// How an outcome is announced to the callback address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallbackMode {
    /// One callback.
    Once,
    /// None at all: only asking tells.
    Never,
    /// Two at the same moment.
    Twice,
    /// One that comes before the status answer knows, and with `auto_answer` before the request itself is answered.
    Early,
    /// A success is first announced and shown as failed (1037), and as a success `lag_ms` later.
    FailedThenSuccess,
}

/// The two live generations of the API, whose bodies differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Generation {
    /// `backend.payhero.co.ke`: nested callbacks.
    Legacy,
    /// `api.payhero.africa`, API 2.0.0: `account_id` required, flat callbacks, `/api/global/*`.
    V2,
}

/// How a request that moves money is received.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reception {
    /// Accepted and answered.
    Ok,
    /// Refused with the documented 400 body.
    Refuse,
    /// Refused with `success: false` under HTTP 200.
    #[serde(rename = "refuse_with_200")]
    RefuseWith200,
    /// Not accepted: 429 with the documented body and `Retry-After`.
    RateLimited,
    /// Accepted, but the answer never comes.
    TimeoutAfterAccept,
    /// Accepted, but the answer is an HTTP 500.
    ErrorAfterAccept,
    /// Not accepted; an HTML page under HTTP 200, as from a proxy in front of a host in maintenance.
    Html,
    /// Not accepted, and no answer ever comes.
    Dark,
    /// Accepted, and answered after `slow_ms`.
    Slow,
}

/// How questions are answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StatusMode {
    /// As they should be.
    #[serde(rename = "ok")]
    Ok,
    /// The first status question about each reference gets 404: the transaction is not indexed yet.
    #[serde(rename = "404_first")]
    NotFoundFirst,
    /// No answer ever comes, neither to status questions nor to lists and balances.
    #[serde(rename = "dark")]
    Dark,
    /// 429 and `Retry-After`, to status questions, lists and balances.
    #[serde(rename = "rate_limited")]
    RateLimited,
}

/// How an accepted withdrawal ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PayoutResult {
    /// The money arrives.
    Success,
    /// B2C code 2040: the recipient is no M-Pesa customer; the money stays.
    Failed,
    /// It stays queued until the control side decides.
    Hold,
}

/// What a person can do with an STK prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Types the right PIN and has the money.
    Accept,
    /// Presses Cancel (1032).
    Cancel,
    /// Types a wrong PIN (2001).
    WrongPin,
    /// Types the right PIN without having the money (1).
    Insufficient,
    /// Puts the phone away; the prompt dies at the end of its life (1037).
    Ignore,
}

#[cfg(test)]
mod tests {
    use super::{Answer, Behaviour, StatusMode};
    use serde_json::json;

    #[test]
    fn a_change_keeps_what_it_does_not_name() {
        let dark = Behaviour::default().with(json!({"auto_answer": "accept"})).unwrap().with(json!({"status": "404_first"})).unwrap();
        assert_eq!((dark.auto_answer, dark.status), (Some(Answer::Accept), StatusMode::NotFoundFirst));
        assert_eq!(dark.with(json!({"auto_answer": null})).unwrap().auto_answer, None);
    }

    #[test]
    fn an_unknown_switch_or_word_is_refused() {
        assert!(Behaviour::default().with(json!({"colect": "ok"})).is_err());
        assert!(Behaviour::default().with(json!({"collect": "fine"})).is_err());
        assert!(Behaviour::default().with(json!([])).is_err());
    }
}
