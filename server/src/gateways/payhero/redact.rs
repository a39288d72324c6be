//! Masks phones, receipts and links in what PayHero says, so that it can be logged.
//! It keeps the shape of a body and never changes what is stored as evidence.

use serde_json::Value;

/// Digits in a row from which a text is taken to hold a phone; `7XXXXXXXX` has nine.
const PHONE_MIN_DIGITS: usize = 9;
/// The longest excerpt of a body, in characters.
const EXCERPT_MAX_CHARS: usize = 200;

/// The body with every phone, receipt and link path masked, for logs.
///
/// A checkout id ends in the payer's phone and a callback URL holds a secret, so all texts
/// are masked, not only the fields named after phones.
#[must_use]
pub fn redact_body(body: Value) -> Value {
    redact_field("", body)
}

/// The text with long digit runs and the path of each link masked.
#[must_use]
pub fn redact_text(text: &str) -> String {
    mask_digits(&mask_links(text))
}

/// The begin of a body, masked, on one line.
pub(super) fn excerpt(body: &[u8]) -> String {
    let text = match serde_json::from_slice(body) {
        Ok(value) => redact_body(value).to_string(),
        Err(_) => redact_text(&String::from_utf8_lossy(body)),
    };
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    line.chars().take(EXCERPT_MAX_CHARS).collect()
}

/// All but the last three characters as stars.
pub(super) fn mask(text: &str) -> String {
    let hidden = text.chars().count().saturating_sub(3);
    text.chars().enumerate().map(|(at, c)| if at < hidden { '*' } else { c }).collect()
}

fn redact_field(key: &str, value: Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .into_iter()
            .map(|(key, value)| {
                let value = redact_field(&key, value);
                (key, value)
            })
            .collect(),
        Value::Array(items) => items.into_iter().map(|item| redact_field(key, item)).collect(),
        Value::String(text) if is_private(key) => Value::String(mask(&text)),
        Value::String(text) => Value::String(redact_text(&text)),
        Value::Number(number) => {
            let text = number.to_string();
            let masked = if is_private(key) { mask(&text) } else { mask_digits(&text) };
            if masked == text { Value::Number(number) } else { Value::String(masked) }
        }
        other => other,
    }
}

/// Whether a field holds a phone, an account or an M-Pesa receipt, in any of PayHero's spellings.
fn is_private(key: &str) -> bool {
    let key: String = key.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    ["phone", "msisdn", "accountnumber", "receipt"].iter().any(|part| key.contains(part))
        || matches!(key.as_str(), "providerreference" | "thirdpartyreference" | "transactionid" | "mpesareference")
}

fn mask_digits(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut run = String::new();
    for c in text.chars().chain(['\0']) {
        if c.is_ascii_digit() {
            run.push(c);
            continue;
        }
        if run.len() >= PHONE_MIN_DIGITS {
            masked.push_str(&mask(&run));
        } else {
            masked.push_str(&run);
        }
        run.clear();
        masked.push(c);
    }
    masked.pop();
    masked
}

fn mask_links(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        masked.push_str(before);
        let ends = |c: char| c.is_whitespace() || "\"'<>,)".contains(c);
        let link = &after[..after.find(ends).unwrap_or(after.len())];
        let host = &link[..link.find(['/', '?', '#']).unwrap_or(link.len())];
        masked.push_str(host);
        if host.len() < link.len() {
            masked.push_str("/…");
        }
        rest = &after[link.len()..];
    }
    masked.push_str(rest);
    masked
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn no_spelling_of_a_phone_survives() {
        let body = json!({
            "response": {
                "Phone": "254712000111", "RecipientAccountNumber": "0712 000 111",
                "CheckoutRequestID": "ws_CO_03022026101512345712000111",
                "ResultDesc": "Sent to +254712000111.", "MpesaReceiptNumber": "UB32K7Q9XZ",
                "Amount": 1500, "ExternalReference": "PAY-01J8ZC4T",
            },
            "phone_number": 254_712_000_111_u64,
            "list": [{"msisdn": "0712000111"}],
            "callback_url": "https://pay.example.co.ke/hooks/payhero/9f27c1d0a4be",
        });
        let masked = redact_body(body).to_string();
        for secret in ["712000", "712 000", "UB32K7Q9", "9f27c1d0a4be"] {
            assert!(!masked.contains(secret), "{secret} in {masked}");
        }
        for kept in ["PAY-01J8ZC4T", "1500", "ws_CO_", "pay.example.co.ke", "111"] {
            assert!(masked.contains(kept), "{kept} not in {masked}");
        }
    }

    #[test]
    fn texts_are_masked_in_place() {
        for (text, masked) in [
            ("", ""),
            ("call 0712000111 now", "call *******111 now"),
            ("12345678", "12345678"),
            ("see https://a.b/c/d?e=f, then", "see https://a.b/…, then"),
            ("https://a.b", "https://a.b"),
            ("x://", "x://"),
            ("ünï 254712000111", "ünï *********111"),
        ] {
            assert_eq!(redact_text(text), masked);
        }
    }

    #[test]
    fn an_excerpt_is_one_short_line() {
        let long = format!("<html>\n  {}", "word ".repeat(500));
        assert_eq!(excerpt(long.as_bytes()).chars().count(), EXCERPT_MAX_CHARS);
        assert!(!excerpt(long.as_bytes()).contains('\n'));
        assert_eq!(excerpt(b"\xff\xfe"), "\u{fffd}\u{fffd}");
    }
}
