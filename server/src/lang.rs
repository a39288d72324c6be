//! The language of a page or a message: what the person asked for, else what the browser prefers, else English.
//! Knows no texts.

/// A language that pages and messages are written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lang {
    /// English, and whatever we do not speak.
    #[default]
    English,
    /// Kiswahili.
    Swahili,
}

impl Lang {
    /// Chooses by the `lang` parameter (`en` or `sw`), else by the `Accept-Language` header, else English.
    pub fn choose(asked: Option<&str>, accept_language: Option<&str>) -> Self {
        asked.and_then(Self::from_tag).or_else(|| accept_language.and_then(preferred)).unwrap_or_default()
    }

    /// Every language.
    pub const ALL: [Lang; 2] = [Lang::English, Lang::Swahili];

    /// The code used in addresses, in the `lang` attribute and in the database.
    pub fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Swahili => "sw",
        }
    }

    /// The language that the switch on the page leads to.
    pub fn other(self) -> Self {
        match self {
            Self::English => Self::Swahili,
            Self::Swahili => Self::English,
        }
    }

    /// What the language calls itself.
    pub fn own_name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::Swahili => "Kiswahili",
        }
    }

    /// Reads `sw`, `SW`, `sw-KE`; anything we do not speak is `None`.
    pub fn from_tag(tag: &str) -> Option<Self> {
        let primary = tag.trim().split('-').next().unwrap_or_default();
        match primary.to_ascii_lowercase().as_str() {
            "en" => Some(Self::English),
            "sw" => Some(Self::Swahili),
            _ => None,
        }
    }
}

/// The language with the highest weight among those we speak; the earlier one wins a tie (RFC 9110, 12.5.4).
fn preferred(header: &str) -> Option<Lang> {
    let mut best: Option<(u16, Lang)> = None;
    for item in header.split(',').take(20) {
        let (tag, weight) = item.split_once(';').map_or((item, 1000), |(tag, rest)| (tag, weight(rest)));
        let Some(lang) = Lang::from_tag(tag) else {
            continue;
        };
        if weight > best.map_or(0, |(held, _)| held) {
            best = Some((weight, lang));
        }
    }
    best.map(|(_, lang)| lang)
}

/// `q=0.85` in thousandths: 850. What cannot be read counts as nothing.
fn weight(parameter: &str) -> u16 {
    let Some(value) = parameter.trim().strip_prefix("q=") else {
        return 0;
    };
    let (whole, fraction) = value.split_once('.').unwrap_or((value, ""));
    let digits: String = fraction.chars().chain("000".chars()).take(3).collect();
    match (whole, digits.parse::<u16>()) {
        ("1", Ok(_)) => 1000,
        ("0", Ok(thousandths)) => thousandths,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wish_comes_before_the_browser_and_english_comes_last() {
        let table = [
            (None, None, Lang::English),
            (Some("sw"), None, Lang::Swahili),
            (Some("sw"), Some("en"), Lang::Swahili),
            (Some("en"), Some("sw"), Lang::English),
            (Some("xx"), Some("sw-KE,en;q=0.8"), Lang::Swahili),
            (Some(""), Some("sw"), Lang::Swahili),
            (None, Some("fr,sw;q=0.4,en;q=0.9"), Lang::English),
            (None, Some("en;q=0.5, sw;q=0.85"), Lang::Swahili),
            (None, Some("sw;q=0"), Lang::English),
            (None, Some("sw;q=abc;;;,"), Lang::English),
            (None, Some("de-DE"), Lang::English),
        ];
        for (asked, header, wanted) in table {
            assert_eq!(Lang::choose(asked, header), wanted, "{asked:?} {header:?}");
        }
    }
}
