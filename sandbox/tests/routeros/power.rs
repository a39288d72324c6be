//! Power, and what survives: off, hang, reboot, reset, lost answers, a kill of the whole stand-in.

use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use netily_sandbox::routeros::RouterHandle;
use serde_json::json;
use tokio::net::TcpStream;

use crate::client::{Client, IP, MAC, logged_in, router, rows, setup};

const ADD: [&str; 3] = ["/ip/hotspot/user/add", "=name=u", "=password=p"];

#[tokio::test]
async fn off_refuses_connections_and_on_listens_at_the_same_address() {
    let (router, mut client) = logged_in().await;
    client.add(&ADD).await;
    router.join_host(MAC, IP).await.unwrap();
    router.browser_login(MAC, IP, "u", "p").await.unwrap();
    router.traffic("u", 5, 5, 5).await.unwrap();
    router.set_state(json!({ "power": "off" })).await.unwrap();
    assert!(client.is_closed().await);
    let refused = TcpStream::connect(router.address()).await.unwrap_err();
    assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
    assert!(TcpStream::connect(router.tls_address()).await.is_err());
    assert!(router.join_host(MAC, IP).await.is_err());
    assert_eq!(router.snapshot().await["online"], false);

    router.set_state(json!({ "power": "on" })).await.unwrap();
    let mut client = Client::logged_in(&router).await;
    assert_eq!(client.ask(&["/ip/hotspot/active/print"]).await, [["!empty"]]);
    assert_eq!(rows(&router, "users").await[0]["uptime"], "0s", "a power cut loses the running session's use");
}

#[tokio::test]
async fn a_hung_router_takes_connections_and_says_nothing() {
    let (router, mut old) = logged_in().await;
    router.set_state(json!({ "power": "hang" })).await.unwrap();
    old.send(&["/system/identity/print"]).await;
    let mut new = Client::connect(router.address()).await;
    new.send(&["/login", "=name=netily", "=password=s3cret"]).await;
    assert!(old.is_silent().await && new.is_silent().await);
    assert!(router.snapshot().await["counters"]["commands"].get("/system/identity/print").is_none());

    router.set_state(json!({ "power": "on" })).await.unwrap();
    assert!(old.is_closed().await && new.is_closed().await);
    Client::logged_in(&router).await;
}

#[tokio::test]
async fn a_reboot_keeps_users_and_drops_connections_sessions_and_uptime() {
    let (router, mut client) = logged_in().await;
    client.add(&ADD).await;
    router.join_host(MAC, IP).await.unwrap();
    router.browser_login(MAC, IP, "u", "p").await.unwrap();
    router.traffic("u", 5, 5, 4_000).await.unwrap();
    assert!(router.snapshot().await["uptime_seconds"].as_u64().unwrap() >= 4_000);
    router.set_state(json!({ "power": "reboot" })).await.unwrap();
    assert!(client.is_closed().await);
    let snapshot = router.snapshot().await;
    assert_eq!((&snapshot["active"], &snapshot["users"][0]["uptime"]), (&json!([]), &json!("0s")));
    assert_eq!(snapshot["hosts"][0]["authorized"], "false");
    assert!(snapshot["uptime_seconds"].as_u64().unwrap() < 60);
    assert_eq!(snapshot["online"], true);
    Client::logged_in(&router).await;
}

#[tokio::test]
async fn a_factory_reset_leaves_nothing_but_the_account() {
    let (router, mut client) = logged_in().await;
    let old = client.add(&ADD).await;
    client.add(&["/ip/hotspot/user/profile/add", "=name=fast"]).await;
    router.set_state(json!({ "power": "factory_reset" })).await.unwrap();
    let mut client = Client::logged_in(&router).await;
    let profiles = client.ask(&["/ip/hotspot/user/profile/print", "=.proplist=name"]).await;
    assert_eq!(profiles, [["!re", "=name=default"]]);
    let new = client.add(&ADD).await;
    assert!(number(&new) > number(&old), "ids go on rising");
}

#[tokio::test]
async fn an_answer_may_be_lost_after_the_act() {
    let (router, mut client) = logged_in().await;
    router.set_state(json!({ "lose_answers": 1 })).await.unwrap();
    assert!(!client.ask(&["/system/identity/print"]).await.is_empty(), "reading is answered");
    client.send(&ADD).await;
    assert!(client.is_closed().await);
    let mut client = Client::logged_in(&router).await;
    let refused = client.refusal(&ADD).await;
    assert_eq!(refused, "failure: already have user with this name for this server");
}

