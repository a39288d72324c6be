//! Whether an answer of the gateway is about another payment than the one that was asked about. Pure. What an answer leaves out, or leaves
//! empty, contradicts nothing: the documented answers name neither amount nor phone.

use crate::money::Money;

/// What an answer names of the payment that it is about, as it is written there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Named<'a> {
    /// Our reference, echoed.
    pub external_reference: Option<&'a str>,
    /// The amount.
    pub amount: Option<Money>,
    /// The payer's or recipient's phone; some of it may be masked.
    pub phone: Option<&'a str>,
    /// Where a payout went: a phone or a bank account.
    pub account: Option<&'a str>,
}

/// Who pays, or is paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Party<'a> {
    /// Whose phone, with all its digits.
    Phone(&'a str),
    /// Whose account at a bank.
    Account(&'a str),
    /// The person was erased.
    Nobody,
}

/// What we know of a payment, and what never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ours<'a> {
    /// Our reference.
    pub external_reference: &'a str,
    /// What is paid.
    pub amount: Money,
    /// By whom, or to whom.
    pub party: Party<'a>,
    /// Whether money leaves, which some answers write with a minus.
    pub leaves: bool,
}

/// What an answer has otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contradiction {
    /// It names another payment's reference.
    Reference,
    /// Another amount.
    Amount,
    /// Another phone or account.
    Party,
}

impl Contradiction {
    /// In a word, for people.
    pub const fn as_str(self) -> &'static str {
        match self {
            Contradiction::Reference => "external_reference",
            Contradiction::Amount => "amount",
            Contradiction::Party => "phone",
        }
    }
}

/// What an answer has otherwise than we do, if anything.
pub fn contradiction(named: &Named<'_>, ours: &Ours<'_>) -> Option<Contradiction> {
    let said = |text: Option<&str>| text.is_some_and(|text| !text.trim().is_empty());
    if said(named.external_reference) && !named.external_reference.is_some_and(|theirs| is_reference(theirs, ours.external_reference)) {
        return Some(Contradiction::Reference);
    }
    let amount = |seen: Money| if ours.leaves { seen.minor().checked_abs() } else { Some(seen.minor()) };
    if named.amount.is_some_and(|seen| amount(seen) != Some(ours.amount.minor())) {
        return Some(Contradiction::Amount);
    }
    let agrees = match ours.party {
        Party::Phone(phone) => [named.phone, named.account].into_iter().flatten().all(|theirs| may_be_phone(theirs, phone)),
        Party::Account(account) => named.account.is_none_or(|theirs| may_be_account(theirs, account)),
        Party::Nobody => true,
    };
    (!agrees).then_some(Contradiction::Party)
}

/// Whether a reference that came back is ours, however the gateway writes letters and blanks.
pub fn is_reference(theirs: &str, ours: &str) -> bool {
    theirs.trim().eq_ignore_ascii_case(ours.trim())
}

/// What stands for a character that is not shown.
const MASK: char = '*';
/// The digits of a number without its country.
const NATIONAL: usize = 9;

/// Whether a phone as the gateway writes it may be this one (`2547XXXXXXXX`): all nine digits after the country are the same, or of one
/// that is masked those that are shown. What holds too few characters to be a phone is none.
pub fn may_be_phone(theirs: &str, ours: &str) -> bool {
    let theirs: String = theirs
        .chars()
        .filter_map(|c| match c {
            '0'..='9' => Some(c),
            '*' | 'x' | 'X' | '#' | '•' | '·' | '●' => Some(MASK),
            _ => None,
        })
        .collect();
    let national = &ours[ours.len().saturating_sub(NATIONAL)..];
    if theirs.contains(MASK) {
        let spelled = [format!("254{national}"), format!("0{national}"), national.to_owned(), format!("00254{national}")];
        return spelled.iter().any(|ours| shows(&theirs, ours));
    }
    theirs.len() < NATIONAL || theirs.ends_with(national)
}

