//! From a command of a logged-in client to its replies. Sessions, rows and spans are decided elsewhere.

use super::edit;
use super::menu::{ACTIVE, Menu};
use super::print;
use super::reply::{Reply, Trap};
use super::request::Request;
use super::session::{self, Credentials};
use super::state::State;
use super::system;

/// Carries out one command. A trap is followed by `!done` like everything else.
pub(super) fn answer(state: &mut State, request: &Request) -> Vec<Reply> {
    run(state, request).unwrap_or_else(|trap| vec![Reply::Trap(trap), Reply::done()])
}

/// Whether a command changes the router.
pub(super) fn is_change(request: &Request) -> bool {
    !matches!(request.menu_and_verb().1, "print" | "getall" | "listen" | "login" | "cancel" | "quit") || request.command == "/ip/hotspot/active/login"
}

/// The menu whose changes a `listen` wants to hear of, or why not.
///
/// # Errors
/// `no such command prefix` for a menu that has no listen.
pub(super) fn listened_menu(request: &Request) -> Result<&'static Menu, Trap> {
    let (path, verb) = request.menu_and_verb();
    Menu::find(path).filter(|menu| menu.verbs.contains(&verb)).ok_or_else(Trap::no_such_command)
}

fn run(state: &mut State, request: &Request) -> Result<Vec<Reply>, Trap> {
    if request.has_stray_words {
        return Err(Trap::missing("unknown parameter"));
    }
    if let Some(answer) = system::answer(state, request) {
        return answer;
    }
    let (path, verb) = request.menu_and_verb();
    let menu = Menu::find(path).filter(|menu| menu.verbs.contains(&verb)).ok_or_else(Trap::no_such_command)?;
    match verb {
        "print" | "getall" => print::print(state, menu, request),
        "add" => edit::add(state, menu, request),
        "set" => edit::set(state, menu, request),
        "unset" => edit::unset(state, menu, request),
        "remove" => edit::remove(state, menu, request),
        "enable" => edit::switch(state, menu, request, false),
        "disable" => edit::switch(state, menu, request, true),
        "reset-counters" => edit::reset_counters(state, menu, request),
        "login" if path == ACTIVE => log_in(state, request),
        _ => Err(Trap::no_such_command()),
    }
}

/// `/ip/hotspot/active/login`: the router itself logs a device in that stands in its host table.
fn log_in(state: &mut State, request: &Request) -> Result<Vec<Reply>, Trap> {
    const ARGUMENTS: &[&str] = &["ip", "mac-address", "user", "password", "domain"];
    if request.attributes.iter().any(|(name, _)| !ARGUMENTS.contains(&name.as_str())) {
        return Err(Trap::missing("unknown parameter"));
    }
    if !state.switches().device_mode.hotspot {
        return Err(Trap::device_mode());
    }
    let missing = |name: &str| Trap::missing(format!("missing value(s) of argument(s) {name}"));
    let ip = request.text("ip").ok_or_else(|| missing("ip"))?;
    let user = request.text("user").ok_or_else(|| missing("user"))?;
    let password = request.text("password").unwrap_or_default();
    let mac = request.text("mac-address");
    let host = session::host(state, &ip, mac.as_deref()).ok_or_else(|| Trap::general("unknown host IP"))?;
    let credentials = Credentials { user: &user, password: &password };
    session::log_in(state, host, &credentials, "admin").map_err(|refusal| Trap::general(refusal.text))?;
    Ok(vec![Reply::done()])
}
