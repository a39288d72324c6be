//! Reads what PayHero posts to us, in every shape that is documented or recorded.
//! Callbacks are unsigned: what is read here is a hint what to ask about, never proof.

use std::fmt;

use super::failure::{by_code, by_text};
use super::fields::{self, Fields};
use super::redact::{mask, redact_text};

/// A callback, reduced to what helps to find the payment and to ask about it.
#[derive(Clone, PartialEq, Eq)]
pub struct Callback {
    /// PayHero's own reference.
    pub reference: Option<String>,
    /// M-Pesa's id of the prompt. It can hold the payer's phone.
    pub checkout_request_id: Option<String>,
    /// Our reference, echoed.
    pub external_reference: Option<String>,
    /// The M-Pesa receipt.
    pub receipt: Option<String>,
    /// Cents; nothing when absent or unreadable.
    pub amount_minor: Option<i64>,
    /// The payer's or recipient's number as written. Compare its last nine digits.
    pub phone: Option<String>,
    /// What the callback claims.
    pub verdict_hint: Verdict,
    /// Which shape it has.
    pub shape: Shape,
}

/// What a callback claims happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Every sign it carries says paid.
    Paid,
    /// It says that the payment failed.
    Failed {
        /// M-Pesa's result code, where numeric.
        result_code: Option<i64>,
        /// The words beside it, led by a result code that is no number.
        text: String,
    },
    /// It says neither, or both.
    Unclear,
}

/// The shape of a callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shape {
    /// Legacy, of one collection: `response` with `MpesaReceiptNumber` and `Phone`.
    LegacyCollect,
    /// Legacy, of one withdrawal: `response` with `TransactionID` and `RecipientAccountNumber`.
    LegacyWithdraw,
    /// API 2.0.0, both directions: flat, lower case.
    V2,
    /// Notification of a whole account or channel, nested or flat.
    Channel,
    /// Safaricom's own, passed on as it came: `Body.stkCallback`, with amount, receipt and phone in a list of named values.
    Daraja,
    /// A JSON object of no known shape.
    Other,
}

/// The body is no JSON object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the callback is not a JSON object")]
pub struct NotAnObject;

/// Reads a callback body of any shape. Unknown fields are ignored, missing ones left out.
pub fn read(body: &[u8]) -> Result<Callback, NotAnObject> {
    let outer = Fields::read(body).ok_or(NotAnObject)?;
    if let Some(stk) = outer.object("Body").and_then(|body| body.object("stkCallback")) {
        return Ok(daraja(&stk));
    }
    let inner = outer.object("response");
    let fields = inner.as_ref().unwrap_or(&outer);
    let shape = shape(fields, inner.is_some());
    let reference = match shape {
        // A withdrawal's callback carries the merchant reference of its acceptance here, whereas
        // in a collection's it is an id of M-Pesa's that PayHero does not look up.
        Shape::LegacyWithdraw => fields.first_text(&["reference", "MerchantRequestID"]),
        Shape::Channel => fields.first_text(&["reference", "Transaction_Reference"]),
        _ => fields.first_text(&["reference", "merchant_reference"]),
    };
    Ok(Callback {
        reference,
        checkout_request_id: fields.first_text(&["CheckoutRequestID", "checkout_request_id"]),
        external_reference: fields.first_text(&["ExternalReference", "external_reference", "User_Reference", "user_reference"]),
        receipt: fields.first_text(&["MpesaReceiptNumber", "MPESA_Reference", "TransactionID", "provider_reference"]),
        amount_minor: fields.cents("Amount").or_else(|| fields.cents("amount")),
        phone: fields.first_text(&["Phone", "RecipientAccountNumber", "phone_number", "phone"]),
        verdict_hint: verdict(&outer, fields),
        shape,
    })
}

/// Safaricom's callback of a prompt. Its ids are M-Pesa's; PayHero's reference is not in it.
fn daraja(stk: &Fields) -> Callback {
    let items = stk.object("CallbackMetadata").and_then(|metadata| metadata.objects("Item")).unwrap_or_default();
    let item = |name: &str| items.iter().find(|item| item.text("Name").as_deref() == Some(name));
    Callback {
        reference: None,
        checkout_request_id: stk.text("CheckoutRequestID"),
        external_reference: item("AccountReference").and_then(|item| item.text("Value")),
        receipt: item("MpesaReceiptNumber").and_then(|item| item.text("Value")),
        amount_minor: item("Amount").and_then(|item| item.cents("Value")),
        phone: item("PhoneNumber").and_then(|item| item.text("Value")),
        verdict_hint: verdict(stk, stk),
        shape: Shape::Daraja,
    }
}

