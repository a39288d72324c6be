//! Typed operations on the PPP menus: profiles, secrets, sessions. What ought to be there is decided elsewhere.

use std::fmt;

use super::client::{Command, Connection};
use super::error::Error;
use super::menu::{added, print, remove, rows};
use super::reply::Row;
use super::value::{RateLimit, parse_boolean, write_boolean};

const PROFILE_PROPERTIES: &[&str] = &[".id", "name", "rate-limit", "local-address", "remote-address"];
const SECRET_PROPERTIES: &[&str] = &[".id", "name", "password", "service", "profile", "comment", "disabled"];
const ACTIVE_PROPERTIES: &[&str] = &[".id", "name", "service", "address", "caller-id"];

/// What a profile is written as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileSettings {
    /// Its name, unique on the router.
    pub name: String,
    /// Speed of the line. It takes effect when the line is dialled anew.
    pub rate_limit: RateLimit,
    /// The router's end of the line: an address or the name of a pool; empty: unset.
    pub local_address: String,
    /// The customer's end; empty: unset.
    pub remote_address: String,
}

/// A profile as the router holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// The router's id, good until the row is removed.
    pub id: String,
    /// Its name.
    pub name: String,
    /// `None` when there is more in it than we ever write (bursts).
    pub rate_limit: Option<RateLimit>,
    /// The router's end of the line; empty: unset.
    pub local_address: String,
    /// The customer's end; empty: unset.
    pub remote_address: String,
}

/// What a secret is written as. All of it is written each time.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretSettings {
    /// The name that the device dials in with, unique on the router.
    pub name: String,
    /// Its password, ASCII.
    pub password: String,
    /// The name of an existing profile.
    pub profile: String,
    /// ASCII.
    pub comment: String,
    /// A disabled one cannot dial in; a session that runs goes on.
    pub disabled: bool,
}

/// All but the password.
impl fmt::Debug for SecretSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let SecretSettings { name, profile, comment, disabled, password: _ } = self;
        write!(f, "SecretSettings {{ name: {name:?}, profile: {profile:?}, comment: {comment:?}, disabled: {disabled} }}")
    }
}

/// A secret as the router holds it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    /// The router's id, good until the row is removed.
    pub id: String,
    /// The name that the device dials in with.
    pub name: String,
    /// Only routers that give our user the policy `sensitive` show it; `None` is unknown.
    pub password: Option<String>,
    /// `pppoe`, `any` …
    pub service: String,
    /// The name of its profile.
    pub profile: String,
    /// Decoded lossily.
    pub comment: String,
    /// It cannot dial in.
    pub disabled: bool,
}

/// All but the password.
impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Secret { id, name, service, profile, comment, disabled, password: _ } = self;
        write!(f, "Secret {{ id: {id:?}, name: {name:?}, service: {service:?}, profile: {profile:?}, comment: {comment:?}, disabled: {disabled} }}")
    }
}

/// A line that is up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The router's id of this session.
    pub id: String,
    /// The name that dialled in.
    pub name: String,
    /// The address that it got.
    pub address: String,
    /// The device that dialled.
    pub caller_id: String,
}

/// The profile of this name.
///
/// # Errors
/// As [`Connection::call`].
pub async fn profile(router: &mut Connection, name: &str) -> Result<Option<Profile>, Error> {
    let command = print("/ppp/profile/print", PROFILE_PROPERTIES).equals("name", name);
    Ok(rows(router, command, read_profile).await?.into_iter().next())
}

/// Adds a profile; gives its id.
///
/// # Errors
/// [`Error::Trap`] with [`Error::is_duplicate`] when the name is taken; else as [`Connection::call`].
pub async fn add_profile(router: &mut Connection, settings: &ProfileSettings) -> Result<String, Error> {
    added(router, write_profile(Command::new("/ppp/profile/add"), settings)).await
}

