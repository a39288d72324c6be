use std::collections::{BTreeMap, HashMap};
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use super::*;
use crate::gateways::routeros::MacAddress;
use crate::gateways::routeros::scripted::{Answer, logged_in, sentences, tag};
use crate::router::desired::{DesiredProfile, Device};

const USERS: &str = "/ip/hotspot/user";
const PROFILES: &str = "/ip/hotspot/user/profile";
const ACTIVE: &str = "/ip/hotspot/active";
const HOSTS: &str = "/ip/hotspot/host";
const COOKIES: &str = "/ip/hotspot/cookie";

type Row = BTreeMap<String, String>;

/// Tables and the few rules that matter here; the sandbox has the whole router.
#[derive(Default)]
struct Router {
    tables: HashMap<String, Vec<Row>>,
    ids: u32,
    writes: Vec<String>,
    /// The next command of this path is carried out by somebody else first, or refused with these words.
    refusal: Option<(&'static str, &'static str)>,
    /// Accepted and not kept.
    forgets: Option<&'static str>,
}

type Shared = Arc<Mutex<Router>>;

impl Router {
    fn add(&mut self, menu: &str, row: &[(&str, &str)]) -> String {
        self.ids += 1;
        let id = format!("*{:X}", self.ids);
        let mut row: Row = row.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        row.insert(".id".to_owned(), id.clone());
        self.tables.entry(menu.to_owned()).or_default().push(row);
        id
    }

    fn rows(&self, menu: &str) -> &[Row] {
        self.tables.get(menu).map_or(&[], Vec::as_slice)
    }

    fn answer(&mut self, words: &[String]) -> Answer {
        let tag = tag(words);
        let (menu, verb) = words[0].rsplit_once('/').unwrap();
        if verb != "print" {
            self.writes.push(words[0].clone());
        }
        let refused = self.refusal.take_if(|(path, _)| *path == words[0]);
        let outcome = match (refused, verb) {
            (Some((_, message)), _) => {
                // Somebody else was quicker: what was to be added is there when we look again.
                if message.contains("already have") {
                    self.carry_out(menu, verb, words).unwrap();
                }
                Err(message.to_owned())
            }
            (None, "print") => return self.print(menu, words),
            (None, _) => self.carry_out(menu, verb, words),
        };
        Answer::Bytes(match outcome {
            Ok(id) => sentences(&[&["!done", &format!("=ret={id}"), tag]]),
            Err(message) => sentences(&[&["!trap", &format!("=message={message}"), tag], &["!done", tag]]),
        })
    }

    fn print(&self, menu: &str, words: &[String]) -> Answer {
        let tag = tag(words);
        assert!(words.iter().any(|word| word.starts_with("=.proplist=")), "{} without proplist", words[0]);
        let queries: Vec<_> = words.iter().filter_map(|word| word.strip_prefix('?')?.split_once('=')).collect();
        let either = words.iter().any(|word| word == "?#|");
        let holds = |row: &&Row| {
            let mut tests = queries.iter().map(|(name, value)| row.get(*name).is_some_and(|held| held == value));
            if either { tests.any(|test| test) } else { tests.all(|test| test) }
        };
        let mut bytes = Vec::new();
        for row in self.rows(menu).iter().filter(holds) {
            let words: Vec<_> = row.iter().map(|(name, value)| format!("={name}={value}")).collect();
            let mut sentence = vec!["!re", tag];
            sentence.extend(words.iter().map(String::as_str));
            bytes.extend(sentences(&[&sentence]));
        }
        bytes.extend(sentences(&[&["!done", tag]]));
        Answer::Bytes(bytes)
    }

