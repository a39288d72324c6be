//! Reads what the provider said about the one recipient of a call. Pure.
//! Documented codes of a recipient: 100 processed, 101 sent, 102 queued; 401 RiskHold, 402 InvalidSenderId, 403 InvalidPhoneNumber,
//! 404 UnsupportedNumberType, 405 InsufficientBalance, 406 UserInBlacklist, 407 CouldNotRoute, 409 DoNotDisturbRejection,
//! 500 InternalServerError, 501 GatewayError, 502 RejectedByGateway.

use serde::Deserialize;

use crate::gateways::Delivery;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Body {
    #[serde(rename = "SMSMessageData")]
    data: Data,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Data {
    #[serde(default)]
    message: String,
    #[serde(default)]
    recipients: Vec<Recipient>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Recipient {
    status_code: u16,
    #[serde(default)]
    status: String,
    #[serde(default)]
    message_id: String,
}

/// What a complete answer says.
pub(super) fn read(status: u16, body: &[u8]) -> Delivery {
    match status {
        200 | 201 => read_body(body),
        401 | 403 => Delivery::operator(format!("the provider refuses our credentials (HTTP {status})")),
        408 | 429 | 500.. => Delivery::later(format!("the provider is in trouble (HTTP {status})")),
        _ => Delivery::operator(format!("the provider answered HTTP {status}")),
    }
}

fn read_body(body: &[u8]) -> Delivery {
    let Ok(Body { data }) = serde_json::from_slice::<Body>(body) else {
        return Delivery::later("the provider's answer cannot be read");
    };
    // Without a recipient the reason stands where else the summary does, as `InvalidSenderId`.
    let Some(recipient) = data.recipients.into_iter().next() else {
        return judge(None, &data.message, String::new());
    };
    judge(Some(recipient.status_code), &recipient.status, recipient.message_id)
}

fn judge(code: Option<u16>, status: &str, id: String) -> Delivery {
    let name = name(status);
    let said = || code.map_or_else(|| name.to_owned(), |code| format!("{name} ({code})"));
    match (code, name) {
        (Some(100..=102), _) => Delivery::Taken { id: if id == "None" { String::new() } else { id.chars().take(100).collect() } },
        (Some(403 | 404 | 406 | 409), _) | (None, "InvalidPhoneNumber" | "UnsupportedNumberType" | "UserInBlacklist" | "DoNotDisturbRejection") => {
            Delivery::Refused(format!("the provider refuses this recipient: {}", said()))
        }
        (Some(407 | 500..), _) | (None, "CouldNotRoute" | "InternalServerError" | "GatewayError" | "RejectedByGateway") => {
            Delivery::later(format!("the provider could not send it: {}", said()))
        }
        // 401, 402, 405, and what is not documented: somebody must look.
        _ => Delivery::operator(format!("the provider sends nothing for us: {}", said())),
    }
}

/// A status as documented, a single word; anything else could hold anything, and is not passed on.
fn name(status: &str) -> &str {
    let word = !status.is_empty() && status.len() <= 40 && status.bytes().all(|byte| byte.is_ascii_alphabetic());
    if word { status } else { "unknown status" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recipient(code: u16, status: &str) -> Delivery {
        let body = format!(
            r#"{{"SMSMessageData":{{"Message":"Sent to 1/1","Recipients":[{{"statusCode":{code},"number":"+254712345678","status":"{status}","cost":"0","messageId":"ATXid_1"}}]}}}}"#
        );
        read(201, body.as_bytes())
    }

    #[test]
    fn what_was_taken_has_the_providers_name() {
        for code in [100, 101, 102] {
            assert_eq!(recipient(code, "Success"), Delivery::Taken { id: "ATXid_1".into() });
        }
    }

    #[test]
    fn a_number_that_is_refused_stays_refused() {
        for (code, status) in [(403, "InvalidPhoneNumber"), (404, "UnsupportedNumberType"), (406, "UserInBlacklist"), (409, "DoNotDisturbRejection")] {
            assert!(matches!(recipient(code, status), Delivery::Refused(problem) if problem.contains(status)), "{code}");
        }
        assert!(matches!(read(201, br#"{"SMSMessageData":{"Message":"InvalidPhoneNumber","Recipients":[]}}"#), Delivery::Refused(_)));
    }

    #[test]
    fn an_operator_is_told_of_what_does_not_pass_by_itself() {
        let of_operator = |delivery| matches!(delivery, Delivery::Later { operator: true, .. });
        for (code, status) in [(401, "RiskHold"), (402, "InvalidSenderId"), (405, "InsufficientBalance"), (499, "Whatever")] {
            assert!(of_operator(recipient(code, status)), "{code}");
        }
        assert!(of_operator(read(401, b"The supplied authentication is invalid")) && of_operator(read(404, b"")));
        assert!(of_operator(read(201, br#"{"SMSMessageData":{"Message":"InvalidSenderId","Recipients":[]}}"#)));
    }

    #[test]
    fn everything_else_is_tried_again() {
        let passes = |delivery| matches!(delivery, Delivery::Later { operator: false, .. });
        for (code, status) in [(407, "CouldNotRoute"), (500, "InternalServerError"), (501, "GatewayError"), (502, "RejectedByGateway")] {
            assert!(passes(recipient(code, status)), "{code}");
        }
        for (status, body) in [(500, "x"), (503, ""), (429, ""), (201, "<html>"), (200, "{}"), (201, "")] {
            assert!(passes(read(status, body.as_bytes())), "{status} {body}");
        }
    }

    #[test]
    fn a_number_in_a_status_is_not_passed_on() {
        assert!(!format!("{:?}", recipient(403, "no such number +254712345678")).contains("712345678"));
    }
}
