//! What a router ought to hold for one session, and what it holds. Data only; the difference is made in `plan`.

use std::fmt;
use std::net::Ipv4Addr;

use crate::gateways::routeros::hotspot::{Active, Host, Profile, ProfileSettings, User, UserSettings};
use crate::gateways::routeros::{MacAddress, RateLimit};

/// How long a silent device stays logged in. RouterOS' own two minutes log out every phone that sleeps.
const KEEPALIVE_SECONDS: u64 = 300;

/// One user on one router, as our rows say it should be.
///
/// The limits count over the **whole life of the user on the router**, not per login and not per purchase. Who renews a
/// session passes `used + bought`, where used is [`Usage`] of the last apply, or lets the old user go and takes a new name:
/// the purchase alone would take away what is left. `limit_uptime_seconds` counts connected time only, so an hour by the
/// clock has to be ended by us; the limit is the second net, for when we cannot reach the router.
#[derive(Clone, PartialEq, Eq)]
pub struct DesiredUser {
    /// Our id of the session, for logs.
    pub session_id: String,
    /// The user's name on the router. It is ours alone: a row of this name is adopted, whoever made it.
    pub name: String,
    /// ASCII. Routers seldom show passwords, so a change of nothing but the password may go unnoticed: take a new name.
    pub password: String,
    /// The hotspot server it may use; `None` (or RouterOS' own word `all`) is all.
    pub server: Option<String>,
    /// The only device it may use; `None` when several may.
    pub mac: Option<MacAddress>,
    /// Speed and number of devices.
    pub profile: DesiredProfile,
    /// Connected time in the user's life; `None` is unlimited.
    pub limit_uptime_seconds: Option<u64>,
    /// Bytes both ways in the user's life; `None` is unlimited.
    pub limit_bytes_total: Option<u64>,
    /// Our mark on the row. What is not ASCII becomes `?`, since routers keep no charset.
    pub comment: String,
    /// A device to be logged in without its browser.
    pub login: Option<Device>,
    /// Whether it should be there at all.
    pub state: DesiredState,
}

/// Whether a user should be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DesiredState {
    /// There, enabled, with these settings.
    Present,
    /// Off line, without cookies, and removed. Its counters go with it: see [`Usage`].
    Absent,
}

/// What is shared by all users of one plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DesiredProfile {
    /// Unique on the router, and changed with every change of the plan that matters here: all users share the row.
    pub name: String,
    /// To the customer, in kilobits (1000) a second; 0 is unlimited.
    pub download_kbps: u32,
    /// From the customer, in kilobits (1000) a second; 0 is unlimited.
    pub upload_kbps: u32,
    /// Devices at once; 0 is unlimited.
    pub shared_devices: u32,
}

/// A device on the router's network. Hotspots are IPv4 only. Both come from the captive page's address, so from anybody:
/// nothing is done for a device that the router's own host list does not show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Device {
    /// Its address when it asked for the page.
    pub ip: Ipv4Addr,
    /// Its hardware address.
    pub mac: MacAddress,
}

/// What one router holds that matters for one [`DesiredUser`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ActualUser {
    /// The profile of the wanted name.
    pub profile: Option<Profile>,
    /// The user of the wanted name on the wanted server, or else of that name on any.
    pub user: Option<User>,
    /// Sessions of this user, and sessions of the device to be logged in.
    pub active: Vec<Active>,
    /// The device to be logged in, in the router's host list.
    pub hosts: Vec<Host>,
    /// Cookies that would log this user in; read only when it should be absent.
    pub cookies: usize,
}

/// What a user has used in its whole life on the router: the ended sessions, which the router adds up, and the running ones,
/// which it adds only when they end. A power cut loses what was running, so it may fall: keep the highest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Connected time; two devices at once count twice.
    pub uptime_seconds: u64,
    /// From the customer.
    pub upload_bytes: u64,
    /// To the customer.
    pub download_bytes: u64,
}

impl DesiredUser {
    /// The profile row to be written.
    #[must_use]
    pub fn profile_settings(&self) -> ProfileSettings {
        ProfileSettings {
            name: self.profile.name.clone(),
            rate_limit: RateLimit { download_kbps: self.profile.download_kbps, upload_kbps: self.profile.upload_kbps },
            shared_users: self.profile.shared_devices,
            keepalive_seconds: KEEPALIVE_SECONDS,
        }
    }

    /// The one hotspot server it may use, if it is bound to one.
    #[must_use]
    pub fn own_server(&self) -> Option<&str> {
        self.server.as_deref().filter(|server| !matches!(*server, "" | "all"))
    }

    /// The user row to be written.
    #[must_use]
    pub fn user_settings(&self) -> UserSettings {
        UserSettings {
            name: self.name.clone(),
            password: self.password.clone(),
            server: self.own_server().map(str::to_owned),
            profile: self.profile.name.clone(),
            mac: self.mac,
            limit_uptime_seconds: self.limit_uptime_seconds.unwrap_or(0),
            limit_bytes_total: self.limit_bytes_total.unwrap_or(0),
            comment: self.comment.chars().map(|c| if c.is_ascii() { c } else { '?' }).collect(),
        }
    }
}

impl ActualUser {
    /// The sessions of this user.
    pub fn sessions_of<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Active> {
        self.active.iter().filter(move |session| session.user == name)
    }

    /// Whether this device is on line as this user, or by a rule of the ISP's own that lets it through without login.
    #[must_use]
    pub fn is_online(&self, name: &str, device: Device) -> bool {
        let mac = Some(device.mac);
        self.sessions_of(name).any(|session| session.mac == mac) || self.hosts.iter().any(|host| host.mac == mac && host.bypassed)
    }

    /// What the user has used until now.
    #[must_use]
    pub fn usage(&self, name: &str) -> Usage {
        let mut usage = self.user.as_ref().map_or_else(Usage::default, |user| Usage {
            uptime_seconds: user.uptime_seconds,
            upload_bytes: user.bytes_in,
            download_bytes: user.bytes_out,
        });
        for session in self.sessions_of(name) {
            usage.uptime_seconds = usage.uptime_seconds.saturating_add(session.uptime_seconds);
            usage.upload_bytes = usage.upload_bytes.saturating_add(session.bytes_in);
            usage.download_bytes = usage.download_bytes.saturating_add(session.bytes_out);
        }
        usage
    }
}

/// All but the password.
impl fmt::Debug for DesiredUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DesiredUser")
            .field("session_id", &self.session_id)
            .field("state", &self.state)
            .field("profile", &self.profile)
            .field("settings", &self.user_settings())
            .field("login", &self.login)
            .finish_non_exhaustive()
    }
}
