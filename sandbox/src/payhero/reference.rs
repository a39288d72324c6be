//! The identifiers that PayHero, SasaPay and M-Pesa make, in their shapes. They are opaque to everybody who receives them.

use rand::RngExt;

use super::behaviour::Generation;
use crate::clock::nairobi;

const LETTERS: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZ";
const ALPHANUMERICS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

/// PayHero's reference: ten upper-case alphanumerics, or `UFD003217999.iI` of API 2.0.0.
pub(crate) fn payhero(generation: Generation) -> String {
    match generation {
        Generation::Legacy => some(ALPHANUMERICS, 10),
        Generation::V2 => format!("{}{}.i{}", some(LETTERS, 3), some(b"0123456789", 9), some(LETTERS, 1)),
    }
}

/// M-Pesa's receipt: ten upper-case alphanumerics, of which the first three tell year, month and day.
pub(crate) fn receipt(at_ms: i64) -> String {
    use chrono::Datelike;
    let day = nairobi(at_ms);
    let year = LETTERS[day.year().rem_euclid(24) as usize] as char;
    let month = (b'A' + day.month0() as u8) as char;
    let date = b"123456789ABCDEFGHIJKLMNOPQRSTUV"[day.day0() as usize] as char;
    format!("{year}{month}{date}{}", some(ALPHANUMERICS, 7))
}

/// Safaricom's checkout id: `ws_CO_`, date and time in Nairobi to the millisecond, and the phone without its country code.
pub(crate) fn checkout(at_ms: i64, phone: &str) -> String {
    let time = nairobi(at_ms).format("%d%m%Y%H%M%S%3f");
    format!("ws_CO_{time}{}", phone.trim_start_matches("254"))
}

/// Safaricom's merchant request id.
pub(crate) fn merchant_request() -> String {
    let hex = b"0123456789abcdef";
    format!("{}-{}-{}-{}{}", some(hex, 4), some(hex, 4), some(hex, 4), some(hex, 12), some(b"0123456789", 8))
}

fn some(alphabet: &[u8], count: usize) -> String {
    let mut random = rand::rng();
    (0..count).map(|_| alphabet[random.random_range(0..alphabet.len())] as char).collect()
}

#[cfg(test)]
mod tests {
    use super::{Generation, checkout, payhero, receipt};

    #[test]
    fn identifiers_have_the_recorded_shapes() {
        let at_ms = 1_770_102_912_345; // 2026-02-03 10:15:12.345 in Nairobi
        assert_eq!(checkout(at_ms, "254712000111"), "ws_CO_03022026101512345712000111");
        let receipt = receipt(at_ms);
        assert!(receipt.len() == 10 && receipt.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit()), "{receipt}");
        let old = payhero(Generation::Legacy);
        assert!(old.len() == 10 && old.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit()), "{old}");
        let new = payhero(Generation::V2);
        assert!(new.len() == 15 && new.as_bytes()[12] == b'.', "{new}");
    }
}
