//! What every captive page shows about the ISP, the device and the plans. Plain data, prepared by the caller.

use std::net::IpAddr;

use super::color::Color;
use super::fields::Fields;
use super::links::{SafeLink, safe_link};
use super::paths;
use super::phone_text;
use super::texts::{FieldError, Notice, Texts};
use super::wording;
use crate::lang::Lang;
use crate::phone::Phone;

/// Longest `chap-id` or `chap-challenge` that is carried along: sixteen bytes as octal escapes are 64 characters.
const MAX_CHAP: usize = 128;

/// The look of an ISP.
#[derive(Clone, Debug)]
pub struct Branding {
    /// Name of the ISP as guests know it.
    pub display_name: String,
    /// Path of the logo on our own server (`/…`). Anything else is not shown: a guest who is offline could not load it.
    pub logo_url: Option<String>,
    /// `#rrggbb`; anything else gives the default colour.
    pub primary_color: String,
    /// Headline of the plans page; the page has one of its own when empty.
    pub welcome_title: String,
    /// A sentence below it; may be empty.
    pub welcome_message: String,
    /// Whom guests call, as people write it: `0712 345 678`.
    pub support_phone: Option<String>,
}

impl Branding {
    /// For pages on which the ISP is not known.
    pub fn unknown() -> Self {
        Self {
            display_name: "WiFi".to_owned(),
            logo_url: None,
            primary_color: String::new(),
            welcome_title: String::new(),
            welcome_message: String::new(),
            support_phone: None,
        }
    }

    /// The colour of the page's head and buttons.
    pub fn color(&self) -> Color {
        Color::parse(&self.primary_color)
    }

    /// The logo, when it is on our own server.
    pub fn logo(&self) -> Option<&str> {
        let own = |path: &&str| path.starts_with('/') && !path.starts_with("//") && !path.contains('\\');
        self.logo_url.as_deref().filter(own)
    }

    /// First letter of the name, shown where there is no logo.
    pub fn initial(&self) -> String {
        self.display_name.trim().chars().next().map_or_else(String::new, |c| c.to_uppercase().collect())
    }

    /// The support phone as people here write it, or as it was given when it is no mobile number.
    pub fn support_text(&self) -> Option<String> {
        let given = self.support_phone.as_deref()?;
        Some(given.parse::<Phone>().map_or_else(|_| given.to_owned(), |phone| phone_text::whole(phone.digits())))
    }

    /// The support phone as it is dialled: digits and a leading plus.
    pub fn support_dial(&self) -> Option<String> {
        let phone = self.support_phone.as_deref()?.trim();
        let digits: String = phone.chars().filter(char::is_ascii_digit).collect();
        let plus = if phone.starts_with('+') { "+" } else { "" };
        (!digits.is_empty()).then(|| format!("{plus}{digits}"))
    }
}

/// What the router's redirect said of the device. Everything here was checked for form, and nothing for truth.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Device {
    /// `AA:BB:CC:DD:EE:FF`.
    pub mac: Option<String>,
    /// Address on the WiFi.
    pub ip: Option<String>,
    /// The router's login address.
    pub link_login_only: Option<SafeLink>,
    /// The page the guest wanted at first.
    pub link_orig: Option<SafeLink>,
    /// Octal escapes as the router printed them.
    pub chap_id: Option<String>,
    /// Octal escapes as the router printed them.
    pub chap_challenge: Option<String>,
}

impl Device {
    /// Reads the router's variables from an address or a form. What is malformed counts as missing.
    pub fn read(fields: &Fields) -> Self {
        let short = |text: &str| (text.len() <= MAX_CHAP).then(|| text.to_owned());
        Self {
            mac: fields.get("mac").and_then(normal_mac),
            ip: fields.get("ip").and_then(|text| text.parse::<IpAddr>().ok()).map(|ip| ip.to_string()),
            link_login_only: fields.get("link-login-only").and_then(safe_link),
            link_orig: fields.get("link-orig").and_then(safe_link),
            chap_id: fields.get("chap-id").and_then(short),
            chap_challenge: fields.get("chap-challenge").and_then(short),
        }
    }

    /// The variables that are known, by the names the router uses.
    pub fn pairs(&self) -> Vec<(&'static str, &str)> {
        let all = [
            ("mac", self.mac.as_deref()),
            ("ip", self.ip.as_deref()),
            ("link-login-only", self.link_login_only.as_ref().map(SafeLink::as_str)),
            ("link-orig", self.link_orig.as_ref().map(SafeLink::as_str)),
            ("chap-id", self.chap_id.as_deref()),
            ("chap-challenge", self.chap_challenge.as_deref()),
        ];
        all.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }
}

/// What all pages have in common.
#[derive(Clone, Debug)]
pub struct Frame {
    /// Language of the page.
    pub lang: Lang,
    /// Fresh for each answer; the same as in the content security policy.
    pub nonce: String,
    /// Look of the ISP.
    pub branding: Branding,
    /// `rtr_…`; `None` when the address names no router of this ISP.
    pub router_id: Option<String>,
    /// Carried through every link and form.
    pub device: Device,
}

