//! Tells a person why a payment failed, from M-Pesa's result code or the words beside it.
//! Pure and for display only: no code decides about money or forbids a later success.

/// Why a payment failed, as far as a person can act on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FailureReason {
    /// The payer dismissed the prompt.
    CancelledByUser,
    /// The payer has too little money, overdraft included.
    InsufficientFunds,
    /// The PIN was wrong, or is locked.
    WrongPin,
    /// Nobody answered the prompt in time.
    TimedOut,
    /// The prompt did not reach the phone, or the number does not exist.
    PhoneUnreachable,
    /// The amount is above what M-Pesa lets the payer send at once or in a day.
    LimitExceeded,
    /// Trouble on the side of the gateway, of M-Pesa or of our own set-up.
    GatewayError,
}

/// The reason behind a result code (Safaricom's STK result codes) and its text. The text
/// decides where the code is missing, not known, or has two meanings.
#[must_use]
pub fn reason(result_code: Option<i64>, text: &str) -> FailureReason {
    match result_code.and_then(by_code) {
        // 1037 stands both for a phone that cannot be reached and for a prompt left unanswered,
        // which is recorded with the words "No response from user."
        Some(FailureReason::PhoneUnreachable) => match by_text(text) {
            Some(FailureReason::TimedOut) => FailureReason::TimedOut,
            _ => FailureReason::PhoneUnreachable,
        },
        Some(reason) => reason,
        None => by_text(text).unwrap_or(FailureReason::GatewayError),
    }
}

/// The reason that a result code gives.
pub(super) fn by_code(code: i64) -> Option<FailureReason> {
    Some(match code {
        1 => FailureReason::InsufficientFunds,
        3 | 4 => FailureReason::LimitExceeded,
        1019 => FailureReason::TimedOut,
        1032 => FailureReason::CancelledByUser,
        1037 => FailureReason::PhoneUnreachable,
        2001 | 8006 => FailureReason::WrongPin,
        // Below the minimum, the till's own limit, a repeated amount, a busy system, a locked
        // subscriber, an unsendable prompt, a mismatched set-up: nothing the payer did.
        2 | 8 | 17 | 26 | 1001 | 1025 | 2028 | 9999 => FailureReason::GatewayError,
        _ => return None,
    })
}

/// The reason that words alone give.
pub(super) fn by_text(text: &str) -> Option<FailureReason> {
    let text = text.to_lowercase();
    let has = |parts: &[&str]| parts.iter().any(|part| text.contains(part));
    // "The operator does not exist" is about who asks for the money; the payer's phone is not even tried.
    Some(if has(&["sfc_ic0003", "operator does not exist"]) {
        FailureReason::GatewayError
    } else if has(&["cancel"]) {
        FailureReason::CancelledByUser
    } else if has(&["insufficient", "balance is too low", "low balance"]) {
        FailureReason::InsufficientFunds
    } else if has(&["wrong pin", "invalid pin", "incorrect pin", "pin is locked", "initiator information"]) {
        FailureReason::WrongPin
    } else if has(&["cannot be reached", "unreachable", "not reachable", "does not exist"]) {
        FailureReason::PhoneUnreachable
    } else if has(&["no response from user", "timeout", "timed out", "expired"]) {
        FailureReason::TimedOut
    } else if has(&["limit", "maximum"]) {
        FailureReason::LimitExceeded
    } else {
        return None;
    })
}

#[cfg(test)]
mod tests {
    use FailureReason::{CancelledByUser, GatewayError, InsufficientFunds, LimitExceeded, PhoneUnreachable, TimedOut, WrongPin};

    use super::*;

    #[test]
    fn codes_and_words_give_reasons() {
        for (code, text, expected) in [
            (Some(1), "The balance is insufficient for the transaction.", InsufficientFunds),
            (Some(1), "", InsufficientFunds),
            (Some(2), "", GatewayError),
            (Some(3), "", LimitExceeded),
            (Some(4), "", LimitExceeded),
            (Some(8), "would exceed the limit", GatewayError),
            (Some(17), "", GatewayError),
            (Some(26), "System busy", GatewayError),
            (Some(1001), "Unable to lock subscriber", GatewayError),
            (Some(1019), "Transaction expired", TimedOut),
            (Some(1025), "", GatewayError),
            (Some(9999), "", GatewayError),
            (Some(1032), "Request cancelled by user", CancelledByUser),
            (Some(1032), "timeout", CancelledByUser),
            (Some(1037), "", PhoneUnreachable),
            (Some(1037), "DS timeout user cannot be reached", PhoneUnreachable),
            (Some(1037), "No response from user.", TimedOut),
            (Some(2001), "The initiator information is invalid.", WrongPin),
            (Some(8006), "", WrongPin),
            (Some(2028), "limit", GatewayError),
            (Some(4999), "", GatewayError),
            (Some(777), "Wrong PIN entered", WrongPin),
            (None, "Request Cancelled by user.", CancelledByUser),
            (None, "CANCELED", CancelledByUser),
            (None, "Insufficient funds in M-Pesa", InsufficientFunds),
            (None, "You entered the wrong PIN", WrongPin),
            (None, "Request timed out", TimedOut),
            (None, "SFC_IC0003: The operator does not exist.", GatewayError),
            (None, "SFC_IC0003", GatewayError),
            (None, "The subscriber does not exist", PhoneUnreachable),
            (None, "Daily limit exceeded", LimitExceeded),
            (None, "Something else", GatewayError),
            (None, "", GatewayError),
        ] {
            assert_eq!(reason(code, text), expected, "{code:?} {text}");
        }
    }
}
