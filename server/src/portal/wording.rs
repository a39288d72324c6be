//! Says quantities in words: how long, how much data, how fast, until when. Numbers in, text out; always rounds down,
//! so that nobody is promised more than there is.

use crate::lang::Lang;
use crate::money::Money;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// A day as people name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Day {
    /// The day it is now.
    Today,
    /// The day after.
    Tomorrow,
    /// Any other; `month` is 1 to 12.
    On {
        /// Day of the month.
        day: u32,
        /// 1 = January.
        month: u32,
    },
}

/// `until 14:05 today`, in local time.
pub fn until(lang: Lang, day: Day, hour: u32, minute: u32) -> String {
    let time = format!("{hour:02}:{minute:02}");
    match (lang, day) {
        (Lang::English, Day::Today) => format!("until {time} today"),
        (Lang::English, Day::Tomorrow) => format!("until {time} tomorrow"),
        (Lang::English, Day::On { day, month }) => {
            format!("until {day} {}, {time}", month_name(lang, month))
        }
        (Lang::Swahili, Day::Today) => format!("hadi leo {time}"),
        (Lang::Swahili, Day::Tomorrow) => format!("hadi kesho {time}"),
        (Lang::Swahili, Day::On { day, month }) => {
            format!("hadi {day} {}, {time}", month_name(lang, month))
        }
    }
}

/// `KES 1,500`; cents only when there are some.
pub fn price(money: Money) -> String {
    let text = money.to_string();
    format!("KES {}", text.strip_suffix(".00").unwrap_or(&text))
}

/// `1 hour`, `1 day 12 hours`, `7 days`; without seconds it is unlimited time.
pub(super) fn duration(lang: Lang, seconds: Option<u64>) -> String {
    let Some(seconds) = seconds else {
        return match lang {
            Lang::English => "No time limit",
            Lang::Swahili => "Bila kikomo cha muda",
        }
        .to_owned();
    };
    let (days, hours, minutes) = (seconds / DAY, seconds % DAY / HOUR, seconds % HOUR / MINUTE);
    let parts: Vec<String> = [(days, Unit::Day), (hours, Unit::Hour), (minutes, Unit::Minute)]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, unit)| counted(lang, count, unit))
        .collect();
    if parts.is_empty() { counted(lang, seconds, Unit::Second) } else { parts.join(" ") }
}

/// How long to wait, in the largest unit that is not misleading: seconds below two minutes, then minutes rounded up.
pub(super) fn wait(lang: Lang, seconds: u64) -> String {
    match seconds {
        0..120 => counted(lang, seconds.max(1), Unit::Second),
        120..7200 => counted(lang, seconds.div_ceil(MINUTE), Unit::Minute),
        _ => counted(lang, seconds.div_ceil(HOUR), Unit::Hour),
    }
}

/// `10 GB`, or that there is no cap.
pub(super) fn data_cap(lang: Lang, bytes: Option<u64>) -> String {
    match (lang, bytes) {
        (_, Some(bytes)) => data(bytes),
        (Lang::English, None) => "Unlimited data".to_owned(),
        (Lang::Swahili, None) => "Data bila kikomo".to_owned(),
    }
}

/// `9.4 GB`, `512 MB`, `0 MB`. A gigabyte is 10⁹ bytes, as plans are sold.
pub(super) fn data(bytes: u64) -> String {
    let (unit, name) = if bytes >= 1_000_000_000 { (1_000_000_000, "GB") } else { (1_000_000, "MB") };
    with_tenth(bytes / unit, bytes % unit / (unit / 10), name)
}

/// `5 Mbps`, or `5 Mbps down, 2 Mbps up` when they differ; nothing when there is no limit to speak of.
pub(super) fn speed(lang: Lang, download_kbps: Option<u32>, upload_kbps: Option<u32>) -> Option<String> {
    let download = download_kbps?;
    let Some(upload) = upload_kbps.filter(|upload| *upload != download) else {
        return Some(rate(download));
    };
    Some(match lang {
        Lang::English => format!("{} down, {} up", rate(download), rate(upload)),
        Lang::Swahili => format!("{} kupakua, {} kupakia", rate(download), rate(upload)),
    })
}

/// `1 device`.
pub(super) fn devices(lang: Lang, count: u32) -> String {
    match (lang, count) {
        (Lang::English, 1) => "1 device".to_owned(),
        (Lang::English, count) => format!("{count} devices"),
        (Lang::Swahili, 1) => "kifaa 1".to_owned(),
        (Lang::Swahili, count) => format!("vifaa {count}"),
    }
}

fn rate(kbps: u32) -> String {
    if kbps < 1000 { format!("{kbps} kbps") } else { with_tenth(u64::from(kbps / 1000), u64::from(kbps % 1000 / 100), "Mbps") }
}

