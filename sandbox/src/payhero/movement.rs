//! One collection or withdrawal, as PayHero knows it. Plain data and the questions it answers about itself; it changes nothing.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::behaviour::Generation;
use crate::clock::rfc3339;

/// Which way the money goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Direction {
    /// From a customer's phone to the merchant, by STK push.
    Collection,
    /// From the payments wallet to a phone, bank, paybill or till.
    Payout,
}

/// PayHero's documented states.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Status {
    /// No answer of the provider yet.
    Queued,
    /// The money moved.
    Success,
    /// The money did not move.
    Failed,
}

impl Status {
    /// The upper-case word of the legacy API and of the truth.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Queued => "QUEUED",
            Self::Success => "SUCCESS",
            Self::Failed => "FAILED",
        }
    }
}

/// The STK prompt of a collection.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Prompt {
    pub(crate) id: String,
    pub(crate) expires_at_ms: i64,
    /// The person put the phone away: no longer shown, still to expire.
    pub(crate) ignored: bool,
}

/// A callback that is still to be sent.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Due {
    pub(crate) id: u32,
    pub(crate) at_ms: i64,
    pub(crate) says: Status,
}

/// A callback that was sent, and how it was received (no HTTP status: nobody answered).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Delivery {
    pub(crate) at_ms: i64,
    pub(crate) says: Status,
    pub(crate) http_status: Option<u16>,
}

/// One collection or withdrawal.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Movement {
    pub(crate) direction: Direction,
    /// PayHero's own reference; `merchant_reference` of a withdrawal.
    pub(crate) reference: String,
    /// The merchant's reference, not unique.
    pub(crate) external_reference: String,
    pub(crate) checkout_request_id: String,
    pub(crate) merchant_request_id: String,
    /// In the form `2547…`.
    pub(crate) phone: String,
    /// As the merchant wrote it; callbacks return it so.
    pub(crate) phone_as_sent: String,
    /// Where a withdrawal goes: a phone, a bank account or a paybill account.
    pub(crate) account: String,
    pub(crate) customer_name: String,
    /// Whole shillings.
    pub(crate) amount: i64,
    /// Whether the payments wallet is filled (collection) or spent (withdrawal).
    pub(crate) through_wallet: bool,
    pub(crate) channel_id: Option<i64>,
    pub(crate) provider: String,
    pub(crate) generation: Generation,
    pub(crate) callback_url: Option<String>,
    /// What is true.
    pub(crate) status: Status,
    /// Daraja's code, once decided.
    pub(crate) result_code: Option<u16>,
    /// M-Pesa's receipt, empty unless the money moved.
    pub(crate) receipt: String,
    pub(crate) created_at_ms: i64,
    pub(crate) decided_at_ms: Option<i64>,
    /// Questions asked before this moment are answered with `seen_before`.
    pub(crate) seen_from_ms: i64,
    pub(crate) seen_before: Status,
    pub(crate) prompt: Option<Prompt>,
    pub(crate) due: Vec<Due>,
    pub(crate) deliveries: Vec<Delivery>,
    /// Whole shillings that were taken back after the money had moved.
    #[serde(default)]
    pub(crate) reversed: i64,
}

impl Movement {
    /// What PayHero's API says at `now_ms`, which may lag behind the truth.
    pub(crate) fn seen(&self, now_ms: i64) -> Status {
        if self.status == Status::Queued || now_ms >= self.seen_from_ms { self.status } else { self.seen_before }
    }

    /// The prompt, if it is still on the screen at `now_ms`.
    pub(crate) fn waiting_prompt(&self, now_ms: i64) -> Option<&Prompt> {
        self.prompt.as_ref().filter(|prompt| self.status == Status::Queued && !prompt.ignored && now_ms < prompt.expires_at_ms)
    }

    /// The row of the control side's truth.
    pub(crate) fn truth(&self, requests: u64) -> Value {
        let reference = match self.direction {
            Direction::Collection => "reference",
            Direction::Payout => "merchant_reference",
        };
        json!({
            reference: self.reference,
            "external_reference": self.external_reference,
            "phone": self.phone,
            "account": self.account,
            "amount": self.amount,
            "status": self.status,
            "receipt": self.receipt,
            "requests": requests,
            "reversed": self.reversed,
            "checkout_request_id": self.checkout_request_id,
            "result_code": self.result_code,
            "generation": self.generation,
            "callback_url": self.callback_url,
            "created_at": rfc3339(self.created_at_ms),
            "decided_at": self.decided_at_ms.map(rfc3339),
            "callbacks_due": self.due.len(),
            "callbacks": self.deliveries.iter().map(|sent| json!({
                "at": rfc3339(sent.at_ms), "says": sent.says, "http_status": sent.http_status,
            })).collect::<Vec<_>>(),
        })
    }
}
