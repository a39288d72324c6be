//! Hotspot sessions: who may log in, what a session uses, and how it ends.
//! Limits are those of the user's lifetime; a session's counters reach the user row only when it ends properly.

use std::net::Ipv4Addr;

use super::menu::{ACTIVE, COOKIE, HOST, IP_BINDING, QUEUE, USER, USER_PROFILE};
use super::row::Row;
use super::span;
use super::state::{State, read_id};
use super::value;

/// Why a login is refused: the id of RouterOS's `errors.txt` and its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    /// Such as `uptime-limit`.
    pub id: &'static str,
    /// Such as `user 2547… has reached uptime limit`.
    pub text: String,
}

/// Why a session ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    /// `/ip/hotspot/active/remove`
    AdminReset,
    /// The time that the user or the profile allows is used up.
    SessionTimeout,
    /// The bytes that the user is allowed are used up.
    TrafficLimit,
    /// The device is gone, has another address, or logs in anew.
    Lost,
}

/// What somebody types or sends to log in.
#[derive(Debug, Clone)]
pub(super) struct Credentials<'a> {
    pub user: &'a str,
    pub password: &'a str,
}

/// A device joins the WiFi: it stands in the host table from now on. A device with a good mac-cookie is logged in at once.
///
/// # Errors
/// A sentence for addresses that are none, a blocked device, or a hotspot that does not run.
pub(super) fn join_host(state: &mut State, mac: &str, ip: &str) -> Result<(), String> {
    let mac = value::mac(mac).ok_or_else(|| format!("{mac} is no hardware address"))?;
    let ip: Ipv4Addr = ip.parse().map_err(|_| format!("{ip} is no IPv4 address"))?;
    if !state.hotspot_runs() {
        return Err("the hotspot does not run".to_owned());
    }
    let binding = |kind: &str| {
        let bound = |row: &Row| row.text("mac-address") == mac && row.text("type") == kind && !row.is("disabled");
        state.find(IP_BINDING, bound).is_some()
    };
    if binding("blocked") {
        return Err(format!("{mac} is blocked by an ip-binding"));
    }
    let (bypassed, ip) = (binding("bypassed"), ip.to_string());
    let same = |row: &Row| row.text("mac-address") == mac && row.text("address") == ip;
    if let Some((id, _)) = state.find(HOST, same) {
        state.change(HOST, id, |row| row.put("bypassed", bypassed.to_string()));
    } else {
        // One address belongs to one device, and a device has one address.
        for id in state.ids(HOST, |row| row.text("mac-address") == mac || row.text("address") == ip) {
            forget_host(state, id);
        }
        let mut row = Row::default();
        row.put("server", state.server_name());
        row.put("mac-address", mac.clone());
        row.put("address", ip.clone());
        row.put("to-address", ip);
        row.put("bypassed", bypassed.to_string());
        state.add(HOST, row);
    }
    log_in_by_cookie(state, &mac);
    Ok(())
}

/// A device leaves the WiFi; its session ends as by keepalive timeout, and a mac-cookie stays.
pub(super) fn leave_host(state: &mut State, mac: &str) {
    let mac = value::mac(mac).unwrap_or_default();
    for id in state.ids(HOST, |row| row.text("mac-address") == mac) {
        forget_host(state, id);
    }
}

/// Takes a device out of the host table and ends its session.
pub(super) fn forget_host(state: &mut State, id: u64) {
    if let Some(host) = state.remove(HOST, id) {
        for session in state.ids(ACTIVE, |row| row.get("mac-address") == host.get("mac-address")) {
            log_out(state, session, Cause::Lost);
        }
    }
}

/// The host of an address, if `mac` (where given) is its hardware address.
pub(super) fn host(state: &State, ip: &str, mac: Option<&str>) -> Option<u64> {
    let mac = mac.map(|mac| value::mac(mac).unwrap_or_default());
    let wanted = |row: &Row| row.text("address") == ip && mac.as_ref().is_none_or(|mac| row.text("mac-address") == *mac);
    state.find(HOST, wanted).map(|(id, _)| id)
}

