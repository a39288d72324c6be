//! Commands on rows as a client sees them: print with its filters, add, set, remove, refusals, tags, listen and cancel.

use serde_json::json;

use crate::client::{Client, IP, MAC, logged_in};

#[tokio::test]
async fn a_user_is_added_read_back_changed_and_removed() {
    let (_router, mut client) = logged_in().await;
    client.add(&["/ip/hotspot/user/profile/add", "=name=1h-5M", "=rate-limit=5M/5M"]).await;
    let id = client
        .add(&[
            "/ip/hotspot/user/add",
            "=name=254712345678",
            "=password=9F3K",
            "=profile=1h-5M",
            "=limit-uptime=60m",
            "=mac-address=aa-bb-cc-dd-ee-ff",
            "=server=all",
            "=comment=pay:QK12=AB",
        ])
        .await;
    let list = "=.proplist=.id,name,profile,limit-uptime,mac-address,server,comment,disabled,limit-bytes-total,email";
    let row = client.ask(&["/ip/hotspot/user/print", list, "?name=254712345678"]).await;
    let expected = [
        "!re",
        &format!("=.id={id}"),
        "=name=254712345678",
        "=profile=1h-5M",
        "=limit-uptime=1h",
        "=mac-address=AA:BB:CC:DD:EE:FF",
        "=server=all",
        "=comment=pay:QK12=AB",
        "=disabled=false",
    ];
    assert_eq!(row, [expected], "unset properties are absent");

    let by_id = format!("=.id={id}");
    assert!(client.ask(&["/ip/hotspot/user/set", &by_id, "=disabled=yes", "=limit-uptime=1w4d1h16m55s"]).await.is_empty());
    let row = client.ask(&["/ip/hotspot/user/print", "=.proplist=disabled,limit-uptime", "?.id=*FF", &format!("?.id={id}"), "?#|"]).await;
    assert_eq!(row, [["!re", "=disabled=true", "=limit-uptime=1w4d1h16m55s"]]);
    client.ask(&["/ip/hotspot/user/enable", "=numbers=254712345678"]).await;
    client.ask(&["/ip/hotspot/user/unset", &by_id, "=value-name=comment"]).await;
    let row = client.ask(&["/ip/hotspot/user/print", "=.proplist=disabled", "?-comment"]).await;
    assert_eq!(row, [["!re", "=disabled=false"]]);

    assert!(client.ask(&["/ip/hotspot/user/remove", &by_id]).await.is_empty());
    assert_eq!(client.refusal(&["/ip/hotspot/user/remove", &by_id]).await, "no such item");
    assert_eq!(client.refusal(&["/ip/hotspot/user/set", &by_id, "=disabled=no"]).await, "no such item");
    let next = client.add(&["/ip/hotspot/user/add", "=name=254712345678"]).await;
    assert_ne!(next, id, "ids are never used twice");
}

#[tokio::test]
async fn refusals_have_the_words_of_routeros() {
    let (_router, mut client) = logged_in().await;
    client.add(&["/ip/hotspot/user/add", "=name=a"]).await;
    client.add(&["/ppp/secret/add", "=name=a"]).await;
    let cases: [(&[&str], &str); 14] = [
        (&["/ip/hotspot/user/add", "=name=a", "=server=all"], "failure: already have user with this name for this server"),
        (&["/ip/hotspot/user/add", "=name=b", "=profile=none"], "input does not match any value of profile"),
        (&["/ip/hotspot/user/add", "=name=b", "=server=none"], "input does not match any value of server"),
        (&["/ip/hotspot/user/add", "=name=b", "=limit-uptime=soon"], "invalid value for argument limit-uptime"),
        (&["/ip/hotspot/user/add", "=name=b", "=colour=red"], "unknown parameter"),
        (&["/ip/hotspot/user/add", "=name=b", "=uptime=5m"], "unknown parameter"),
        (&["/ip/hotspot/user/add", "=password=b"], "missing value(s) of argument(s) name"),
        (&["/ip/hotspot/user/remove", "=.id=*FFFF"], "no such item"),
        (&["/ip/hotspot/user/fly"], "no such command prefix"),
        (&["/ip/teleport/print"], "no such command prefix"),
        (&["/ip/hotspot/active/add", "=user=a"], "no such command prefix"),
        (&["/ip/hotspot/profile/set", "=.id=hsprof1", "=login-by=https-redirect"], "input does not match any value of login-by"),
        (&["/ppp/secret/add", "=name=a"], "failure: secret with the same name already exists"),
        (&["/ip/hotspot/user/print", "bare"], "unknown parameter"),
    ];
    for (words, message) in cases {
        assert_eq!(client.refusal(words).await, message, "{words:?}");
    }
    let trap = client.ask(&["/ip/hotspot/user/add", "=name=b", "=profile=none"]).await;
    assert_eq!(trap, [["!trap", "=category=1", "=message=input does not match any value of profile"]]);
}

