//! What a router says about itself: name, version, licence, device-mode, services, FastTrack. Read only.
//! What of it is a fault is decided elsewhere.

use super::client::{Command, Connection, Reply};
use super::error::Error;
use super::reply::Row;
use super::value::{parse_boolean, parse_duration};

/// Hardware and software of a router.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// As the router writes it: `7.19.3 (stable)`.
    pub version: String,
    /// The model, `hAP ac^2`, or `CHR …` for a virtual one.
    pub board: String,
    /// Since it was switched on.
    pub uptime_seconds: u64,
}

/// What the device-mode allows (7.17 and later). `None` where this version does not mention a feature.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeviceMode {
    /// `home`, `basic`, `advanced`, `rose`; says little, since single features can be switched.
    pub mode: String,
    /// Hotspot servers may run.
    pub hotspot: Option<bool>,
    /// The proxy, which walled-garden rows with host names need.
    pub proxy: Option<bool>,
    /// `/tool/fetch`.
    pub fetch: Option<bool>,
    /// Schedulers.
    pub scheduler: Option<bool>,
    /// The router believes that it was tampered with and allows no new schedulers, tunnels or proxies.
    pub flagged: bool,
}

/// One of the router's services.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// `api`, `api-ssl`, `www` …
    pub name: String,
    /// Where it listens.
    pub port: Option<u16>,
    /// Off.
    pub disabled: bool,
    /// Sessions at once; `None` on versions without the limit.
    pub max_sessions: Option<u32>,
    /// A certificate is installed, without which `api-ssl` offers anonymous ciphers only.
    pub has_certificate: bool,
}

/// The router's name. Cheap: it serves as keep-alive (every 15 to 30 seconds).
///
/// # Errors
/// As [`Connection::call`].
pub async fn identity(router: &mut Connection) -> Result<String, Error> {
    let reply = router.call(&Command::new("/system/identity/print").proplist(&["name"])).await?;
    Ok(first(&reply).map(|row| text(row, "name")).unwrap_or_default())
}

/// Version, model, uptime.
///
/// # Errors
/// As [`Connection::call`]; [`Error::Protocol`] when the router has nothing to say.
pub async fn resource(router: &mut Connection) -> Result<Resource, Error> {
    let command = Command::new("/system/resource/print").proplist(&["version", "board-name", "uptime"]);
    let reply = router.call(&command).await?;
    let row = first(&reply).ok_or_else(|| Error::Protocol("the router has no /system/resource".to_owned()))?;
    Ok(Resource {
        version: text(row, "version"),
        board: text(row, "board-name"),
        uptime_seconds: parse_duration(&text(row, "uptime")).map_or(0, |uptime| uptime.as_secs()),
    })
}

/// The device-mode; `None` on versions without one, or when our user may not read it.
///
/// # Errors
/// As [`Connection::call`], but for traps.
pub async fn device_mode(router: &mut Connection) -> Result<Option<DeviceMode>, Error> {
    let command = Command::new("/system/device-mode/print").proplist(&["mode", "hotspot", "proxy", "fetch", "scheduler", "flagged"]);
    let reply = unless_refused(router.call(&command).await)?;
    Ok(reply.as_ref().and_then(first).map(|row| DeviceMode {
        mode: text(row, "mode"),
        hotspot: boolean(row, "hotspot"),
        proxy: boolean(row, "proxy"),
        fetch: boolean(row, "fetch"),
        scheduler: boolean(row, "scheduler"),
        flagged: boolean(row, "flagged").unwrap_or(false),
    }))
}

/// The licence level: a digit on hardware (`nlevel`), a word such as `free` or `p1` on a CHR (`level`). `None` when unknown.
///
/// # Errors
/// As [`Connection::call`], but for traps.
pub async fn license(router: &mut Connection) -> Result<Option<String>, Error> {
    let command = Command::new("/system/license/print").proplist(&["nlevel", "level"]);
    let reply = unless_refused(router.call(&command).await)?;
    let row = reply.as_ref().and_then(first);
    let level = row.and_then(|row| row.text("nlevel").or_else(|| row.text("level")));
    Ok(level.map(|level| level.into_owned()))
}

/// The services, without the rows that newer versions add for each open connection.
///
/// # Errors
/// As [`Connection::call`], but for traps: then there are none.
pub async fn services(router: &mut Connection) -> Result<Vec<Service>, Error> {
    let command = Command::new("/ip/service/print").proplist(&["name", "port", "disabled", "max-sessions", "certificate", "dynamic"]);
    let reply = unless_refused(router.call(&command).await)?.unwrap_or_default();
    let own = reply.rows.iter().filter(|row| boolean(row, "dynamic") != Some(true));
    let services = own.map(|row| Service {
        name: text(row, "name"),
        port: text(row, "port").parse().ok(),
        disabled: boolean(row, "disabled").unwrap_or(false),
        max_sessions: text(row, "max-sessions").parse().ok(),
        has_certificate: !matches!(text(row, "certificate").as_str(), "" | "none"),
    });
    Ok(services.collect())
}

/// Whether a FastTrack rule is in force. FastTrack passes by hotspot, queues and counters. `None` when unknown.
///
/// # Errors
/// As [`Connection::call`], but for traps.
pub async fn fasttrack(router: &mut Connection) -> Result<Option<bool>, Error> {
    let command = Command::new("/ip/firewall/filter/print").proplist(&[".id", "disabled"]).equals("action", "fasttrack-connection");
    let reply = unless_refused(router.call(&command).await)?;
    Ok(reply.map(|reply| reply.rows.iter().any(|row| boolean(row, "disabled") != Some(true))))
}

/// A menu that is missing, or hidden from our user, is no fault of the connection.
fn unless_refused(outcome: Result<Reply, Error>) -> Result<Option<Reply>, Error> {
    match outcome {
        Err(Error::Trap { .. }) => Ok(None),
        other => other.map(Some),
    }
}

fn first(reply: &Reply) -> Option<&Row> {
    reply.rows.first()
}

fn text(row: &Row, name: &str) -> String {
    row.text(name).unwrap_or_default().into_owned()
}

fn boolean(row: &Row, name: &str) -> Option<bool> {
    row.text(name).and_then(|text| parse_boolean(&text))
}
