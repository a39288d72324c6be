//! Makes one router hold what it should for one user: reads, plans, carries out, reads back. It keeps nothing and decides
//! nothing about money or time; running it twice does the same as running it once.

use std::time::Duration;

use super::desired::{ActualUser, DesiredState, DesiredUser, Usage};
use super::plan::{Step, diff, profile_differences, user_differences};
use crate::failpoint;
use crate::gateways::routeros::hotspot::{self, User};
use crate::gateways::routeros::{Connection, Error as RouterError};

#[cfg(test)]
mod tests;

/// How often to begin anew when somebody else changes the router at the same moment.
const ATTEMPTS: usize = 3;

/// How long a login may take to show in the router's list of sessions, and how often to look.
const LOGIN_LOOKS: usize = 4;
const LOGIN_PAUSE: Duration = Duration::from_millis(250);

/// What came of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Applied {
    /// Something was written.
    pub changed: bool,
    /// The wanted device (or, when none was named, any of the user's) is on line. If not, its browser has to send the login
    /// form.
    pub logged_in: bool,
    /// What the user had used when it was looked at last, before it was removed; nothing if it was gone already.
    pub usage: Usage,
    /// What a person might want to know.
    pub warnings: Vec<Warning>,
}

/// Not as wished, and yet no reason to try again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Warning {
    /// The router does not see the device; it has left, or asked from elsewhere.
    #[error("the device is not on this router's network")]
    HostUnknown,
    /// The router would not log the device in; its own words.
    #[error("the router would not log the device in: {0}")]
    LoginRefused(String),
    /// The router took a value and holds another.
    #[error("the router did not keep {0}")]
    NotKept(&'static str),
}

/// Why the router does not hold what it should.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The conversation failed. [`RouterError::is_transient`] tells whether waiting may help.
    #[error(transparent)]
    Router(#[from] RouterError),
    /// The router accepted the steps, but when read back the user is still missing, disabled, or (if it had to go) there.
    #[error("the router accepted the changes but does not hold them")]
    NotApplied,
}

/// Makes `router` hold `desired`.
///
/// # Errors
/// [`Error::Router`], [`Error::NotApplied`]. Steps done before the error stay done; it can be repeated.
pub async fn apply(router: &mut Connection, desired: &DesiredUser) -> Result<Applied, Error> {
    let mut applied = Applied::default();
    let mut attempt = 1;
    loop {
        let before = read(router, desired).await?;
        applied.usage = before.usage(&desired.name);
        let steps = diff(desired, &before);
        if steps.is_empty() {
            conclude(desired, &before, &mut applied)?;
            return Ok(applied);
        }
        match carry_out(router, desired, &steps, &mut applied).await {
            Ok(()) => break,
            // Somebody was quicker to add or remove the same thing: look again.
            Err(error) if attempt < ATTEMPTS && (error.is_duplicate() || error.is_no_such_item()) => {
                tracing::debug!(session_id = desired.session_id, %error, "router changed meanwhile");
                attempt += 1;
            }
            Err(error) => return Err(error.into()),
        }
    }
    let after = read_back(router, desired, &applied).await?;
    if desired.state == DesiredState::Present {
        applied.usage = after.usage(&desired.name);
    }
    conclude(desired, &after, &mut applied)?;
    Ok(applied)
}

/// Reads what the router holds for this user and the device that is to be logged in.
///
/// # Errors
/// As [`Connection::call`].
pub async fn read(router: &mut Connection, desired: &DesiredUser) -> Result<ActualUser, RouterError> {
    let name = &desired.name;
    let user = pick(hotspot::users_named(router, name).await?, desired.own_server());
    if desired.state == DesiredState::Absent {
        let active = hotspot::active_of(router, name).await?;
        let cookies = hotspot::cookies_of(router, name).await?.len();
        return Ok(ActualUser { user, active, cookies, ..ActualUser::default() });
    }
    let profile = hotspot::profile(router, &desired.profile.name).await?;
    let (active, hosts) = match desired.login {
        None => (hotspot::active_of(router, name).await?, Vec::new()),
        Some(device) => (hotspot::active_of_or_on(router, name, device.mac).await?, hotspot::hosts_with(router, device.mac).await?),
    };
    Ok(ActualUser { profile, user, active, hosts, cookies: 0 })
}

