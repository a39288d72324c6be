//! Who is online and for how long: logins, limits of the user's lifetime, counters flushed at logout, cookies, PPPoE.

use serde_json::json;

use crate::client::{Client, IP, MAC, logged_in, rows};

const LOGIN: [&str; 5] = ["/ip/hotspot/active/login", "=ip=10.5.50.20", "=mac-address=AA:BB:CC:DD:EE:01", "=user=u", "=password=p"];

async fn user(client: &mut Client, more: &[&str]) {
    let words = [&["/ip/hotspot/user/add", "=name=u", "=password=p"][..], more].concat();
    client.add(&words).await;
}

#[tokio::test]
async fn only_a_joined_host_is_logged_in() {
    let (router, mut client) = logged_in().await;
    user(&mut client, &["=limit-uptime=1h"]).await;
    assert_eq!(client.refusal(&LOGIN).await, "unknown host IP");
    router.join_host(&MAC.to_lowercase(), IP).await.unwrap();
    assert!(client.ask(&LOGIN).await.is_empty());
    assert!(client.ask(&LOGIN).await.is_empty(), "again changes nothing");
    let list = "=.proplist=user,address,mac-address,uptime,session-time-left,bytes-in,bytes-out";
    let active = client.ask(&["/ip/hotspot/active/print", list, "?user=u"]).await;
    let expected =
        ["!re", "=user=u", "=address=10.5.50.20", "=mac-address=AA:BB:CC:DD:EE:01", "=uptime=0s", "=session-time-left=1h", "=bytes-in=0", "=bytes-out=0"];
    assert_eq!(active, [expected]);
    assert_eq!(rows(&router, "hosts").await[0]["authorized"], "true");
}

#[tokio::test]
async fn counters_reach_the_user_only_at_logout() {
    let (router, mut client) = logged_in().await;
    user(&mut client, &["=limit-uptime=1h"]).await;
    router.join_host(MAC, IP).await.unwrap();
    client.ask(&LOGIN).await;
    router.traffic("u", 1_048_576, 5_368_709_120, 725).await.unwrap();
    let snapshot = router.snapshot().await;
    assert_eq!(snapshot["users"][0]["uptime"], "0s");
    assert_eq!(snapshot["active"][0]["bytes-out"], "5368709120");
    assert_eq!(snapshot["active"][0]["session-time-left"], "47m55s");
    assert_eq!(snapshot["counters"]["users"]["u"]["uptime"], "12m5s");

    let id = format!("=.id={}", snapshot["active"][0][".id"].as_str().unwrap());
    client.ask(&["/ip/hotspot/active/remove", &id]).await;
    let snapshot = router.snapshot().await;
    assert!(snapshot["active"].as_array().unwrap().is_empty());
    assert!(snapshot["cookies"].as_array().unwrap().is_empty(), "an admin's reset takes the cookie");
    let user = &snapshot["users"][0];
    assert_eq!((&user["uptime"], &user["bytes-in"], &user["bytes-out"]), (&json!("12m5s"), &json!("1048576"), &json!("5368709120")));

    client.ask(&LOGIN).await;
    let active = &rows(&router, "active").await[0];
    assert_eq!((&active["bytes-out"], &active["session-time-left"]), (&json!("0"), &json!("47m55s")));
    client.ask(&["/ip/hotspot/user/reset-counters", "=.id=u"]).await;
    assert_eq!(rows(&router, "users").await[0]["uptime"], "0s");
}

#[tokio::test]
async fn time_that_is_used_up_ends_the_session_and_bars_the_next() {
    let (router, mut client) = logged_in().await;
    user(&mut client, &["=limit-uptime=1h"]).await;
    router.join_host(MAC, IP).await.unwrap();
    router.browser_login(MAC, IP, "u", "p").await.unwrap();
    router.traffic("u", 0, 0, 5_000).await.unwrap();
    let snapshot = router.snapshot().await;
    assert_eq!((&snapshot["users"][0]["uptime"], &snapshot["active"], &snapshot["cookies"]), (&json!("1h"), &json!([]), &json!([])));
    assert_eq!(router.browser_login(MAC, IP, "u", "p").await, Err("uptime-limit: user u has reached uptime limit".to_owned()));
    assert_eq!(client.refusal(&LOGIN).await, "user u has reached uptime limit");
    client.ask(&["/ip/hotspot/user/set", "=.id=u", "=limit-uptime=2h"]).await;
    router.browser_login(MAC, IP, "u", "p").await.unwrap();
    assert_eq!(rows(&router, "active").await[0]["session-time-left"], "1h");
    assert!(router.traffic("nobody", 1, 1, 1).await.is_err());
}

