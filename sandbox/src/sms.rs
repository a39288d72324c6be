//! The Africa's Talking stand-in: `POST /africastalking/version1/messaging`, form in, JSON out. A message that was accepted is
//! on the phone at once.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Form, Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use subtle::ConstantTimeEq;
use uuid::Uuid;

use crate::clock::{now_ms, rfc3339};
use crate::msisdn;
use crate::truth::Entry;
use crate::world::World;

/// The price of one message, in cents.
const PRICE_CENTS: usize = 80;
/// The sender that recipients see when the form names none.
const SHARED_SENDER: &str = "AFRICASTKNG";
/// How long a call hangs in mode `timeout`.
const HANG_MS: u64 = 65_000;

/// A text message on a phone.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Sms {
    pub(crate) at_ms: i64,
    pub(crate) from: String,
    pub(crate) text: String,
}

impl Sms {
    /// The message as the control side shows it.
    pub(crate) fn shown(&self) -> Value {
        json!({"at": rfc3339(self.at_ms), "from": self.from, "text": self.text})
    }
}

/// How the message gateway misbehaves just now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SmsBehaviour {
    /// The one switch.
    pub mode: SmsMode,
}

/// How a request to send is received.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SmsMode {
    /// Sent.
    #[default]
    Ok,
    /// HTTP 500, not sent.
    #[serde(rename = "error_500")]
    Error500,
    /// Sent, but the answer never comes.
    Timeout,
    /// HTTP 201, but each recipient is refused (405, the account has no credit).
    Refuse,
}

/// Everything under `/africastalking`.
pub(crate) fn routes() -> Router<Arc<World>> {
    Router::new().route("/version1/messaging", post(send))
}

#[derive(Deserialize)]
struct Order {
    #[serde(default)]
    username: String,
    #[serde(default)]
    to: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    from: Option<String>,
}

async fn send(State(world): State<Arc<World>>, headers: HeaderMap, Form(order): Form<Order>) -> Response {
    let key = headers.get("apiKey").map_or(&b""[..], |value| value.as_bytes());
    let ours: bool = key.ct_eq(world.sms.api_key.as_bytes()).into();
    if !ours || order.username != world.sms.username {
        return (StatusCode::UNAUTHORIZED, "The supplied authentication is invalid").into_response();
    }
    if order.to.is_empty() || order.message.is_empty() {
        return (StatusCode::BAD_REQUEST, "Request is missing required form field").into_response();
    }
    let mode = world.look(|truth| truth.sms_behaviour().mode);
    if mode == SmsMode::Error500 {
        return (StatusCode::INTERNAL_SERVER_ERROR, "Internal server error").into_response();
    }
    let from = order.from.filter(|from| !from.is_empty()).unwrap_or_else(|| SHARED_SENDER.to_owned());
    let done = world.change(|draft| {
        let numbers = order.to.split(',').map(str::trim).filter(|number| !number.is_empty());
        let outcomes = numbers.map(|number| {
            let outcome = Outcome::of(number, mode);
            if let Outcome::Sent { phone } = &outcome {
                let sms = Sms { at_ms: now_ms(), from: from.clone(), text: order.message.clone() };
                draft.record(Entry::Sms { phone: phone.clone(), sms });
            }
            (number.to_owned(), outcome)
        });
        outcomes.collect::<Vec<_>>()
    });
    match done {
        Ok(outcomes) => {
            if mode == SmsMode::Timeout {
                world.hang(HANG_MS).await;
            }
            (StatusCode::CREATED, Json(answer(&outcomes))).into_response()
        }
        Err(fault) => {
            tracing::error!(%fault, "the journal cannot be written");
            (StatusCode::INTERNAL_SERVER_ERROR, "Internal server error").into_response()
        }
    }
}

enum Outcome {
    Sent { phone: String },
    NoCredit,
    BadNumber,
}

impl Outcome {
    fn of(number: &str, mode: SmsMode) -> Self {
        match msisdn::canonical(number) {
            _ if mode == SmsMode::Refuse => Self::NoCredit,
            Some(phone) => Self::Sent { phone },
            None => Self::BadNumber,
        }
    }

    fn shown(&self, number: &str) -> Value {
        let refused = |code: u16, status: &str| json!({"statusCode": code, "number": number, "status": status, "cost": "0", "messageId": "None"});
        match self {
            Self::Sent { phone } => json!({
                "statusCode": 101,
                "number": format!("+{phone}"),
                "status": "Success",
                "cost": price(1),
                "messageId": format!("ATXid_{}", Uuid::new_v4().simple()),
            }),
            Self::NoCredit => refused(405, "InsufficientBalance"),
            Self::BadNumber => refused(403, "InvalidPhoneNumber"),
        }
    }
}

fn answer(outcomes: &[(String, Outcome)]) -> Value {
    let sent = outcomes.iter().filter(|(_, outcome)| matches!(outcome, Outcome::Sent { .. })).count();
    let cost = if sent == 0 { "0".to_owned() } else { price(sent) };
    json!({"SMSMessageData": {
        "Message": format!("Sent to {sent}/{} Total Cost: {cost}", outcomes.len()),
        "Recipients": outcomes.iter().map(|(number, outcome)| outcome.shown(number)).collect::<Vec<_>>(),
    }})
}

/// `KES 0.8000`: four decimals, as the real one writes.
fn price(messages: usize) -> String {
    let cents = messages * PRICE_CENTS;
    format!("KES {}.{:02}00", cents / 100, cents % 100)
}
