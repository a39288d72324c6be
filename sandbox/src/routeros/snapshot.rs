//! The whole of a router as JSON for the control side, by RouterOS property names. Reads only.

use serde_json::{Map, Value, json};

use super::menu::{ACTIVE, COOKIE, HOST, IP_BINDING, Menu, PPP_ACTIVE, PPP_PROFILE, SECRET, USER, USER_PROFILE, WALLED_GARDEN, WALLED_GARDEN_IP};
use super::print;
use super::router::Tally;
use super::session;
use super::state::State;
use super::switches::Power;

/// Everything worth asserting about a router.
pub(super) fn take(state: &State, tally: &Tally) -> Value {
    json!({
        "users": rows(state, USER),
        "profiles": rows(state, USER_PROFILE),
        "active": rows(state, ACTIVE),
        "hosts": rows(state, HOST),
        "cookies": rows(state, COOKIE),
        "ip_bindings": rows(state, IP_BINDING),
        "walled_garden": rows(state, WALLED_GARDEN),
        "walled_garden_ip": rows(state, WALLED_GARDEN_IP),
        "ppp_secrets": rows(state, SECRET),
        "ppp_profiles": rows(state, PPP_PROFILE),
        "ppp_active": rows(state, PPP_ACTIVE),
        "counters": {
            "users": session::totals(state),
            "connections": tally.connections,
            "connections_refused": tally.connections_refused,
            "logins": tally.logins,
            "logins_refused": tally.logins_refused,
            "commands": tally.commands,
        },
        "identity": state.device().identity,
        "uptime_seconds": state.uptime(),
        "state": state.switches(),
        "online": state.switches().power == Power::On,
    })
}

fn rows(state: &State, path: &str) -> Vec<Value> {
    let Some(menu) = Menu::find(path) else {
        return Vec::new();
    };
    let as_object = |(id, row)| {
        let attributes = print::whole_row(state, menu, id, row);
        Value::Object(attributes.into_iter().map(|(name, value)| (name, text(value))).collect::<Map<_, _>>())
    };
    state.rows(path).map(as_object).collect()
}

/// Text that is not UTF-8 is shown as the latin-1 that it most likely is.
fn text(value: Vec<u8>) -> Value {
    let latin_1 = |raw: &[u8]| raw.iter().map(|&byte| char::from(byte)).collect();
    Value::String(String::from_utf8(value).unwrap_or_else(|raw| latin_1(raw.as_bytes())))
}
