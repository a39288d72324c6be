//! Asks PayHero to pay from its wallet to a phone or a bank, with exactly one HTTP request. It never repeats: there is no
//! idempotency, and the same body again pays again.

use std::fmt;

use serde::Serialize;

use super::fields::Fields;
use super::outcome::{Outcome, RefusalKind, classify};
use super::redact::{mask, redact_text};
use super::{Generation, Payhero, call};

/// M-Pesa's code among the networks.
const MPESA: &str = "63902";
const REFERENCE_MAX_CHARS: usize = 128;

/// Where the money goes.
#[derive(Clone, PartialEq, Eq)]
pub enum Recipient {
    /// A phone by M-Pesa: `2547XXXXXXXX` or `2541XXXXXXXX`.
    Phone(String),
    /// A bank account. Only the legacy API pays to banks.
    Bank {
        /// PayHero's code of the bank.
        code: String,
        /// The account's number, sent unchanged.
        account: String,
        /// A phone to go with it, which the API asks for.
        phone: String,
    },
}

/// One payment out of the wallet.
#[derive(Clone, PartialEq, Eq)]
pub struct WithdrawRequest {
    /// Whole Kenyan shillings, at least 1.
    pub amount_shillings: i64,
    /// Where it goes.
    pub recipient: Recipient,
    /// Our random reference, echoed in the callback: 1 to 40 of `A-Z a-z 0-9 -`.
    pub external_reference: String,
    /// Where the callback goes. Holds a secret token.
    pub callback_url: String,
}

/// A payment that PayHero has queued. Nothing is paid yet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Withdrawn {
    /// PayHero's own reference (`merchant_reference` on the wire), the key to ask the status by.
    pub reference: String,
}

/// The body on the wire: facts of `POST /api/v2/withdraw` of both generations.
#[derive(Serialize)]
struct Body<'a> {
    external_reference: &'a str,
    amount: i64,
    phone_number: &'a str,
    network_code: &'a str,
    channel: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    account_number: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    channel_id: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payment_service: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account_id: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recipient_type: Option<&'a str>,
    callback_url: &'a str,
}

impl Payhero {
    /// Sends one payment. At most one request leaves, whatever happens; commit the intent before calling. Do not drop the future:
    /// what it had sent could then not be told.
    pub async fn withdraw(&self, request: &WithdrawRequest) -> Outcome<Withdrawn> {
        let refuse = |message: &str, kind| Outcome::Refused { code: "invalid_request".to_owned(), message: message.to_owned(), kind };
        if let Some(message) = request.fault() {
            return refuse(message, RefusalKind::Invalid);
        }
        let legacy = self.generation == Generation::Legacy;
        let (channel, network_code, phone, account) = match &request.recipient {
            Recipient::Phone(phone) if legacy => ("mobile", MPESA, phone, None),
            Recipient::Phone(phone) => ("phone", MPESA, phone, Some(phone)),
            Recipient::Bank { code, account, phone } if legacy => ("bank", code.as_str(), phone, Some(account)),
            Recipient::Bank { .. } => return refuse("API 2.0.0 does not pay to banks", RefusalKind::Configuration),
        };
        if legacy && self.payout_channel_id.is_none() {
            return refuse("no wallet channel is configured for payouts", RefusalKind::Configuration);
        }
        let body = Body {
            external_reference: &request.external_reference,
            amount: request.amount_shillings,
            phone_number: phone,
            network_code,
            channel,
            account_number: account.map(String::as_str),
            channel_id: self.payout_channel_id.filter(|_| legacy),
            payment_service: legacy.then_some("b2c"),
            account_id: self.account_id.filter(|_| !legacy),
            recipient_type: (!legacy).then_some("MSISDN"),
            callback_url: &request.callback_url,
        };
        let exchange = self.once.post(self.url("/api/v2/withdraw")).json(&body);
        classify(call::exchange(exchange).await, Withdrawn::read)
    }
}

impl WithdrawRequest {
    /// What would make PayHero's answer meaningless.
    fn fault(&self) -> Option<&'static str> {
        let (Recipient::Phone(phone) | Recipient::Bank { phone, .. }) = &self.recipient;
        let phone = phone.as_bytes();
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
}

impl Withdrawn {
    /// The documented name is `merchant_reference`; `reference` is what the other calls say.
    fn read(fields: &Fields) -> Option<Self> {
        let reference = fields.first_text(&["merchant_reference", "reference"])?;
        let usable = reference.len() <= REFERENCE_MAX_CHARS && reference.bytes().all(|c| c.is_ascii_graphic());
        usable.then_some(Self { reference })
    }
}

impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Recipient::Phone(phone) => f.debug_tuple("Phone").field(&mask(phone)).finish(),
            Recipient::Bank { code, .. } => f.debug_struct("Bank").field("code", code).finish_non_exhaustive(),
        }
    }
}

