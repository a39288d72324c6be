//! How RouterOS writes durations, truth, counters, MAC addresses and speeds as text, both ways.
//! It never reads dates: routers boot in 1970 and changed their date format in 7.10.

use std::fmt;
use std::time::Duration;

/// Reads `1w4d1h16m55s`, `453us`, `6w6d18:33:07`, `01:22:53`, and a bare number as seconds (RouterOS' own input rule).
/// `None` for anything else, `none` included.
#[must_use]
pub fn parse_duration(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut total = Duration::ZERO;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let (number, after) = rest.split_at(digits);
        if after.starts_with(':') {
            return total.checked_add(parse_clock(rest)?);
        }
        let letters = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
        let (unit, after) = after.split_at(letters);
        let number: u64 = number.parse().ok()?;
        let part = match unit {
            "w" => seconds(number, 604_800)?,
            "d" => seconds(number, 86_400)?,
            "h" => seconds(number, 3_600)?,
            "m" => seconds(number, 60)?,
            "s" => seconds(number, 1)?,
            "ms" => Duration::from_millis(number),
            "us" => Duration::from_micros(number),
            "ns" => Duration::from_nanos(number),
            "" if number_alone(text) => seconds(number, 1)?,
            _ => return None,
        };
        total = total.checked_add(part)?;
        rest = after;
    }
    Some(total)
}

fn number_alone(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

fn seconds(count: u64, unit: u64) -> Option<Duration> {
    count.checked_mul(unit).map(Duration::from_secs)
}

/// `HH:MM:SS`, with an optional fraction of a second, which no caller needs.
fn parse_clock(text: &str) -> Option<Duration> {
    let whole = text.split_once('.').map_or(text, |(whole, _)| whole);
    let mut parts = whole.split(':');
    let mut next = |unit| {
        let part = parts.next()?;
        number_alone(part).then_some(())?;
        seconds(part.parse().ok()?, unit)
    };
    let (hours, minutes, secs) = (next(3_600)?, next(60)?, next(1)?);
    if parts.next().is_some() {
        return None;
    }
    hours.checked_add(minutes)?.checked_add(secs)
}

/// Writes whole seconds as `1w4d1h16m55s`; zero (for limits: none) as `0s`.
#[must_use]
pub fn write_duration(seconds: u64) -> String {
    let mut rest = seconds;
    let mut text = String::new();
    for (unit, size) in [("w", 604_800), ("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)] {
        let count = rest / size;
        rest %= size;
        if count > 0 || (unit == "s" && text.is_empty()) {
            text += &format!("{count}{unit}");
        }
    }
    text
}

/// Reads `true`/`false` (what routers send) and `yes`/`no` (what people type).
#[must_use]
pub fn parse_boolean(text: &str) -> Option<bool> {
    match text {
        "true" | "yes" => Some(true),
        "false" | "no" => Some(false),
        _ => None,
    }
}

/// Writes `yes` or `no`, which every version accepts.
#[must_use]
pub fn write_boolean(value: bool) -> &'static str {
    if value { "yes" } else { "no" }
}

/// Reads a decimal counter, as of bytes. Counters pass 2³² in everyday use.
#[must_use]
pub fn parse_bytes(text: &str) -> Option<u64> {
    number_alone(text).then(|| text.parse().ok()).flatten()
}

/// A device's hardware address. Shown as RouterOS shows it: capital letters, colons.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MacAddress([u8; 6]);

impl MacAddress {
    /// What RouterOS writes for "any device may use this user".
    pub const ANY: Self = Self([0; 6]);

    /// Reads `AA:BB:CC:DD:EE:FF` or `aa-bb-cc-dd-ee-ff`; `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let separator = if text.contains('-') { '-' } else { ':' };
        let mut octets = [0; 6];
        let mut parts = text.split(separator);
        for octet in &mut octets {
            let part = parts.next()?;
            if part.len() != 2 {
                return None;
            }
            hex::decode_to_slice(part, std::slice::from_mut(octet)).ok()?;
        }
        parts.next().is_none().then_some(Self(octets))
    }
}

impl fmt::Display for MacAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02X}:{b:02X}:{c:02X}:{d:02X}:{e:02X}:{g:02X}")
    }
}

impl fmt::Debug for MacAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// A speed limit in kilobits a second (1 k = 1000) from the customer's side; 0 is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// To the customer.
    pub download_kbps: u32,
    /// From the customer.
    pub upload_kbps: u32,
}

impl RateLimit {
    /// Reads `rx[/tx]`. `None` when it cannot be the work of [`RateLimit::to_string`]: bursts and the like were added.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.is_empty() {
            return Some(Self { download_kbps: 0, upload_kbps: 0 });
        }
        // A single figure stands for both directions.
        let (rx, tx) = text.split_once('/').unwrap_or((text, text));
        Some(Self { download_kbps: parse_kbps(tx)?, upload_kbps: parse_kbps(rx)? })
    }
}

/// RouterOS speaks from the router's side: rx, which stands first, is what the customer uploads. Without any limit it is
/// the empty text, which clears the property.
impl fmt::Display for RateLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.download_kbps == 0 && self.upload_kbps == 0 {
            return Ok(());
        }
        write!(f, "{}/{}", write_kbps(self.upload_kbps), write_kbps(self.download_kbps))
    }
}

