//! Typed operations on the hotspot menus: profiles, users, hosts, sessions, cookies. Each is one command (or the one safe
//! order of several) and always names the properties it wants back. What ought to be there is decided elsewhere.

use std::net::Ipv4Addr;

use super::client::{Command, Connection};
use super::error::Error;
use super::menu::{added, print, remove, rows};
use super::value::{MacAddress, write_boolean};

mod rows;

use rows::{
    ACTIVE_PROPERTIES, COOKIE_PROPERTIES, HOST_PROPERTIES, PROFILE_PROPERTIES, SERVER_PROPERTIES, USER_PROPERTIES, read_active, read_cookie, read_host,
    read_profile, read_server, read_user, write_profile, write_user,
};
pub use rows::{Active, Cookie, Host, Profile, ProfileSettings, Server, User, UserSettings};

/// What [`disconnect`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Disconnected {
    /// Sessions it closed.
    pub closed: usize,
    /// Sessions that were there again when it looked afterwards; ought to be 0.
    pub left: usize,
}

/// The profile of this name.
///
/// # Errors
/// As [`Connection::call`].
pub async fn profile(router: &mut Connection, name: &str) -> Result<Option<Profile>, Error> {
    let command = print("/ip/hotspot/user/profile/print", PROFILE_PROPERTIES).equals("name", name);
    Ok(rows(router, command, read_profile).await?.into_iter().next())
}

/// Adds a profile; gives its id.
///
/// # Errors
/// [`Error::Trap`] with [`Error::is_duplicate`] when the name is taken; else as [`Connection::call`].
pub async fn add_profile(router: &mut Connection, settings: &ProfileSettings) -> Result<String, Error> {
    added(router, write_profile(Command::new("/ip/hotspot/user/profile/add"), settings)).await
}

/// Writes a profile.
///
/// # Errors
/// [`Error::Trap`] with [`Error::is_no_such_item`] when it is gone; else as [`Connection::call`].
pub async fn set_profile(router: &mut Connection, id: &str, settings: &ProfileSettings) -> Result<(), Error> {
    let command = Command::new("/ip/hotspot/user/profile/set").set(".id", id);
    router.call(&write_profile(command, settings)).await.map(drop)
}

/// All users, with their counters.
///
/// # Errors
/// As [`Connection::call`].
pub async fn users(router: &mut Connection) -> Result<Vec<User>, Error> {
    rows(router, print("/ip/hotspot/user/print", USER_PROPERTIES), read_user).await
}

/// The users of this name: none, one, or one for each server.
///
/// # Errors
/// As [`Connection::call`].
pub async fn users_named(router: &mut Connection, name: &str) -> Result<Vec<User>, Error> {
    let command = print("/ip/hotspot/user/print", USER_PROPERTIES).equals("name", name);
    rows(router, command, read_user).await
}

/// Adds a user; gives its id.
///
/// # Errors
/// [`Error::Trap`] with [`Error::is_duplicate`] or [`Error::is_unknown_profile`]; else as [`Connection::call`].
pub async fn add_user(router: &mut Connection, settings: &UserSettings) -> Result<String, Error> {
    added(router, write_user(Command::new("/ip/hotspot/user/add"), settings)).await
}

/// Writes a user and enables it. Its counters stay.
///
/// # Errors
/// [`Error::Trap`] with [`Error::is_no_such_item`] or [`Error::is_unknown_profile`]; else as [`Connection::call`].
pub async fn set_user(router: &mut Connection, id: &str, settings: &UserSettings) -> Result<(), Error> {
    let command = Command::new("/ip/hotspot/user/set").set(".id", id);
    router.call(&write_user(command, settings)).await.map(drop)
}

/// Disables a user: it cannot log in any more. Sessions that run go on.
///
/// # Errors
/// [`Error::Trap`] with [`Error::is_no_such_item`] when it is gone; else as [`Connection::call`].
pub async fn disable_user(router: &mut Connection, id: &str) -> Result<(), Error> {
    let command = Command::new("/ip/hotspot/user/set").set(".id", id).set("disabled", write_boolean(true));
    router.call(&command).await.map(drop)
}

/// Removes a user with its counters. One that is gone already counts as removed.
///
/// # Errors
/// As [`Connection::call`].
pub async fn remove_user(router: &mut Connection, id: &str) -> Result<(), Error> {
    remove(router, "/ip/hotspot/user/remove", id).await.map(drop)
}

