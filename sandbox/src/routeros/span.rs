//! RouterOS spans of time as text: `1w4d1h16m55s`, `01:22:53`, `6w6d18:33:07`, `90`. Whole seconds only; never a date.

const UNITS: [(char, u64); 5] = [('w', 604_800), ('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];

/// Writes seconds as RouterOS prints them: `1w4d1h16m55s`, and `0s` for none.
pub(super) fn write(seconds: u64) -> String {
    if seconds == 0 {
        return "0s".to_owned();
    }
    let mut rest = seconds;
    let mut text = String::new();
    for (unit, size) in UNITS {
        if rest >= size {
            text.push_str(&format!("{}{unit}", rest / size));
            rest %= size;
        }
    }
    text
}

/// Reads seconds from any form that RouterOS takes; a bare number is seconds. `None` for anything else, also on overflow.
pub(super) fn read(text: &str) -> Option<u64> {
    let mut total: u64 = 0;
    let mut rest = text;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        if rest.contains(':') && !rest.contains(char::is_alphabetic) {
            return total.checked_add(read_clock(rest)?);
        }
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let number: u64 = rest[..digits].parse().ok()?;
        let tail = &rest[digits..];
        let size = match tail.chars().next() {
            None if rest.len() == text.len() => 1,
            None => return None,
            Some(unit) => UNITS.iter().find(|(name, _)| *name == unit)?.1,
        };
        total = total.checked_add(number.checked_mul(size)?)?;
        rest = tail.get(1..).unwrap_or("");
    }
    Some(total)
}

/// `hh:mm:ss` or `hh:mm`.
fn read_clock(text: &str) -> Option<u64> {
    let parts: Vec<u64> = text.split(':').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    match parts.as_slice() {
        [hours, minutes, seconds] if *minutes < 60 && *seconds < 60 => hours.checked_mul(3_600)?.checked_add(minutes * 60 + seconds),
        [hours, minutes] if *minutes < 60 => hours.checked_mul(3_600)?.checked_add(minutes * 60),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{read, write};

    #[test]
    fn every_documented_form_is_read() {
        let forms = [
            ("0", 0),
            ("0s", 0),
            ("90", 90),
            ("12m5s", 725),
            ("1h", 3_600),
            ("60m", 3_600),
            ("1w4d1h16m55s", 955_015),
            ("01:22:53", 4_973),
            ("6w6d18:33:07", 4_213_987),
        ];
        for (text, seconds) in forms {
            assert_eq!(read(text), Some(seconds), "{text}");
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["", "h", "1x", "1h2", "-5", "01:99:00", "99999999999999999999s", "99999999999999999w"] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_written_reads_back() {
        for seconds in [0, 1, 59, 60, 725, 3_600, 86_400, 955_015, 4_213_987, u64::MAX] {
            assert_eq!(read(&write(seconds)), Some(seconds));
        }
        assert_eq!(write(955_015), "1w4d1h16m55s");
    }
}
