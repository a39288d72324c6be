//! A receipt of M-Pesa as people type and paste it. Pure.

/// How long a receipt is.
const LENGTH: usize = 10;

/// Reads a receipt in capitals: by itself, with spaces and a dot in it, or in front of the message that it came in (`UBT4Q7X9KZ Confirmed. Ksh10.00
/// sent to …`).
pub fn read(text: &str) -> Option<String> {
    let is_receipt = |word: &str| word.len() == LENGTH && word.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let bare: String = text.chars().filter(|c| !c.is_whitespace() && *c != '.').collect();
    let mut words = text.split(|c: char| !c.is_ascii_alphanumeric());
    let first = words.find(|word| is_receipt(word) && word.bytes().any(|byte| byte.is_ascii_digit()) && word.bytes().any(|byte| byte.is_ascii_alphabetic()));
    let found = if is_receipt(&bare) { Some(bare.as_str()) } else { first };
    found.map(str::to_ascii_uppercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pasted_message_is_read_as_its_receipt() {
        for (text, wanted) in [
            ("UBT4Q7X9KZ", Some("UBT4Q7X9KZ")),
            (" ubt4 q7x9kz. ", Some("UBT4Q7X9KZ")),
            ("UBT4Q7X9KZ Confirmed. Ksh10.00 sent to NETILY for account x on 1/12/26 at 2:10 PM", Some("UBT4Q7X9KZ")),
            ("Imethibitishwa UBT4Q7X9KZ", Some("UBT4Q7X9KZ")),
            ("UBT4Q7X9K", None),
            ("Confirmed", None),
            ("", None),
        ] {
            assert_eq!(read(text).as_deref(), wanted, "{text}");
        }
    }
}