#[tokio::test]
async fn nothing_to_return_is_said_from_7_18_on() {
    let (router, mut client) = logged_in().await;
    assert_eq!(client.ask(&["/ip/hotspot/active/print"]).await, [["!empty"]]);
    router.set_state(json!({ "version": "7.17.2" })).await.unwrap();
    assert!(client.ask(&["/ip/hotspot/active/print"]).await.is_empty());
    let count = client.ask(&["/ip/hotspot/active/print", "=count-only="]).await;
    assert_eq!(count, [["!done", "=ret=0"]]);
}

#[tokio::test]
async fn a_tag_is_echoed_second_or_last() {
    let (router, mut client) = logged_in().await;
    client.send(&["/system/identity/print", ".tag=7"]).await;
    assert_eq!(client.sentence().await.unwrap(), ["!re", ".tag=7", "=name=Stand-in"]);
    assert_eq!(client.sentence().await.unwrap(), ["!done", ".tag=7"]);
    router.set_state(json!({ "tag_last": true, "fragment_bytes": 1 })).await.unwrap();
    client.send(&[".tag=8"]).await;
    assert_eq!(client.sentence().await.unwrap()[0], "!trap", "a tag alone is no command");
    client.sentence().await;
    client.send(&["/system/identity/print", ".tag=8"]).await;
    assert_eq!(client.sentence().await.unwrap(), ["!re", "=name=Stand-in", ".tag=8"]);
    assert_eq!(client.sentence().await.unwrap(), ["!done", ".tag=8"]);
    client.send(&["/ip/hotspot/user/add", "=name=a", ".tag=8"]).await;
    let done = client.sentence().await.unwrap();
    assert!(done[1].starts_with("=ret=*") && done[2] == ".tag=8", "{done:?}");
}

#[tokio::test]
async fn latin_1_comments_stay_raw() {
    let (router, mut client) = logged_in().await;
    client.send_raw(&[b"/ip/hotspot/user/add", b"=name=a", b"=comment=caf\xE9"]).await;
    client.replies().await;
    let row = client.ask(&["/ip/hotspot/user/print", "=.proplist=comment"]).await;
    assert_eq!(row, [["!re", "=comment=caf\u{e9}"]]);
    assert_eq!(router.snapshot().await["users"][0]["comment"], "caf\u{e9}");
}

#[tokio::test]
async fn passwords_are_hidden_without_the_policy() {
    let (router, mut client) = logged_in().await;
    client.add(&["/ip/hotspot/user/add", "=name=a", "=password=p"]).await;
    let ask = ["/ip/hotspot/user/print", "=.proplist=name,password"];
    assert_eq!(client.ask(&ask).await, [["!re", "=name=a", "=password=p"]]);
    router.set_state(json!({ "sensitive": false })).await.unwrap();
    assert_eq!(client.ask(&ask).await, [["!re", "=name=a"]]);
    assert_eq!(router.snapshot().await["users"][0]["password"], "p");
}

#[tokio::test]
async fn a_profile_is_followed_through_its_rename() {
    let (_router, mut client) = logged_in().await;
    let profile = client.add(&["/ip/hotspot/user/profile/add", "=name=old"]).await;
    client.add(&["/ip/hotspot/user/add", "=name=a", "=profile=old"]).await;
    client.ask(&["/ip/hotspot/user/profile/set", "=.id=old", "=name=new"]).await;
    let ask = ["/ip/hotspot/user/print", "=.proplist=profile"];
    assert_eq!(client.ask(&ask).await, [["!re", "=profile=new"]]);
    client.ask(&["/ip/hotspot/user/profile/remove", &format!("=.id={profile}")]).await;
    assert_eq!(client.ask(&ask).await, [["!re".to_owned(), format!("=profile={profile}")]]);
}

