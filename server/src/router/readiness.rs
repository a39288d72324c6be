//! What about a router would keep customers from being served, judged from what it says about itself. Pure.
//! Sources: MikroTik's manual (device-mode, licensing, connection tracking, services) and its security announcements.

use std::fmt;

use crate::gateways::routeros::hotspot::{self, Server};
use crate::gateways::routeros::system::{self, DeviceMode, Resource, Service};
use crate::gateways::routeros::{Connection, Error};

/// The oldest version that takes the login we send first.
const OLDEST: (u32, u32) = (6, 43);

/// Sessions we may need at once: two of ours, one that has not noticed yet that it is dead, and the ISP's own.
const SESSIONS_NEEDED: u32 = 5;

/// What a router says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouterFacts {
    /// Its own name.
    pub identity: String,
    /// Version, board, uptime.
    pub resource: Resource,
    /// `None` before 7.17.
    pub device_mode: Option<DeviceMode>,
    /// The licence level as the router writes it.
    pub license: Option<String>,
    /// Its services.
    pub services: Vec<Service>,
    /// Whether a FastTrack rule is in force; `None` is unknown.
    pub fasttrack: Option<bool>,
    /// Its hotspot servers.
    pub servers: Vec<Server>,
}

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Good to know.
    Info,
    /// Works, with a risk.
    Warning,
    /// Customers will not be served.
    Blocking,
}

/// Something to be put right on a router. The text says what it is and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// The device-mode forbids hotspot servers; lifting it takes a person at the router.
    HotspotForbidden,
    /// The device-mode forbids the proxy, which walled-garden rows with host names need.
    ProxyForbidden,
    /// The router believes that it was tampered with.
    Flagged,
    /// FastTrack passes by queues, counters and the hotspot.
    FastTrack,
    /// The API service allows fewer sessions than are needed.
    FewSessions {
        /// `api` or `api-ssl`.
        service: String,
        /// What it allows.
        max_sessions: u32,
    },
    /// The licence allows few devices on line.
    LicenseLimit {
        /// As the router writes it.
        level: String,
        /// Devices on line at once.
        devices: u32,
    },
    /// Older than 6.43, whose login keeps passwords badly and which nobody maintains.
    TooOld {
        /// As the router writes it.
        version: String,
    },
    /// Known holes that MikroTik has fixed (September 2026).
    Vulnerable {
        /// As the router writes it.
        version: String,
        /// The first version of its branch without them.
        fixed_in: &'static str,
    },
    /// No hotspot server runs.
    NoHotspot,
    /// The hotspot server we were told to use is not there, or off.
    ServerMissing {
        /// The name we were given.
        name: String,
    },
}

impl Finding {
    /// A stable word for programs to branch on.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::HotspotForbidden | Self::ProxyForbidden | Self::Flagged => "DEVICE_MODE",
            Self::FastTrack => "FASTTRACK",
            Self::FewSessions { .. } => "MAX_SESSIONS",
            Self::LicenseLimit { .. } => "LICENCE",
            Self::TooOld { .. } | Self::Vulnerable { .. } => "VERSION",
            Self::NoHotspot | Self::ServerMissing { .. } => "HOTSPOT",
        }
    }

    /// How much it matters.
    #[must_use]
    pub fn severity(&self) -> Severity {
        match self {
            Self::HotspotForbidden | Self::NoHotspot | Self::ServerMissing { .. } => Severity::Blocking,
            Self::LicenseLimit { devices, .. } if *devices <= 1 => Severity::Blocking,
            Self::LicenseLimit { .. } => Severity::Info,
            Self::ProxyForbidden | Self::Flagged | Self::FastTrack | Self::FewSessions { .. } | Self::TooOld { .. } | Self::Vulnerable { .. } => {
                Severity::Warning
            }
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HotspotForbidden => f.write_str(
                "The device-mode forbids the hotspot. Run /system/device-mode/update hotspot=yes proxy=yes fetch=yes scheduler=yes and, within five minutes, press the router's button or cut its power.",
            ),
            Self::ProxyForbidden => f.write_str(
                "The device-mode forbids the proxy, so host names in the walled garden have no effect. Run /system/device-mode/update proxy=yes and confirm at the router.",
            ),
            Self::Flagged => f.write_str(
                "The router has flagged itself as tampered with. Check its configuration, then run /system/device-mode/update flagged=no and confirm at the router.",
            ),
            Self::FastTrack => f.write_str(
                "A FastTrack rule is on: speed limits and counters do not see that traffic. Disable the rule with action=fasttrack-connection under /ip/firewall/filter.",
            ),
            Self::FewSessions { service, max_sessions } => write!(
                f,
                "The service {service} allows only {max_sessions} sessions. Set max-sessions=20 under /ip/service.",
            ),
            Self::LicenseLimit { level, devices } => {
                write!(f, "The licence (level {level}) allows {devices} hotspot devices on line at once.")
            }
            Self::TooOld { version } => {
                write!(f, "RouterOS {version} is older than 6.43. Upgrade it.")
            }
            Self::Vulnerable { version, fixed_in } => {
                write!(f, "RouterOS {version} has known security holes. Upgrade to {fixed_in} or later.")
            }
            Self::NoHotspot => f.write_str("No hotspot server runs on the router. Run the set-up script."),
            Self::ServerMissing { name } => {
                write!(f, "The hotspot server {name} is missing or disabled on the router.")
            }
        }
    }
}