#[tokio::test]
async fn bytes_beyond_the_limit_do_not_pass() {
    let (router, mut client) = logged_in().await;
    user(&mut client, &["=limit-bytes-total=10000000000"]).await;
    router.join_host(MAC, IP).await.unwrap();
    client.ask(&LOGIN).await;
    router.traffic("u", 1_000_000_000, 4_000_000_000, 60).await.unwrap();
    assert_eq!(rows(&router, "active").await.len(), 1);
    router.traffic("u", 0, 9_000_000_000, 60).await.unwrap();
    let snapshot = router.snapshot().await;
    assert_eq!((&snapshot["active"], &snapshot["users"][0]["bytes-out"]), (&json!([]), &json!("9000000000")));
    assert!(router.browser_login(MAC, IP, "u", "p").await.unwrap_err().starts_with("traffic-limit"));
}

#[tokio::test]
async fn the_servlet_names_why_it_refuses() {
    let (router, mut client) = logged_in().await;
    user(&mut client, &["=mac-address=AA:BB:CC:DD:EE:01"]).await;
    router.join_host("AA:BB:CC:DD:EE:02", "10.5.50.21").await.unwrap();
    let login = |password| router.browser_login("AA:BB:CC:DD:EE:02", "10.5.50.21", "u", password);
    assert_eq!(login("x").await, Err("invalid-username: invalid username or password".to_owned()));
    assert!(login("p").await.unwrap_err().starts_with("invalid-mac"));
    assert_eq!(router.browser_login(MAC, IP, "u", "p").await, Err("unknown-host: unknown host IP".to_owned()));
    client.ask(&["/ip/hotspot/user/set", "=.id=u", "=mac-address=00:00:00:00:00:00", "=disabled=yes"]).await;
    assert!(login("p").await.unwrap_err().starts_with("invalid-username"));
    client.ask(&["/ip/hotspot/user/set", "=.id=u", "=disabled=no"]).await;
    login("p").await.unwrap();
    router.join_host(MAC, IP).await.unwrap();
    assert_eq!(client.refusal(&LOGIN).await, "no more sessions are allowed for user u");
    client.ask(&["/ip/hotspot/user/profile/set", "=.id=default", "=shared-users=2"]).await;
    assert!(client.ask(&LOGIN).await.is_empty());
}

#[tokio::test]
async fn a_mac_cookie_brings_the_device_back_while_its_user_may() {
    let (router, mut client) = logged_in().await;
    user(&mut client, &[]).await;
    router.join_host(MAC, IP).await.unwrap();
    client.ask(&LOGIN).await;
    router.traffic("u", 10, 20, 30).await.unwrap();
    router.leave_host(MAC).await.unwrap();
    let snapshot = router.snapshot().await;
    assert_eq!((&snapshot["hosts"], &snapshot["active"], &snapshot["users"][0]["uptime"]), (&json!([]), &json!([]), &json!("30s")));
    router.join_host(MAC, "10.5.50.99").await.unwrap();
    let snapshot = router.snapshot().await;
    assert_eq!((&snapshot["active"][0]["login-by"], &snapshot["active"][0]["address"]), (&json!("mac-cookie"), &json!("10.5.50.99")));

    router.leave_host(MAC).await.unwrap();
    client.ask(&["/ip/hotspot/user/disable", "=.id=u"]).await;
    router.join_host(MAC, IP).await.unwrap();
    let snapshot = router.snapshot().await;
    assert_eq!((&snapshot["active"], &snapshot["cookies"]), (&json!([]), &json!([])), "a cookie that fails is thrown away");
}