#[tokio::test]
async fn the_readiness_menus_tell_their_switches() {
    let (router, mut client) = logged_in().await;
    let fasttrack = ["/ip/firewall/filter/print", "=.proplist=disabled", "?action=fasttrack-connection"];
    assert_eq!(client.ask(&fasttrack).await, [["!re", "=disabled=true"]]);
    let mode = ["/system/device-mode/print", "=.proplist=mode,hotspot"];
    assert_eq!(client.ask(&mode).await, [["!re", "=mode=advanced", "=hotspot=true"]]);
    router.set_state(json!({ "fasttrack": true, "version": "7.19.3", "license_level": 6 })).await.unwrap();
    assert_eq!(client.ask(&fasttrack).await, [["!re", "=disabled=false"]]);
    let version = client.ask(&["/system/resource/print", "=.proplist=version"]).await;
    assert_eq!(version, [["!re", "=version=7.19.3 (stable)"]]);
    assert_eq!(client.ask(&["/system/license/print", "=.proplist=nlevel"]).await, [["!re", "=nlevel=6"]]);

    router.set_state(json!({ "device_mode": "home" })).await.unwrap();
    assert!(client.is_closed().await, "a new device-mode takes a power cut");
    router.join_host(MAC, IP).await.unwrap_err();
    let mut client = Client::logged_in(&router).await;
    assert_eq!(client.ask(&mode).await, [["!re", "=mode=home", "=hotspot=false"]]);
    client.add(&["/ip/hotspot/user/add", "=name=a"]).await;
    let login = ["/ip/hotspot/active/login", "=ip=10.5.50.20", "=user=a", "=password="];
    assert_eq!(client.refusal(&login).await, "failure: not allowed by device-mode");
    let server = client.ask(&["/ip/hotspot/print", "=.proplist=invalid,.about"]).await;
    assert_eq!(server, [["!re", "=invalid=true", "=.about=inactivated, not allowed by device-mode"]]);
}

#[tokio::test]
async fn services_tell_their_ports_and_an_old_version_has_no_device_mode() {
    let (router, mut client) = logged_in().await;
    let services = client.ask(&["/ip/service/print", "=.proplist=name,port"]).await;
    let row = |name: &str, port: u16| ["!re".to_owned(), format!("=name={name}"), format!("=port={port}")];
    let ports = (router.address().port(), router.tls_address().port());
    assert_eq!(services, [row("api", ports.0), row("api-ssl", ports.1)]);
    router.set_state(json!({ "version": "6.49.21" })).await.unwrap();
    let refused = client.refusal(&["/system/device-mode/print"]).await;
    assert_eq!(refused, "no such command prefix");
    assert!(client.ask(&["/system/identity/set", "=name=Kiosk"]).await.is_empty());
    assert_eq!(client.ask(&["/system/identity/print"]).await, [["!re", "=name=Kiosk"]]);
}

#[tokio::test]
async fn listen_tells_of_changes_until_it_is_cancelled() {
    let (_router, mut client) = logged_in().await;
    let id = client.add(&["/ip/hotspot/user/add", "=name=a"]).await;
    client.send(&["/ip/hotspot/user/listen", "=.proplist=.id,name", ".tag=2"]).await;
    assert!(client.ask(&["/ip/hotspot/user/set", &format!("=.id={id}"), "=name=b"]).await.is_empty());
    let id = format!("=.id={id}");
    assert_eq!(client.sentence().await.unwrap(), ["!re", ".tag=2", &id, "=name=b"]);
    assert!(client.ask(&["/ip/hotspot/user/remove", &id]).await.is_empty());
    assert_eq!(client.sentence().await.unwrap(), ["!re", ".tag=2", &id, "=.dead=true"]);

    client.send(&["/cancel", "=tag=2", ".tag=7"]).await;
    assert_eq!(client.sentence().await.unwrap(), ["!trap", ".tag=2", "=category=2", "=message=interrupted"]);
    assert_eq!(client.sentence().await.unwrap(), ["!done", ".tag=7"]);
    assert_eq!(client.sentence().await.unwrap(), ["!done", ".tag=2"]);
    assert_eq!(client.refusal(&["/cancel", "=tag=2"]).await, "no such item");
    assert_eq!(client.refusal(&["/ip/teleport/listen"]).await, "no such command prefix");
}
