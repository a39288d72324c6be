//! Staying signed in.

use std::time::Duration;

use futures::future::join_all;
use tokio::sync::Semaphore;

use super::stand_in::StandIn;
use crate::auth::{AcceptInvitationRequest, GetMeRequest};
use crate::types::ErrorReason;

#[tokio::test]
async fn calls_carry_the_token_but_those_that_make_tokens_do_not() {
    let server = StandIn::start().await;
    let client = server.signed_in().await;
    client.auth().get_me(GetMeRequest {}).await.expect("me");
    client.sign_in("owner@yellow.test", "secret").await.expect("a second sign-in");

    assert_eq!(server.sent("GetMe", "authorization"), [Some("Bearer access-1".to_owned())]);
    assert_eq!(server.sent("SignIn", "authorization"), [None, None]);
    assert_eq!(client.tokens().expect("tokens").access, "access-2");
}

#[tokio::test]
async fn an_invitation_signs_in() {
    let server = StandIn::start().await;
    let client = server.client();
    client.accept_invitation(AcceptInvitationRequest { token: "t".into(), ..Default::default() }).await.expect("accepted");
    client.auth().get_me(GetMeRequest {}).await.expect("me");
    client.accept_invitation(AcceptInvitationRequest { token: "t".into(), ..Default::default() }).await.expect("accepted");
    assert_eq!(server.sent("AcceptInvitation", "authorization"), [None, None], "an invitation speaks for itself");
}

#[tokio::test]
async fn fifty_refused_calls_renew_the_token_once() {
    let server = StandIn::start().await;
    let client = server.signed_in().await;
    server.state().generation = 99;

    let calls = (0..50).map(|_| {
        let auth = client.auth();
        async move { auth.get_me(GetMeRequest {}).await }
    });
    for answer in join_all(calls).await {
        answer.expect("me");
    }

    assert_eq!(server.state().exchanges, 1);
    assert_eq!(client.tokens().expect("tokens").refresh, "refresh-2");
}

#[tokio::test]
async fn a_token_that_is_nearly_spent_is_renewed_before_the_call() {
    let server = StandIn::start().await;
    server.state().access_lives = Duration::from_secs(5);
    let client = server.signed_in().await;
    server.state().access_lives = Duration::from_secs(900);

    client.auth().get_me(GetMeRequest {}).await.expect("me");
    client.auth().get_me(GetMeRequest {}).await.expect("me");

    assert_eq!(server.state().exchanges, 1);
    assert_eq!(server.sent("GetMe", "authorization"), vec![Some("Bearer access-2".to_owned()); 2]);
}

#[tokio::test]
async fn a_wrong_clock_does_not_renew_at_every_call() {
    let server = StandIn::start().await;
    server.state().access_lives = Duration::ZERO;
    let client = server.signed_in().await;
    for _ in 0..5 {
        client.auth().get_me(GetMeRequest {}).await.expect("me");
    }
    assert_eq!(server.state().exchanges, 1);
}

#[tokio::test]
async fn an_ended_sign_in_is_forgotten_and_says_so() {
    let server = StandIn::start().await;
    let client = server.signed_in().await;
    server.state().generation = 99;
    server.state().refresh_ended = true;

    let refused = client.auth().get_me(GetMeRequest {}).await.expect_err("an ended sign-in");
    assert_eq!(refused.reason, ErrorReason::RefreshTokenInvalid);
    assert_eq!(client.tokens(), None);

    let refused = client.auth().get_me(GetMeRequest {}).await.expect_err("nobody");
    assert_eq!(refused.reason, ErrorReason::Unauthenticated);
    assert_eq!(server.state().exchanges, 1);
}

#[tokio::test]
async fn an_exchange_that_nobody_waits_for_still_keeps_its_tokens() {
    let server = StandIn::start().await;
    let client = server.signed_in().await;
    server.state().generation = 99;
    server.refresh_permits.forget_permits(Semaphore::MAX_PERMITS);

    let hasty = client.with_deadline(Duration::from_millis(50));
    let late = hasty.auth().get_me(GetMeRequest {}).await.expect_err("no answer yet");
    assert_eq!(late.reason, ErrorReason::DeadlineExceeded);

    server.refresh_permits.add_permits(1);
    client.auth().get_me(GetMeRequest {}).await.expect("me");
    assert_eq!(server.state().exchanges, 1);
}

#[tokio::test]
async fn signing_out_wins_over_a_renewal_under_way() {
    let server = StandIn::start().await;
    let client = server.signed_in().await;
    let used = client.tokens().expect("tokens");
    server.refresh_permits.forget_permits(Semaphore::MAX_PERMITS);

    let renewal = client.renewed(&used);
    client.sign_out().await.expect("a sign-out");
    server.refresh_permits.add_permits(1);

    assert_eq!(renewal.await.expect_err("signed out").reason, ErrorReason::Unauthenticated);
    assert_eq!(client.tokens(), None);
}

#[tokio::test]
async fn wrong_credentials_leave_the_sign_in_before_alone() {
    let server = StandIn::start().await;
    let client = server.signed_in().await;
    let refused = client.sign_in("owner@yellow.test", "wrong").await.expect_err("a wrong password");
    assert_eq!(refused.reason, ErrorReason::WrongCredentials);
    assert_eq!(client.tokens().expect("tokens").access, "access-1");
}

#[tokio::test]
async fn a_sign_in_goes_on_in_another_client() {
    let server = StandIn::start().await;
    let tokens = server.signed_in().await.tokens().expect("tokens");
    let another = server.builder().tokens(tokens).build().expect("a client");
    another.auth().get_me(GetMeRequest {}).await.expect("me");
}

#[test]
fn debug_shows_no_secret() {
    let tokens = crate::auth::Tokens { access: "hush".into(), refresh: "hush".into(), access_expires_at: None };
    let sign_in = crate::auth::SignInRequest { identifier: "owner".into(), password: "hush".into() };
    let router = crate::router::CreateRouterRequest { password: "hush".into(), ..Default::default() };
    let purchase = crate::hotspot::Purchase { password: "hush".into(), ..Default::default() };
    let shown = format!("{tokens:?} {sign_in:?} {router:?} {purchase:?}");
    assert!(!shown.contains("hush") && shown.contains("owner"), "{shown}");
}