/// Asks a router about itself.
///
/// # Errors
/// As [`Connection::call`]; what a version does not know, or our user may not read, is left out.
pub async fn inspect(router: &mut Connection) -> Result<RouterFacts, Error> {
    Ok(RouterFacts {
        identity: system::identity(router).await?,
        resource: system::resource(router).await?,
        device_mode: system::device_mode(router).await?,
        license: system::license(router).await?,
        services: system::services(router).await?,
        fasttrack: system::fasttrack(router).await?,
        servers: hotspot::servers(router).await?,
    })
}

/// What should be put right, worst first. `server` is the hotspot server we were told to use.
#[must_use]
pub fn findings(facts: &RouterFacts, server: Option<&str>) -> Vec<Finding> {
    let mut findings = Vec::new();
    findings.extend(facts.device_mode.iter().flat_map(device_mode));
    // Where hotspots are forbidden, none runs: one finding says it.
    if !findings.contains(&Finding::HotspotForbidden) {
        findings.extend(hotspot_servers(&facts.servers, server));
    }
    findings.extend(facts.license.as_deref().and_then(license));
    findings.extend((facts.fasttrack == Some(true)).then_some(Finding::FastTrack));
    findings.extend(facts.services.iter().filter_map(sessions));
    findings.extend(version(&facts.resource.version));
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity()));
    findings
}

fn device_mode(mode: &DeviceMode) -> Vec<Finding> {
    let table =
        [(mode.hotspot == Some(false), Finding::HotspotForbidden), (mode.proxy == Some(false), Finding::ProxyForbidden), (mode.flagged, Finding::Flagged)];
    table.into_iter().filter(|(found, _)| *found).map(|(_, finding)| finding).collect()
}

fn hotspot_servers(servers: &[Server], wanted: Option<&str>) -> Option<Finding> {
    let mut running = servers.iter().filter(|server| !server.disabled);
    match wanted {
        None => running.next().is_none().then_some(Finding::NoHotspot),
        Some(name) => {
            let missing = !running.any(|server| server.name == name);
            missing.then(|| Finding::ServerMissing { name: name.to_owned() })
        }
    }
}

/// Hotspot devices on line at once by licence level; from level 5 on (500) nobody of our size runs into it.
fn license(level: &str) -> Option<Finding> {
    let devices = match level {
        "0" | "1" | "3" => 1,
        "4" => 200,
        _ => return None,
    };
    Some(Finding::LicenseLimit { level: level.to_owned(), devices })
}

fn sessions(service: &Service) -> Option<Finding> {
    let ours = matches!(service.name.as_str(), "api" | "api-ssl") && !service.disabled;
    let max_sessions = service.max_sessions.filter(|max| ours && *max < SESSIONS_NEEDED)?;
    Some(Finding::FewSessions { service: service.name.clone(), max_sessions })
}

fn version(text: &str) -> Option<Finding> {
    let version = Version::parse(text)?;
    if (version.major, version.minor) < OLDEST {
        return Some(Finding::TooOld { version: text.to_owned() });
    }
    let fixed_in = version.fixed_in()?;
    Some(Finding::Vulnerable { version: text.to_owned(), fixed_in })
}

/// A RouterOS version, in order: `7.25beta3` < `7.25rc1` < `7.25` < `7.25.1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Version {
    major: u32,
    minor: u32,
    stage: Stage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Alpha(u32),
    Beta(u32),
    Candidate(u32),
    Patch(u32),
}

impl Version {
    /// Reads `7.24.2 (stable)`, `7.25beta3`, `6.49.18 (long-term)`.
    fn parse(text: &str) -> Option<Self> {
        let text = text.split_whitespace().next()?;
        let (major, rest) = text.split_once('.')?;
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let (minor, stage) = rest.split_at(digits);
        let number = |prefix: &str| stage.strip_prefix(prefix).map(str::parse::<u32>);
        let stage = match (number("."), number("rc"), number("beta"), number("alpha")) {
            (Some(patch), ..) => Stage::Patch(patch.ok()?),
            (_, Some(candidate), ..) => Stage::Candidate(candidate.ok()?),
            (_, _, Some(beta), _) => Stage::Beta(beta.ok()?),
            (_, _, _, Some(alpha)) => Stage::Alpha(alpha.ok()?),
            _ if stage.is_empty() => Stage::Patch(0),
            _ => return None,
        };
        Some(Self { major: major.parse().ok()?, minor: minor.parse().ok()?, stage })
    }

