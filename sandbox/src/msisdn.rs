//! Kenyan mobile numbers in one form, `2547XXXXXXXX` or `2541XXXXXXXX`, so that a phone is found however it was written.

/// The number in its one form, or nothing if it is not a Kenyan mobile number.
pub(crate) fn canonical(text: &str) -> Option<String> {
    let bare: String = text.trim().chars().filter(|c| !matches!(c, ' ' | '-' | '(' | ')')).collect();
    let digits = bare.strip_prefix('+').unwrap_or(&bare);
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let national = match digits.len() {
        9 => digits,
        10 => digits.strip_prefix('0')?,
        12 => digits.strip_prefix("254")?,
        _ => return None,
    };
    national.starts_with(['1', '7']).then(|| format!("254{national}"))
}

#[cfg(test)]
mod tests {
    use super::canonical;

    #[test]
    fn every_way_of_writing_gives_the_same_number() {
        for text in ["0712345678", "712345678", "254712345678", "+254 712-345-678"] {
            assert_eq!(canonical(text).as_deref(), Some("254712345678"), "{text}");
        }
        assert_eq!(canonical("0110123456").as_deref(), Some("254110123456"));
    }

    #[test]
    fn other_numbers_are_refused() {
        for text in ["", "0200123456", "071234567", "07123456789", "2540712345678", "+255712345678", "07123456a8"] {
            assert_eq!(canonical(text), None, "{text}");
        }
    }
}