#[tokio::test]
async fn the_rate_is_taken_at_login() {
    let (router, mut client) = logged_in().await;
    client.add(&["/ip/hotspot/user/profile/add", "=name=fast", "=rate-limit=512k/1M", "=add-mac-cookie=no"]).await;
    user(&mut client, &["=profile=fast"]).await;
    router.join_host(MAC, IP).await.unwrap();
    client.ask(&LOGIN).await;
    assert!(rows(&router, "cookies").await.is_empty());
    client.ask(&["/ip/hotspot/user/profile/set", "=.id=fast", "=rate-limit=2M/2M"]).await;
    let queue = client.ask(&["/queue/simple/print", "=.proplist=name,target,max-limit"]).await;
    assert_eq!(queue, [["!re", "=name=<hotspot-u>", "=target=10.5.50.20/32", "=max-limit=512k/1M"]]);
}

#[tokio::test]
async fn the_licence_bounds_who_is_online() {
    let (router, mut client) = logged_in().await;
    router.set_state(json!({ "license_level": 3 })).await.unwrap();
    client.add(&["/ip/hotspot/user/add", "=name=other"]).await;
    user(&mut client, &[]).await;
    router.join_host(MAC, IP).await.unwrap();
    router.join_host("AA:BB:CC:DD:EE:02", "10.5.50.21").await.unwrap();
    client.ask(&LOGIN).await;
    let refused = router.browser_login("AA:BB:CC:DD:EE:02", "10.5.50.21", "other", "").await;
    assert_eq!(refused, Err("license-session-limit: session limit reached (1)".to_owned()));
}

#[tokio::test]
async fn a_blocked_device_does_not_get_in_and_a_bypassed_one_is_marked() {
    let (router, mut client) = logged_in().await;
    let binding = ["/ip/hotspot/ip-binding/add", "=mac-address=AA:BB:CC:DD:EE:01", "=type=blocked"];
    let id = client.add(&binding).await;
    assert!(router.join_host(MAC, IP).await.is_err());
    client.ask(&["/ip/hotspot/ip-binding/set", &format!("=.id={id}"), "=type=bypassed"]).await;
    router.join_host(MAC, IP).await.unwrap();
    assert_eq!(rows(&router, "hosts").await[0]["bypassed"], "true");
    assert!(router.join_host("not a mac", IP).await.is_err());
    assert!(router.join_host(MAC, "10.5.50.999").await.is_err());
}

#[tokio::test]
async fn a_subscriber_dials_in_is_counted_and_hung_up_on() {
    let (router, mut client) = logged_in().await;
    client.add(&["/ppp/secret/add", "=name=home-1", "=password=p", "=service=pppoe"]).await;
    assert!(router.ppp_dial("home-1", "wrong", MAC).await.is_err());
    router.ppp_dial("home-1", "p", MAC).await.unwrap();
    router.traffic("home-1", 100, 2_000, 60).await.unwrap();
    let interface = client.ask(&["/interface/print", "=.proplist=rx-byte,tx-byte", "?name=<pppoe-home-1>"]).await;
    assert_eq!(interface, [["!re", "=rx-byte=100", "=tx-byte=2000"]]);
    let active = rows(&router, "ppp_active").await;
    assert_eq!((&active[0]["name"], &active[0]["uptime"]), (&json!("home-1"), &json!("1m")));

    client.ask(&["/ppp/secret/disable", "=.id=home-1"]).await;
    assert_eq!(rows(&router, "ppp_active").await.len(), 1, "disabling a secret ends nothing by itself");
    client.ask(&["/ppp/active/remove", &format!("=.id={}", active[0][".id"].as_str().unwrap())]).await;
    assert!(rows(&router, "ppp_active").await.is_empty());
    assert!(router.ppp_dial("home-1", "p", MAC).await.is_err());
    let gone = client.ask(&["/interface/print", "?name=<pppoe-home-1>"]).await;
    assert_eq!(gone, [["!empty"]]);
}
