//! The switches that a test or an operator sets on a stand-in: power, version, device-mode and ways of answering.
//! Reads and checks them; what they cause is decided where they are used.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What the router does with connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Power {
    /// Serves.
    On,
    /// Is not there: connections are refused.
    Off,
    /// Takes TCP connections and never answers.
    Hang,
}

/// Device-mode of RouterOS 7: which features the owner has unlocked by hand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct DeviceMode {
    /// `home`, `basic` or `advanced`.
    pub mode: String,
    /// Whether the hotspot may run.
    pub hotspot: bool,
    /// Whether the web proxy may run; hostname rows of the walled garden need it.
    pub proxy: bool,
    /// Whether `/tool/fetch` may run.
    pub fetch: bool,
    /// Whether the scheduler may run.
    pub scheduler: bool,
}

impl Default for DeviceMode {
    fn default() -> Self {
        Self { mode: "advanced".to_owned(), hotspot: true, proxy: true, fetch: true, scheduler: true }
    }
}

impl DeviceMode {
    /// The mode's factory flags as in MikroTik's manual.
    fn named(mode: &str) -> Option<Self> {
        let (hotspot, fetch) = match mode {
            "advanced" => (true, true),
            "basic" => (false, true),
            "home" => (false, false),
            _ => return None,
        };
        Some(Self { mode: mode.to_owned(), hotspot, proxy: hotspot, fetch, scheduler: fetch })
    }
}

/// All switches of one router. They are part of its kept state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Switches {
    pub power: Power,
    pub device_mode: DeviceMode,
    /// Such as `7.24.2`; from 7.18 on an empty print answers `!empty`.
    pub version: String,
    /// Answers leave in segments of so many bytes; 0 = whole.
    pub fragment_bytes: usize,
    /// `.tag` as the last word of a reply instead of the second.
    pub tag_last: bool,
    /// The challenge login of RouterOS before 6.43, and only that.
    pub legacy_login: bool,
    /// Connections that one service takes at a time.
    pub max_sessions: usize,
    /// Whether the firewall's FastTrack rule is enabled.
    pub fasttrack: bool,
    /// Whether the API user may read passwords back (policy `sensitive`).
    pub sensitive: bool,
    /// Every answer leaves so much later; the command has been carried out by then.
    pub answer_delay_ms: u64,
    /// So many of the next changing commands are carried out, but cut off before their answer.
    pub lose_answers: u32,
    /// The licence level; level 4 allows 200 hotspot users at a time.
    pub license_level: u8,
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            power: Power::On,
            device_mode: DeviceMode::default(),
            version: "7.24.2".to_owned(),
            fragment_bytes: 0,
            tag_last: false,
            legacy_login: false,
            max_sessions: 20,
            fasttrack: false,
            sensitive: true,
            answer_delay_ms: 0,
            lose_answers: 0,
            license_level: 4,
        }
    }
}

impl Switches {
    /// Major and minor version; a part that is no number counts as 0.
    pub(super) fn release(&self) -> (u32, u32) {
        let mut parts = self.version.split(['.', ' ', 'b', 'r']).map(|part| part.parse().unwrap_or(0));
        (parts.next().unwrap_or(0), parts.next().unwrap_or(0))
    }

    /// Whether a command with nothing to return says `!empty` first.
    pub(super) fn says_empty(&self) -> bool {
        self.release() >= (7, 18)
    }

    /// How many hotspot users the licence allows at a time.
    pub(super) fn hotspot_users(&self) -> usize {
        match self.license_level {
            0..=3 => 1,
            4 => 200,
            5 => 500,
            _ => usize::MAX,
        }
    }
}

/// What `power` may be asked to do; two of them are moments rather than states.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum PowerAsk {
    On,
    Off,
    Hang,
    Reboot,
    FactoryReset,
}

/// A change of switches as it comes in JSON. What is absent or null stays as it is.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Ask {
    pub power: Option<PowerAsk>,
    device_mode: Option<Value>,
    version: Option<String>,
    fragment_bytes: Option<usize>,
    tag_last: Option<bool>,
    legacy_login: Option<bool>,
    max_sessions: Option<usize>,
    fasttrack: Option<bool>,
    sensitive: Option<bool>,
    answer_delay_ms: Option<u64>,
    lose_answers: Option<u32>,
    license_level: Option<u8>,
}