/// Writes the speed of a profile. Its addresses are the ISP's.
///
/// # Errors
/// [`Error::Trap`] with [`Error::is_no_such_item`] when it is gone; else as [`Connection::call`].
pub async fn set_profile_rate(router: &mut Connection, id: &str, rate: RateLimit) -> Result<(), Error> {
    router.call(&Command::new("/ppp/profile/set").set(".id", id).set("rate-limit", rate)).await.map(drop)
}

/// The secret of this name.
///
/// # Errors
/// As [`Connection::call`].
pub async fn secret(router: &mut Connection, name: &str) -> Result<Option<Secret>, Error> {
    let command = print("/ppp/secret/print", SECRET_PROPERTIES).equals("name", name);
    Ok(rows(router, command, read_secret).await?.into_iter().next())
}

/// Adds a secret for PPPoE; gives its id.
///
/// # Errors
/// [`Error::Trap`] with [`Error::is_duplicate`] or [`Error::is_unknown_profile`]; else as [`Connection::call`].
pub async fn add_secret(router: &mut Connection, settings: &SecretSettings) -> Result<String, Error> {
    added(router, write_secret(Command::new("/ppp/secret/add"), settings)).await
}

/// Writes a secret.
///
/// # Errors
/// [`Error::Trap`] with [`Error::is_no_such_item`] or [`Error::is_unknown_profile`]; else as [`Connection::call`].
pub async fn set_secret(router: &mut Connection, id: &str, settings: &SecretSettings) -> Result<(), Error> {
    router.call(&write_secret(Command::new("/ppp/secret/set").set(".id", id), settings)).await.map(drop)
}

/// Removes a secret. One that is gone already counts as removed.
///
/// # Errors
/// As [`Connection::call`].
pub async fn remove_secret(router: &mut Connection, id: &str) -> Result<(), Error> {
    remove(router, "/ppp/secret/remove", id).await.map(drop)
}

/// The lines that are up by this name.
///
/// # Errors
/// As [`Connection::call`].
pub async fn sessions_of(router: &mut Connection, name: &str) -> Result<Vec<Session>, Error> {
    rows(router, print("/ppp/active/print", ACTIVE_PROPERTIES).equals("name", name), read_session).await
}

/// Hangs up on a line. One that is down already counts as hung up: `false`.
///
/// # Errors
/// As [`Connection::call`].
pub async fn hang_up(router: &mut Connection, id: &str) -> Result<bool, Error> {
    remove(router, "/ppp/active/remove", id).await
}

fn write_profile(command: Command, settings: &ProfileSettings) -> Command {
    let command = command.set("name", &settings.name).set("rate-limit", settings.rate_limit).set("only-one", "yes");
    let ends = [("local-address", &settings.local_address), ("remote-address", &settings.remote_address)];
    ends.into_iter().filter(|(_, end)| !end.is_empty()).fold(command, |command, (name, end)| command.set(name, end))
}

fn write_secret(command: Command, settings: &SecretSettings) -> Command {
    command
        .set("name", &settings.name)
        .set("password", &settings.password)
        .set("service", "pppoe")
        .set("profile", &settings.profile)
        .set("comment", &settings.comment)
        .set("disabled", write_boolean(settings.disabled))
}

fn read_profile(row: &Row) -> Profile {
    Profile {
        id: text(row, ".id"),
        name: text(row, "name"),
        rate_limit: RateLimit::parse(&text(row, "rate-limit")),
        local_address: text(row, "local-address"),
        remote_address: text(row, "remote-address"),
    }
}

fn read_secret(row: &Row) -> Secret {
    Secret {
        id: text(row, ".id"),
        name: text(row, "name"),
        password: row.text("password").map(|password| password.into_owned()),
        service: text(row, "service"),
        profile: text(row, "profile"),
        comment: text(row, "comment"),
        disabled: row.text("disabled").and_then(|text| parse_boolean(&text)).unwrap_or(false),
    }
}

fn read_session(row: &Row) -> Session {
    Session { id: text(row, ".id"), name: text(row, "name"), address: text(row, "address"), caller_id: text(row, "caller-id") }
}

fn text(row: &Row, name: &str) -> String {
    row.text(name).unwrap_or_default().into_owned()
}