    fn carry_out(&mut self, menu: &str, verb: &str, words: &[String]) -> Result<String, String> {
        let given: Row =
            words.iter().filter_map(|word| word.strip_prefix('=')?.split_once('=')).map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        match verb {
            "add" => {
                if self.rows(menu).iter().any(|row| row["name"] == given["name"]) {
                    return Err("failure: already have user with this name for this server".to_owned());
                }
                let kept = given.iter().filter(|(name, _)| Some(name.as_str()) != self.forgets);
                let row: Vec<_> = kept.map(|(name, value)| (name.clone(), value.clone())).collect();
                let row: Vec<_> = row.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
                Ok(self.add(menu, &row))
            }
            "set" => {
                let rows = self.tables.get_mut(menu).into_iter().flatten();
                let row = rows.into_iter().find(|row| row[".id"] == given[".id"]).ok_or("no such item")?;
                row.extend(given);
                Ok(String::new())
            }
            "remove" => {
                let rows = self.tables.get_mut(menu).ok_or("no such item")?;
                let at = rows.iter().position(|row| row[".id"] == given[".id"]).ok_or("no such item")?;
                rows.remove(at);
                Ok(String::new())
            }
            "login" => {
                let known = self.rows(HOSTS).iter().any(|row| row["address"] == given["ip"]);
                known.then_some(()).ok_or("unknown host IP")?;
                let session = [
                    ("user", given["user"].as_str()),
                    ("address", given["ip"].as_str()),
                    ("mac-address", given["mac-address"].as_str()),
                    ("uptime", "1m"),
                    ("bytes-in", "7"),
                ];
                Ok(self.add(ACTIVE, &session))
            }
            other => panic!("{other}"),
        }
    }
}

async fn connect(router: &Shared) -> Connection {
    let router = router.clone();
    logged_in(move |words| router.lock().unwrap().answer(words)).await
}

fn with_host() -> Shared {
    let router = Shared::default();
    router.lock().unwrap().add(HOSTS, &[("mac-address", "AA:BB:CC:DD:EE:FF"), ("address", "10.5.50.20")]);
    router
}

fn wanted() -> DesiredUser {
    let mac = MacAddress::parse("AA:BB:CC:DD:EE:FF").unwrap();
    DesiredUser {
        session_id: "ses_1".to_owned(),
        name: "n7k2".to_owned(),
        password: "9F3K".to_owned(),
        server: None,
        mac: Some(mac),
        profile: DesiredProfile { name: "netily-5M".to_owned(), download_kbps: 5_000, upload_kbps: 512, shared_devices: 1 },
        limit_uptime_seconds: Some(3_600),
        limit_bytes_total: Some(10_000_000_000),
        comment: "netily ses_1".to_owned(),
        login: Some(Device { ip: Ipv4Addr::new(10, 5, 50, 20), mac }),
        state: DesiredState::Present,
    }
}

fn absent() -> DesiredUser {
    DesiredUser { state: DesiredState::Absent, ..wanted() }
}

fn writes(router: &Shared) -> Vec<String> {
    std::mem::take(&mut router.lock().unwrap().writes)
}

#[tokio::test]
async fn a_purchase_puts_profile_user_and_device_on_the_router_once() {
    let router = with_host();
    let mut connection = connect(&router).await;
    let applied = apply(&mut connection, &wanted()).await.unwrap();
    assert!(applied.changed && applied.logged_in && applied.warnings.is_empty(), "{applied:?}");
    assert_eq!(writes(&router), ["/ip/hotspot/user/profile/add", "/ip/hotspot/user/add", "/ip/hotspot/active/login"],);
    {
        let router = router.lock().unwrap();
        let (profile, user) = (&router.rows(PROFILES)[0], &router.rows(USERS)[0]);
        assert_eq!(profile["rate-limit"], "512k/5M");
        assert_eq!(user["limit-uptime"], "1h");
        assert_eq!(user["limit-bytes-total"], "10000000000");
        assert_eq!(user["mac-address"], "AA:BB:CC:DD:EE:FF");
        assert_eq!(user["disabled"], "no");
    }
    let again = apply(&mut connection, &wanted()).await.unwrap();
    assert!(!again.changed && again.logged_in && again.warnings.is_empty(), "{again:?}");
    assert_eq!((again.usage.uptime_seconds, again.usage.upload_bytes), (60, 7));
    assert!(writes(&router).is_empty());
}

#[tokio::test]
async fn a_missing_host_fails_nothing() {
    let router = Shared::default();
    let applied = apply(&mut connect(&router).await, &wanted()).await.unwrap();
    assert!(applied.changed && !applied.logged_in);
    assert_eq!(applied.warnings, [Warning::HostUnknown]);
    assert_eq!(router.lock().unwrap().rows(USERS).len(), 1);
}

#[tokio::test]
async fn a_refused_login_fails_nothing_and_is_not_repeated() {
    for (words, warning) in
        [("unknown host IP", Warning::HostUnknown), ("no more sessions are allowed", Warning::LoginRefused("no more sessions are allowed".to_owned()))]
    {
        let router = with_host();
        router.lock().unwrap().refusal = Some(("/ip/hotspot/active/login", words));
        let applied = apply(&mut connect(&router).await, &wanted()).await.unwrap();
        assert!(!applied.logged_in);
        assert_eq!(applied.warnings, [warning]);
        assert_eq!(writes(&router).len(), 3);
    }
}

