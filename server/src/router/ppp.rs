//! Makes one router hold what it should for one PPPoE line: reads, plans (pure), carries out, reads back. Running it twice does the
//! same as running it once.

use super::apply::Error;
use crate::gateways::routeros::ppp::{self, Profile, ProfileSettings, Secret, SecretSettings, Session};
use crate::gateways::routeros::{Connection, Error as RouterError, RateLimit};

/// How often to begin anew when somebody else changes the router at the same moment.
const ATTEMPTS: usize = 3;

/// Whether a line may be up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line {
    /// The device may dial in.
    On,
    /// It may not, and a session that runs is hung up on.
    Off,
    /// The router knows nothing of it any more.
    Gone,
}

/// The profile of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Speeds {
    /// One that the ISP made on the router; we never write it.
    Theirs(String),
    /// One of ours, shared by all lines of these speeds. It gets the addresses of the router's own `default`.
    Ours(RateLimit),
}

/// One line on one router, as our rows say it should be.
#[derive(Clone, PartialEq, Eq)]
pub struct DesiredLine {
    /// The name that the device dials in with. It is ours alone: a row of this name is adopted, whoever made it.
    pub name: String,
    /// ASCII.
    pub password: String,
    /// Its profile.
    pub speeds: Speeds,
    /// Our mark on the row.
    pub comment: String,
    /// Whether it may be up.
    pub line: Line,
}

/// What the router holds of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ActualLine {
    /// The profile of the wanted name.
    pub profile: Option<Profile>,
    /// The router's own.
    pub default: Option<Profile>,
    /// The secret of the wanted name.
    pub secret: Option<Secret>,
    /// The sessions of it.
    pub sessions: Vec<Session>,
}

/// A command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Make the profile.
    AddProfile(ProfileSettings),
    /// Write its speed.
    SetRate(String, RateLimit),
    /// Make the secret.
    AddSecret(SecretSettings),
    /// Write the secret.
    SetSecret(String, SecretSettings),
    /// Hang up on a session.
    HangUp(String),
    /// Remove the secret.
    RemoveSecret(String),
}

impl DesiredLine {
    fn profile(&self) -> String {
        match &self.speeds {
            Speeds::Theirs(name) => name.clone(),
            Speeds::Ours(rate) => format!("netily-{}k-{}k", rate.download_kbps, rate.upload_kbps),
        }
    }

    fn secret(&self) -> SecretSettings {
        SecretSettings {
            name: self.name.clone(),
            password: self.password.clone(),
            profile: self.profile(),
            comment: self.comment.clone(),
            disabled: self.line != Line::On,
        }
    }
}

/// What is to be done. Pure. Nothing when the router holds what it should; a password that the router does not show is written again.
pub fn diff(desired: &DesiredLine, actual: &ActualLine) -> Vec<Step> {
    if desired.line == Line::Gone {
        let hang_up = actual.sessions.iter().map(|session| Step::HangUp(session.id.clone()));
        // The secret first: a device dials in again as soon as it is hung up on.
        return actual.secret.iter().map(|secret| Step::RemoveSecret(secret.id.clone())).chain(hang_up).collect();
    }
    let mut steps = Vec::new();
    let mut felt = false;
    if let Speeds::Ours(rate) = desired.speeds {
        match &actual.profile {
            None => steps.push(Step::AddProfile(ProfileSettings {
                name: desired.profile(),
                rate_limit: rate,
                local_address: actual.default.as_ref().map(|own| own.local_address.clone()).unwrap_or_default(),
                remote_address: actual.default.as_ref().map(|own| own.remote_address.clone()).unwrap_or_default(),
            })),
            Some(profile) if profile.rate_limit != Some(rate) => {
                steps.push(Step::SetRate(profile.id.clone(), rate));
                felt = true;
            }
            Some(_) => {}
        }
    }
    let wanted = desired.secret();
    match &actual.secret {
        None => steps.push(Step::AddSecret(wanted)),
        Some(held) => {
            felt |= held.profile != wanted.profile;
            if !holds(&wanted, held) || held.password.as_ref() != Some(&wanted.password) {
                felt |= held.password.as_ref().is_some_and(|password| *password != wanted.password);
                steps.push(Step::SetSecret(held.id.clone(), wanted));
            }
        }
    }
    if felt || desired.line == Line::Off {
        steps.extend(actual.sessions.iter().map(|session| Step::HangUp(session.id.clone())));
    }
    steps
}

/// Whether the router holds a secret, as far as routers show.
fn holds(wanted: &SecretSettings, held: &Secret) -> bool {
    matches!(held.service.as_str(), "pppoe" | "any") && held.profile == wanted.profile && held.disabled == wanted.disabled && held.comment == wanted.comment
}

/// Makes `router` hold `desired`.
///
/// # Errors
/// [`Error::Router`], [`Error::NotApplied`]. Steps done before the error stay done; it can be repeated.
pub async fn apply(router: &mut Connection, desired: &DesiredLine) -> Result<(), Error> {
    let mut attempt = 1;
    loop {
        let before = read(router, desired).await?;
        match carry_out(router, &diff(desired, &before)).await {
            Ok(()) => break,
            // Somebody was quicker to add or remove the same thing: look again.
            Err(error) if attempt < ATTEMPTS && (error.is_duplicate() || error.is_no_such_item()) => attempt += 1,
            Err(error) => return Err(error.into()),
        }
    }
    let after = read(router, desired).await?;
    let as_wanted = match (&after.secret, desired.line) {
        (None, Line::Gone) => after.sessions.is_empty(),
        (Some(held), Line::On) => holds(&desired.secret(), held),
        (Some(held), Line::Off) => holds(&desired.secret(), held) && after.sessions.is_empty(),
        _ => false,
    };
    if as_wanted { Ok(()) } else { Err(Error::NotApplied) }
}

