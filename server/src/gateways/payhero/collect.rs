//! Asks PayHero to prompt a phone for M-Pesa money (STK push), with exactly one HTTP request.
//! It never repeats and never says that anything was paid.

use std::fmt;

use serde::Serialize;

use super::fields::Fields;
use super::outcome::{Outcome, RefusalKind, classify};
use super::redact::{mask, redact_text};
use super::settings::Route;
use super::{Payhero, call};

/// The longest reference taken from PayHero; the known ones have at most 36 characters.
const REFERENCE_MAX_CHARS: usize = 128;
/// Safaricom refuses a prompt whose text exceeds 182 characters, and the name is part of it.
const NAME_MAX_CHARS: usize = 40;

/// One prompt for money.
#[derive(Clone, PartialEq, Eq)]
pub struct CollectRequest {
    /// Whole Kenyan shillings, at least 1. PayHero takes no cents.
    pub amount_shillings: i64,
    /// `2547XXXXXXXX` or `2541XXXXXXXX`.
    pub phone: String,
    /// Our random reference, echoed in the callback: 1 to 40 of `A-Z a-z 0-9 -`.
    pub external_reference: String,
    /// Shown by PayHero. A blank one is replaced, since it is blamed for failing look-ups.
    pub customer_name: String,
    /// Where the callback goes. Holds a secret token.
    pub callback_url: String,
}

/// A prompt that PayHero has queued. Nothing is paid yet.
#[derive(Clone, PartialEq, Eq)]
pub struct Accepted {
    /// PayHero's own reference, the only sure key to ask the status by.
    pub reference: String,
    /// M-Pesa's id of the prompt, where PayHero gives one. It can hold the payer's phone.
    pub checkout_request_id: Option<String>,
}

/// The body on the wire, fields as documented for `POST /api/v2/payments`.
#[derive(Serialize)]
struct Body<'a> {
    amount: i64,
    phone_number: &'a str,
    #[serde(flatten)]
    route: &'a Route,
    external_reference: &'a str,
    customer_name: String,
    callback_url: &'a str,
}

impl Payhero {
    /// Sends one prompt. At most one request leaves, whatever happens; commit the intent before
    /// calling. Do not drop the future: what it had sent could then not be told.
    pub async fn collect(&self, request: &CollectRequest) -> Outcome<Accepted> {
        if let Some(message) = request.fault() {
            return Outcome::Refused { code: "invalid_request".to_owned(), message: message.to_owned(), kind: RefusalKind::Invalid };
        }
        let body = Body {
            amount: request.amount_shillings,
            phone_number: &request.phone,
            route: &self.route,
            external_reference: &request.external_reference,
            customer_name: request.name(),
            callback_url: &request.callback_url,
        };
        let exchange = self.once.post(self.url("/api/v2/payments")).json(&body);
        classify(call::exchange(exchange).await, Accepted::read)
    }
}

impl CollectRequest {
    /// What would make PayHero's answer, or the prompt, meaningless.
    fn fault(&self) -> Option<&'static str> {
        let phone = self.phone.as_bytes();
        let reference = self.external_reference.as_bytes();
        if self.amount_shillings < 1 {
            Some("the amount must be at least one shilling")
        } else if phone.len() != 12 || !(phone.starts_with(b"2547") || phone.starts_with(b"2541")) || !phone.iter().all(u8::is_ascii_digit) {
            Some("the phone must be 2547XXXXXXXX or 2541XXXXXXXX")
        } else if !(1..=40).contains(&reference.len()) || !reference.iter().all(|c| c.is_ascii_alphanumeric() || *c == b'-') {
            Some("the external reference must be 1 to 40 letters, digits and hyphens")
        } else if reqwest::Url::parse(&self.callback_url).is_err() {
            Some("the callback URL is not a URL")
        } else {
            None
        }
    }

    fn name(&self) -> String {
        let words = self.customer_name.split_whitespace().collect::<Vec<_>>().join(" ");
        let name: String = words.chars().filter(|c| !c.is_control()).take(NAME_MAX_CHARS).collect();
        if name.is_empty() { "Customer".to_owned() } else { name }
    }
}

impl Accepted {
    fn read(fields: &Fields) -> Option<Self> {
        let reference = fields.text("reference")?;
        let usable = reference.len() <= REFERENCE_MAX_CHARS && reference.bytes().all(|c| c.is_ascii_graphic());
        usable.then(|| Self { reference, checkout_request_id: fields.first_text(&["CheckoutRequestID", "checkout_request_id"]) })
    }
}

