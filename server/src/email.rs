//! E-mail addresses. Capital letters make no difference anywhere, as with every provider of note; `a+b@x` and `a@x` are two addresses.
//! The part before the @ is ASCII, since hardly any mail server takes another; a domain may have any letters and is kept as it is
//! looked up. Whether an address exists only a mail can tell.

use std::fmt;
use std::str::FromStr;

use idna::AsciiDenyList;

/// An e-mail address in its one form. Prints masked; `as_str` gives all of it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Email(String);

impl Email {
    /// In small letters and ASCII, as the database and the mail server want it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What stands before the @ of nearly every address: words of letters, digits and some signs, with dots between them.
fn is_user(user: &str) -> bool {
    let sign = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte);
    (1..=64).contains(&user.len()) && user.split('.').all(|word| !word.is_empty() && word.bytes().all(sign))
}

impl FromStr for Email {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Email, Self::Err> {
        const WANTED: &str = "must be an e-mail address of at most 254 characters, as asha@example.com";
        let (user, domain) = text.trim().rsplit_once('@').ok_or(WANTED)?;
        if domain.len() > 1_000 {
            return Err(WANTED);
        }
        let domain = idna::domain_to_ascii_cow(domain.as_bytes(), AsciiDenyList::STD3).map_err(|_| WANTED)?;
        let labelled = domain.split('.').count() >= 2 && domain.split('.').all(|label| (1..=63).contains(&label.len()));
        // A last label of digits only is a network address, not a domain.
        let named = domain.rsplit('.').next().is_some_and(|last| !last.bytes().all(|byte| byte.is_ascii_digit()));
        let email = format!("{}@{domain}", user.to_ascii_lowercase());
        if is_user(user) && labelled && named && email.len() <= 254 { Ok(Email(email)) } else { Err(WANTED) }
    }
}

impl fmt::Display for Email {
    /// `a•••@example.com`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (user, domain) = self.0.split_once('@').unwrap_or_default();
        write!(f, "{}•••@{domain}", &user[..user.len().min(1)])
    }
}

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_one_form() {
        for (text, wanted) in [
            ("asha@yellow.example", "asha@yellow.example"),
            (" Asha@YELLOW.Example ", "asha@yellow.example"),
            ("a.b+c@x.co.ke", "a.b+c@x.co.ke"),
            ("A+b@x.ke", "a+b@x.ke"),
            ("asha@Bücher.example", "asha@xn--bcher-kva.example"),
            ("o'neil@x.ke", "o'neil@x.ke"),
        ] {
            assert_eq!(text.parse::<Email>().as_ref().map(Email::as_str), Ok(wanted), "{text}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let long_user = format!("{}@x.ke", "a".repeat(65));
        let long = format!("a@{}.ke", ["x"; 130].join("."));
        for text in [
            "",
            "asha",
            "asha@",
            "@x.ke",
            "a@b@c.ke",
            "a b@c.ke",
            "a@localhost",
            "a@b..c",
            ".a@b.ke",
            "a.@b.ke",
            "a..b@c.ke",
            "ásha@x.ke",
            "a\n@x.ke",
            "a@x_y.ke",
            "a@x.ke\r\nBcc: b@y.ke",
            "\"a b\"@x.ke",
            "a@[10.0.0.1]",
            "a@10.0.0.1",
            "a@-x.ke",
            &long_user,
            &long,
            &format!("a@{}", "x".repeat(5_000)),
        ] {
            assert!(text.parse::<Email>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn an_address_is_printed_masked() {
        let email: Email = "asha@yellow.example".parse().expect("an address");
        assert_eq!(format!("{email} {email:?}"), "a•••@yellow.example a•••@yellow.example");
    }
}