fn shape(fields: &Fields, nested: bool) -> Shape {
    let any = |keys: &[&str]| keys.iter().any(|key| fields.has(key));
    if any(&["Transaction_Type", "MPESA_Reference", "User_Reference", "Transaction_Reference"]) || any(&["woocommerce_payment_status"]) {
        Shape::Channel
    } else if any(&["RecipientAccountNumber"]) || (any(&["TransactionID"]) && !any(&["MpesaReceiptNumber"])) {
        Shape::LegacyWithdraw
    } else if nested || any(&["MpesaReceiptNumber", "ResultCode"]) {
        Shape::LegacyCollect
    } else if any(&["transaction_type", "provider_reference"]) || (any(&["reference"]) && any(&["status"])) {
        Shape::V2
    } else {
        Shape::Other
    }
}

/// Weighs all signs. A result code other than zero is M-Pesa's own no and outweighs the rest;
/// `4999` and the "still processing" code are no result at all.
fn verdict(outer: &Fields, fields: &Fields) -> Verdict {
    let code = fields.first_text(&["ResultCode", "result_code"]);
    let number = code.as_deref().and_then(fields::integer);
    let mut text = fields.first_text(&["ResultDesc", "message", "result_desc"]).or_else(|| outer.text("message")).unwrap_or_default();
    if number == Some(4999) || code.as_deref() == Some("500.001.1001") {
        return Verdict::Unclear;
    }
    let words = [fields.text("Status"), fields.text("status"), outer.text("status"), fields.text("woocommerce_payment_status")];
    // The word that says "failed" may be the only one that says why: `Cancelled` with nothing beside it.
    let why = words.iter().flatten().find(|word| sign(word) == Some(false) && by_text(word).is_some());
    if let Some(word) = why.filter(|_| number.and_then(by_code).is_none() && by_text(&text).is_none()) {
        text = if text.is_empty() { word.clone() } else { format!("{word}: {text}") };
    }
    let mut signs: Vec<bool> = words.iter().flatten().filter_map(|word| sign(word)).collect();
    signs.extend(outer.flag("status"));
    signs.extend(fields.flag("success"));
    let yes = signs.contains(&true) || number == Some(0);
    let no = signs.contains(&false);
    match (&code, number) {
        (Some(_), Some(0)) | (None, _) => match (yes, no) {
            (true, false) => Verdict::Paid,
            (false, true) => Verdict::Failed { result_code: None, text },
            _ => Verdict::Unclear,
        },
        (Some(_), Some(code)) => Verdict::Failed { result_code: Some(code), text },
        (Some(code), None) => Verdict::Failed { result_code: None, text: format!("{code}: {text}") },
    }
}

/// What one word says; nothing for words that are neither.
fn sign(word: &str) -> Option<bool> {
    match word.to_lowercase().as_str() {
        "success" | "successful" | "complete" | "completed" | "paid" => Some(true),
        "failed" | "failure" | "cancelled" | "canceled" | "expired" | "timeout" | "declined" | "rejected" => Some(false),
        _ => None,
    }
}

