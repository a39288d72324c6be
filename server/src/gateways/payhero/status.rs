//! Asks PayHero what became of one payment: the only answer that may move money.
//! It reports the documented words and treats every other word as "not processed yet".

use std::fmt;

use serde_json::{Value, json};

use super::ask::{self, AskError};
use super::call::{self, Answer};
use super::fields::{self, Fields};
use super::redact::{mask, redact_text};
use super::{Generation, Payhero};

/// What PayHero says about a payment.
#[derive(Clone, PartialEq, Eq)]
pub struct StatusAnswer {
    /// Where the payment stands.
    pub state: State,
    /// The M-Pesa receipt; present on success.
    pub receipt: Option<String>,
    /// Cents. The documented answer has no amount, so nothing here is no mismatch.
    pub amount_minor: Option<i64>,
    /// The reference PayHero names in its answer. The documented sample shows that it can
    /// differ from the one asked by, so it binds nothing; it is kept for people to see.
    pub reference: Option<String>,
    /// Our own reference, where the answer holds it. One of another payment must not settle ours.
    pub external_reference: Option<String>,
    /// Whose phone, where the answer holds one, as it is written there.
    pub phone: Option<String>,
    /// To whom a payout goes, where the answer holds it, as it is written there: a phone or a bank account.
    pub account: Option<String>,
    /// M-Pesa's result code, where the answer holds a numeric one.
    pub result_code: Option<i64>,
    /// PayHero's words about the result.
    pub message: Option<String>,
    /// The whole answer, to be kept as evidence. Holds the receipt.
    pub body: Value,
}

/// Where a payment stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// `QUEUED`: M-Pesa has not answered yet.
    Queued,
    /// `SUCCESS`: paid.
    Success,
    /// `FAILED`: not paid. A later success is still possible.
    Failed,
    /// 404: not known, or not indexed yet. Stay pending.
    NotIndexed,
    /// Anything else, in PayHero's own words. Stay pending, tell an operator.
    Unrecognised(String),
}

impl Payhero {
    /// Asks by PayHero's own reference; a receipt or checkout id may be tried where there is none.
    ///
    /// The legacy API takes `GET /api/v2/transaction-status?reference=`, the new one
    /// `POST /api/global/transaction-status` with `request_id`.
    pub async fn status(&self, reference: &str) -> Result<StatusAnswer, AskError> {
        let request = match self.generation {
            Generation::Legacy => self.asking.get(self.url("/api/v2/transaction-status")).query(&[("reference", reference)]),
            Generation::V2 => self.asking.post(self.url("/api/global/transaction-status")).json(&json!({ "request_id": reference })),
        };
        read(&call::exchange(request).await?)
    }
}

/// Pure reading of a complete answer.
fn read(answer: &Answer) -> Result<StatusAnswer, AskError> {
    if answer.status == 404 {
        // A page in HTML is a wrong address rather than an unknown payment.
        let by_payhero = answer.body.is_empty() || Fields::read(&answer.body).is_some();
        return if by_payhero { Ok(not_indexed(answer)) } else { Err(ask::undocumented(answer)) };
    }
    let outer = ask::object(answer)?;
    // The new API's answer is not documented; an envelope has a status of its own, which is
    // that of the question and must not be read as that of the payment.
    let inner = ["data", "transaction", "response"].iter().find_map(|key| outer.object(key));
    let fields = inner.as_ref().unwrap_or(&outer);
    let message =
        fields.first_text(&["message", "ResultDesc", "failure_reason", "error_message"]).or_else(|| outer.first_text(&["message", "error_message", "error"]));
    let Some(word) = fields.text("status") else {
        return match message.map(|text| text.to_lowercase()) {
            Some(text) if text.contains("not found") || text.contains("no rows") => Ok(not_indexed(answer)),
            _ => Err(ask::undocumented(answer)),
        };
    };
    let code = fields.first_text(&["ResultCode", "result_code"]);
    let result_code = code.as_deref().and_then(fields::integer);
    let message = match code.filter(|_| result_code.is_none()) {
        Some(code) => Some(format!("{code}: {}", message.unwrap_or_default())),
        None => message,
    };
    let receipt = fields.first_text(&["provider_reference", "third_party_reference"]);
    // PayHero writes what it does not know as an empty text: that is no amount, and not an amount that cannot be read.
    let amount_key = ["amount", "Amount"].into_iter().find(|key| fields.has(key) && !fields.is_blank(key));
    let amount_minor = amount_key.and_then(|key| fields.cents(key));
    let state = if amount_key.is_some() && amount_minor.is_none() {
        State::Unrecognised(format!("{word} with an unreadable amount"))
    } else {
        state(&word, names_a_transaction(fields))
    };
    Ok(StatusAnswer {
        state,
        receipt,
        amount_minor,
        reference: fields.text("reference"),
        external_reference: fields.first_text(&["external_reference", "ExternalReference"]),
        phone: fields.first_text(&["phone_number", "phone", "Phone", "PhoneNumber", "msisdn", "MSISDN"]),
        account: fields.first_text(&["RecipientAccountNumber", "recipient_account_number"]),
        result_code,
        message,
        body: ask::evidence(answer),
    })
}