impl Frame {
    pub(super) fn texts(&self) -> &'static Texts {
        Texts::of(self.lang)
    }

    /// Path of the plans page.
    pub(super) fn plans_path(&self) -> String {
        paths::plans(self.router_id.as_deref().unwrap_or_default())
    }

    /// The plans page with everything carried along.
    pub(super) fn plans_link(&self) -> String {
        self.link(&self.plans_path(), &[])
    }

    pub(super) fn resume_path(&self) -> String {
        paths::resume(self.router_id.as_deref().unwrap_or_default())
    }

    pub(super) fn resume_link(&self) -> String {
        self.link(&self.resume_path(), &[])
    }

    pub(super) fn not_me_path(&self) -> String {
        paths::not_me(self.router_id.as_deref().unwrap_or_default())
    }

    pub(super) fn not_me_link(&self) -> String {
        self.link(&self.not_me_path(), &[])
    }

    /// A path with the device and the language behind it.
    pub(super) fn link(&self, path: &str, extra: &[(&str, &str)]) -> String {
        paths::with_state(path, &self.device, self.lang, extra)
    }

    pub(super) fn field_error(&self, error: &FieldError) -> &'static str {
        error.message(self.lang)
    }

    pub(super) fn notice(&self, notice: &Notice) -> String {
        notice.message(self.lang)
    }

    pub(super) fn gives(&self, plan: &PlanCard) -> String {
        plan.gives(self.lang)
    }

    /// The same path in the other language.
    pub(super) fn switch_link(&self, path: &str) -> String {
        paths::with_state(path, &self.device, self.lang.other(), &[])
    }
}

/// One plan on sale.
#[derive(Clone, Debug)]
pub struct PlanCard {
    /// `hpl_…`.
    pub id: String,
    /// Name shown to guests.
    pub name: String,
    /// `KES 10`.
    pub price: String,
    /// How long it lasts; `None` = without end.
    pub duration_seconds: Option<u64>,
    /// Bytes down and up together; `None` = without limit.
    pub data_cap_bytes: Option<u64>,
    /// Speed to the device; `None` = without limit.
    pub download_kbps: Option<u32>,
    /// Speed from the device; `None` = without limit.
    pub upload_kbps: Option<u32>,
    /// Devices that may be online at once.
    pub shared_devices: u32,
}

impl PlanCard {
    /// What the plan gives, in a line: `24 hours · 10 GB · 5 Mbps · 2 devices`.
    fn gives(&self, lang: Lang) -> String {
        let duration = wording::duration(lang, self.duration_seconds);
        let mut parts = Vec::with_capacity(4);
        if !self.name.trim().eq_ignore_ascii_case(&duration) {
            parts.push(duration);
        }
        parts.push(wording::data_cap(lang, self.data_cap_bytes));
        parts.extend(wording::speed(lang, self.download_kbps, self.upload_kbps));
        parts.push(wording::devices(lang, self.shared_devices));
        // A line breaks between two facts; within one, which may be wider than a small phone, only behind a comma.
        parts.iter().map(|part| part.replace(' ', "\u{a0}").replace(",\u{a0}", ", ")).collect::<Vec<_>>().join("\u{a0}· ")
    }
}

/// Six pairs of hex digits with `:` or `-` between them, in capitals with `:`, as routers print them.
fn normal_mac(text: &str) -> Option<String> {
    let pairs: Vec<&str> = text.split([':', '-']).collect();
    let is_pair = |pair: &&str| pair.len() == 2 && pair.bytes().all(|b| b.is_ascii_hexdigit());
    (pairs.len() == 6 && pairs.iter().all(is_pair)).then(|| pairs.join(":").to_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn malformed_variables_count_as_missing() {
        let device = Device::read(&Fields::parse("mac=AA:BB:CC:DD:EE&ip=10.5.50&link-login-only=javascript:alert(1)&link-orig=//evil.example&chap-id="));
        assert_eq!(device, Device::default());
        for bad in ["", "AA:BB:CC:DD:EE:FG", "AABBCCDDEEFF", "AA:BB:CC:DD:EE:FF:00", "A:B:C:D:E:F", "\u{e9}:BB:CC:DD:EE:FF"] {
            assert_eq!(normal_mac(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_logo_elsewhere_is_not_shown() {
        let with = |logo: &str| Branding { logo_url: Some(logo.to_owned()), ..Branding::unknown() };
        assert_eq!(with("/media/logo.png").logo(), Some("/media/logo.png"));
        for elsewhere in ["https://cdn.example/logo.png", "//cdn.example/l.png", "/\\cdn.example", "data:image/png,", ""] {
            assert_eq!(with(elsewhere).logo(), None, "{elsewhere}");
        }
    }

    #[test]
    fn facts_break_between_each_other_or_behind_a_comma() {
        let plan = PlanCard {
            id: String::new(),
            name: "Week".to_owned(),
            price: String::new(),
            duration_seconds: Some(604_800),
            data_cap_bytes: Some(10_000_000_000),
            download_kbps: Some(8_000),
            upload_kbps: Some(4_000),
            shared_devices: 2,
        };
        assert_eq!(plan.gives(Lang::English), "7\u{a0}days\u{a0}· 10\u{a0}GB\u{a0}· 8\u{a0}Mbps\u{a0}down, 4\u{a0}Mbps\u{a0}up\u{a0}· 2\u{a0}devices");
    }

    #[test]
    fn support_is_dialled_by_digits_and_shown_in_groups() {
        let with = |phone: &str| Branding { support_phone: Some(phone.to_owned()), ..Branding::unknown() };
        assert_eq!(with("+254 712 345-678").support_dial().as_deref(), Some("+254712345678"));
        assert_eq!(with("0712 345 678").support_dial().as_deref(), Some("0712345678"));
        assert_eq!(with("ask at the desk").support_dial(), None);
        assert_eq!(with("+254712345678").support_text().as_deref(), Some("0712 345 678"));
        assert_eq!(with("ask at the desk").support_text().as_deref(), Some("ask at the desk"));
    }
}