/// Logs a host in. The same user again on a host that is logged in changes nothing.
///
/// # Errors
/// The refusal of the first rule that does not hold, in the order of the servlet.
pub(super) fn log_in(state: &mut State, host: u64, credentials: &Credentials<'_>, login_by: &str) -> Result<(), Refusal> {
    let Some(host_row) = state.row(HOST, host).cloned() else {
        return Err(refusal("unknown-host", "unknown host IP"));
    };
    let user = check_user(state, credentials, &host_row.text("mac-address"))?;
    let user_row = state.row(USER, user).cloned().unwrap_or_default();
    check_limits(state, &user_row)?;
    let mac = host_row.text("mac-address");
    if let Some((id, session)) = state.find(ACTIVE, |row| row.text("mac-address") == mac) {
        if session.text("user") == credentials.user && session.get("address") == host_row.get("address") {
            return Ok(());
        }
        log_out(state, id, Cause::Lost);
    }
    check_room(state, &user_row)?;
    open(state, host, &host_row, &user_row, login_by);
    Ok(())
}

fn check_user(state: &State, credentials: &Credentials<'_>, mac: &str) -> Result<u64, Refusal> {
    let invalid = || refusal("invalid-username", "invalid username or password");
    let server = state.server_name();
    let named = |row: &Row| {
        let of = row.text("server");
        row.text("name") == credentials.user && (of.is_empty() || of == "all" || of == server)
    };
    let (id, row) = state.find(USER, named).ok_or_else(invalid)?;
    if row.is("disabled") || row.text("password") != credentials.password {
        return Err(invalid());
    }
    let bound = row.text("mac-address");
    if !bound.is_empty() && bound != "00:00:00:00:00:00" && bound != mac {
        let text = format!("user {} is not allowed to log in from this MAC address", credentials.user);
        return Err(refusal("invalid-mac", text));
    }
    Ok(id)
}

fn check_limits(state: &State, user: &Row) -> Result<(), Refusal> {
    let used = used(state, user);
    let name = user.text("name");
    if is_reached(user.seconds("limit-uptime"), used.seconds) {
        return Err(refusal("uptime-limit", format!("user {name} has reached uptime limit")));
    }
    let reached = is_reached(user.number("limit-bytes-in"), used.bytes_in)
        || is_reached(user.number("limit-bytes-out"), used.bytes_out)
        || is_reached(user.number("limit-bytes-total"), used.bytes_in.saturating_add(used.bytes_out));
    if reached {
        return Err(refusal("traffic-limit", format!("user {name} has reached traffic limit")));
    }
    Ok(())
}

fn check_room(state: &State, user: &Row) -> Result<(), Refusal> {
    let name = user.text("name");
    let sessions = state.rows(ACTIVE).filter(|(_, row)| row.text("user") == name).count();
    let allowed = match profile(state, user).text("shared-users").as_str() {
        "unlimited" => usize::MAX,
        text => text.parse().unwrap_or(1),
    };
    if sessions >= allowed {
        return Err(refusal("user-session-limit", format!("no more sessions are allowed for user {name}")));
    }
    let licensed = state.switches().hotspot_users();
    if state.rows(ACTIVE).count() >= licensed {
        return Err(refusal("license-session-limit", format!("session limit reached ({licensed})")));
    }
    Ok(())
}

/// What a user has used in all: the stored counters and those of the sessions that run.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Used {
    pub seconds: u64,
    pub bytes_in: u64,
    pub bytes_out: u64,
}

/// See `Used`.
pub(super) fn used(state: &State, user: &Row) -> Used {
    let name = user.text("name");
    let sessions = state.rows(ACTIVE).map(|(_, row)| row).filter(|row| row.text("user") == name);
    [user].into_iter().chain(sessions).fold(Used::default(), |sum, row| Used {
        seconds: sum.seconds.saturating_add(row.seconds("uptime")),
        bytes_in: sum.bytes_in.saturating_add(row.number("bytes-in")),
        bytes_out: sum.bytes_out.saturating_add(row.number("bytes-out")),
    })
}