fn write_kbps(kbps: u32) -> String {
    match kbps {
        0 => "0".to_owned(),
        whole if whole % 1000 == 0 => format!("{}M", whole / 1000),
        _ => format!("{kbps}k"),
    }
}

fn parse_kbps(text: &str) -> Option<u32> {
    let (number, per_unit) = match text.char_indices().last()? {
        (at, 'k') => (&text[..at], 1_000),
        (at, 'M') => (&text[..at], 1_000_000),
        (at, 'G') => (&text[..at], 1_000_000_000),
        _ => (text, 1),
    };
    let bits = parse_bytes(number)?.checked_mul(per_unit)?;
    (bits % 1000 == 0).then(|| u32::try_from(bits / 1000).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn both_ways_of_writing_a_duration_are_read() {
        let table = [
            ("1w4d1h16m55s", 604_800 + 4 * 86_400 + 3_600 + 16 * 60 + 55),
            ("12m5s", 725),
            ("1h", 3_600),
            ("0s", 0),
            ("00:00:00", 0),
            ("01:22:53", 4_973),
            ("6w6d18:33:07", 6 * 604_800 + 6 * 86_400 + 18 * 3_600 + 33 * 60 + 7),
            ("3d00:00:01.5", 259_201),
            ("90", 90),
        ];
        for (text, seconds) in table {
            assert_eq!(parse_duration(text), Some(Duration::from_secs(seconds)), "{text}");
        }
        assert_eq!(parse_duration("453us"), Some(Duration::from_micros(453)));
        assert_eq!(parse_duration("1s200ms"), Some(Duration::from_millis(1_200)));
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        let texts = ["", "none", "h", "1", "1h5", "1y", "1:2", "1:2:3:4", ":1:2", "-1h", "1:+2:3", "99999999999999999w"];
        for text in texts.into_iter().filter(|text| *text != "1") {
            assert_eq!(parse_duration(text), None, "{text}");
        }
    }

    #[test]
    fn counters_are_64_bits_wide() {
        assert_eq!(parse_bytes("5368709120"), Some(5_368_709_120));
        assert_eq!(parse_bytes("18446744073709551615"), Some(u64::MAX));
        for text in ["", "-1", "+1", "1 000", "18446744073709551616"] {
            assert_eq!(parse_bytes(text), None, "{text}");
        }
    }

    #[test]
    fn truth_is_read_in_both_dialects() {
        assert_eq!(parse_boolean("true"), Some(true));
        assert_eq!(parse_boolean("yes"), Some(true));
        assert_eq!(parse_boolean("no"), Some(false));
        assert_eq!(parse_boolean("false"), Some(false));
        assert_eq!(parse_boolean("1"), None);
        assert_eq!(write_boolean(false), "no");
    }

    #[test]
    fn mac_addresses_are_shown_in_capitals() {
        for text in ["aa:bb:0c:dd:ee:ff", "AA-BB-0C-DD-EE-FF"] {
            assert_eq!(MacAddress::parse(text).unwrap().to_string(), "AA:BB:0C:DD:EE:FF");
        }
        for text in ["", "aa:bb:cc:dd:ee", "aa:bb:cc:dd:ee:ff:00", "aabbccddeeff", "ag:bb:cc:dd:ee:ff", "aa:bb:c:ddd:ee:ff"] {
            assert_eq!(MacAddress::parse(text), None, "{text}");
        }
    }

    #[test]
    fn the_upload_stands_first() {
        let limit = RateLimit { download_kbps: 1_000, upload_kbps: 512 };
        assert_eq!(limit.to_string(), "512k/1M");
        assert_eq!(RateLimit::parse("512k/1M"), Some(limit));
        assert_eq!(RateLimit::parse("512000/1000k"), Some(limit));
        assert_eq!(RateLimit::parse("2M"), Some(RateLimit { download_kbps: 2_000, upload_kbps: 2_000 }));
        assert_eq!(RateLimit { download_kbps: 0, upload_kbps: 0 }.to_string(), "");
        assert_eq!(RateLimit { download_kbps: 5_000, upload_kbps: 0 }.to_string(), "0/5M");
    }

    #[test]
    fn bursts_are_no_limit_of_ours() {
        for text in ["1M/2M 2M/4M", "1M/2M/3M", "fast", "1500/1k", "é"] {
            assert_eq!(RateLimit::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn durations_survive_the_round_trip(seconds in 0_u64..10_000_000_000) {
            prop_assert_eq!(parse_duration(&write_duration(seconds)), Some(Duration::from_secs(seconds)));
        }

        #[test]
        fn speeds_survive_the_round_trip(download_kbps: u32, upload_kbps: u32) {
            let limit = RateLimit { download_kbps, upload_kbps };
            prop_assert_eq!(RateLimit::parse(&limit.to_string()), Some(limit));
        }

        #[test]
        fn no_text_panics(text in ".*") {
            let _ = (parse_duration(&text), parse_bytes(&text), MacAddress::parse(&text), RateLimit::parse(&text));
        }
    }
}