impl fmt::Debug for CollectRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CollectRequest")
            .field("amount_shillings", &self.amount_shillings)
            .field("phone", &mask(&self.phone))
            .field("external_reference", &self.external_reference)
            .field("callback_url", &redact_text(&self.callback_url))
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Accepted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let checkout_request_id = self.checkout_request_id.as_deref().map(redact_text);
        f.debug_struct("Accepted").field("reference", &self.reference).field("checkout_request_id", &checkout_request_id).finish()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::gateways::payhero::stand_in::{Reply, StandIn, settings};
    use crate::gateways::payhero::{Doubt, Fault, Generation};

    fn request() -> CollectRequest {
        CollectRequest {
            amount_shillings: 1500,
            phone: "254712000111".to_owned(),
            external_reference: "PAY-01J8ZC4T".to_owned(),
            customer_name: "  Asha \n W ".to_owned(),
            callback_url: "https://pay.example.co.ke/hooks/9f27c1d0a4be".to_owned(),
        }
    }

    const QUEUED: &str = r#"{"success":true,"status":"QUEUED","reference":"Q7XK2MWZ4B","CheckoutRequestID":"ws_CO_03022026101512345712000111"}"#;

    #[tokio::test]
    async fn a_prompt_is_sent_as_documented() {
        let stand = StandIn::start(vec![Reply::json(201, QUEUED)]).await;
        let outcome = stand.client(Generation::Legacy).collect(&request()).await;
        assert_eq!(
            outcome,
            Outcome::Done(Accepted { reference: "Q7XK2MWZ4B".to_owned(), checkout_request_id: Some("ws_CO_03022026101512345712000111".to_owned()) })
        );
        let asked = stand.requests();
        assert_eq!(asked.len(), 1);
        assert_eq!(asked[0].line, "POST /payhero/api/v2/payments HTTP/1.1");
        assert_eq!(asked[0].header("authorization"), Some("Basic dXNlcjpwYXNz"));
        assert_eq!(asked[0].header("user-agent"), Some("netily"));
        assert_eq!(asked[0].header("content-type"), Some("application/json"));
        assert_eq!(
            asked[0].json(),
            json!({
                "amount": 1500, "phone_number": "254712000111", "channel_id": 4021,
                "provider": "m-pesa", "external_reference": "PAY-01J8ZC4T",
                "customer_name": "Asha W",
                "callback_url": "https://pay.example.co.ke/hooks/9f27c1d0a4be",
            })
        );
    }

    #[tokio::test]
    async fn v2_names_the_account() {
        let stand = StandIn::start(vec![Reply::json(200, QUEUED)]).await;
        let outcome = stand.client(Generation::V2).collect(&request()).await;
        assert!(matches!(outcome, Outcome::Done(_)));
        let body = stand.requests()[0].json();
        assert_eq!(body["account_id"], 7);
        assert_eq!(body["channel_id"], 4021);
    }

    #[tokio::test]
    async fn a_call_that_cannot_be_right_is_not_sent() {
        let stand = StandIn::start(vec![]).await;
        let client = stand.client(Generation::Legacy);
        for wrong in [
            CollectRequest { amount_shillings: 0, ..request() },
            CollectRequest { amount_shillings: -5, ..request() },
            CollectRequest { phone: "0712000111".to_owned(), ..request() },
            CollectRequest { phone: "+25471200011".to_owned(), ..request() },
            CollectRequest { phone: "254200123456".to_owned(), ..request() },
            CollectRequest { external_reference: String::new(), ..request() },
            CollectRequest { external_reference: "a b".to_owned(), ..request() },
            CollectRequest { external_reference: "a".repeat(41), ..request() },
            CollectRequest { callback_url: "hooks".to_owned(), ..request() },
        ] {
            let outcome = client.collect(&wrong).await;
            assert!(matches!(outcome, Outcome::Refused { kind: RefusalKind::Invalid, .. }), "{wrong:?} {outcome:?}");
        }
        assert!(stand.requests().is_empty());
    }

    #[tokio::test]
    async fn every_doubtful_end_is_unknown_and_one_request() {
        let big = format!(r#"{{"reference":"Q7XK2MWZ4B","pad":"{}"}}"#, "x".repeat(70_000));
        let unannounced = format!("HTTP/1.1 201 Created\r\nConnection: close\r\n\r\n{big}");
        let rows: Vec<(Reply, Doubt)> = vec![
            (Reply::Hang, Doubt::NoAnswer(Fault::TimedOut)),
            (Reply::raw("HTTP/1.1 201 Created\r\nContent-Length: 400\r\n\r\n{\"success\""), Doubt::NoAnswer(Fault::Cut { status: 201 })),
            (Reply::RawThenHang("HTTP/1.1 201 Created\r\nContent-Length: 400\r\n\r\n{\"success\"".to_owned()), Doubt::NoAnswer(Fault::TimedOut)),
            (Reply::json(201, &big), Doubt::NoAnswer(Fault::TooLarge { status: 201 })),
            (Reply::raw(&unannounced), Doubt::NoAnswer(Fault::TooLarge { status: 201 })),
            (Reply::json(502, "<html>Bad gateway</html>"), Doubt::Undocumented { status: 502, hint: None, excerpt: "<html>Bad gateway</html>".to_owned() }),
        ];
        for (reply, doubt) in rows {
            let stand = StandIn::start(vec![reply]).await;
            let outcome = stand.client(Generation::Legacy).collect(&request()).await;
            assert_eq!(outcome, Outcome::Unknown { why: doubt });
            assert_eq!(stand.requests().len(), 1);
        }
    }

    #[tokio::test]
    async fn a_connection_closed_without_an_answer_is_unknown() {
        let stand = StandIn::start(vec![Reply::raw(""), Reply::json(201, QUEUED)]).await;
        let outcome = stand.client(Generation::Legacy).collect(&request()).await;
        assert!(matches!(&outcome, Outcome::Unknown { why: Doubt::NoAnswer(Fault::Broken(_)) }), "{outcome:?}");
        assert_eq!(stand.requests().len(), 1, "the library must not send again");
    }

    #[tokio::test]
    async fn a_redirect_is_not_followed() {
        let target = StandIn::start(vec![Reply::json(201, QUEUED)]).await;
        for status in [301, 302, 303, 307, 308] {
            let moved = format!("HTTP/1.1 {status} Moved\r\nLocation: {}/api/v2/payments\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", target.url);
            let stand = StandIn::start(vec![Reply::raw(&moved)]).await;
            let outcome = stand.client(Generation::Legacy).collect(&request()).await;
            assert!(matches!(&outcome, Outcome::Unknown { why: Doubt::Undocumented { status: s, .. } } if *s == status), "{outcome:?}");
        }
        assert!(target.requests().is_empty(), "the token went elsewhere");
    }

    #[tokio::test]
    async fn an_unreachable_gateway_is_a_refusal() {
        let closed = StandIn::closed_address().await;
        for base_url in [format!("http://{closed}"), "https://payhero.invalid".to_owned()] {
            let client = Payhero::new(settings(&base_url, Generation::Legacy)).unwrap();
            let outcome = client.collect(&request()).await;
            assert!(matches!(outcome, Outcome::Refused { kind: RefusalKind::NotSent, .. }), "{base_url} {outcome:?}");
        }
    }

    #[tokio::test]
    async fn a_tls_handshake_that_hangs_or_fails_sent_nothing() {
        for reply in [Reply::Hang, Reply::raw("HTTP/1.1 400 Bad Request\r\n\r\n")] {
            let stand = StandIn::start_raw(vec![reply]).await;
            let base_url = stand.url.replace("http://", "https://");
            let client = Payhero::new(settings(&base_url, Generation::Legacy)).unwrap();
            let outcome = client.collect(&request()).await;
            assert!(matches!(outcome, Outcome::Refused { kind: RefusalKind::NotSent, .. }), "{outcome:?}");
        }
    }

    #[tokio::test]
    async fn each_collect_has_its_own_connection() {
        // The server would keep the first connection open, but reads one request from each.
        let kept = Reply::RawThenHang(format!("HTTP/1.1 201 Created\r\nContent-Length: {}\r\n\r\n{QUEUED}", QUEUED.len()));
        let stand = StandIn::start(vec![kept.clone(), kept]).await;
        let client = stand.client(Generation::Legacy);
        for _ in 0..2 {
            assert!(matches!(client.collect(&request()).await, Outcome::Done(_)));
        }
        assert_eq!(stand.connections(), 2);
    }

    #[test]
    fn unusable_references_are_not_taken() {
        for reference in [&"x".repeat(129), "a b", "a\\u0000", "ü"] {
            let body = format!(r#"{{"reference":"{reference}"}}"#);
            assert!(Accepted::read(&Fields::read(body.as_bytes()).unwrap()).is_none());
        }
    }

    #[test]
    fn a_blank_name_is_replaced() {
        for blank in ["", "  ", "\u{0}\n"] {
            let named = CollectRequest { customer_name: blank.to_owned(), ..request() };
            assert_eq!(named.name(), "Customer");
        }
    }

    #[test]
    fn debug_hides_phone_and_callback_token() {
        let accepted = Accepted { reference: "Q7".to_owned(), checkout_request_id: Some("ws_CO_03022026101512345712000111".to_owned()) };
        let text = format!("{:?} {accepted:?}", request());
        for secret in ["712000", "9f27c1d0a4be", "Asha"] {
            assert!(!text.contains(secret), "{text}");
        }
    }
}
