//! The rows of the hotspot menus as types: which properties are asked for, how they are read, how they are written.
//! Tolerant in reading: a value that makes no sense counts as unset.

use std::fmt;
use std::net::Ipv4Addr;

use super::super::client::Command;
use super::super::reply::Row;
use super::super::value::{MacAddress, RateLimit, parse_boolean, parse_bytes, parse_duration, write_boolean, write_duration};

pub(super) const PROFILE_PROPERTIES: &[&str] = &[".id", "name", "rate-limit", "shared-users", "keepalive-timeout"];
pub(super) const USER_PROPERTIES: &[&str] = &[
    ".id",
    "server",
    "name",
    "password",
    "mac-address",
    "profile",
    "limit-uptime",
    "limit-bytes-total",
    "uptime",
    "bytes-in",
    "bytes-out",
    "comment",
    "disabled",
];
pub(super) const ACTIVE_PROPERTIES: &[&str] =
    &[".id", "server", "user", "address", "mac-address", "uptime", "session-time-left", "bytes-in", "bytes-out", "login-by"];
pub(super) const HOST_PROPERTIES: &[&str] = &[".id", "mac-address", "address", "to-address", "server", "authorized", "bypassed"];
pub(super) const COOKIE_PROPERTIES: &[&str] = &[".id", "user", "mac-address"];
pub(super) const SERVER_PROPERTIES: &[&str] = &["name", "interface", "profile", "disabled", "invalid"];

/// What a user profile is written as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileSettings {
    /// Its name, unique on the router.
    pub name: String,
    /// Speed of each device. It takes effect at the next login of a device.
    pub rate_limit: RateLimit,
    /// Devices at once for one user; 0 is unlimited.
    pub shared_users: u32,
    /// Seconds a silent device stays logged in.
    pub keepalive_seconds: u64,
}

/// A user profile as the router holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// The router's id, good until the row is removed.
    pub id: String,
    /// Its name.
    pub name: String,
    /// `None` when there is more in it than we ever write (bursts).
    pub rate_limit: Option<RateLimit>,
    /// 0 is unlimited; `None` when unreadable.
    pub shared_users: Option<u32>,
    /// `None` when off.
    pub keepalive_seconds: Option<u64>,
}

/// What a user is written as. All of it is written each time; a written user is enabled.
#[derive(Clone, PartialEq, Eq)]
pub struct UserSettings {
    /// Its name, unique on its server.
    pub name: String,
    /// Its password, ASCII.
    pub password: String,
    /// The hotspot server it may use; `None` is all.
    pub server: Option<String>,
    /// The name of an existing profile.
    pub profile: String,
    /// The only device it may use; `None` is any.
    pub mac: Option<MacAddress>,
    /// Connected time in the user's whole life; 0 is unlimited.
    pub limit_uptime_seconds: u64,
    /// Bytes both ways in the user's whole life; 0 is unlimited.
    pub limit_bytes_total: u64,
    /// ASCII.
    pub comment: String,
}

/// All but the password.
impl fmt::Debug for UserSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserSettings")
            .field("name", &self.name)
            .field("server", &self.server)
            .field("profile", &self.profile)
            .field("mac", &self.mac)
            .field("limit_uptime_seconds", &self.limit_uptime_seconds)
            .field("limit_bytes_total", &self.limit_bytes_total)
            .field("comment", &self.comment)
            .finish_non_exhaustive()
    }
}

/// A user as the router holds it.
#[derive(Clone, PartialEq, Eq)]
pub struct User {
    /// The router's id, good until the row is removed.
    pub id: String,
    /// The hotspot server it may use; `None` is all.
    pub server: Option<String>,
    /// Its name.
    pub name: String,
    /// Only routers that give our user the policy `sensitive` show it; `None` is unknown.
    pub password: Option<String>,
    /// The only device it may use; `None` is any.
    pub mac: Option<MacAddress>,
    /// The name of its profile.
    pub profile: String,
    /// 0 is unlimited.
    pub limit_uptime_seconds: u64,
    /// 0 is unlimited.
    pub limit_bytes_total: u64,
    /// Connected time of all sessions that have ended; the running ones are in [`Active`].
    pub uptime_seconds: u64,
    /// Bytes from the client in all sessions that have ended.
    pub bytes_in: u64,
    /// Bytes to the client in all sessions that have ended.
    pub bytes_out: u64,
    /// Decoded lossily.
    pub comment: String,
    /// Disabled users cannot log in; sessions that run go on.
    pub disabled: bool,
}

/// All but the password.
impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("User")
            .field("id", &self.id)
            .field("name", &self.name)
            .field("server", &self.server)
            .field("profile", &self.profile)
            .field("mac", &self.mac)
            .field("limit_uptime_seconds", &self.limit_uptime_seconds)
            .field("limit_bytes_total", &self.limit_bytes_total)
            .field("comment", &self.comment)
            .field("disabled", &self.disabled)
            .finish_non_exhaustive()
    }
}

/// A device that is logged in. Its counters begin at zero with each login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Active {
    /// The router's id of this login.
    pub id: String,
    /// The hotspot server it came through.
    pub server: String,
    /// The user it is logged in as.
    pub user: String,
    /// Its address.
    pub address: Option<Ipv4Addr>,
    /// Its hardware address.
    pub mac: Option<MacAddress>,
    /// Length of this session.
    pub uptime_seconds: u64,
    /// What is left of the time limit, where there is one.
    pub time_left_seconds: Option<u64>,
    /// Bytes from the client in this session.
    pub bytes_in: u64,
    /// Bytes to the client in this session.
    pub bytes_out: u64,
    /// How it logged in (`http-chap`, `cookie`, `mac-cookie` …).
    pub login_by: String,
}