/// A session takes its limits and its rate from the user and the profile as they are now: a later change of them is felt
/// at the next login.
fn open(state: &mut State, host: u64, host_row: &Row, user: &Row, login_by: &str) {
    let profile = profile(state, user);
    let used = used(state, user);
    let mut row = Row::default();
    row.put("server", host_row.text("server"));
    row.put("user", user.text("name"));
    row.put("address", host_row.text("address"));
    row.put("mac-address", host_row.text("mac-address"));
    row.put("login-by", login_by);
    let left = [(user.seconds("limit-uptime"), used.seconds), (profile.seconds("session-timeout"), 0)];
    if let Some(seconds) = left.iter().filter(|(limit, _)| *limit > 0).map(|(limit, used)| limit.saturating_sub(*used)).min() {
        row.put("_limit-seconds", seconds.to_string());
    }
    for (name, used) in
        [("limit-bytes-in", used.bytes_in), ("limit-bytes-out", used.bytes_out), ("limit-bytes-total", used.bytes_in.saturating_add(used.bytes_out))]
    {
        if user.number(name) > 0 {
            row.put(name, user.number(name).saturating_sub(used).to_string());
        }
    }
    for name in ["idle-timeout", "keepalive-timeout"] {
        if profile.seconds(name) > 0 {
            row.put(name, profile.text(name));
        }
    }
    if let Some(comment) = user.get("comment") {
        row.put("comment", comment);
    }
    let session = state.add(ACTIVE, row);
    state.change(HOST, host, |row| row.put("authorized", "true"));
    open_queue(state, session, host_row, user, &profile);
    if profile.is("add-mac-cookie") {
        write_cookie(state, host_row, user, profile.seconds("mac-cookie-timeout"));
    }
}

fn open_queue(state: &mut State, session: u64, host: &Row, user: &Row, profile: &Row) {
    let rate = profile.text("rate-limit");
    let Some(first) = rate.split(' ').next().filter(|first| !first.is_empty()) else {
        return;
    };
    let mut queue = Row::default();
    queue.put("name", format!("<hotspot-{}>", user.text("name")));
    queue.put("target", format!("{}/32", host.text("address")));
    queue.put("max-limit", if first.contains('/') { first.to_owned() } else { format!("{first}/{first}") });
    queue.put("dynamic", "true");
    queue.put("_session", session.to_string());
    state.add(QUEUE, queue);
}

fn write_cookie(state: &mut State, host: &Row, user: &Row, timeout: u64) {
    let mac = host.text("mac-address");
    forget_cookies(state, &mac, None);
    let mut cookie = Row::default();
    cookie.put("user", user.text("name"));
    cookie.put("mac-address", mac);
    cookie.put("_password", user.text("password"));
    cookie.put("_expires-at", state.now().saturating_add(timeout).to_string());
    state.add(COOKIE, cookie);
}

fn forget_cookies(state: &mut State, mac: &str, user: Option<&str>) {
    let wanted = |row: &Row| row.text("mac-address") == mac && user.is_none_or(|user| row.text("user") == user);
    for id in state.ids(COOKIE, wanted) {
        state.remove(COOKIE, id);
    }
}

/// A mac-cookie holds user and password, and logs its device in again; a cookie that no longer opens is thrown away.
fn log_in_by_cookie(state: &mut State, mac: &str) {
    let Some((id, cookie)) = state.find(COOKIE, |row| row.text("mac-address") == mac) else {
        return;
    };
    let (user, password) = (cookie.text("user"), cookie.text("_password"));
    let is_stale = cookie.number("_expires-at") <= state.now();
    let host = state.find(HOST, |row| row.text("mac-address") == mac).map(|(id, _)| id);
    let credentials = Credentials { user: &user, password: &password };
    let refused = is_stale || host.is_none_or(|host| log_in(state, host, &credentials, "mac-cookie").is_err());
    if refused {
        state.remove(COOKIE, id);
    }
}

/// Ends a session: its counters are added to the user's, and the cookie goes with it unless the device was merely lost.
pub(super) fn log_out(state: &mut State, id: u64, cause: Cause) {
    let Some(session) = state.remove(ACTIVE, id) else {
        return;
    };
    let (name, mac) = (session.text("user"), session.text("mac-address"));
    if let Some((user, _)) = state.find(USER, |row| row.text("name") == name) {
        state.change(USER, user, |row| {
            row.lengthen("uptime", session.seconds("uptime"));
            for counter in ["bytes-in", "bytes-out", "packets-in", "packets-out"] {
                row.count(counter, session.number(counter));
            }
        });
    }
    for host in state.ids(HOST, |row| row.text("mac-address") == mac) {
        state.change(HOST, host, |row| row.put("authorized", "false"));
    }
    for queue in state.ids(QUEUE, |row| row.number("_session") == id) {
        state.remove(QUEUE, queue);
    }
    if cause != Cause::Lost {
        forget_cookies(state, &mac, Some(&name));
    }
}

