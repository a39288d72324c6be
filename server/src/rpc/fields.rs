//! Reads fields of requests: each function takes the path of a field and what came, and gives a value that is valid ever after or says what
//! the field must be. Pure.

use std::net::Ipv4Addr;
use std::str::FromStr;

use hmac::{Hmac, KeyInit as _, Mac as _};
use netily_sdk::types::Money as WireMoney;
use prost::Message;
use sha2::Sha256;
use uuid::Uuid;

use crate::clock::Time;
use crate::email::Email;
use crate::error::{Error, Reason, Result};
use crate::gateways::routeros::MacAddress;
use crate::id::RequestId;
use crate::lang::Lang;
use crate::money::Money;
use crate::payments::receipt;
use crate::phone::Phone;
use crate::portal::safe_link;

/// The only currency that is booked.
pub const CURRENCY: &str = "KES";
/// The most that M-Pesa moves at once, in shillings.
const PRICE_MAX: i64 = 250_000;
/// Ten years.
const DURATION_MAX_SECONDS: i64 = 315_360_000;

/// Takes the client's id out of a creating request, and the rest as a hash that tells a repetition from another request with the same id.
/// It is keyed, since the rest may hold a password, which a plain hash would give away to guessing.
pub fn once<M: Message>(ask: &mut M, id: impl FnOnce(&mut M) -> &mut String, key: &[u8]) -> Result<(RequestId, Vec<u8>)> {
    let text = std::mem::take(id(ask));
    let id = Uuid::try_parse(&text).ok().filter(|id| !id.is_nil()).ok_or_else(|| Error::field("request_id", "must be a UUID made by the client"))?;
    let mut mac = Hmac::<Sha256>::new_from_slice(key).map_err(Error::internal)?;
    mac.update(b"request/");
    mac.update(&ask.encode_to_vec());
    Ok((RequestId(id), mac.finalize().into_bytes().to_vec()))
}

/// What parses itself: ids, phones, rates.
pub fn parse<T: FromStr<Err = &'static str>>(path: &str, text: &str) -> Result<T> {
    text.parse().map_err(|wanted: &str| Error::field(path, wanted))
}

/// `None` when the field is empty.
pub fn optional<T>(path: &str, text: &str, read: impl FnOnce(&str, &str) -> Result<T>) -> Result<Option<T>> {
    if text.is_empty() { Ok(None) } else { read(path, text).map(Some) }
}

/// A text of 1 to `most` characters without line breaks and the like; spaces around it are cut.
pub fn text(path: &str, text: &str, most: usize) -> Result<String> {
    let text = text.trim();
    let fits = (1..=most).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    if fits { Ok(text.to_owned()) } else { Err(Error::field(path, format!("must be 1 to {most} characters on one line"))) }
}

/// A text of 1 to `most` characters that may have line breaks, which become `\n`; white space around it is cut.
pub fn lines(path: &str, text: &str, most: usize) -> Result<String> {
    let text = text.trim().replace("\r\n", "\n");
    let fits = (1..=most).contains(&text.chars().count()) && !text.chars().any(|c| c.is_control() && c != '\n');
    if fits { Ok(text) } else { Err(Error::field(path, format!("must be 1 to {most} characters; line breaks are allowed"))) }
}

/// A secret of 1 to `most` characters, taken as it is.
pub fn secret(path: &str, text: String, most: usize) -> Result<secrecy::SecretString> {
    if (1..=most).contains(&text.chars().count()) { Ok(text.into()) } else { Err(Error::field(path, format!("must be 1 to {most} characters"))) }
}

/// A new password. Whether it is one to take, the use case says; one that is far too long is not even looked at.
pub fn new_password(path: &str, text: String) -> Result<secrecy::SecretString> {
    match text.chars().count() {
        0..8 => Err(Error::field(path, "must have at least 8 characters")),
        8..=128 => Ok(text.into()),
        _ => Err(Error::field(path, "must have at most 128 characters")),
    }
}

/// A text of at most `most` characters without line breaks and the like, or nothing; spaces around it are cut.
pub fn text_or_none(path: &str, given: &str, most: usize) -> Result<String> {
    if given.trim().is_empty() {
        return Ok(String::new());
    }
    text(path, given, most).map_err(|_| Error::field(path, format!("must be at most {most} characters on one line")))
}