fn with_tenth(whole: u64, tenths: u64, unit: &str) -> String {
    if tenths == 0 || whole >= 100 { format!("{whole} {unit}") } else { format!("{whole}.{tenths} {unit}") }
}

#[derive(Clone, Copy)]
enum Unit {
    Day,
    Hour,
    Minute,
    Second,
}

fn counted(lang: Lang, count: u64, unit: Unit) -> String {
    let (one, many) = match (lang, unit) {
        (Lang::English, Unit::Day) => ("day", "days"),
        (Lang::English, Unit::Hour) => ("hour", "hours"),
        (Lang::English, Unit::Minute) => ("minute", "minutes"),
        (Lang::English, Unit::Second) => ("second", "seconds"),
        (Lang::Swahili, Unit::Day) => ("siku", "siku"),
        (Lang::Swahili, Unit::Hour) => ("saa", "saa"),
        (Lang::Swahili, Unit::Minute) => ("dakika", "dakika"),
        (Lang::Swahili, Unit::Second) => ("sekunde", "sekunde"),
    };
    match (lang, count) {
        // Swahili counts after the noun.
        (Lang::Swahili, _) => format!("{one} {count}"),
        (Lang::English, 1) => format!("1 {one}"),
        (Lang::English, _) => format!("{count} {many}"),
    }
}

fn month_name(lang: Lang, month: u32) -> &'static str {
    const ENGLISH: [&str; 12] = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];
    const SWAHILI: [&str; 12] = ["Januari", "Februari", "Machi", "Aprili", "Mei", "Juni", "Julai", "Agosti", "Septemba", "Oktoba", "Novemba", "Desemba"];
    let names = match lang {
        Lang::English => &ENGLISH,
        Lang::Swahili => &SWAHILI,
    };
    month.checked_sub(1).and_then(|index| names.get(index as usize)).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use Lang::{English, Swahili};

    #[test]
    fn durations_are_said_in_the_units_people_use() {
        for (seconds, english, swahili) in [
            (3_600, "1 hour", "saa 1"),
            (86_400, "1 day", "siku 1"),
            (604_800, "7 days", "siku 7"),
            (5_400, "1 hour 30 minutes", "saa 1 dakika 30"),
            (129_600, "1 day 12 hours", "siku 1 saa 12"),
            (45, "45 seconds", "sekunde 45"),
            (0, "0 seconds", "sekunde 0"),
        ] {
            assert_eq!(duration(English, Some(seconds)), english);
            assert_eq!(duration(Swahili, Some(seconds)), swahili);
        }
        assert_eq!(duration(English, None), "No time limit");
    }

    #[test]
    fn prices_are_whole_shillings_where_they_can_be() {
        assert_eq!(price(Money::from_minor(1_000)), "KES 10");
        assert_eq!(price(Money::from_minor(150_000)), "KES 1,500");
        assert_eq!(price(Money::from_minor(1_050)), "KES 10.50");
    }

    #[test]
    fn data_is_rounded_down() {
        for (bytes, wanted) in [
            (0, "0 MB"),
            (999_999, "0.9 MB"),
            (500_000_000, "500 MB"),
            (999_999_999, "999 MB"),
            (1_000_000_000, "1 GB"),
            (9_990_000_000, "9.9 GB"),
            (10_000_000_000, "10 GB"),
            (250_900_000_000, "250 GB"),
        ] {
            assert_eq!(data(bytes), wanted);
        }
    }

    #[test]
    fn speeds_and_devices() {
        assert_eq!(speed(English, Some(5_000), Some(5_000)).as_deref(), Some("5 Mbps"));
        assert_eq!(speed(English, Some(2_500), Some(512)).as_deref(), Some("2.5 Mbps down, 512 kbps up"));
        assert_eq!(speed(English, None, Some(512)), None);
        assert_eq!(speed(Swahili, Some(5_000), None).as_deref(), Some("5 Mbps"));
        assert_eq!((devices(English, 1).as_str(), devices(Swahili, 3).as_str()), ("1 device", "vifaa 3"));
    }

    #[test]
    fn waits_are_never_said_too_short() {
        for (seconds, wanted) in [(0, "1 second"), (90, "90 seconds"), (121, "3 minutes"), (7_201, "3 hours")] {
            assert_eq!(wait(English, seconds), wanted);
        }
    }

    #[test]
    fn ends_are_said_by_day_and_clock() {
        assert_eq!(until(English, Day::Today, 9, 5), "until 09:05 today");
        assert_eq!(until(Swahili, Day::On { day: 3, month: 12 }, 14, 30), "hadi 3 Desemba, 14:30");
        assert_eq!(until(English, Day::On { day: 3, month: 13 }, 14, 30), "until 3 , 14:30");
    }
}