/// A device on the hotspot network, logged in or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// The router's id.
    pub id: String,
    /// Its hardware address.
    pub mac: Option<MacAddress>,
    /// The address it uses.
    pub address: Option<Ipv4Addr>,
    /// The address the router translates it to; usually the same.
    pub to_address: Option<Ipv4Addr>,
    /// The hotspot server it is on.
    pub server: String,
    /// It is logged in.
    pub authorized: bool,
    /// An `ip-binding` lets it through without login.
    pub bypassed: bool,
}

/// What logs a device back in without asking anybody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cookie {
    /// The router's id.
    pub id: String,
    /// The user it logs in.
    pub user: String,
    /// The device it was given to.
    pub mac: Option<MacAddress>,
}

/// A hotspot server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Its name, as users and sessions refer to it.
    pub name: String,
    /// The interface it runs on.
    pub interface: String,
    /// The server profile it uses.
    pub profile: String,
    /// Off, or not able to run (as when the device-mode forbids it).
    pub disabled: bool,
}

pub(super) fn write_profile(command: Command, settings: &ProfileSettings) -> Command {
    let shared_users = match settings.shared_users {
        0 => "unlimited".to_owned(),
        count => count.to_string(),
    };
    command
        .set("name", &settings.name)
        .set("rate-limit", settings.rate_limit)
        .set("shared-users", shared_users)
        .set("keepalive-timeout", write_duration(settings.keepalive_seconds))
}

pub(super) fn write_user(command: Command, settings: &UserSettings) -> Command {
    command
        .set("name", &settings.name)
        .set("password", &settings.password)
        .set("server", settings.server.as_deref().unwrap_or("all"))
        .set("profile", &settings.profile)
        .set("mac-address", settings.mac.unwrap_or(MacAddress::ANY))
        .set("limit-uptime", write_duration(settings.limit_uptime_seconds))
        .set("limit-bytes-total", settings.limit_bytes_total)
        .set("comment", &settings.comment)
        .set("disabled", write_boolean(false))
}

pub(super) fn read_profile(row: &Row) -> Profile {
    Profile {
        id: text(row, ".id"),
        name: text(row, "name"),
        rate_limit: RateLimit::parse(&text(row, "rate-limit")),
        shared_users: match text(row, "shared-users").as_str() {
            "unlimited" => Some(0),
            count => count.parse().ok(),
        },
        keepalive_seconds: seconds(row, "keepalive-timeout"),
    }
}

pub(super) fn read_user(row: &Row) -> User {
    User {
        id: text(row, ".id"),
        server: Some(text(row, "server")).filter(|server| !server.is_empty() && server != "all"),
        name: text(row, "name"),
        password: row.text("password").map(|password| password.into_owned()),
        mac: mac(row).filter(|mac| *mac != MacAddress::ANY),
        profile: match text(row, "profile") {
            unset if unset.is_empty() => "default".to_owned(),
            profile => profile,
        },
        limit_uptime_seconds: seconds(row, "limit-uptime").unwrap_or(0),
        limit_bytes_total: count(row, "limit-bytes-total"),
        uptime_seconds: seconds(row, "uptime").unwrap_or(0),
        bytes_in: count(row, "bytes-in"),
        bytes_out: count(row, "bytes-out"),
        comment: text(row, "comment"),
        disabled: flag(row, "disabled"),
    }
}

pub(super) fn read_active(row: &Row) -> Active {
    Active {
        id: text(row, ".id"),
        server: text(row, "server"),
        user: text(row, "user"),
        address: address(row, "address"),
        mac: mac(row),
        uptime_seconds: seconds(row, "uptime").unwrap_or(0),
        time_left_seconds: seconds(row, "session-time-left"),
        bytes_in: count(row, "bytes-in"),
        bytes_out: count(row, "bytes-out"),
        login_by: text(row, "login-by"),
    }
}

pub(super) fn read_host(row: &Row) -> Host {
    Host {
        id: text(row, ".id"),
        mac: mac(row),
        address: address(row, "address"),
        to_address: address(row, "to-address"),
        server: text(row, "server"),
        authorized: flag(row, "authorized"),
        bypassed: flag(row, "bypassed"),
    }
}

pub(super) fn read_cookie(row: &Row) -> Cookie {
    Cookie { id: text(row, ".id"), user: text(row, "user"), mac: mac(row) }
}

pub(super) fn read_server(row: &Row) -> Server {
    Server {
        name: text(row, "name"),
        interface: text(row, "interface"),
        profile: text(row, "profile"),
        disabled: flag(row, "disabled") || flag(row, "invalid"),
    }
}

fn text(row: &Row, name: &str) -> String {
    row.text(name).unwrap_or_default().into_owned()
}

fn flag(row: &Row, name: &str) -> bool {
    row.text(name).and_then(|text| parse_boolean(&text)).unwrap_or(false)
}

fn count(row: &Row, name: &str) -> u64 {
    row.text(name).and_then(|text| parse_bytes(&text)).unwrap_or(0)
}

fn seconds(row: &Row, name: &str) -> Option<u64> {
    row.text(name).and_then(|text| parse_duration(&text)).map(|duration| duration.as_secs())
}

fn mac(row: &Row) -> Option<MacAddress> {
    row.text("mac-address").and_then(|text| MacAddress::parse(&text))
}

fn address(row: &Row, name: &str) -> Option<Ipv4Addr> {
    row.text(name).and_then(|text| text.parse().ok())
}
