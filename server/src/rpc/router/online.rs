//! Who is online through a router: a page of what the router answered, matched with our sessions.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use netily_sdk::router as pb;

use crate::error::{Error, Result};
use crate::gateways::routeros::hotspot::Active;
use crate::id::SessionId;
use crate::page::PageAsk;

/// Which devices are asked for. The router is asked anew for each page, so a page begins after a device and not at a number.
pub struct Page {
    size: usize,
    after: Option<Key>,
}

/// Sorts by user and device; the router's own id of the login parts what is left.
type Key = (String, String, String);

fn key(device: &Active) -> Key {
    (device.user.clone(), mac(device), device.id.clone())
}

fn mac(device: &Active) -> String {
    device.mac.map(|mac| mac.to_string()).unwrap_or_default()
}

/// Reads `page_size` and `page_token`.
pub fn read(page_size: i32, page_token: &str) -> Result<Page> {
    let size = usize::try_from(PageAsk::read(page_size, "")?.size).unwrap_or_default();
    let wrong = || Error::field("page_token", "must be a token of the page before");
    let after = if page_token.is_empty() { None } else { Some(decode(page_token).ok_or_else(wrong)?) };
    Ok(Page { size, after })
}

/// Cuts what the router answered to a page, and makes the token of the next one.
pub fn cut(mut devices: Vec<Active>, page: Page) -> (Vec<Active>, String) {
    devices.sort_by_cached_key(key);
    if let Some(after) = &page.after {
        devices.retain(|device| key(device) > *after);
    }
    if devices.len() <= page.size {
        return (devices, String::new());
    }
    devices.truncate(page.size);
    let next = devices.last().map(|device| encode(&key(device))).unwrap_or_default();
    (devices, next)
}

fn encode((user, mac, id): &Key) -> String {
    URL_SAFE_NO_PAD.encode(format!("{mac}\n{id}\n{user}"))
}

fn decode(token: &str) -> Option<Key> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(token).ok()?).ok()?;
    let (mac, rest) = text.split_once('\n')?;
    let (id, user) = rest.split_once('\n')?;
    Some((user.to_owned(), mac.to_owned(), id.to_owned()))
}

/// RouterOS counts from its own side: what goes out of it comes down to the device.
pub fn shown(device: Active, ours: &HashMap<String, SessionId>) -> pb::ActiveSession {
    let whole = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    pb::ActiveSession {
        session_id: ours.get(&device.user).map(SessionId::to_string).unwrap_or_default(),
        mac_address: mac(&device),
        client_ip: device.address.map(|ip| ip.to_string()).unwrap_or_default(),
        uptime: Some(prost_types::Duration { seconds: whole(device.uptime_seconds), nanos: 0 }),
        download_bytes: whole(device.bytes_out),
        upload_bytes: whole(device.bytes_in),
        username: device.user,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(user: &str, id: &str) -> Active {
        Active {
            id: id.into(),
            server: "hotspot1".into(),
            user: user.into(),
            address: None,
            mac: None,
            uptime_seconds: 60,
            time_left_seconds: None,
            bytes_in: 1,
            bytes_out: 2,
            login_by: "cookie".into(),
        }
    }

    #[test]
    fn pages_show_each_device_once_whatever_the_order_of_the_router() {
        let answers = [vec![device("b", "*2"), device("a", "*1"), device("c", "*3")], vec![device("c", "*3"), device("b", "*2"), device("a", "*1")]];
        let (first, token) = cut(answers[0].clone(), read(2, "").expect("reads"));
        let (second, end) = cut(answers[1].clone(), read(2, &token).expect("reads"));
        let seen: Vec<String> = first.into_iter().chain(second).map(|device| device.user).collect();
        assert_eq!((seen, end), (vec!["a".to_owned(), "b".to_owned(), "c".to_owned()], String::new()));
        assert!(read(2, "nonsense").is_err() && read(-1, "").is_err());
    }

    #[test]
    fn what_leaves_the_router_comes_down_to_the_device() {
        let id = SessionId::unguessable();
        let shown = shown(device("n-abc", "*1"), &HashMap::from([("n-abc".to_owned(), id)]));
        assert_eq!((shown.download_bytes, shown.upload_bytes, shown.session_id.as_str()), (2, 1, id.to_string().as_str()));
    }
}