/// A colour as `#rrggbb`, in small letters.
pub fn color(path: &str, text: &str) -> Result<String> {
    let color = text.trim().to_ascii_lowercase();
    let shaped = color.len() == 7 && color.starts_with('#') && color.bytes().skip(1).all(|byte| byte.is_ascii_hexdigit());
    if shaped { Ok(color) } else { Err(Error::field(path, "must be a colour, as #0b6e4f")) }
}

/// A picture's address: https only, since a page that is loaded over https shows no other.
pub fn picture(path: &str, text: &str) -> Result<String> {
    let link = link(path, text).ok().filter(|link| link.to_ascii_lowercase().starts_with("https://"));
    link.ok_or_else(|| Error::field(path, "must be an https address of at most 2048 characters"))
}

/// A number to call, of any kind and country.
pub fn support_phone(path: &str, text: &str) -> Result<String> {
    let number = text.trim();
    let digits = number.bytes().filter(u8::is_ascii_digit).count();
    let shaped = number.len() <= 20 && digits >= 3 && number.bytes().all(|byte| byte.is_ascii_digit() || b"+-() ".contains(&byte));
    if shaped { Ok(number.to_owned()) } else { Err(Error::field(path, "must be a phone number of at most 20 digits, spaces and + - ( )")) }
}

/// A Kenyan mobile number.
pub fn phone(path: &str, text: &str) -> Result<Phone> {
    parse(path, text)
}

/// A hardware address.
pub fn mac(path: &str, text: &str) -> Result<MacAddress> {
    MacAddress::parse(text).filter(|mac| *mac != MacAddress::ANY).ok_or_else(|| Error::field(path, "must be a hardware address, as AA:BB:CC:DD:EE:FF"))
}

/// An address on the WiFi.
pub fn ipv4(path: &str, text: &str) -> Result<Ipv4Addr> {
    text.parse().map_err(|_| Error::field(path, "must be an IPv4 address, as 10.5.50.7"))
}

/// An address that may stand in a page.
pub fn link(path: &str, text: &str) -> Result<String> {
    safe_link(text).map(|link| link.as_str().to_owned()).ok_or_else(|| Error::field(path, "must be an http or https address of at most 2048 characters"))
}

/// The receipt in an M-Pesa message, or the message.
pub fn receipt(path: &str, text: &str) -> Result<String> {
    receipt::read(text).ok_or_else(|| Error::field(path, "must be the 10 letters and digits in the M-Pesa message"))
}

/// An e-mail address in its one form, in small letters and ASCII.
pub fn email(path: &str, text: &str) -> Result<String> {
    parse::<Email>(path, text).map(|email| email.as_str().to_owned())
}

/// A person's name: 1 to 80 characters. It will stand in messages that we send, to people who did not ask for them too: so it is
/// nothing that a phone would make a link of.
pub fn person_name(path: &str, name: &str) -> Result<String> {
    let name = text(path, name, 80)?;
    let dotted = name.split('.').skip(1).any(|rest| rest.starts_with(char::is_alphanumeric));
    if dotted || name.contains(['/', '@', ':', '<', '>', '{', '}']) {
        Err(Error::field(path, "must be a name, without addresses of any kind"))
    } else {
        Ok(name)
    }
}

/// The number of a national id card or passport: 5 to 20 letters and digits, in capital letters.
pub fn id_number(path: &str, text: &str) -> Result<String> {
    let number: String = text.chars().filter(|c| !matches!(c, ' ' | '-' | '/')).collect::<String>().to_ascii_uppercase();
    let shaped = (5..=20).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if shaped { Ok(number) } else { Err(Error::field(path, "must be 5 to 20 letters and digits, as on the id card or passport")) }
}

/// A language of ours, as `en` or `sw`.
pub fn lang(path: &str, text: &str) -> Result<Lang> {
    Lang::from_tag(text).ok_or_else(|| Error::field(path, "must be en or sw"))
}

/// Collects what is wrong with the fields of a form, so that a person learns of everything at once.
#[derive(Default)]
pub struct Faults(Vec<(String, String)>);