#[tokio::test]
async fn losing_the_race_to_add_ends_with_one_user() {
    for path in ["/ip/hotspot/user/add", "/ip/hotspot/user/profile/add"] {
        let router = with_host();
        let words = "failure: already have user with this name for this server";
        router.lock().unwrap().refusal = Some((path, words));
        let applied = apply(&mut connect(&router).await, &wanted()).await.unwrap();
        assert!(applied.logged_in && applied.warnings.is_empty());
        let router = router.lock().unwrap();
        assert_eq!((router.rows(USERS).len(), router.rows(PROFILES).len()), (1, 1));
    }
}

#[tokio::test]
async fn a_lasting_refusal_is_returned() {
    let router = with_host();
    let words = "failure: not allowed by device-mode";
    router.lock().unwrap().refusal = Some(("/ip/hotspot/user/profile/add", words));
    let error = apply(&mut connect(&router).await, &wanted()).await.unwrap_err();
    assert!(matches!(error, Error::Router(error) if error.is_device_mode() && !error.is_transient()));
}

#[tokio::test]
async fn what_the_router_does_not_keep_is_said() {
    let router = with_host();
    router.lock().unwrap().forgets = Some("limit-bytes-total");
    let applied = apply(&mut connect(&router).await, &wanted()).await.unwrap();
    assert!(applied.logged_in);
    assert_eq!(applied.warnings, [Warning::NotKept("limit-bytes-total")]);

    let router = with_host();
    router.lock().unwrap().forgets = Some("profile");
    let error = apply(&mut connect(&router).await, &wanted()).await.unwrap_err();
    assert_eq!(error, Error::NotApplied);
}

#[tokio::test]
async fn a_renewal_is_felt_at_once() {
    let router = with_host();
    let mut connection = connect(&router).await;
    apply(&mut connection, &wanted()).await.unwrap();
    writes(&router);
    let renewed = DesiredUser { limit_uptime_seconds: Some(7_200), ..wanted() };
    let applied = apply(&mut connection, &renewed).await.unwrap();
    assert!(applied.changed && applied.logged_in);
    assert_eq!(writes(&router), ["/ip/hotspot/user/set", "/ip/hotspot/active/remove", "/ip/hotspot/active/login"],);
    assert_eq!(router.lock().unwrap().rows(USERS)[0]["limit-uptime"], "2h");
}

#[tokio::test]
async fn going_away_disables_then_takes_cookies_then_sessions_then_the_user() {
    let router = with_host();
    let mut connection = connect(&router).await;
    apply(&mut connection, &wanted()).await.unwrap();
    router.lock().unwrap().add(COOKIES, &[("user", "n7k2")]);
    router.lock().unwrap().add(COOKIES, &[("user", "neighbour")]);
    writes(&router);
    let applied = apply(&mut connection, &absent()).await.unwrap();
    assert!(applied.changed && !applied.logged_in);
    assert_eq!(applied.usage.uptime_seconds, 60);
    assert_eq!(writes(&router), ["/ip/hotspot/user/set", "/ip/hotspot/cookie/remove", "/ip/hotspot/active/remove", "/ip/hotspot/user/remove",],);
    {
        let router = router.lock().unwrap();
        assert!(router.rows(USERS).is_empty() && router.rows(ACTIVE).is_empty());
        assert_eq!(router.rows(COOKIES).len(), 1);
    }
    let again = apply(&mut connection, &absent()).await.unwrap();
    assert!(!again.changed);
    assert!(writes(&router).is_empty());
}

#[tokio::test]
async fn the_user_on_our_server_is_ours() {
    let router = with_host();
    router.lock().unwrap().add(USERS, &[("name", "n7k2"), ("server", "hotspot2"), ("comment", "hand-made")]);
    let id = router.lock().unwrap().add(USERS, &[("name", "n7k2"), ("server", "hotspot1")]);
    let desired = DesiredUser { server: Some("hotspot1".to_owned()), ..wanted() };
    let applied = apply(&mut connect(&router).await, &desired).await.unwrap();
    assert!(applied.changed && applied.logged_in);
    let router = router.lock().unwrap();
    assert_eq!(router.rows(USERS)[0]["comment"], "hand-made");
    assert_eq!(router.rows(USERS)[1][".id"], id);
    assert_eq!(router.rows(USERS)[1]["comment"], "netily ses_1");
}