/// Bytes and seconds of one stretch of use.
#[derive(Debug, Clone, Copy)]
pub(super) struct Traffic {
    /// From the device (upload).
    pub bytes_in: u64,
    /// To the device (download).
    pub bytes_out: u64,
    pub seconds: u64,
}

/// A user's oldest session uses the network. What lies beyond a limit does not pass; a session that meets one ends.
///
/// # Errors
/// A sentence when the user has no session.
pub(super) fn play(state: &mut State, user: &str, traffic: Traffic) -> Result<(), String> {
    let found = state.find(ACTIVE, |row| row.text("user") == user);
    let (id, session) = found.map(|(id, row)| (id, row.clone())).ok_or_else(|| format!("{user} has no session"))?;
    let time_left = session.get("_limit-seconds").map_or(u64::MAX, |_| session.number("_limit-seconds").saturating_sub(session.seconds("uptime")));
    let left = |limit: &str, used: u64| match session.number(limit) {
        0 => u64::MAX,
        limit => limit.saturating_sub(used),
    };
    let (was_in, was_out) = (session.number("bytes-in"), session.number("bytes-out"));
    let total_left = left("limit-bytes-total", was_in.saturating_add(was_out));
    let bytes_in = traffic.bytes_in.min(left("limit-bytes-in", was_in)).min(total_left);
    let bytes_out = traffic.bytes_out.min(left("limit-bytes-out", was_out)).min(total_left - bytes_in);
    let seconds = traffic.seconds.min(time_left);
    state.change_device(|device| device.ahead = device.ahead.saturating_add(seconds));
    state.change(ACTIVE, id, |row| {
        row.lengthen("uptime", seconds);
        count(row, bytes_in, bytes_out);
    });
    for queue in state.ids(QUEUE, |row| row.number("_session") == id) {
        state.change(QUEUE, queue, |row| {
            row.put("bytes", format!("{}/{}", was_in.saturating_add(bytes_in), was_out.saturating_add(bytes_out)));
        });
    }
    end_at_limit(state, id, time_left == seconds);
    Ok(())
}

fn end_at_limit(state: &mut State, id: u64, time_is_up: bool) {
    let session = state.row(ACTIVE, id).cloned().unwrap_or_default();
    let (bytes_in, bytes_out) = (session.number("bytes-in"), session.number("bytes-out"));
    let bytes_are_up = is_reached(session.number("limit-bytes-in"), bytes_in)
        || is_reached(session.number("limit-bytes-out"), bytes_out)
        || is_reached(session.number("limit-bytes-total"), bytes_in.saturating_add(bytes_out));
    if time_is_up {
        log_out(state, id, Cause::SessionTimeout);
    } else if bytes_are_up {
        log_out(state, id, Cause::TrafficLimit);
    }
}

/// Packets are full ones of 1,400 bytes: nobody bills by them.
fn count(row: &mut Row, bytes_in: u64, bytes_out: u64) {
    row.count("bytes-in", bytes_in);
    row.count("bytes-out", bytes_out);
    row.count("packets-in", bytes_in.div_ceil(1_400));
    row.count("packets-out", bytes_out.div_ceil(1_400));
}

/// A limit of 0 is none.
fn is_reached(limit: u64, used: u64) -> bool {
    limit > 0 && used >= limit
}

/// The user's profile; the default one when the user's is gone.
fn profile(state: &State, user: &Row) -> Row {
    let own = user.get("profile").and_then(read_id).and_then(|id| state.row(USER_PROFILE, id));
    let default = || state.find(USER_PROFILE, |row| row.is("default")).map(|(_, row)| row);
    own.or_else(default).cloned().unwrap_or_default()
}

fn refusal(id: &'static str, text: impl Into<String>) -> Refusal {
    Refusal { id, text: text.into() }
}

/// What a user has used, as the control side shows it.
pub(super) fn totals(state: &State) -> serde_json::Value {
    let total = |row: &Row| {
        let used = used(state, row);
        serde_json::json!({
            "uptime": span::write(used.seconds),
            "bytes-in": used.bytes_in.to_string(),
            "bytes-out": used.bytes_out.to_string(),
        })
    };
    state.rows(USER).map(|(_, row)| (row.text("name"), total(row))).collect::<serde_json::Map<_, _>>().into()
}