impl fmt::Debug for Callback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let checkout_request_id = self.checkout_request_id.as_deref().map(redact_text);
        f.debug_struct("Callback")
            .field("shape", &self.shape)
            .field("verdict_hint", &self.verdict_hint)
            .field("reference", &self.reference)
            .field("checkout_request_id", &checkout_request_id)
            .field("external_reference", &self.external_reference)
            .field("receipt", &self.receipt.as_deref().map(mask))
            .field("amount_minor", &self.amount_minor)
            .field("phone", &self.phone.as_deref().map(mask))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn read_json(body: serde_json::Value) -> Callback {
        read(body.to_string().as_bytes()).unwrap()
    }

    fn failed(result_code: Option<i64>, text: &str) -> Verdict {
        Verdict::Failed { result_code, text: text.to_owned() }
    }

    #[test]
    fn legacy_collection() {
        let body = br#"{"status":true,"response":{"MerchantRequestID":"7c1e-4d0a","CheckoutRequestID":"ws_CO_03022026101512345712000111","ResultCode":0,"Amount":1500,"MpesaReceiptNumber":"UB32K7Q9XZ","Phone":"254712000111","ExternalReference":"PAY-01J8ZC4T","Status":"Success","ResultDesc":"The service request is processed successfully.","ServiceWalletBalance":0,"PaymentWalletBalance":0},"forward_url":""}"#;
        let callback = read(body).unwrap();
        assert_eq!(
            callback,
            Callback {
                reference: None,
                checkout_request_id: Some("ws_CO_03022026101512345712000111".to_owned()),
                external_reference: Some("PAY-01J8ZC4T".to_owned()),
                receipt: Some("UB32K7Q9XZ".to_owned()),
                amount_minor: Some(150_000),
                phone: Some("254712000111".to_owned()),
                verdict_hint: Verdict::Paid,
                shape: Shape::LegacyCollect,
            }
        );
        let debug = format!("{callback:?}");
        assert!(!debug.contains("712000") && !debug.contains("UB32K7Q9"), "{debug}");
    }

    #[test]
    fn legacy_withdrawal() {
        let callback = read_json(json!({"forward_url":"","status":true,"response":{
            "Amount":5000,"CheckoutRequestID":"8b0e5d1c","ExternalReference":"PO-01J8ZD",
            "MerchantRequestID":"K3WQ7T9ZPA","RecipientAccountNumber":"254722000333",
            "ResultCode":0,"ResultDesc":"Transaction processed successfully.",
            "Status":"Success","TransactionID":"UB34K9T2QM"}}));
        assert_eq!(callback.shape, Shape::LegacyWithdraw);
        assert_eq!(callback.reference.as_deref(), Some("K3WQ7T9ZPA"));
        assert_eq!(callback.receipt.as_deref(), Some("UB34K9T2QM"));
        assert_eq!(callback.phone.as_deref(), Some("254722000333"));
        assert_eq!(callback.verdict_hint, Verdict::Paid);
    }

    #[test]
    fn v2_in_both_directions() {
        let callback = read_json(json!({"success":false,"status":"failed",
            "message":"Request Cancelled by user.","reference":"UFD004459001.iI",
            "external_reference":"PAY-01J8ZC4T","amount":1500,"currency":"KES",
            "transaction_id":"","transaction_type":"inbound_payment",
            "provider_reference":"","provider":"mpesa_dc","callback_urls":null}));
        assert_eq!(callback.shape, Shape::V2);
        assert_eq!(callback.reference.as_deref(), Some("UFD004459001.iI"));
        assert_eq!(callback.receipt, None);
        assert_eq!(callback.verdict_hint, failed(None, "Request Cancelled by user."));
        let callback = read_json(json!({"success":true,"status":"success","reference":"UFD1",
            "transaction_type":"outbound_payment","provider_reference":"UB34K9T2QM"}));
        assert_eq!(callback.verdict_hint, Verdict::Paid);
        assert_eq!(callback.receipt.as_deref(), Some("UB34K9T2QM"));
    }

    #[test]
    fn channel_notification_nested_and_flat() {
        let fields = json!({"Transaction_Type":"C2B","MPESA_Reference":"UB32K7Q9XZ","Amount":"50",
            "User_Reference":"PAY-1","Transaction_Reference":"TR1",
            "woocommerce_payment_status":"complete"});
        for body in [fields.clone(), json!({"status":true,"response":fields})] {
            let callback = read_json(body);
            assert_eq!(callback.shape, Shape::Channel);
            assert_eq!(callback.reference.as_deref(), Some("TR1"));
            assert_eq!(callback.external_reference.as_deref(), Some("PAY-1"));
            assert_eq!(callback.receipt.as_deref(), Some("UB32K7Q9XZ"));
            assert_eq!(callback.amount_minor, Some(5_000));
            assert_eq!(callback.verdict_hint, Verdict::Paid);
        }
    }

    #[test]
    fn verdicts_weigh_all_signs() {
        let legacy = |outer: bool, code: serde_json::Value, word: &str| {
            let inner = json!({"ResultCode":code,"Status":word,"ResultDesc":"text"});
            read_json(json!({"status":outer,"response":inner})).verdict_hint
        };
        for (outer, code, word, verdict) in [
            (true, json!(0), "Success", Verdict::Paid),
            (true, json!("0"), "Success", Verdict::Paid),
            (true, json!(0), "Something", Verdict::Paid),
            (false, json!(0), "Success", Verdict::Unclear),
            (true, json!(0), "Failed", Verdict::Unclear),
            (false, json!(1032), "Failed", failed(Some(1032), "text")),
            (false, json!("1037"), "FAILED", failed(Some(1037), "text")),
            (true, json!(1032), "Cancelled", failed(Some(1032), "text")),
            (true, json!(1), "Success", failed(Some(1), "text")),
            (false, json!(null), "Cancelled", failed(None, "Cancelled: text")),
            (false, json!(1032.0), "Failed", failed(Some(1032), "text")),
            (false, json!("1037.0"), "Failed", failed(Some(1037), "text")),
            (true, json!(0.0), "Success", Verdict::Paid),
            (false, json!("SFC_IC0003"), "Failed", failed(None, "SFC_IC0003: text")),
            (true, json!(4999), "Success", Verdict::Unclear),
            (false, json!("500.001.1001"), "Failed", Verdict::Unclear),
            (true, json!(null), "Failed", Verdict::Unclear),
            (true, json!(null), "Success", Verdict::Paid),
        ] {
            assert_eq!(legacy(outer, code.clone(), word), verdict, "{outer} {code} {word}");
        }
        assert_eq!(read_json(json!({"status":"QUEUED","reference":"R"})).verdict_hint, Verdict::Unclear);
    }

    #[test]
    fn a_word_that_says_failed_and_why_is_the_reason() {
        use crate::gateways::payhero::{FailureReason, reason};
        for (body, wanted) in [
            (json!({"status":false,"response":{"Status":"Cancelled"}}), FailureReason::CancelledByUser),
            (json!({"status":false,"response":{"Status":"Cancelled","ResultDesc":""}}), FailureReason::CancelledByUser),
            (json!({"status":"cancelled","reference":"R"}), FailureReason::CancelledByUser),
            (json!({"status":false,"response":{"Status":"Timeout"}}), FailureReason::TimedOut),
            (json!({"status":false,"response":{"Status":"Failed","ResultCode":1032.0}}), FailureReason::CancelledByUser),
            (json!({"status":false,"response":{"Status":"Failed","ResultCode":"SFC_IC0003"}}), FailureReason::GatewayError),
            (json!({"status":false,"response":{"Status":"Cancelled","ResultDesc":"Insufficient funds"}}), FailureReason::InsufficientFunds),
        ] {
            let Verdict::Failed { result_code, text } = read_json(body.clone()).verdict_hint else { panic!("{body}") };
            assert_eq!(reason(result_code, &text), wanted, "{body}");
        }
    }

    #[test]
    fn safaricoms_own_callback_is_read() {
        let paid = read_json(json!({"Body":{"stkCallback":{"MerchantRequestID":"29115-34620561-1","CheckoutRequestID":"ws_CO_191220191020363925",
            "ResultCode":0,"ResultDesc":"The service request is processed successfully.","CallbackMetadata":{"Item":[
                {"Name":"Amount","Value":1500.0},{"Name":"MpesaReceiptNumber","Value":"UB32K7Q9XZ"},{"Name":"Balance"},
                {"Name":"TransactionDate","Value":20261119102115_i64},{"Name":"PhoneNumber","Value":254_712_000_111_i64}]}}}}));
        assert_eq!((paid.shape, paid.verdict_hint), (Shape::Daraja, Verdict::Paid));
        assert_eq!((paid.receipt.as_deref(), paid.amount_minor, paid.phone.as_deref()), (Some("UB32K7Q9XZ"), Some(150_000), Some("254712000111")));
        assert_eq!(paid.checkout_request_id.as_deref(), Some("ws_CO_191220191020363925"));
        let cancelled = read_json(json!({"Body":{"stkCallback":{"CheckoutRequestID":"ws_CO_1","ResultCode":1032,"ResultDesc":"Request cancelled by user"}}}));
        assert_eq!(cancelled.verdict_hint, failed(Some(1032), "Request cancelled by user"));
        assert_eq!(read_json(json!({"Body":{"stkCallback":{}}})).verdict_hint, Verdict::Unclear);
        assert_eq!(read_json(json!({"Body":{"stkCallback":[]}})).shape, Shape::Other);
    }

    #[test]
    fn odd_objects_are_read_and_other_things_refused() {
        for body in ["{}", r#"{"response":null}"#, r#"{"response":[1],"x":{}}"#, r#"{"a":"b"}"#] {
            let callback = read(body.as_bytes()).unwrap();
            assert_eq!((callback.shape, callback.verdict_hint), (Shape::Other, Verdict::Unclear));
        }
        for body in ["", "[]", "null", "1", "\"{}\"", "{", "a=b", "<html>", "{}{}"] {
            assert_eq!(read(body.as_bytes()), Err(NotAnObject), "{body}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&bytes);
        }

        #[test]
        fn any_field_values_are_survived(
            key in "status|success|response|ResultCode|Amount|Phone|reference|message",
            value in r#"(null|true|-?[0-9]{1,30}(\.[0-9]{1,9})?|"[^"\\]{0,20}"|\[\]|\{\})"#,
        ) {
            let flat = format!(r#"{{"{key}":{value}}}"#);
            let nested = format!(r#"{{"status":true,"response":{flat}}}"#);
            for body in [flat, nested] {
                if serde_json::from_str::<serde_json::Value>(&body).is_ok() {
                    prop_assert!(read(body.as_bytes()).is_ok());
                }
            }
        }
    }
}
