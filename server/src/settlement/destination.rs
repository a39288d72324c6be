//! Where an ISP is paid. Pure.

use crate::phone::Phone;

/// A destination. Its words are kept as they were typed, and sent so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// A phone, by M-Pesa.
    Mpesa {
        /// The phone.
        phone: Phone,
        /// Whom it is registered to, as the owner says.
        name: String,
    },
    /// A bank account.
    Bank {
        /// The bank's code at the gateway.
        code: String,
        /// The account's number: text, since a leading zero is part of it.
        account: String,
        /// Whose it is.
        name: String,
    },
}

impl Destination {
    /// As the database and the contract write the way.
    pub const fn method(&self) -> &'static str {
        match self {
            Destination::Mpesa { .. } => "MPESA_B2C",
            Destination::Bank { .. } => "BANK_TRANSFER",
        }
    }

    /// As people may see it: `2547•••••678`, `Equity •••6789`.
    pub fn masked(&self) -> String {
        match self {
            Destination::Mpesa { phone, .. } => phone.to_string(),
            Destination::Bank { code, account, .. } => format!("{} {}", bank_name(code).unwrap_or(code), masked_account(account)),
        }
    }
}

/// All but the last four characters hidden; of a short one everything but the last.
pub fn masked_account(account: &str) -> String {
    let characters: Vec<char> = account.chars().collect();
    let shown = if characters.len() > 6 { 4 } else { 1 };
    let tail: String = characters[characters.len().saturating_sub(shown)..].iter().collect();
    format!("•••{tail}")
}

/// The longest account number: an IBAN has 34 characters.
const ACCOUNT_MAX: usize = 34;

/// What a bank's account number must be.
pub fn account(text: &str) -> Result<String, &'static str> {
    let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, ' ' | '-' | '/');
    let fits = (1..=ACCOUNT_MAX).contains(&text.len()) && text.chars().all(known) && text.trim() == text && text.chars().any(|c| c.is_ascii_alphanumeric());
    if fits { Ok(text.to_owned()) } else { Err("must be 1 to 34 letters, digits, spaces, hyphens and slashes, as the bank writes it") }
}

/// The name of a bank that the gateway pays to.
pub fn bank_name(code: &str) -> Option<&'static str> {
    BANKS.iter().find(|(known, _)| *known == code).map(|(_, name)| *name)
}

/// Banks by the gateway's code (docs.payhero.co.ke, "withdraw to bank"; the same as SasaPay's channel codes).
pub const BANKS: [(&str, &str); 36] = [
    ("01", "KCB"),
    ("02", "Standard Chartered"),
    ("03", "Absa"),
    ("07", "NCBA"),
    ("10", "Prime Bank"),
    ("11", "Co-operative Bank"),
    ("12", "National Bank"),
    ("14", "M-Oriental"),
    ("16", "Citibank"),
    ("18", "Middle East Bank"),
    ("19", "Bank of Africa"),
    ("23", "Consolidated Bank"),
    ("25", "Credit Bank"),
    ("31", "Stanbic"),
    ("35", "ABC Bank"),
    ("36", "Choice Microfinance"),
    ("43", "Ecobank"),
    ("50", "Paramount"),
    ("51", "Kingdom Bank"),
    ("53", "Guaranty Trust"),
    ("54", "Victoria"),
    ("55", "Guardian"),
    ("57", "I&M"),
    ("61", "HFC"),
    ("63", "DTB"),
    ("65", "Mayfair"),
    ("66", "Sidian"),
    ("68", "Equity"),
    ("70", "Family Bank"),
    ("72", "Gulf African"),
    ("74", "First Community"),
    ("75", "Dubai Islamic"),
    ("76", "UBA"),
    ("78", "Kenya Women Microfinance"),
    ("89", "Stima Sacco"),
    ("97", "Telkom"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn account_numbers_are_text_of_up_to_34_characters() {
        for good in ["1", "0012345678", "KE12 3456-78/90", &"9".repeat(34)] {
            assert_eq!(account(good).as_deref(), Ok(good), "kept as it is");
        }
        for bad in ["", " 12", "12 ", "---", "12;34", "12\u{202e}34", "é1", &"9".repeat(35)] {
            assert!(account(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn nothing_but_the_end_of_an_account_is_shown() {
        for (account, shown) in [("0012345678", "•••5678"), ("1234567", "•••4567"), ("123456", "•••6"), ("1", "•••1")] {
            assert_eq!(masked_account(account), shown);
        }
        let bank = Destination::Bank { code: "68".into(), account: "0170123456789".into(), name: "Asha".into() };
        assert_eq!(bank.masked(), "Equity •••6789");
    }
}
