//! The menus under `/system`: one row each, made up on the spot. Only the identity can be set.

use super::print;
use super::reply::{Attributes, Reply, Trap};
use super::request::Request;
use super::span;
use super::state::State;

/// Answers a command under `/system`, or `None` for a menu or verb that is not there.
pub(super) fn answer(state: &mut State, request: &Request) -> Option<Result<Vec<Reply>, Trap>> {
    let row = match request.command.as_str() {
        "/system/identity/print" => identity(state),
        "/system/identity/set" => return Some(rename(state, request)),
        "/system/resource/print" => resource(state),
        "/system/license/print" => license(state),
        // Device-mode came with version 7.
        "/system/device-mode/print" if state.switches().release() >= (7, 0) => device_mode(state),
        _ => return None,
    };
    let wanted = request.text(".proplist");
    let is_wanted = |name: &str| wanted.as_ref().is_none_or(|list| list.split(',').any(|one| one == name));
    let row: Attributes = row.into_iter().filter(|(name, _)| is_wanted(name)).collect();
    Some(Ok(print::closed(state, vec![Reply::Row(row)])))
}

fn rename(state: &mut State, request: &Request) -> Result<Vec<Reply>, Trap> {
    let name = request.text("name").ok_or_else(|| Trap::missing("missing value(s) of argument(s) name"))?;
    state.change_device(|device| device.identity = name);
    Ok(vec![Reply::done()])
}

fn identity(state: &State) -> Attributes {
    row([("name", state.device().identity.clone())])
}

fn resource(state: &State) -> Attributes {
    row([
        ("uptime", span::write(state.uptime())),
        ("version", format!("{} (stable)", state.switches().version)),
        ("build-time", "2026-09-15 10:00:00".to_owned()),
        ("free-memory", "620756992".to_owned()),
        ("total-memory", "1073741824".to_owned()),
        ("cpu", "ARM64".to_owned()),
        ("cpu-count", "4".to_owned()),
        ("cpu-load", "3".to_owned()),
        ("architecture-name", "arm64".to_owned()),
        ("board-name", "hAP ax^2".to_owned()),
        ("platform", "MikroTik".to_owned()),
    ])
}

fn license(state: &State) -> Attributes {
    row([("software-id", "SAND-B0X1".to_owned()), ("nlevel", state.switches().license_level.to_string()), ("features", String::new())])
}

fn device_mode(state: &State) -> Attributes {
    let mode = &state.switches().device_mode;
    row([
        ("mode", mode.mode.clone()),
        ("flagged", false.to_string()),
        ("flagging-enabled", true.to_string()),
        ("scheduler", mode.scheduler.to_string()),
        ("fetch", mode.fetch.to_string()),
        ("hotspot", mode.hotspot.to_string()),
        ("proxy", mode.proxy.to_string()),
    ])
}

fn row<const N: usize>(pairs: [(&str, String); N]) -> Attributes {
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value.into_bytes())).collect()
}
