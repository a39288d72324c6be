//! The verbs that change rows: add, set, unset, remove, enable, disable, reset-counters. Each checks all before it writes any.

use super::menu::{ACTIVE, COOKIE, HOST, Kind, Menu, PPP_ACTIVE, Property, SERVER};
use super::ppp;
use super::reply::{Reply, Trap};
use super::request::Request;
use super::row::Row;
use super::session::{self, Cause};
use super::state::{State, read_id, write_id};
use super::value;

/// `add`: gives the new id as `ret`.
///
/// # Errors
/// A trap for a missing or unknown argument, a value that does not fit, or a row that exists already.
pub(super) fn add(state: &mut State, menu: &'static Menu, request: &Request) -> Result<Vec<Reply>, Trap> {
    for name in menu.required {
        if request.value(name).is_none_or(<[u8]>::is_empty) {
            return Err(Trap::missing(format!("missing value(s) of argument(s) {name}")));
        }
    }
    let mut row = Row::default();
    write_arguments(state, menu, request, &mut row)?;
    refuse_duplicate(state, menu, None, &row)?;
    let id = state.add(menu.path, row);
    Ok(vec![Reply::Done(vec![("ret".to_owned(), write_id(id).into_bytes())])])
}

/// `set`.
///
/// # Errors
/// As `add`, and `no such item`.
pub(super) fn set(state: &mut State, menu: &'static Menu, request: &Request) -> Result<Vec<Reply>, Trap> {
    let mut changed = Vec::new();
    for id in chosen(state, menu, request)? {
        let mut row = state.row(menu.path, id).cloned().ok_or_else(Trap::no_such_item)?;
        write_arguments(state, menu, request, &mut row)?;
        refuse_duplicate(state, menu, Some(id), &row)?;
        changed.push((id, row));
    }
    for (id, row) in changed {
        state.put(menu.path, id, row);
    }
    Ok(vec![Reply::done()])
}

/// `unset value-name=…`.
///
/// # Errors
/// `no such item`, or a property that is not there or cannot be unset.
pub(super) fn unset(state: &mut State, menu: &'static Menu, request: &Request) -> Result<Vec<Reply>, Trap> {
    let name = request.text("value-name").unwrap_or_default();
    let property = menu.property(&name).filter(|property| property.settable && property.default.is_none());
    let property = property.ok_or_else(|| Trap::argument("input does not match any value of value-name"))?;
    if menu.required.contains(&property.name) {
        return Err(Trap::argument("input does not match any value of value-name"));
    }
    for id in chosen(state, menu, request)? {
        state.change(menu.path, id, |row| row.unset(property.name));
    }
    Ok(vec![Reply::done()])
}

/// `enable` and `disable`.
///
/// # Errors
/// `no such item`.
pub(super) fn switch(state: &mut State, menu: &'static Menu, request: &Request, disabled: bool) -> Result<Vec<Reply>, Trap> {
    for id in chosen(state, menu, request)? {
        state.change(menu.path, id, |row| row.put("disabled", disabled.to_string()));
    }
    Ok(vec![Reply::done()])
}

/// `reset-counters` of hotspot users: their lifetime use begins anew.
///
/// # Errors
/// `no such item`.
pub(super) fn reset_counters(state: &mut State, menu: &'static Menu, request: &Request) -> Result<Vec<Reply>, Trap> {
    for id in chosen(state, menu, request)? {
        state.change(menu.path, id, |row| {
            row.put("uptime", "0s");
            for counter in ["bytes-in", "bytes-out", "packets-in", "packets-out"] {
                row.put(counter, "0");
            }
        });
    }
    Ok(vec![Reply::done()])
}

/// `remove`. Removing a session ends it first, so that its counters reach the user.
///
/// # Errors
/// `no such item`, and for rows that came with the router.
pub(super) fn remove(state: &mut State, menu: &'static Menu, request: &Request) -> Result<Vec<Reply>, Trap> {
    let ids = chosen(state, menu, request)?;
    if ids.iter().any(|id| state.row(menu.path, *id).is_some_and(|row| row.is("default"))) {
        return Err(Trap::general("failure: can not remove default item"));
    }
    for id in ids {
        match menu.path {
            ACTIVE => session::log_out(state, id, Cause::AdminReset),
            HOST => session::forget_host(state, id),
            PPP_ACTIVE => ppp::hang_up(state, id, "admin-reset"),
            path => drop(state.remove(path, id)),
        }
    }
    Ok(vec![Reply::done()])
}

/// The rows that `.id` or `numbers` names, by id or by name, several with commas between them.
fn chosen(state: &State, menu: &Menu, request: &Request) -> Result<Vec<u64>, Trap> {
    let named = request.text(".id").or_else(|| request.text("numbers")).unwrap_or_default();
    if named.is_empty() {
        return Err(Trap::missing("missing value(s) of argument(s) .id"));
    }
    named.split(',').map(|one| find(state, menu, one).ok_or_else(Trap::no_such_item)).collect()
}

fn find(state: &State, menu: &Menu, one: &str) -> Option<u64> {
    match read_id(one.as_bytes()) {
        Some(id) => state.row(menu.path, id).map(|_| id),
        None if menu.path == ACTIVE || menu.path == COOKIE => None,
        None => state.find(menu.path, |row| row.get("name") == Some(one.as_bytes())).map(|(id, _)| id),
    }
}

fn write_arguments(state: &State, menu: &Menu, request: &Request, row: &mut Row) -> Result<(), Trap> {
    for (name, given) in &request.attributes {
        if matches!(name.as_str(), ".id" | "numbers") {
            continue;
        }
        let property = menu.property(name).filter(|property| property.settable);
        let property = property.ok_or_else(|| Trap::missing("unknown parameter"))?;
        row.put(name, accepted(state, property, given)?);
    }
    Ok(())
}

/// The value as it is kept, or the refusal of its kind.
fn accepted(state: &State, property: &Property, given: &[u8]) -> Result<Vec<u8>, Trap> {
    let kept = match property.kind {
        Kind::Reference(menu) => state.find(menu, |row| row.get("name") == Some(given)).map(|(id, _)| write_id(id).into_bytes()),
        Kind::Server => {
            let known = given == b"all" || state.find(SERVER, |row| row.get("name") == Some(given)).is_some();
            known.then(|| given.to_vec())
        }
        kind => value::normalise(kind, given),
    };
    kept.ok_or_else(|| match value::has_fixed_words(property.kind) {
        true => Trap::argument(format!("input does not match any value of {}", property.name)),
        false => Trap::argument(format!("invalid value for argument {}", property.name)),
    })
}

/// `all` and an unset server are the same server when it comes to who exists already.
fn refuse_duplicate(state: &State, menu: &Menu, own: Option<u64>, row: &Row) -> Result<(), Trap> {
    if menu.unique.is_empty() {
        return Ok(());
    }
    let key = |row: &Row| -> Vec<Vec<u8>> {
        let part = |name: &&str| row.get(name).filter(|value| *value != b"all").unwrap_or_default().to_vec();
        menu.unique.iter().map(part).collect()
    };
    let wanted = key(row);
    match state.rows(menu.path).any(|(id, other)| Some(id) != own && key(other) == wanted) {
        true => Err(Trap::general(menu.duplicate)),
        false => Ok(()),
    }
}
