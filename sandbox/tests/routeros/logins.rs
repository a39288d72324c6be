//! Who gets in: both login manners, refusals, and what the router does with bytes it cannot follow.

use serde_json::json;

use crate::client::{Client, PASSWORD, USER, logged_in, router};

#[tokio::test]
async fn a_wrong_password_is_trapped_and_may_be_tried_again() {
    let router = router().await;
    let mut client = Client::connect(router.address()).await;
    let message = client.refusal(&["/login", "=name=netily", "=password=wrong"]).await;
    assert_eq!(message, "invalid user name or password (6)");
    assert!(client.ask(&["/login", "=name=netily", "=password=s3cret"]).await.is_empty());
    assert!(!client.ask(&["/system/identity/print"]).await.is_empty());
}

#[tokio::test]
async fn done_without_a_password_does_not_mean_logged_in() {
    let router = router().await;
    let mut client = Client::connect(router.address()).await;
    let replies = client.ask(&["/login", "=name=netily"]).await;
    assert!(replies[0][1].starts_with("=ret=") && replies[0][1].len() == 37, "{replies:?}");
    client.send(&["/system/identity/print", ".tag=1"]).await;
    assert_eq!(client.sentence().await.unwrap(), ["!fatal", "not logged in"]);
    assert!(client.is_closed().await);
}

#[tokio::test]
async fn an_old_router_knows_only_the_challenge() {
    let router = router().await;
    router.set_state(json!({ "legacy_login": true, "version": "6.42" })).await.unwrap();
    let mut client = Client::connect(router.address()).await;
    let name = format!("=name={USER}");
    let replies = client.ask(&["/login", &name, &format!("=password={PASSWORD}")]).await;
    assert!(replies[0][1].starts_with("=ret="), "the plain password is passed over");
    let message = client.refusal(&["/login", &name, "=response=00ffffffffffffffffffffffffffffffff"]).await;
    assert_eq!(message, "cannot log in");
    client.send(&["/ip/hotspot/user/print"]).await;
    assert_eq!(client.sentence().await.unwrap(), ["!fatal", "not logged in"]);
}

#[tokio::test]
async fn a_new_router_refuses_the_old_response() {
    let router = router().await;
    let mut client = Client::connect(router.address()).await;
    client.ask(&["/login"]).await;
    let message = client.refusal(&["/login", "=name=netily", "=response=00ffffffffffffffffffffffffffffffff"]).await;
    assert_eq!(message, "invalid user name or password (6)");
}

#[tokio::test]
async fn quit_ends_with_a_bare_reason() {
    let (_router, mut client) = logged_in().await;
    client.send(&["/quit", ".tag=9"]).await;
    assert_eq!(client.sentence().await.unwrap(), ["!fatal", "session terminated on request"]);
    assert!(client.is_closed().await);
}

#[tokio::test]
async fn sessions_beyond_the_limit_are_refused_until_one_ends() {
    let router = router().await;
    router.set_state(json!({ "max_sessions": 2 })).await.unwrap();
    let mut first = Client::logged_in(&router).await;
    let _second = Client::logged_in(&router).await;
    assert!(Client::connect(router.address()).await.is_closed().await);
    assert_eq!(router.snapshot().await["counters"]["connections_refused"], 1);
    let services = first.ask(&["/ip/service/print", "?name=api", "=.proplist=max-sessions"]).await;
    assert_eq!(services, [["!re", "=max-sessions=2"]]);

    first.send(&["/quit"]).await;
    first.sentence().await;
    assert!(first.is_closed().await);
    while router.snapshot().await["counters"]["connections"] != 1 {
        tokio::task::yield_now().await;
    }
    Client::logged_in(&router).await;
}

#[tokio::test]
async fn bytes_that_are_no_words_close_the_connection() {
    let router = router().await;
    for bytes in [&[0xF8_u8][..], &[0xF1, 0, 0, 0, 0], &[0xE0, 0x20, 0, 0]] {
        let mut client = Client::connect(router.address()).await;
        client.send_bytes(bytes).await;
        assert!(client.is_closed().await, "{bytes:?}");
    }
    Client::logged_in(&router).await;
}