    /// The first version of its branch without the holes published in September 2026, when it is older than that.
    fn fixed_in(self) -> Option<&'static str> {
        let (minor, stage, name) = match (self.major, self.minor) {
            (6, _) => (49, Stage::Patch(21), "6.49.21"),
            (7, ..=23) => (23, Stage::Patch(4), "7.23.4"),
            (7, 24) => (24, Stage::Patch(2), "7.24.2"),
            (7, _) => (25, Stage::Beta(3), "7.25beta3"),
            _ => return None,
        };
        (self < Self { major: self.major, minor, stage }).then_some(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn healthy() -> RouterFacts {
        RouterFacts {
            identity: "shop".to_owned(),
            resource: Resource { version: "7.24.2 (stable)".to_owned(), board: "hAP ax2".to_owned(), uptime_seconds: 60 },
            device_mode: Some(DeviceMode { mode: "advanced".to_owned(), hotspot: Some(true), proxy: Some(true), ..DeviceMode::default() }),
            license: Some("6".to_owned()),
            services: vec![Service { name: "api".to_owned(), port: Some(8728), disabled: false, max_sessions: Some(20), has_certificate: false }],
            fasttrack: Some(false),
            servers: vec![Server { name: "hotspot1".to_owned(), interface: "bridge".to_owned(), profile: "hsprof1".to_owned(), disabled: false }],
        }
    }

    #[test]
    fn a_healthy_router_has_no_findings() {
        assert_eq!(findings(&healthy(), None), []);
        assert_eq!(findings(&healthy(), Some("hotspot1")), []);
    }

    #[test]
    fn versions_are_ordered_and_judged_by_branch() {
        let table = [
            ("6.42.12 (long-term)", Some("old")),
            ("6.43", Some("6.49.21")),
            ("6.49.20 (long-term)", Some("6.49.21")),
            ("6.49.21", None),
            ("7.1", Some("7.23.4")),
            ("7.19.3 (stable)", Some("7.23.4")),
            ("7.23.3", Some("7.23.4")),
            ("7.23.4", None),
            ("7.24rc2 (testing)", Some("7.24.2")),
            ("7.24", Some("7.24.2")),
            ("7.24.1", Some("7.24.2")),
            ("7.24.10", None),
            ("7.25beta2", Some("7.25beta3")),
            ("7.25beta3 (testing)", None),
            ("7.25", None),
            ("7.26alpha1", None),
            ("8.1", None),
            ("next", None),
        ];
        for (text, expected) in table {
            let found = match version(text) {
                Some(Finding::TooOld { .. }) => Some("old"),
                Some(Finding::Vulnerable { fixed_in, .. }) => Some(fixed_in),
                _ => None,
            };
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn every_fault_is_found_and_the_worst_come_first() {
        let mut facts = healthy();
        facts.device_mode = Some(DeviceMode { mode: "home".to_owned(), hotspot: Some(false), proxy: Some(false), flagged: true, ..DeviceMode::default() });
        facts.fasttrack = Some(true);
        facts.license = Some("4".to_owned());
        facts.services[0].max_sessions = Some(1);
        facts.servers[0].disabled = true;
        let found = findings(&facts, None);
        let few = Finding::FewSessions { service: "api".to_owned(), max_sessions: 1 };
        let license = Finding::LicenseLimit { level: "4".to_owned(), devices: 200 };
        let expected = [Finding::HotspotForbidden, Finding::ProxyForbidden, Finding::Flagged, Finding::FastTrack, few, license];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_hotspot_that_does_not_run_is_missed() {
        let mut facts = healthy();
        let missing = |name: &str| vec![Finding::ServerMissing { name: name.to_owned() }];
        assert_eq!(findings(&facts, Some("hotspot2")), missing("hotspot2"));
        facts.servers[0].disabled = true;
        assert_eq!(findings(&facts, Some("hotspot1")), missing("hotspot1"));
        assert_eq!(findings(&facts, None), [Finding::NoHotspot]);
        facts.license = Some("3".to_owned());
        assert_eq!(findings(&facts, None)[1].severity(), Severity::Blocking);
    }

    #[test]
    fn what_is_unknown_is_no_fault() {
        let mut facts = healthy();
        facts.device_mode = None;
        facts.license = None;
        facts.fasttrack = None;
        facts.services = Vec::new();
        assert_eq!(findings(&facts, None), []);
    }
}