impl Faults {
    /// The value, or `None` when it is not valid, which is remembered.
    pub fn note<T>(&mut self, read: Result<T>) -> Option<T> {
        match read {
            Ok(value) => Some(value),
            Err(error) => {
                self.0.extend(error.fields);
                None
            }
        }
    }

    /// Whether nothing was wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The error that names every field that is not valid.
    pub fn error(self) -> Error {
        let sentences: Vec<String> = self.0.iter().map(|(field, wanted)| format!("{field} {wanted}")).collect();
        Error { fields: self.0, ..Error::new(Reason::InvalidArgument, sentences.join("; ")) }
    }
}

/// A host name or an address, without a port.
pub fn host(path: &str, text: &str) -> Result<String> {
    let host = text.trim();
    let shaped = (1..=253).contains(&host.len()) && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':'));
    if shaped { Ok(host.to_owned()) } else { Err(Error::field(path, "must be a host name or an address, without a port")) }
}

/// A TCP port; 0 is the default.
pub fn port(path: &str, port: i32, default: u16) -> Result<u16> {
    match u16::try_from(port) {
        Ok(0) => Ok(default),
        Ok(port) => Ok(port),
        Err(_) => Err(Error::field(path, "must be a port, 1 to 65535")),
    }
}

/// The SHA-256 of a certificate.
pub fn fingerprint(path: &str, text: &str) -> Result<[u8; 32]> {
    let mut bytes = [0; 32];
    hex::decode_to_slice(text.trim(), &mut bytes).map_err(|_| Error::field(path, "must be the SHA-256 of the certificate, 64 hex digits"))?;
    Ok(bytes)
}

/// A price that M-Pesa can move: whole shillings, 1 to 250,000.
pub fn price(path: &str, price: Option<&WireMoney>) -> Result<Money> {
    let price = price.ok_or_else(|| Error::field(path, "must be set"))?;
    if price.currency_code != CURRENCY {
        return Err(Error::field(&format!("{path}.currency_code"), "must be KES"));
    }
    let price = Money::from_minor(price.amount_minor);
    let fits = price.whole_shillings().is_some_and(|shillings| (1..=PRICE_MAX).contains(&shillings));
    if fits { Ok(price) } else { Err(Error::field(&format!("{path}.amount_minor"), "must be whole shillings, 100 to 25000000 cents")) }
}

/// A moment.
pub fn moment(path: &str, at: prost_types::Timestamp) -> Result<Time> {
    let found = u32::try_from(at.nanos).ok().and_then(|nanos| Time::from_timestamp(at.seconds, nanos));
    found.filter(|at| (1970..=9999).contains(&chrono::Datelike::year(at))).ok_or_else(|| Error::field(path, "must be a time"))
}

/// A span in whole seconds.
pub fn seconds(path: &str, span: prost_types::Duration) -> Result<i64> {
    let fits = span.nanos == 0 && (1..=DURATION_MAX_SECONDS).contains(&span.seconds);
    if fits { Ok(span.seconds) } else { Err(Error::field(path, "must be whole seconds, from 1 to ten years")) }
}

/// A whole number within bounds.
pub fn between<T: PartialOrd + std::fmt::Display>(path: &str, number: T, least: T, most: T) -> Result<T> {
    if number >= least && number <= most { Ok(number) } else { Err(Error::field(path, format!("must be {least} to {most}"))) }
}

/// Days of the week, each once, in order.
pub fn weekdays(path: &str, days: &[i32]) -> Result<Vec<i16>> {
    let mut sorted: Vec<i16> = days.iter().filter_map(|day| i16::try_from(*day).ok()).filter(|day| (1..=7).contains(day)).collect();
    sorted.sort_unstable();
    sorted.dedup();
    if sorted.len() == days.len() { Ok(sorted) } else { Err(Error::field(path, "must be days from 1 (Monday) to 7 (Sunday), each once")) }
}

/// A value of an enum; unspecified is `None`.
pub fn choice<T: TryFrom<i32> + Into<i32>>(path: &str, number: i32) -> Result<Option<T>> {
    if number == 0 {
        return Ok(None);
    }
    T::try_from(number).map(Some).map_err(|_| Error::field(path, "must be a value that this server knows"))
}