/// Names are unique per server only: the one on our server comes first, any other is adopted.
fn pick(users: Vec<User>, server: Option<&str>) -> Option<User> {
    let ours = users.iter().position(|user| user.server.as_deref() == server);
    users.into_iter().nth(ours.unwrap_or(0))
}

async fn carry_out(router: &mut Connection, desired: &DesiredUser, steps: &[Step], applied: &mut Applied) -> Result<(), RouterError> {
    for step in steps {
        tracing::debug!(session_id = desired.session_id, ?step, "router step");
        match step {
            Step::AddProfile(settings) => hotspot::add_profile(router, settings).await.map(drop),
            Step::SetProfile(id, settings) => hotspot::set_profile(router, id, settings).await,
            Step::AddUser(settings) => hotspot::add_user(router, settings).await.map(|_| failpoint::reached("router_sync", "user_added")),
            Step::SetUser(id, settings) => hotspot::set_user(router, id, settings).await,
            Step::CloseSession(id) => hotspot::remove_active(router, id).await.map(drop),
            Step::Disconnect => hotspot::disconnect(router, &desired.name).await.map(drop),
            Step::RemoveUser(id) => hotspot::remove_user(router, id).await.map(|()| failpoint::reached("router_sync", "user_removed")),
            Step::Login(device) => {
                let (name, password) = (&desired.name, &desired.password);
                match hotspot::login_host(router, device.ip, device.mac, name, password).await {
                    Err(error @ RouterError::Trap { .. }) => {
                        applied.warnings.push(login_warning(error));
                        continue;
                    }
                    other => other,
                }
            }
        }?;
        applied.changed = true;
    }
    Ok(())
}

/// The user is there and the browser can still log in by itself, so a refused login fails nothing.
fn login_warning(error: RouterError) -> Warning {
    match error {
        error if error.is_unknown_host() => Warning::HostUnknown,
        RouterError::Trap { message, .. } => Warning::LoginRefused(message),
        error => Warning::LoginRefused(error.to_string()),
    }
}

/// Reads again, and once more while a login that was accepted does not show yet.
async fn read_back(router: &mut Connection, desired: &DesiredUser, applied: &Applied) -> Result<ActualUser, RouterError> {
    let mut after = read(router, desired).await?;
    for _ in 1..LOGIN_LOOKS {
        let pending = diff(desired, &after).iter().any(|step| matches!(step, Step::Login(_)));
        if !pending || !applied.warnings.is_empty() {
            break;
        }
        tokio::time::sleep(LOGIN_PAUSE).await;
        after = read(router, desired).await?;
    }
    Ok(after)
}

/// What the last look at the router means.
fn conclude(desired: &DesiredUser, last: &ActualUser, applied: &mut Applied) -> Result<(), Error> {
    if desired.state == DesiredState::Absent {
        return if diff(desired, last).is_empty() { Ok(()) } else { Err(Error::NotApplied) };
    }
    let (Some(user), Some(profile)) = (&last.user, &last.profile) else {
        return Err(Error::NotApplied);
    };
    let differences = user_differences(&desired.user_settings(), user);
    if differences.contains(&"disabled") || differences.contains(&"profile") {
        return Err(Error::NotApplied);
    }
    let kept = profile_differences(&desired.profile_settings(), profile);
    applied.warnings.extend(differences.into_iter().chain(kept).map(Warning::NotKept));
    applied.logged_in = match desired.login {
        Some(device) => last.is_online(&desired.name, device),
        None => last.sessions_of(&desired.name).next().is_some(),
    };
    let unseen = desired.login.is_some_and(|device| last.hosts.iter().all(|host| host.mac != Some(device.mac)));
    if unseen && !applied.logged_in && !applied.warnings.contains(&Warning::HostUnknown) {
        applied.warnings.push(Warning::HostUnknown);
    }
    Ok(())
}