/// Whether an account at a bank as the gateway writes it may be this one: letters, digits and nothing else count, and of one that is masked
/// those that are shown.
fn may_be_account(theirs: &str, ours: &str) -> bool {
    let plain = |text: &str| -> String {
        let kept = text.chars().filter_map(|c| match c {
            '*' | '#' | '•' | '·' | '●' => Some(MASK),
            c if c.is_ascii_alphanumeric() => Some(c.to_ascii_uppercase()),
            _ => None,
        });
        kept.collect()
    };
    let (theirs, ours) = (plain(theirs), plain(ours));
    if theirs.is_empty() {
        return true;
    }
    // A leading zero is lost where the number went through a number.
    let without_zeros = |text: &str| text.trim_start_matches('0').to_owned();
    if theirs.contains(MASK) { shows(&theirs, &ours) } else { without_zeros(&theirs) == without_zeros(&ours) }
}

/// Whether what a masked text shows is what ours has in the same place. Masks of another length than what they hide leave the begin and the
/// end to compare.
fn shows(masked: &str, ours: &str) -> bool {
    if masked.len() == ours.len() {
        return masked.chars().zip(ours.chars()).all(|(theirs, ours)| theirs == MASK || theirs == ours);
    }
    let begin = masked.split(MASK).next().unwrap_or_default();
    let end = masked.rsplit(MASK).next().unwrap_or_default();
    begin.len() + end.len() <= ours.len() && ours.starts_with(begin) && ours.ends_with(end)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PHONE: &str = "254712000111";

    fn ours(party: Party<'_>) -> Ours<'_> {
        Ours { external_reference: "NTL-0af3", amount: Money::from_minor(150_000), party, leaves: false }
    }

    #[test]
    fn what_is_absent_or_empty_contradicts_nothing() {
        for party in [Party::Phone(PHONE), Party::Account("0012345"), Party::Nobody] {
            assert_eq!(contradiction(&Named::default(), &ours(party)), None);
            let empty = Named { external_reference: Some(" "), amount: None, phone: Some(""), account: Some(" - ") };
            assert_eq!(contradiction(&empty, &ours(party)), None);
            let own = Named { external_reference: Some(" ntl-0AF3\n"), amount: Some(Money::from_minor(150_000)), ..Named::default() };
            assert_eq!(contradiction(&own, &ours(party)), None);
        }
    }

    #[test]
    fn another_reference_amount_or_party_is_a_contradiction() {
        let with = |named: Named<'_>| contradiction(&named, &ours(Party::Phone(PHONE)));
        let none = Named::default();
        assert_eq!(with(Named { external_reference: Some("NTL-0af4"), ..none }), Some(Contradiction::Reference));
        assert_eq!(with(Named { external_reference: Some("NTL-0af"), ..none }), Some(Contradiction::Reference));
        assert_eq!(with(Named { amount: Some(Money::from_minor(149_900)), ..none }), Some(Contradiction::Amount));
        assert_eq!(with(Named { amount: Some(Money::from_minor(-150_000)), ..none }), Some(Contradiction::Amount));
        assert_eq!(with(Named { phone: Some("254712000112"), ..none }), Some(Contradiction::Party));
        assert_eq!(with(Named { account: Some("254712000112"), ..none }), Some(Contradiction::Party));
        let out = Ours { leaves: true, ..ours(Party::Account("0012 345-6")) };
        assert_eq!(contradiction(&Named { amount: Some(Money::from_minor(-150_000)), account: Some("123456"), ..none }, &out), None);
        assert_eq!(contradiction(&Named { account: Some("00123457"), ..none }, &out), Some(Contradiction::Party));
        // The phone that goes with a payment to a bank is an owner's, not the account.
        assert_eq!(contradiction(&Named { phone: Some("254799999999"), ..none }, &out), None);
    }

    #[test]
    fn a_phone_is_compared_by_what_is_shown_of_it() {
        #[rustfmt::skip]
        let rows = [
            ("254712000111", true), ("+254 712 000 111", true), ("0712000111", true), ("712000111", true), ("00254712000111", true),
            ("254712000111 - JANE MWANGI", true), ("254713000111", false), ("0712000112", false),
            ("2547*****111", true), ("2547•••••111", true), ("07XX XXX 111", true), ("****0111", true), ("2547***111", true), ("*********", true),
            ("254712*", true), ("25471*000*11", true), ("2547*****112", false), ("2541*****111", false), ("07XX XXX 112", false),
            ("25471*001*11", false), ("****0112", false), ("254713*", false),
            ("N/A", true), ("0", true), ("", true),
        ];
        for (theirs, wanted) in rows {
            assert_eq!(may_be_phone(theirs, PHONE), wanted, "{theirs}");
        }
    }

    #[test]
    fn an_account_is_compared_by_letters_and_digits() {
        for (theirs, wanted) in
            [("0012 345-6", true), ("00123456", true), ("123456", true), ("0012 345-7", false), ("****3456", true), ("****3457", false), ("", true)]
        {
            assert_eq!(may_be_account(theirs, "0012 345-6"), wanted, "{theirs}");
        }
        assert!(may_be_account("ke12abcd", "KE12 ABCD") && !may_be_account("KE12ABCE", "KE12 ABCD"));
    }

    /// The same phone in one of the spellings that are met, with some places masked.
    fn spelled(national: &str, spelling: usize, masked: &[bool]) -> String {
        let whole = format!("{}{national}", ["254", "+254", "0", "", "00254"][spelling % 5]);
        whole.chars().enumerate().map(|(at, c)| if c.is_ascii_digit() && masked.get(at).copied().unwrap_or(false) { '*' } else { c }).collect()
    }

    proptest! {
        #[test]
        fn our_own_words_never_contradict(
            digits in "[17][0-9]{8}", reference in "NTLP?-[0-9a-f]{32}", minor in 1_i64..100_000_000, spelling in 0_usize..5,
            masked in proptest::collection::vec(any::<bool>(), 16), upper in any::<bool>(), leaves in any::<bool>(),
        ) {
            let phone = format!("254{digits}");
            let ours = Ours { external_reference: &reference, amount: Money::from_minor(minor), party: Party::Phone(&phone), leaves };
            let echoed = if upper { format!(" {} ", reference.to_uppercase()) } else { reference.clone() };
            let said = spelled(&digits, spelling, &masked);
            let amount = Money::from_minor(if leaves { -minor } else { minor });
            let named = Named { external_reference: Some(&echoed), amount: Some(amount), phone: Some(&said), account: Some(&phone) };
            prop_assert_eq!(contradiction(&named, &ours), None, "{}", said);
        }

        #[test]
        fn anothers_words_always_do(
            digits in "[17][0-9]{8}", other in "[17][0-9]{8}", minor in 1_i64..100_000_000, more in 1_i64..1_000_000, spelling in 0_usize..5,
            masked in proptest::collection::vec(any::<bool>(), 16), hidden in any::<bool>(),
        ) {
            let phone = format!("254{digits}");
            let ours = Ours { external_reference: "NTL-1", amount: Money::from_minor(minor), party: Party::Phone(&phone), leaves: false };
            let said = spelled(&other, spelling, if hidden { &masked } else { &[] });
            let shown: Vec<usize> = said.chars().rev().enumerate().take(9).filter(|(_, c)| c.is_ascii_digit()).map(|(at, _)| 8 - at).collect();
            let differs = shown.iter().any(|at| digits.as_bytes()[*at] != other.as_bytes()[*at]);
            let named = Named { phone: Some(&said), ..Named::default() };
            // One that is masked from the left may be written in a shorter way, in which other places are shown.
            if !said.contains('*') {
                prop_assert_eq!(contradiction(&named, &ours), differs.then_some(Contradiction::Party), "{} for {}", said, phone);
            } else if !differs {
                prop_assert_eq!(contradiction(&named, &ours), None, "{} for {}", said, phone);
            }
            let named = Named { amount: Some(Money::from_minor(minor + more)), ..Named::default() };
            prop_assert_eq!(contradiction(&named, &ours), Some(Contradiction::Amount));
        }
    }
}
