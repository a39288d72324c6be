//! PPPoE sessions: a subscriber's box dials in with a secret, uses the line, and is hung up on. Knows no hotspot.

use super::menu::{INTERFACE, PPP_ACTIVE, SECRET};
use super::row::Row;
use super::session::Traffic;
use super::state::State;

/// A subscriber's box dials in over PPPoE.
///
/// # Errors
/// A sentence as the box would log it: authentication failed.
pub(super) fn dial(state: &mut State, name: &str, password: &str, caller_id: &str) -> Result<(), String> {
    let failed = || "authentication failed".to_owned();
    let (secret_id, secret) = state.find(SECRET, |row| row.text("name") == name).ok_or_else(failed)?;
    let (bound, service) = (secret.text("caller-id"), secret.text("service"));
    let may = !secret.is("disabled")
        && secret.text("password") == password
        && matches!(service.as_str(), "any" | "pppoe")
        && (bound.is_empty() || bound.eq_ignore_ascii_case(caller_id));
    if !may {
        return Err(failed());
    }
    let address = Some(secret.text("remote-address")).filter(|address| !address.is_empty());
    let mut session = Row::default();
    session.put("name", name);
    session.put("service", "pppoe");
    session.put("caller-id", caller_id);
    for limit in ["limit-bytes-in", "limit-bytes-out"] {
        session.put(limit, secret.text(limit));
    }
    let id = state.add(PPP_ACTIVE, session);
    let address = address.unwrap_or_else(|| format!("10.64.{}.{}", id / 256 % 256, id % 256));
    state.change(PPP_ACTIVE, id, |row| {
        row.put("address", address);
        row.put("session-id", format!("0x{:08x}", 0x8150_0000 + id));
    });
    let mut interface = Row::default();
    interface.put("name", interface_name(name));
    interface.put("type", "pppoe-in");
    interface.put("mtu", "1480");
    interface.put("dynamic", "true");
    interface.put("_session", id.to_string());
    state.add(INTERFACE, interface);
    state.change(SECRET, secret_id, |row| row.put("last-caller-id", caller_id));
    Ok(())
}

/// Ends a session; its counters vanish with its interface, as on the real thing.
pub(super) fn hang_up(state: &mut State, id: u64, reason: &str) {
    let Some(session) = state.remove(PPP_ACTIVE, id) else {
        return;
    };
    for interface in state.ids(INTERFACE, |row| row.number("_session") == id) {
        state.remove(INTERFACE, interface);
    }
    for secret in state.ids(SECRET, |row| row.get("name") == session.get("name")) {
        state.change(SECRET, secret, |row| row.put("last-disconnect-reason", reason));
    }
}

/// A subscriber uses the line. `rx` of the router's interface is what the subscriber sends.
///
/// # Errors
/// A sentence when the subscriber has no session.
pub(super) fn play(state: &mut State, name: &str, traffic: Traffic) -> Result<(), String> {
    let found = state.find(PPP_ACTIVE, |row| row.text("name") == name).map(|(id, _)| id);
    let id = found.ok_or_else(|| format!("{name} has no session"))?;
    state.change_device(|device| device.ahead = device.ahead.saturating_add(traffic.seconds));
    state.change(PPP_ACTIVE, id, |row| row.lengthen("uptime", traffic.seconds));
    for interface in state.ids(INTERFACE, |row| row.number("_session") == id) {
        state.change(INTERFACE, interface, |row| {
            row.count("rx-byte", traffic.bytes_in);
            row.count("tx-byte", traffic.bytes_out);
        });
    }
    end_at_limit(state, id);
    Ok(())
}

/// Byte limits of a secret count for one session.
fn end_at_limit(state: &mut State, id: u64) {
    let session = state.row(PPP_ACTIVE, id).cloned().unwrap_or_default();
    let interface = state.find(INTERFACE, |row| row.number("_session") == id).map(|(_, row)| row.clone());
    let interface = interface.unwrap_or_default();
    let reached = |limit: &str, counter: &str| session.number(limit) > 0 && interface.number(counter) >= session.number(limit);
    if reached("limit-bytes-in", "rx-byte") || reached("limit-bytes-out", "tx-byte") {
        hang_up(state, id, "traffic-limit");
    }
}

fn interface_name(name: &str) -> String {
    format!("<pppoe-{name}>")
}
