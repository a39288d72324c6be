//! Says in the time of Nairobi when something ends. Kenya has one zone and no summer time. Pure.

use chrono::{Datelike as _, FixedOffset, NaiveDateTime, Timelike as _};

use super::wording::{Day, until};
use crate::clock::Time;
use crate::lang::Lang;

/// `until 14:05 today`.
pub fn until_text(lang: Lang, ends: Time, now: Time) -> String {
    let (ends, now) = (local(ends), local(now));
    let day = match (ends.date() - now.date()).num_days() {
        0 => Day::Today,
        1 => Day::Tomorrow,
        _ => Day::On { day: ends.day(), month: ends.month() },
    };
    until(lang, day, ends.hour(), ends.minute())
}

fn local(time: Time) -> NaiveDateTime {
    FixedOffset::east_opt(3 * 3600).map_or_else(|| time.naive_utc(), |nairobi| time.with_timezone(&nairobi).naive_local())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_change_at_midnight_in_nairobi() {
        let at = |text: &str| text.parse::<Time>().unwrap();
        let now = at("2026-11-22T20:30:00Z"); // 23:30 in Nairobi
        for (ends, wanted) in [
            ("2026-11-22T20:59:00Z", "until 23:59 today"),
            ("2026-11-22T21:30:00Z", "until 00:30 tomorrow"),
            ("2026-11-29T20:30:00Z", "until 29 November, 23:30"),
        ] {
            assert_eq!(until_text(Lang::English, at(ends), now), wanted);
        }
    }
}