#[cfg(test)]
mod tests {
    use netily_sdk::hotspot::{PurchaseRequest, PurchaseStatus};

    use super::*;
    use crate::id::RouterId;

    const ID: &str = "6fa459ea-ee8a-4ca4-894e-db77e160355e";

    fn ask(phone: &str, request_id: &str) -> PurchaseRequest {
        PurchaseRequest { phone_number: phone.into(), request_id: request_id.into(), ..PurchaseRequest::default() }
    }

    fn hashed(mut ask: PurchaseRequest, key: &[u8]) -> Result<(RequestId, Vec<u8>)> {
        once(&mut ask, |ask| &mut ask.request_id, key)
    }

    #[test]
    fn the_same_content_has_the_same_hash_whatever_the_id() {
        let other = "7fa459ea-ee8a-4ca4-894e-db77e160355e";
        let hash = |phone: &str, id: &str, key: &[u8]| hashed(ask(phone, id), key).expect("reads").1;
        assert_eq!(hash("0712345678", ID, b"key"), hash("0712345678", other, b"key"));
        assert_ne!(hash("0712345678", ID, b"key"), hash("0712345679", ID, b"key"));
        assert_ne!(hash("0712345678", ID, b"key"), hash("0712345678", ID, b"other key"));
        for bad in ["", "1", "00000000-0000-0000-0000-000000000000", "not-a-uuid"] {
            assert_eq!(hashed(ask("0712345678", bad), b"key").expect_err("refused").fields[0].0, "request_id", "{bad}");
        }
    }

    /// Each field: what is taken, and what is refused with its path.
    #[test]
    fn fields_take_what_is_valid_and_name_what_is_not() {
        type Read = fn(&str) -> Result<()>;
        let table: [(Read, &[&str], &[&str]); 19] = [
            (|t| new_password("f", t.to_owned()).map(drop), &["12345678", "🔒🔒🔒🔒🔒🔒🔒🔒"], &["", "1234567", &"x".repeat(129)]),
            (|t| text_or_none("f", t, 5).map(drop), &["", "  ", "12345"], &["123456", "a\nb"]),
            (|t| color("f", t).map(drop), &["#0b6e4f", "#ABCDEF"], &["", "0b6e4f", "#0b6e4", "#0b6e4g", "red", "#0b6e4f;"]),
            (
                |t| picture("f", t).map(drop),
                &["https://yellow.example/logo.png"],
                &["", "http://yellow.example/logo.png", "data:image/png;base64,AA", "/logo.png"],
            ),
            (|t| support_phone("f", t).map(drop), &["+254 722 000 001", "020-1234567", "100"], &["", "call us", "12", "+254 722 000 001 002 003"]),
            (|t| parse::<RouterId>("f", t).map(drop), &["rtr_0190b5c0a1b27c3d8e4f5a6b7c8d9e0f"], &["", "rtr_", "hpl_0190b5c0a1b27c3d8e4f5a6b7c8d9e0f"]),
            (|t| phone("f", t).map(drop), &["0712345678", "+254 112 345 678"], &["", "0812345678", "07123456789", "abc"]),
            (|t| mac("f", t).map(drop), &["AA:BB:CC:DD:EE:FF", "aa-bb-cc-dd-ee-ff"], &["", "AA:BB:CC:DD:EE", "00:00:00:00:00:00", "AA:BB:CC:DD:EE:FG"]),
            (|t| ipv4("f", t).map(drop), &["10.5.50.7"], &["", "10.5.50", "::1", "10.5.50.256"]),
            (|t| link("f", t).map(drop), &["http://10.5.50.1/login", "https://wifi.example/login?a=b"], &["", "javascript:alert(1)", "ftp://a", "/login"]),
            (|t| receipt("f", t).map(drop), &["SJK7Y6H4TQ", " sjk7y6h4tq "], &["", "SJK7Y6H4T", "SJK7Y6H4TQQ", "SJK7Y6H4T!"]),
            (|t| email("f", t).map(drop), &["asha@yellow.example", "A.b+c@x.co.ke"], &["", "asha", "a b@c.ke"]),
            (
                |t| person_name("f", t).map(drop),
                &["Asha", "Ng'ang'a", "J. K.", "Mary-Anne 2", "王"],
                &["", "evil.com", "a/b", "a@b", "http:x", "{code}", "<b>"],
            ),
            (|t| id_number("f", t).map(drop), &["12345678", "a 1234567", "AK-0123456"], &["", "1234", "123456789012345678901", "1234567é", "12_3456"]),
            (|t| lang("f", t).map(drop), &["en", "sw", "sw-KE"], &["", "fr", "swahili"]),
            (|t| host("f", t).map(drop), &["10.99.0.2", "router.example.com", "2c0f:fe38::1"], &["", "http://a", "a b", "a/b", "a@b"]),
            (|t| text("f", t, 5).map(drop), &["a", " Café ", "12345"], &["", "   ", "123456", "a\nb", "\u{0}"]),
            (|t| lines("f", t, 5).map(drop), &["a", " a\nb ", "a\r\nbcd", "12345"], &["", " \n ", "123456", "a\tb", "\u{0}"]),
            (|t| fingerprint("f", t).map(drop), &["00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF"], &["", "00", "zz"]),
        ];
        for (at, (read, good, bad)) in table.into_iter().enumerate() {
            for text in good {
                assert!(read(text).is_ok(), "{at}: {text:?} is valid");
            }
            for text in bad {
                let error = read(text).err().unwrap_or_else(|| panic!("{at}: {text:?} is not valid"));
                assert_eq!(error.fields[0].0, "f");
            }
        }
    }