impl fmt::Debug for WithdrawRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WithdrawRequest")
            .field("amount_shillings", &self.amount_shillings)
            .field("recipient", &self.recipient)
            .field("external_reference", &self.external_reference)
            .field("callback_url", &redact_text(&self.callback_url))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::gateways::payhero::stand_in::{Reply, StandIn};
    use crate::gateways::payhero::{Doubt, Fault};

    fn request() -> WithdrawRequest {
        WithdrawRequest {
            amount_shillings: 5000,
            recipient: Recipient::Phone("254722000333".to_owned()),
            external_reference: "PO-01J8ZD".to_owned(),
            callback_url: "https://pay.example.co.ke/hooks/4be19f27c1d0".to_owned(),
        }
    }

    fn to_bank() -> WithdrawRequest {
        let recipient = Recipient::Bank { code: "68".to_owned(), account: "0012 345-6".to_owned(), phone: "254722000333".to_owned() };
        WithdrawRequest { recipient, ..request() }
    }

    const QUEUED: &str = r#"{"status":"QUEUED","merchant_reference":"W9PD3KQZ7A","checkout_request_id":"553125-1d2c","response_code":"0"}"#;

    #[tokio::test]
    async fn payments_are_sent_as_documented() {
        let stand = StandIn::start(vec![Reply::json(200, QUEUED), Reply::json(200, QUEUED), Reply::json(200, QUEUED)]).await;
        let done = Outcome::Done(Withdrawn { reference: "W9PD3KQZ7A".to_owned() });
        assert_eq!(stand.client(Generation::Legacy).withdraw(&request()).await, done);
        assert_eq!(stand.client(Generation::Legacy).withdraw(&to_bank()).await, done);
        assert_eq!(stand.client(Generation::V2).withdraw(&request()).await, done);
        let asked = stand.requests();
        assert!(asked.iter().all(|asked| asked.line == "POST /payhero/api/v2/withdraw HTTP/1.1"));
        let url = "https://pay.example.co.ke/hooks/4be19f27c1d0";
        assert_eq!(
            asked[0].json(),
            json!({"external_reference": "PO-01J8ZD", "amount": 5000, "phone_number": "254722000333", "network_code": "63902", "channel": "mobile",
                   "channel_id": 16990, "payment_service": "b2c", "callback_url": url})
        );
        assert_eq!(
            asked[1].json(),
            json!({"external_reference": "PO-01J8ZD", "amount": 5000, "phone_number": "254722000333", "network_code": "68", "channel": "bank",
                   "account_number": "0012 345-6", "channel_id": 16990, "payment_service": "b2c", "callback_url": url})
        );
        assert_eq!(
            asked[2].json(),
            json!({"external_reference": "PO-01J8ZD", "amount": 5000, "phone_number": "254722000333", "account_number": "254722000333",
                   "network_code": "63902", "channel": "phone", "account_id": 7, "recipient_type": "MSISDN", "callback_url": url})
        );
    }

    #[tokio::test]
    async fn what_cannot_be_right_is_not_sent() {
        let stand = StandIn::start(vec![]).await;
        let client = stand.client(Generation::Legacy);
        for wrong in [
            WithdrawRequest { amount_shillings: 0, ..request() },
            WithdrawRequest { recipient: Recipient::Phone("0722000333".to_owned()), ..request() },
            WithdrawRequest { external_reference: "a b".to_owned(), ..request() },
            WithdrawRequest { callback_url: "hooks".to_owned(), ..request() },
        ] {
            assert!(matches!(client.withdraw(&wrong).await, Outcome::Refused { kind: RefusalKind::Invalid, .. }), "{wrong:?}");
        }
        assert!(matches!(stand.client(Generation::V2).withdraw(&to_bank()).await, Outcome::Refused { kind: RefusalKind::Configuration, .. }));
        assert!(stand.requests().is_empty());
    }

    #[tokio::test]
    async fn a_doubt_is_a_doubt_and_one_request() {
        for (reply, doubtful) in [
            (Reply::Hang, true),
            (Reply::json(500, r#"{"error_message":"oops"}"#), true),
            (Reply::json(200, r#"{"status":"QUEUED"}"#), true),
            (Reply::json(200, "<html></html>"), true),
            (Reply::json(200, r#"{"success":false,"message":"insufficient balance"}"#), false),
            (
                Reply::json(400, r#"{"error_code":"invalid_argument","error_message":"the transaction amount is insufficient as it wont cater for cost"}"#),
                false,
            ),
        ] {
            let stand = StandIn::start(vec![reply, Reply::json(200, QUEUED)]).await;
            let outcome = stand.client(Generation::Legacy).withdraw(&request()).await;
            assert_eq!(matches!(outcome, Outcome::Unknown { .. }), doubtful, "{outcome:?}");
            assert_eq!(matches!(outcome, Outcome::Refused { .. }), !doubtful, "{outcome:?}");
            assert_eq!(stand.requests().len(), 1);
        }
        let stand = StandIn::start(vec![Reply::raw("")]).await;
        let outcome = stand.client(Generation::Legacy).withdraw(&request()).await;
        assert!(matches!(outcome, Outcome::Unknown { why: Doubt::NoAnswer(Fault::Broken(_)) }), "{outcome:?}");
    }

    #[test]
    fn debug_shows_neither_phone_nor_account_nor_token() {
        let text = format!("{:?} {:?}", request(), to_bank());
        for secret in ["722000", "0012", "4be19f27c1d0"] {
            assert!(!text.contains(secret), "{text}");
        }
    }
}