/// All devices that are logged in.
///
/// # Errors
/// As [`Connection::call`].
pub async fn active(router: &mut Connection) -> Result<Vec<Active>, Error> {
    rows(router, print("/ip/hotspot/active/print", ACTIVE_PROPERTIES), read_active).await
}

/// The devices logged in as this user.
///
/// # Errors
/// As [`Connection::call`].
pub async fn active_of(router: &mut Connection, user: &str) -> Result<Vec<Active>, Error> {
    let command = print("/ip/hotspot/active/print", ACTIVE_PROPERTIES).equals("user", user);
    rows(router, command, read_active).await
}

/// The devices logged in as this user, and this device, whoever it is logged in as.
///
/// # Errors
/// As [`Connection::call`].
pub async fn active_of_or_on(router: &mut Connection, user: &str, mac: MacAddress) -> Result<Vec<Active>, Error> {
    let command = print("/ip/hotspot/active/print", ACTIVE_PROPERTIES).equals("user", user).equals("mac-address", mac).either();
    rows(router, command, read_active).await
}

/// Closes one session. The router adds its counters to the user's. One that is gone already counts as closed: `false`.
///
/// # Errors
/// As [`Connection::call`].
pub async fn remove_active(router: &mut Connection, id: &str) -> Result<bool, Error> {
    remove(router, "/ip/hotspot/active/remove", id).await
}

/// Logs a device in on the router's side, without its browser.
///
/// # Errors
/// [`Error::Trap`] with [`Error::is_unknown_host`] when the router has not seen the device, with
/// [`Error::is_session_limit`], or with other words of refusal; else as [`Connection::call`].
pub async fn login_host(router: &mut Connection, ip: Ipv4Addr, mac: MacAddress, user: &str, password: &str) -> Result<(), Error> {
    let command = Command::new("/ip/hotspot/active/login").set("ip", ip).set("mac-address", mac).set("user", user).set("password", password);
    router.call(&command).await.map(drop)
}

/// The entries of this device in the host list; more than one when it holds several addresses.
///
/// # Errors
/// As [`Connection::call`].
pub async fn hosts_with(router: &mut Connection, mac: MacAddress) -> Result<Vec<Host>, Error> {
    let command = print("/ip/hotspot/host/print", HOST_PROPERTIES).equals("mac-address", mac);
    rows(router, command, read_host).await
}

/// The cookies that log this user in.
///
/// # Errors
/// As [`Connection::call`].
pub async fn cookies_of(router: &mut Connection, user: &str) -> Result<Vec<Cookie>, Error> {
    let command = print("/ip/hotspot/cookie/print", COOKIE_PROPERTIES).equals("user", user);
    rows(router, command, read_cookie).await
}

/// The cookies that log this device in, as whichever user.
///
/// # Errors
/// As [`Connection::call`].
pub async fn cookies_on(router: &mut Connection, mac: MacAddress) -> Result<Vec<Cookie>, Error> {
    let command = print("/ip/hotspot/cookie/print", COOKIE_PROPERTIES).equals("mac-address", mac);
    rows(router, command, read_cookie).await
}

/// Removes a cookie. One that is gone already counts as removed: `false`.
///
/// # Errors
/// As [`Connection::call`].
pub async fn remove_cookie(router: &mut Connection, id: &str) -> Result<bool, Error> {
    remove(router, "/ip/hotspot/cookie/remove", id).await
}

/// Takes a user off line for good, in the only order that leaves no way back in: first the user is disabled, then its
/// cookies go (they hold user and password and would log the device in again), then its sessions; then it looks again.
///
/// # Errors
/// As [`Connection::call`]. It can be repeated.
pub async fn disconnect(router: &mut Connection, user: &str) -> Result<Disconnected, Error> {
    for found in users_named(router, user).await?.iter().filter(|found| !found.disabled) {
        match disable_user(router, &found.id).await {
            Err(error) if error.is_no_such_item() => {}
            done => done?,
        }
    }
    for cookie in cookies_of(router, user).await? {
        remove_cookie(router, &cookie.id).await?;
    }
    let mut closed = 0;
    for session in active_of(router, user).await? {
        closed += usize::from(remove_active(router, &session.id).await?);
    }
    let left = active_of(router, user).await?.len();
    Ok(Disconnected { closed, left })
}

/// The hotspot servers set up on the router.
///
/// # Errors
/// As [`Connection::call`].
pub async fn servers(router: &mut Connection) -> Result<Vec<Server>, Error> {
    rows(router, print("/ip/hotspot/print", SERVER_PROPERTIES), read_server).await
}