    #[test]
    fn prices_are_whole_shillings_within_what_m_pesa_moves() {
        let money = |minor: i64, currency: &str| WireMoney { amount_minor: minor, currency_code: currency.into() };
        for minor in [100, 1_000, 25_000_000] {
            assert_eq!(price("p", Some(&money(minor, "KES"))).ok(), Some(Money::from_minor(minor)));
        }
        for (wrong, path) in [
            (None, "p"),
            (Some(money(0, "KES")), "p.amount_minor"),
            (Some(money(-100, "KES")), "p.amount_minor"),
            (Some(money(150, "KES")), "p.amount_minor"),
            (Some(money(25_000_100, "KES")), "p.amount_minor"),
            (Some(money(i64::MAX, "KES")), "p.amount_minor"),
            (Some(money(100, "USD")), "p.currency_code"),
            (Some(money(100, "")), "p.currency_code"),
        ] {
            assert_eq!(price("p", wrong.as_ref()).expect_err("refused").fields[0].0, path, "{wrong:?}");
        }
    }

    #[test]
    fn numbers_keep_their_bounds() {
        let span = |seconds, nanos| seconds_of(seconds, nanos).is_ok();
        fn seconds_of(seconds: i64, nanos: i32) -> Result<i64> {
            super::seconds("f", prost_types::Duration { seconds, nanos })
        }
        assert!(span(1, 0) && span(DURATION_MAX_SECONDS, 0));
        assert!(!span(0, 0) && !span(-1, 0) && !span(1, 1) && !span(DURATION_MAX_SECONDS + 1, 0) && !span(i64::MIN, 0));
        assert_eq!(weekdays("f", &[7, 1]).ok(), Some(vec![1, 7]));
        assert_eq!(weekdays("f", &[]).ok(), Some(vec![]));
        for wrong in [&[0][..], &[8], &[1, 1], &[-1], &[70_000]] {
            assert!(weekdays("f", wrong).is_err(), "{wrong:?}");
        }
        assert_eq!((port("f", 0, 8728).ok(), port("f", 65_535, 1).ok()), (Some(8728), Some(65_535)));
        assert!(port("f", -1, 1).is_err() && port("f", 65_536, 1).is_err());
        assert!(between("f", 100, 1, 100).is_ok() && between("f", 101, 1, 100).is_err());
        assert_eq!(choice::<PurchaseStatus>("f", 0).ok(), Some(None));
        assert_eq!(choice::<PurchaseStatus>("f", 3).ok(), Some(Some(PurchaseStatus::Active)));
        assert!(choice::<PurchaseStatus>("f", 99).is_err());
    }
}
