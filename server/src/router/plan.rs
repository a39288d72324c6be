//! The difference between what a router should hold for a user and what it holds, as steps in a safe order. Pure: no IO,
//! no clock. Nothing differs, nothing is done: a plan made after its steps were carried out is empty.

use std::net::Ipv4Addr;

use super::desired::{ActualUser, DesiredState, DesiredUser, Device};
use crate::gateways::routeros::hotspot::{Active, Profile, ProfileSettings, User, UserSettings};

#[cfg(test)]
mod tests;

/// One thing to do on the router. `Debug` shows no password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Add the profile; before any user that names it.
    AddProfile(ProfileSettings),
    /// Write the profile of this id.
    SetProfile(String, ProfileSettings),
    /// Add the user.
    AddUser(UserSettings),
    /// Write (and enable) the user of this id.
    SetUser(String, UserSettings),
    /// Close the session of this id.
    CloseSession(String),
    /// Log this device in as the user.
    Login(Device),
    /// Disable the user, then take its cookies, then its sessions.
    Disconnect,
    /// Remove the user of this id.
    RemoveUser(String),
}

/// The steps from what is to what should be.
#[must_use]
pub fn diff(desired: &DesiredUser, actual: &ActualUser) -> Vec<Step> {
    match desired.state {
        DesiredState::Present => present(desired, actual),
        DesiredState::Absent => absent(desired, actual),
    }
}

/// The names of the properties (RouterOS' own) in which a profile differs from what is wanted.
#[must_use]
pub fn profile_differences(wanted: &ProfileSettings, held: &Profile) -> Vec<&'static str> {
    let table = [
        ("rate-limit", held.rate_limit == Some(wanted.rate_limit)),
        ("shared-users", held.shared_users == Some(wanted.shared_users)),
        ("keepalive-timeout", held.keepalive_seconds == Some(wanted.keepalive_seconds)),
    ];
    differing(&table)
}

/// The names of the properties (RouterOS' own) in which a user differs from what is wanted. A password that the router does
/// not show counts as right.
#[must_use]
pub fn user_differences(wanted: &UserSettings, held: &User) -> Vec<&'static str> {
    let table = [
        ("password", held.password.as_ref().is_none_or(|password| *password == wanted.password)),
        ("server", held.server == wanted.server),
        ("profile", held.profile == wanted.profile),
        ("mac-address", held.mac == wanted.mac),
        ("limit-uptime", held.limit_uptime_seconds == wanted.limit_uptime_seconds),
        ("limit-bytes-total", held.limit_bytes_total == wanted.limit_bytes_total),
        ("comment", held.comment == wanted.comment),
        ("disabled", !held.disabled),
    ];
    differing(&table)
}

fn differing(table: &[(&'static str, bool)]) -> Vec<&'static str> {
    table.iter().filter(|(_, same)| !same).map(|(name, _)| *name).collect()
}

fn present(desired: &DesiredUser, actual: &ActualUser) -> Vec<Step> {
    let mut steps = Vec::new();
    let profile = desired.profile_settings();
    // Speed, time and data limits reach a device at its login only.
    let mut login_again = false;
    match &actual.profile {
        None => steps.push(Step::AddProfile(profile)),
        Some(held) => {
            let differences = profile_differences(&profile, held);
            login_again |= differences.contains(&"rate-limit");
            if !differences.is_empty() {
                steps.push(Step::SetProfile(held.id.clone(), profile));
            }
        }
    }
    let user = desired.user_settings();
    match &actual.user {
        None => steps.push(Step::AddUser(user)),
        Some(held) => {
            let differences = user_differences(&user, held);
            let felt = ["profile", "limit-uptime", "limit-bytes-total"];
            login_again |= felt.iter().any(|name| differences.contains(name));
            if !differences.is_empty() {
                steps.push(Step::SetUser(held.id.clone(), user));
            }
        }
    }
    // A purchase that moved to another device: the one before is put off, also when it has left. Its cookie is of no use to
    // it any more, since the user is bound to the new device.
    let elsewhere = |session: &&Active| desired.mac.is_some() && session.mac != desired.mac;
    steps.extend(actual.sessions_of(&desired.name).filter(elsewhere).map(|session| Step::CloseSession(session.id.clone())));
    if login_again {
        let stays = |session: &&Active| !elsewhere(session);
        steps.extend(actual.sessions_of(&desired.name).filter(stays).filter_map(login_again_steps).flatten());
    }
    steps.extend(login_steps(desired, actual));
    steps
}

/// Closes a session and opens it again; the customer notices a moment's pause. A session without a readable address is left
/// as it is: it could not be opened again.
fn login_again_steps(session: &Active) -> Option<[Step; 2]> {
    let device = Device { ip: session.address?, mac: session.mac? };
    Some([Step::CloseSession(session.id.clone()), Step::Login(device)])
}

/// Logs the wanted device in if the router sees it. One that is on line as somebody else (an older purchase) changes over.
fn login_steps(desired: &DesiredUser, actual: &ActualUser) -> Vec<Step> {
    let Some(device) = desired.login else {
        return Vec::new();
    };
    if actual.is_online(&desired.name, device) {
        return Vec::new();
    }
    let Some(ip) = known_address(actual, device) else {
        return Vec::new();
    };
    let of_device = |session: &&Active| session.mac == Some(device.mac) && session.user != desired.name;
    let others = actual.active.iter().filter(of_device);
    let mut steps: Vec<_> = others.map(|session| Step::CloseSession(session.id.clone())).collect();
    steps.push(Step::Login(Device { ip, mac: device.mac }));
    steps
}

/// The address under which the router knows the device: the one given if it is true, else the router's own.
fn known_address(actual: &ActualUser, device: Device) -> Option<Ipv4Addr> {
    let hosts = || actual.hosts.iter().filter(|host| host.mac == Some(device.mac));
    let given = Some(device.ip);
    if hosts().any(|host| host.address == given || host.to_address == given) {
        return given;
    }
    hosts().find_map(|host| host.address.or(host.to_address))
}

fn absent(desired: &DesiredUser, actual: &ActualUser) -> Vec<Step> {
    let mut steps = Vec::new();
    let enabled = actual.user.as_ref().is_some_and(|user| !user.disabled);
    if enabled || actual.cookies > 0 || actual.sessions_of(&desired.name).next().is_some() {
        steps.push(Step::Disconnect);
    }
    steps.extend(actual.user.iter().map(|user| Step::RemoveUser(user.id.clone())));
    steps
}
