//! Kenyan mobile numbers. A prefix is a hint, not a network (numbers are portable), so none is refused for its prefix.

use std::fmt;
use std::str::FromStr;

/// A mobile number as `2547XXXXXXXX` or `2541XXXXXXXX`. Prints masked; `digits` gives all of it.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Phone(String);

impl Phone {
    /// Twelve digits, as the gateway and the database want it.
    pub fn digits(&self) -> &str {
        &self.0
    }
}

impl FromStr for Phone {
    type Err = &'static str;

    /// Reads 07…, 01…, 7…, 1…, 254… and +254…, with spaces, dashes and brackets anywhere.
    fn from_str(text: &str) -> Result<Phone, Self::Err> {
        const WANTED: &str = "must be a Kenyan mobile number, as 0712 345 678";
        let bare: String = text.chars().filter(|c| !matches!(c, ' ' | '-' | '(' | ')' | '\u{a0}')).collect();
        let bare = bare.strip_prefix('+').unwrap_or(&bare);
        if !bare.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(WANTED);
        }
        let national = match bare.len() {
            9 => bare,
            10 => bare.strip_prefix('0').ok_or(WANTED)?,
            12 => bare.strip_prefix("254").ok_or(WANTED)?,
            _ => return Err(WANTED),
        };
        if !national.starts_with(['7', '1']) {
            return Err(WANTED);
        }
        Ok(Phone(format!("254{national}")))
    }
}

impl fmt::Display for Phone {
    /// `2547•••••678`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}•••••{}", &self.0[..4], &self.0[9..])
    }
}

impl fmt::Debug for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_write_a_number_is_one_number() {
        for text in ["0712345678", "254712345678", "+254712345678", "712345678", "+254 712-345-678", "(0712) 345 678"] {
            assert_eq!(text.parse::<Phone>().as_ref().map(Phone::digits), Ok("254712345678"), "{text}");
        }
        for text in ["0110123456", "0189123456", "0135123456", "0147123456"] {
            assert!(text.parse::<Phone>().is_ok(), "{text}");
        }
        for text in ["", "07123456789", "071234567", "2540712345678", "0200123456", "+255712345678", "0712x45678", "٠٧١٢٣٤٥٦٧٨", "++254712345678"] {
            assert!(text.parse::<Phone>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_number_is_printed_masked() {
        let phone: Phone = "0712345678".parse().expect("a number");
        assert_eq!(format!("{phone} {phone:?}"), "2547•••••678 2547•••••678");
    }
}