/// The three documented words. A final word about nothing in particular may be that of an
/// envelope and is not believed.
fn state(word: &str, names_a_transaction: bool) -> State {
    match word.to_uppercase().as_str() {
        "QUEUED" => State::Queued,
        "SUCCESS" if names_a_transaction => State::Success,
        "FAILED" if names_a_transaction => State::Failed,
        _ => State::Unrecognised(redact_text(word).chars().take(60).collect()),
    }
}

fn names_a_transaction(fields: &Fields) -> bool {
    const NAMES: [&str; 7] =
        ["reference", "merchant_reference", "external_reference", "provider_reference", "third_party_reference", "payment_reference", "CheckoutRequestID"];
    fields.first_text(&NAMES).is_some()
}

fn not_indexed(answer: &Answer) -> StatusAnswer {
    StatusAnswer {
        state: State::NotIndexed,
        receipt: None,
        amount_minor: None,
        reference: None,
        external_reference: None,
        phone: None,
        account: None,
        result_code: None,
        message: None,
        body: ask::evidence(answer),
    }
}

impl fmt::Debug for StatusAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StatusAnswer")
            .field("state", &self.state)
            .field("receipt", &self.receipt.as_deref().map(mask))
            .field("amount_minor", &self.amount_minor)
            .field("reference", &self.reference)
            .field("external_reference", &self.external_reference)
            .field("phone", &self.phone.as_deref().map(mask))
            .field("account", &self.account.as_deref().map(mask))
            .field("result_code", &self.result_code)
            .field("message", &self.message.as_deref().map(redact_text))
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::gateways::payhero::stand_in::{Reply, StandIn};
    use crate::gateways::payhero::{Fault, RefusalKind};

    const PAID: &str = r#"{"transaction_date":"2026-02-03T07:15:40.112233Z","provider":"m-pesa","success":true,"merchant":"Kilele Net","payment_reference":"","third_party_reference":"UB32K7Q9XZ","status":"SUCCESS","reference":"5f0a2c1e","CheckoutRequestID":"","provider_reference":"UB32K7Q9XZ"}"#;

    fn read_json(status: u16, body: &str) -> Result<StatusAnswer, AskError> {
        read(&Answer { status, body: body.as_bytes().to_vec(), retry_after: None })
    }

    #[test]
    fn the_documented_answer_is_read() {
        let answer = read_json(200, PAID).unwrap();
        assert_eq!(answer.state, State::Success);
        assert_eq!(answer.receipt.as_deref(), Some("UB32K7Q9XZ"));
        assert_eq!(answer.amount_minor, None);
        assert_eq!(answer.body["merchant"], "Kilele Net");
        assert!(!format!("{answer:?}").contains("UB32K7Q9"));
    }

    #[test]
    fn only_the_documented_words_are_final() {
        let unrecognised = |word: &str| State::Unrecognised(word.to_owned());
        for (body, state) in [
            (r#"{"status":"QUEUED","reference":"R"}"#, State::Queued),
            (r#"{"status":"FAILED","reference":"R"}"#, State::Failed),
            (r#"{"status":"success","provider_reference":"UB1"}"#, State::Success),
            (r#"{"status":"failed","reference":"R","message":"Request Cancelled by user."}"#, State::Failed),
            (r#"{"status":"SUCCESS","success":false,"reference":"R"}"#, State::Success),
            (r#"{"status":"CANCELLED","reference":"R"}"#, unrecognised("CANCELLED")),
            (r#"{"status":"SUCCESSFUL","reference":"R"}"#, unrecognised("SUCCESSFUL")),
            (r#"{"status":"COMPLETED","reference":"R"}"#, unrecognised("COMPLETED")),
            (r#"{"status":200,"reference":"R"}"#, unrecognised("200")),
            // The status of the question is not that of the payment.
            (r#"{"status":"success"}"#, unrecognised("success")),
            (r#"{"status":"success","data":{"status":"queued","reference":"R"}}"#, State::Queued),
            (r#"{"status":"success","data":{"status":"failed","reference":"R"}}"#, State::Failed),
            (r#"{"success":true,"data":{"status":"SUCCESS","reference":"R"}}"#, State::Success),
            // An amount that cannot be read cannot be compared.
            (r#"{"status":"SUCCESS","reference":"R","amount":"much"}"#, unrecognised("SUCCESS with an unreadable amount")),
            (r#"{"status":"FAILED","reference":"R","amount":[10]}"#, unrecognised("FAILED with an unreadable amount")),
            // One that is empty is none.
            (r#"{"status":"SUCCESS","reference":"R","amount":""}"#, State::Success),
            (r#"{"status":"SUCCESS","reference":"R","amount":" ","Amount":null}"#, State::Success),
            (r#"{"status":"SUCCESS","reference":"R","amount":"","Amount":"much"}"#, unrecognised("SUCCESS with an unreadable amount")),
            (r#"{"message":"transaction not found"}"#, State::NotIndexed),
            (r#"{"success":false,"error_message":"sql: no rows in result set"}"#, State::NotIndexed),
        ] {
            assert_eq!(read_json(200, body).unwrap().state, state, "{body}");
        }
        for body in ["{}", "[]", "<html>", r#"{"status":true}"#, r#"{"status":"success","data":{}}"#] {
            assert!(matches!(read_json(200, body), Err(AskError::Undocumented { .. })), "{body}");
        }
    }

    #[test]
    fn optional_fields_are_read_where_they_are() {
        let body = r#"{"status":"FAILED","reference":"R","external_reference":"PAY-1","amount":"50.00","ResultCode":"1032","ResultDesc":"Cancelled"}"#;
        let answer = read_json(200, body).unwrap();
        assert_eq!(answer.amount_minor, Some(5_000));
        assert_eq!(answer.external_reference.as_deref(), Some("PAY-1"));
        assert_eq!(answer.result_code, Some(1032));
        assert_eq!(answer.message.as_deref(), Some("Cancelled"));
        assert_eq!((answer.phone, answer.account), (None, None));
        let body = r#"{"status":"FAILED","reference":"R","amount":"","ResultCode":1032.0,"phone_number":"0712000111","RecipientAccountNumber":254722000333}"#;
        let answer = read_json(200, body).unwrap();
        assert_eq!((answer.amount_minor, answer.result_code), (None, Some(1032)));
        assert_eq!((answer.phone.as_deref(), answer.account.as_deref()), (Some("0712000111"), Some("254722000333")));
        let answer = read_json(200, r#"{"status":"FAILED","reference":"R","ResultCode":"SFC_IC0003","message":"Error"}"#).unwrap();
        assert_eq!((answer.result_code, answer.message.as_deref()), (None, Some("SFC_IC0003: Error")));
    }

    #[test]
    fn statuses_say_what_was_learnt() {
        assert_eq!(read_json(404, r#"{"error_message":"x"}"#).unwrap().state, State::NotIndexed);
        assert_eq!(read_json(404, "").unwrap().state, State::NotIndexed);
        assert!(matches!(read_json(404, "<html>"), Err(AskError::Undocumented { status: 404, .. })));
        assert_eq!(read_json(401, ""), Err(AskError::Credentials { status: 401 }));
        assert_eq!(read_json(429, "<html>"), Err(AskError::RateLimited { retry_after: None }));
        assert!(matches!(read_json(500, PAID), Err(AskError::Unavailable { status: 500, .. })));
        assert!(matches!(read_json(302, ""), Err(AskError::Undocumented { status: 302, .. })));
        assert!(matches!(read_json(400, r#"{"error_message":"bad"}"#), Err(AskError::Refused { status: 400, kind: RefusalKind::Invalid, .. })));
    }

    #[tokio::test]
    async fn each_generation_is_asked_its_own_way() {
        let stand = StandIn::start(vec![Reply::json(200, PAID), Reply::json(200, PAID)]).await;
        let legacy = stand.client(Generation::Legacy).status("Q7 &X").await.unwrap();
        let v2 = stand.client(Generation::V2).status("UFD003217999.iI").await.unwrap();
        assert_eq!((legacy.state, v2.state), (State::Success, State::Success));
        let asked = stand.requests();
        assert_eq!(asked[0].line, "GET /payhero/api/v2/transaction-status?reference=Q7+%26X HTTP/1.1");
        assert_eq!(asked[1].line, "POST /payhero/api/global/transaction-status HTTP/1.1");
        assert_eq!(asked[1].json(), json!({"request_id": "UFD003217999.iI"}));
    }

    #[tokio::test]
    async fn how_long_to_wait_is_read_in_seconds_only() {
        for (header, wait) in
            [("Retry-After: 37", Some(37)), ("retry-after:  5 ", Some(5)), ("Retry-After: Wed, 25 Nov 2026 10:00:00 GMT", None), ("X: y", None)]
        {
            let reply = format!("HTTP/1.1 429 Scripted\r\n{header}\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{{}}");
            let stand = StandIn::start(vec![Reply::raw(&reply)]).await;
            let answer = stand.client(Generation::Legacy).status("Q7").await;
            assert_eq!(answer, Err(AskError::RateLimited { retry_after: wait.map(Duration::from_secs) }), "{header}");
        }
    }

    #[tokio::test]
    async fn silence_is_an_error_not_a_state() {
        let stand = StandIn::start(vec![Reply::Hang]).await;
        let answer = stand.client(Generation::Legacy).status("Q7").await;
        assert_eq!(answer, Err(AskError::NoAnswer(Fault::TimedOut)));
    }
}
