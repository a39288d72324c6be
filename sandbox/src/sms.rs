//! The Africa's Talking stand-in: `POST /africastalking/version1/messaging`, form in, JSON out. A message that was accepted is
//! on the phone at once; whether it arrived is reported when the control side says so.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse, Response};
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
/// How long a delivery report waits for its answer.
const REPORT_LIMIT: Duration = Duration::from_secs(10);

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

/// How the message gateway misbehaves just now. What the control side does not name is as at first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SmsBehaviour {
    /// How a request to send is received.
    pub mode: SmsMode,
    /// Numbers that are refused whatever the mode (403, InvalidPhoneNumber).
    pub refuse_numbers: Vec<String>,
    /// How long `slow` takes to answer.
    pub slow_ms: u64,
    /// Where each message that was sent is reported, as registered in the dashboard; `null` reports nothing.
    pub report_url: Option<String>,
    /// What the report says: Success, Failed, Rejected, Buffered …
    pub report_status: String,
    /// Its `failureReason`, in Failed and Rejected.
    pub report_failure_reason: String,
    /// How long after sending it is posted. With 0 it may be faster than the answer.
    pub report_delay_ms: u64,
}

impl Default for SmsBehaviour {
    fn default() -> Self {
        Self {
            mode: SmsMode::Ok,
            refuse_numbers: Vec::new(),
            slow_ms: 2_000,
            report_url: None,
            report_status: "Success".to_owned(),
            report_failure_reason: String::new(),
            report_delay_ms: 0,
        }
    }
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
    /// HTTP 401, not sent: the key was revoked.
    Unauthorized,
    /// HTTP 200 with a page for people, not sent.
    Html,
    /// Sent, and answered late.
    Slow,
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
        return unauthorized();
    }
    if order.to.is_empty() || order.message.is_empty() {
        return (StatusCode::BAD_REQUEST, "Request is missing required form field").into_response();
    }
    let behaviour = world.look(|truth| truth.sms_behaviour().clone());
    match behaviour.mode {
        SmsMode::Error500 => return (StatusCode::INTERNAL_SERVER_ERROR, "Internal server error").into_response(),
        SmsMode::Unauthorized => return unauthorized(),
        SmsMode::Html => return Html("<!doctype html><title>Maintenance</title><p>We will be back soon.").into_response(),
        SmsMode::Ok | SmsMode::Slow | SmsMode::Timeout | SmsMode::Refuse => {}
    }
    let from = order.from.filter(|from| !from.is_empty()).unwrap_or_else(|| SHARED_SENDER.to_owned());
    let done = world.change(|draft| {
        let numbers = order.to.split(',').map(str::trim).filter(|number| !number.is_empty());
        let outcomes = numbers.map(|number| {
            let outcome = Outcome::of(number, &behaviour);
            if let Outcome::Sent { phone, .. } = &outcome {
                let sms = Sms { at_ms: now_ms(), from: from.clone(), text: order.message.clone() };
                draft.record(Entry::Sms { phone: phone.clone(), sms });
            }
            (number.to_owned(), outcome)
        });
        outcomes.collect::<Vec<_>>()
    });
    match done {
        Ok(outcomes) => {
            report_later(&world, &behaviour, &outcomes);
            match behaviour.mode {
                SmsMode::Timeout => world.hang(HANG_MS).await,
                SmsMode::Slow => world.hang(behaviour.slow_ms).await,
                _ => {}
            }
            (StatusCode::CREATED, Json(answer(&outcomes))).into_response()
        }
        Err(fault) => {
            tracing::error!(%fault, "the journal cannot be written");
            (StatusCode::INTERNAL_SERVER_ERROR, "Internal server error").into_response()
        }
    }
}

fn unauthorized() -> Response {
    (StatusCode::UNAUTHORIZED, "The supplied authentication is invalid").into_response()
}

/// Posts the delivery report of each message that was sent: a form, once, repeated for nobody.
fn report_later(world: &Arc<World>, behaviour: &SmsBehaviour, outcomes: &[(String, Outcome)]) {
    let Some(url) = &behaviour.report_url else { return };
    for (_, outcome) in outcomes {
        let Outcome::Sent { phone, id } = outcome else { continue };
        let mut form = vec![
            ("id", id.clone()),
            ("status", behaviour.report_status.clone()),
            ("phoneNumber", format!("+{phone}")),
            ("networkCode", "63902".to_owned()),
            ("retryCount", "0".to_owned()),
        ];
        if !behaviour.report_failure_reason.is_empty() {
            form.push(("failureReason", behaviour.report_failure_reason.clone()));
        }
        let (keeper, url, delay) = (world.clone(), url.clone(), Duration::from_millis(behaviour.report_delay_ms));
        world.spawn(async move {
            tokio::time::sleep(delay).await;
            if let Err(fault) = keeper.client.post(url).timeout(REPORT_LIMIT).form(&form).send().await {
                // The address ends with the merchant's token, so it stays out of the log.
                tracing::warn!(fault = %fault.without_url(), "a delivery report found nobody");
            }
        });
    }
}

enum Outcome {
    Sent { phone: String, id: String },
    NoCredit,
    BadNumber,
}

impl Outcome {
    fn of(number: &str, behaviour: &SmsBehaviour) -> Self {
        let phone = msisdn::canonical(number);
        let refused = |phone: &String| behaviour.refuse_numbers.iter().any(|one| msisdn::canonical(one).as_ref() == Some(phone));
        match phone {
            _ if behaviour.mode == SmsMode::Refuse => Self::NoCredit,
            Some(phone) if !refused(&phone) => Self::Sent { phone, id: format!("ATXid_{}", Uuid::new_v4().simple()) },
            _ => Self::BadNumber,
        }
    }

    fn shown(&self, number: &str) -> Value {
        let refused = |code: u16, status: &str| json!({"statusCode": code, "number": number, "status": status, "cost": "0", "messageId": "None"});
        match self {
            Self::Sent { phone, id } => json!({
                "statusCode": 101,
                "number": format!("+{phone}"),
                "status": "Success",
                "cost": price(1),
                "messageId": id,
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