async fn read(router: &mut Connection, desired: &DesiredLine) -> Result<ActualLine, RouterError> {
    let secret = ppp::secret(router, &desired.name).await?;
    let sessions = ppp::sessions_of(router, &desired.name).await?;
    let (mut profile, mut default) = (None, None);
    if desired.line != Line::Gone && matches!(desired.speeds, Speeds::Ours(_)) {
        profile = ppp::profile(router, &desired.profile()).await?;
        if profile.is_none() {
            default = ppp::profile(router, "default").await?;
        }
    }
    Ok(ActualLine { profile, default, secret, sessions })
}

async fn carry_out(router: &mut Connection, steps: &[Step]) -> Result<(), RouterError> {
    for step in steps {
        tracing::debug!(?step, "router step");
        match step {
            Step::AddProfile(settings) => ppp::add_profile(router, settings).await.map(drop),
            Step::SetRate(id, rate) => ppp::set_profile_rate(router, id, *rate).await,
            Step::AddSecret(settings) => ppp::add_secret(router, settings).await.map(drop),
            Step::SetSecret(id, settings) => ppp::set_secret(router, id, settings).await,
            Step::HangUp(id) => ppp::hang_up(router, id).await.map(drop),
            Step::RemoveSecret(id) => ppp::remove_secret(router, id).await,
        }?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: RateLimit = RateLimit { download_kbps: 10_000, upload_kbps: 5_000 };

    fn desired(line: Line) -> DesiredLine {
        DesiredLine { name: "cust-0001".into(), password: "secret99".into(), speeds: Speeds::Ours(RATE), comment: "netily con_1".into(), line }
    }

    /// What a router holds after the steps, with one session if it had one and nobody hung up.
    fn done(desired: &DesiredLine, mut actual: ActualLine) -> ActualLine {
        for step in diff(desired, &actual.clone()) {
            match step {
                Step::AddProfile(made) => {
                    actual.profile = Some(Profile {
                        id: "*9".into(),
                        name: made.name,
                        rate_limit: Some(made.rate_limit),
                        local_address: made.local_address,
                        remote_address: made.remote_address,
                    });
                }
                Step::SetRate(_, rate) => actual.profile.as_mut().expect("a profile").rate_limit = Some(rate),
                Step::AddSecret(made) | Step::SetSecret(_, made) => {
                    actual.secret = Some(Secret {
                        id: "*1".into(),
                        name: made.name,
                        password: Some(made.password),
                        service: "pppoe".into(),
                        profile: made.profile,
                        comment: made.comment,
                        disabled: made.disabled,
                    });
                }
                Step::HangUp(id) => actual.sessions.retain(|session| session.id != id),
                Step::RemoveSecret(_) => actual.secret = None,
            }
        }
        actual
    }

    fn up() -> Session {
        Session { id: "*80".into(), name: "cust-0001".into(), address: "10.64.0.2".into(), caller_id: "AA:BB:CC:00:00:01".into() }
    }

    #[test]
    fn from_any_state_to_any_other_and_then_nothing_is_left_to_do() {
        let lines = [Line::On, Line::Off, Line::Gone];
        for first in lines {
            for then in lines {
                let held = done(&desired(first), ActualLine::default());
                let held = done(&desired(then), ActualLine { sessions: vec![up()], ..held });
                assert_eq!(diff(&desired(then), &held), [], "{first:?} then {then:?}");
                assert_eq!(held.secret.as_ref().map(|secret| secret.disabled), (then != Line::Gone).then_some(then == Line::Off));
                let stays_up = then == Line::On && first != Line::Gone;
                assert!(then == Line::On || held.sessions.is_empty(), "{first:?} then {then:?}: a line that is off is down");
                assert!(!stays_up || held.sessions.len() == 1, "{first:?} then {then:?}: nobody is hung up on without need");
            }
        }
    }

    #[test]
    fn a_line_is_hung_up_on_when_a_change_would_not_be_felt() {
        let held = ActualLine { sessions: vec![up()], ..done(&desired(Line::On), ActualLine::default()) };
        let faster = DesiredLine { speeds: Speeds::Ours(RateLimit { download_kbps: 20_000, upload_kbps: 5_000 }), ..desired(Line::On) };
        let theirs = DesiredLine { speeds: Speeds::Theirs("gold".into()), ..desired(Line::On) };
        let word = DesiredLine { password: "another9".into(), ..desired(Line::On) };
        for changed in [faster, theirs, word] {
            assert!(diff(&changed, &held).contains(&Step::HangUp("*80".into())));
        }
    }

    #[test]
    fn our_profile_gets_the_addresses_of_the_routers_own() {
        let own = Profile { id: "*0".into(), name: "default".into(), rate_limit: None, local_address: "10.0.0.1".into(), remote_address: "pool1".into() };
        let steps = diff(&desired(Line::On), &ActualLine { default: Some(own), ..ActualLine::default() });
        let Some(Step::AddProfile(made)) = steps.first() else { panic!("{steps:?}") };
        assert_eq!((made.name.as_str(), made.local_address.as_str(), made.remote_address.as_str()), ("netily-10000k-5000k", "10.0.0.1", "pool1"));
    }

    #[test]
    fn a_password_that_is_not_shown_is_written_again_and_nobody_is_hung_up_on() {
        let mut held = ActualLine { sessions: vec![up()], ..done(&desired(Line::On), ActualLine::default()) };
        held.secret.as_mut().expect("a secret").password = None;
        let steps = diff(&desired(Line::On), &held);
        assert!(matches!(steps[..], [Step::SetSecret(..)]), "{steps:?}");
    }
}