#[tokio::test]
async fn an_answer_may_be_late() {
    let (router, mut client) = logged_in().await;
    router.set_state(json!({ "answer_delay_ms": 120 })).await.unwrap();
    let asked = Instant::now();
    client.ask(&["/system/identity/print"]).await;
    assert!(asked.elapsed() >= Duration::from_millis(120));
}

#[tokio::test]
async fn wrong_switches_change_nothing() {
    let router = router().await;
    let before = router.snapshot().await;
    for state in [json!({ "power": "maybe" }), json!({ "tag_last": true, "device_mode": "party" }), json!({ "x": 1 })] {
        router.set_state(state).await.unwrap_err();
    }
    assert_eq!(router.snapshot().await["state"], before["state"]);
}

#[tokio::test]
async fn everything_survives_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    let start = |dir: &Path| RouterHandle::start(setup(Some(dir)));
    let router = start(dir.path()).await.unwrap();
    let mut client = Client::logged_in(&router).await;
    client.send_raw(&[b"/ip/hotspot/user/add", b"=name=u", b"=password=p", b"=comment=caf\xE9"]).await;
    client.replies().await;
    let removed = client.add(&["/ip/hotspot/user/add", "=name=v"]).await;
    client.ask(&["/ip/hotspot/user/remove", &format!("=.id={removed}")]).await;
    router.join_host(MAC, IP).await.unwrap();
    router.browser_login(MAC, IP, "u", "p").await.unwrap();
    router.traffic("u", 10, 20, 30).await.unwrap();
    let before = (router.address(), router.tls_address(), router.certificate_sha256());
    let mut held = router.snapshot().await;
    router.stop().await;
    drop(router);
    // A kill in the middle of a write leaves half a line, which nobody was answered for.
    let journal = dir.path().join("yellow-1.jsonl");
    let mut bytes = std::fs::read(&journal).unwrap();
    bytes.extend(b"{\"put\":{\"menu\":\"/ip/hotspot/us\xC3");
    std::fs::write(&journal, bytes).unwrap();

    let router = start(dir.path()).await.unwrap();
    assert_eq!((router.address(), router.tls_address(), router.certificate_sha256()), before);
    let mut now = router.snapshot().await;
    for (table, value) in now.as_object_mut().unwrap() {
        let before = held[table].take();
        // Time goes on and the tally begins anew.
        if !matches!(table.as_str(), "cookies" | "counters" | "uptime_seconds") {
            assert_eq!(*value, before, "{table}");
        }
    }
    let mut client = Client::logged_in(&router).await;
    let next = client.add(&["/ip/hotspot/user/add", "=name=w"]).await;
    assert!(number(&next) > number(&removed));
    drop(client);
    router.set_state(json!({ "power": "off" })).await.unwrap();
    let address = router.address();
    router.stop().await;
    let router = start(dir.path()).await.unwrap();
    assert!(TcpStream::connect(address).await.is_err(), "a router that was off stays off");
    router.set_state(json!({ "power": "on" })).await.unwrap();
    Client::logged_in(&router).await;
}

#[tokio::test]
async fn a_long_journal_is_rewritten_and_says_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let router = RouterHandle::start(setup(Some(dir.path()))).await.unwrap();
    let mut client = Client::logged_in(&router).await;
    client.add(&ADD).await;
    for _ in 0..1_100 {
        client.ask(&["/ip/hotspot/user/disable", "=.id=u"]).await;
        client.ask(&["/ip/hotspot/user/enable", "=.id=u"]).await;
    }
    let lines = std::fs::read_to_string(dir.path().join("yellow-1.jsonl")).unwrap().lines().count();
    assert!(lines < 1_000, "{lines} lines");
    let held = rows(&router, "users").await;
    router.stop().await;
    let router = RouterHandle::start(setup(Some(dir.path()))).await.unwrap();
    assert_eq!(rows(&router, "users").await, held);
}

#[tokio::test]
async fn a_name_that_is_no_file_name_is_refused() {
    let setup = netily_sandbox::routeros::RouterSetup { name: "../up".to_owned(), ..setup(None) };
    assert_eq!(RouterHandle::start(setup).await.unwrap_err().kind(), io::ErrorKind::InvalidInput);
}

fn number(id: &str) -> u64 {
    u64::from_str_radix(id.trim_start_matches('*'), 16).unwrap()
}
