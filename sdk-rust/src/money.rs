//! How an amount is shown to people. Never computes with it.

use std::fmt;

use crate::types::Money;

impl fmt::Display for Money {
    /// `KES 1,250.00`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.amount_minor < 0 { "-" } else { "" };
        let (whole, cents) = (self.amount_minor.unsigned_abs() / 100, self.amount_minor.unsigned_abs() % 100);
        let digits = whole.to_string();
        write!(f, "{} {sign}", self.currency_code)?;
        for (index, digit) in digits.chars().enumerate() {
            let remaining = digits.len() - index;
            if index > 0 && remaining % 3 == 0 {
                f.write_str(",")?;
            }
            write!(f, "{digit}")?;
        }
        write!(f, ".{cents:02}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_grouped_and_cents_kept() {
        let shown = |amount_minor| Money { amount_minor, currency_code: "KES".to_owned() }.to_string();
        assert_eq!(shown(0), "KES 0.00");
        assert_eq!(shown(1_000), "KES 10.00");
        assert_eq!(shown(-950), "KES -9.50");
        assert_eq!(shown(123_456_705), "KES 1,234,567.05");
        assert_eq!(shown(i64::MIN), "KES -92,233,720,368,547,758.08");
    }
}