impl Ask {
    /// Reads and checks a change.
    ///
    /// # Errors
    /// A sentence naming what does not fit.
    pub(super) fn read(json: Value) -> Result<Self, String> {
        let ends_fragments = json.get("fragment_bytes").is_some_and(Value::is_null);
        let mut ask: Self = serde_json::from_value(json).map_err(|error| format!("router state: {error}"))?;
        if ends_fragments {
            ask.fragment_bytes = Some(0);
        }
        if ask.max_sessions.is_some_and(|sessions| !(1..=1000).contains(&sessions)) {
            return Err("router state: max_sessions is 1 to 1000".to_owned());
        }
        Ok(ask)
    }

    /// The switches after the change; power is left to the caller.
    ///
    /// # Errors
    /// A sentence about a device-mode that does not exist.
    pub(super) fn apply(self, old: &Switches) -> Result<Switches, String> {
        Ok(Switches {
            power: old.power,
            device_mode: read_device_mode(self.device_mode, &old.device_mode)?,
            version: self.version.unwrap_or_else(|| old.version.clone()),
            fragment_bytes: self.fragment_bytes.unwrap_or(old.fragment_bytes),
            tag_last: self.tag_last.unwrap_or(old.tag_last),
            legacy_login: self.legacy_login.unwrap_or(old.legacy_login),
            max_sessions: self.max_sessions.unwrap_or(old.max_sessions),
            fasttrack: self.fasttrack.unwrap_or(old.fasttrack),
            sensitive: self.sensitive.unwrap_or(old.sensitive),
            answer_delay_ms: self.answer_delay_ms.unwrap_or(old.answer_delay_ms),
            lose_answers: self.lose_answers.unwrap_or(old.lose_answers),
            license_level: self.license_level.unwrap_or(old.license_level),
        })
    }
}

/// A mode's name sets its factory flags; an object sets single flags of the present mode.
fn read_device_mode(ask: Option<Value>, old: &DeviceMode) -> Result<DeviceMode, String> {
    let wrong = || "router state: device_mode is home, basic, advanced or an object of flags".to_owned();
    match ask {
        None | Some(Value::Null) => Ok(old.clone()),
        Some(Value::String(mode)) => DeviceMode::named(&mode).ok_or_else(wrong),
        Some(Value::Object(flags)) => {
            let mut merged = serde_json::to_value(old).map_err(|error| error.to_string())?;
            for (flag, value) in flags {
                merged[flag.as_str()] = value;
            }
            serde_json::from_value(merged).map_err(|error| format!("router state: device_mode: {error}"))
        }
        Some(_) => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::{Ask, PowerAsk, Switches};
    use serde_json::json;

    #[test]
    fn only_what_is_named_changes() {
        let old = Switches { fragment_bytes: 3, ..Switches::default() };
        let ask = Ask::read(json!({ "power": "reboot", "device_mode": "home", "tag_last": true })).unwrap();
        assert_eq!(ask.power, Some(PowerAsk::Reboot));
        let new = ask.apply(&old).unwrap();
        assert!(!new.device_mode.hotspot && new.tag_last);
        assert_eq!(new.fragment_bytes, 3);
        let ask = Ask::read(json!({ "fragment_bytes": null, "device_mode": { "hotspot": true } })).unwrap();
        let new = ask.apply(&new).unwrap();
        assert!(new.device_mode.hotspot && !new.device_mode.proxy && new.device_mode.mode == "home");
        assert_eq!(new.fragment_bytes, 0);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        for json in [json!({ "power": "maybe" }), json!({ "max_sessions": 0 }), json!({ "colour": "red" })] {
            assert!(Ask::read(json).is_err());
        }
        let ask = Ask::read(json!({ "device_mode": "party" })).unwrap();
        assert!(ask.apply(&Switches::default()).is_err());
    }

    #[test]
    fn empty_is_said_from_7_18_on() {
        let at = |version: &str| Switches { version: version.to_owned(), ..Switches::default() }.says_empty();
        assert!(at("7.18") && at("7.24.2") && at("7.25beta3") && at("8.0"));
        assert!(!at("7.17.2") && !at("6.49.21"));
    }
}
