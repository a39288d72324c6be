//! Staying signed in: refresh tokens, browsers with a cookie, and a person's own list of sign-ins.

use std::time::Duration;

use futures::future::join_all;
use netily_sdk::auth::{
    EndOtherSignInsRequest, EndSignInRequest, GetMeRequest, GetMeResponse, ListSignInsRequest, RefreshTokenRequest, SignInRequest, SignInResponse,
    SignOutRequest, SignOutResponse, Tokens,
};
use netily_sdk::isp::{GetPublicProfileRequest, GetPublicProfileResponse};
use netily_sdk::types::ErrorReason;
use netily_sdk::{Client, Error};
use netily_tests::{Access, Browser, World};

const SIGN_IN: &str = "netily.auth.v1.AuthService/SignIn";
const SIGN_OUT: &str = "netily.auth.v1.AuthService/SignOut";
const ME: &str = "netily.auth.v1.AuthService/GetMe";
const PROFILE: &str = "netily.isp.v1.IspService/GetPublicProfile";
const WANT_COOKIE: (&str, &str) = ("netily-session", "cookie");
const DAY: Duration = Duration::from_secs(24 * 3_600);

async fn exchange(client: &Client, refresh: &str) -> Result<Tokens, ErrorReason> {
    let answer = client.auth().refresh_token(RefreshTokenRequest { refresh: refresh.to_owned() }).await;
    answer.map(|answer| answer.tokens.expect("tokens")).map_err(|error| error.reason)
}

fn owner(world: &World) -> SignInRequest {
    let owner = &world.seeded.isps[0].owner;
    SignInRequest { identifier: owner.identifier.clone(), password: owner.password.clone() }
}

/// A browser of `yellow` in which its owner has signed in.
async fn signed_in(world: &World) -> Browser<'_> {
    let browser = world.browser("yellow");
    let answer = browser.call_with::<_, SignInResponse>(SIGN_IN, &owner(world), &[WANT_COOKIE]).await;
    answer.outcome.expect("signs in");
    browser
}

async fn me(browser: &Browser<'_>) -> Result<GetMeResponse, Error> {
    browser.call(ME, &GetMeRequest {}).await.outcome
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_calls_with_one_refresh_token_leave_one_family_and_all_of_them_signed_in() {
    let world = World::new().await;
    let client = world.signed_in("yellow", Access::Owner).await;
    let first = client.tokens().expect("tokens").refresh;
    let outcomes = join_all((0..50).map(|_| exchange(&client, &first))).await;
    let mut successors: Vec<String> = outcomes.into_iter().map(|outcome| outcome.expect("everybody gets tokens").refresh).collect();
    successors.dedup();
    assert_eq!(successors.len(), 1, "the same successor for all: {}", successors.len());
    let mut sql = world.sql().await;
    assert_eq!(sql.count("tenant.refresh_token WHERE used_at IS NULL").await, 1, "one token can be used");
    assert_eq!(sql.count("tenant.sign_in WHERE ended_at IS NULL").await, 1);
    exchange(&client, &successors[0]).await.expect("and it can be used");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_got_lost_is_given_again_for_half_a_minute() {
    let world = World::new().await;
    let client = world.signed_in("yellow", Access::Owner).await;
    let first = client.tokens().expect("tokens").refresh;
    let second = exchange(&client, &first).await.expect("renewed").refresh;
    world.advance(Duration::from_secs(29));
    assert_eq!(exchange(&client, &first).await.expect("asked for again").refresh, second, "the same answer");
    world.advance(Duration::from_secs(2));
    assert_eq!(exchange(&client, &first).await.expect_err("half a minute is over"), ErrorReason::RefreshTokenInvalid);
    assert_eq!(exchange(&client, &second).await.expect_err("the family has ended"), ErrorReason::RefreshTokenInvalid);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_whose_successor_was_used_is_stolen_whenever_it_comes() {
    let world = World::new().await;
    let client = world.signed_in("yellow", Access::Owner).await;
    let first = client.tokens().expect("tokens").refresh;
    let second = exchange(&client, &first).await.expect("renewed").refresh;
    let third = exchange(&client, &second).await.expect("renewed");
    assert_eq!(exchange(&client, &first).await.expect_err("no answer got lost"), ErrorReason::RefreshTokenInvalid);
    assert_eq!(exchange(&client, &third.refresh).await.expect_err("the family has ended"), ErrorReason::RefreshTokenInvalid);
    client.set_tokens(Some(third));
    assert_eq!(client.auth().get_me(GetMeRequest {}).await.expect_err("with its access tokens").reason, ErrorReason::RefreshTokenInvalid);
    assert_eq!(world.sql().await.count("tenant.audit_event WHERE act = 'end_stolen_sign_in'").await, 1);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_token_of_one_isp_is_none_of_another() {
    let world = World::new().await;
    let refresh = world.signed_in("yellow", Access::Owner).await.tokens().expect("tokens").refresh;
    let elsewhere = exchange(&world.client("blue"), &refresh).await;
    assert_eq!(elsewhere.expect_err("unknown there"), ErrorReason::RefreshTokenInvalid);
    exchange(&world.client("yellow"), &refresh).await.expect("and it is unharmed");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_gets_a_cookie_that_no_script_can_read_and_no_tokens() {
    let world = World::new().await;
    let browser = world.browser("yellow");
    let without = browser.call::<_, SignInResponse>(SIGN_IN, &owner(&world)).await;
    assert!(without.set_cookie.is_none() && without.outcome.expect("signs in").tokens.is_some(), "who asks for no cookie gets tokens");

    let answer = browser.call_with::<_, SignInResponse>(SIGN_IN, &owner(&world), &[WANT_COOKIE]).await;
    let set = answer.set_cookie.expect("a cookie");
    for wanted in ["__Host-netily=", "; HttpOnly", "; Secure", "; SameSite=Lax", "; Path=/", "; Max-Age=2592000"] {
        assert!(set.contains(wanted), "{wanted} in {set}");
    }
    assert!(!set.contains("Domain"), "it goes back to this host only: {set}");
    let signed_in = answer.outcome.expect("signs in");
    assert_eq!(signed_in.tokens, None);
    let value = browser.cookie().expect("kept");
    assert_eq!(value.len(), 43, "256 bits in base64");
    let user = me(&browser).await.expect("the cookie speaks for the owner").user.expect("a person");
    assert_eq!(Some(user), signed_in.user);
    let stored = world.sql().await.value(&format!("SELECT count(*) AS n FROM tenant.sign_in WHERE position('{value}'::bytea IN cookie_hash) > 0")).await;
    assert_eq!(stored, 0, "only a hash is kept");

    let out = browser.call::<_, SignOutResponse>(SIGN_OUT, &SignOutRequest::default()).await;
    out.outcome.expect("signs out");
    assert!(out.set_cookie.expect("it is cleared").contains("Max-Age=0"));
    assert_eq!(me(&browser).await.expect_err("no cookie any longer").reason, ErrorReason::Unauthenticated);
    browser.keep(Some(value));
    assert_eq!(me(&browser).await.expect_err("and it is worth nothing").reason, ErrorReason::Unauthenticated);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cookie_counts_in_calls_from_its_own_page_only() {
    let world = World::new().await;
    let value = signed_in(&world).await.cookie();
    let port = world.address.port();
    for origin in [None, Some("null"), Some(&*format!("http://blue.localhost:{port}")), Some("http://evil.example"), Some("http://yellow.localhost")] {
        let browser = world.browser("yellow").at(origin);
        browser.keep(value.clone());
        assert_eq!(me(&browser).await.expect_err("refused").reason, ErrorReason::PermissionDenied, "{origin:?}");
        let out = browser.call::<_, SignOutResponse>(SIGN_OUT, &SignOutRequest::default()).await;
        assert!(out.outcome.is_err() && out.set_cookie.is_none(), "nor does another page sign somebody out: {origin:?}");
    }
    let browser = world.browser("yellow");
    browser.keep(value);
    for content_type in ["text/plain", "application/json", "application/x-www-form-urlencoded", "multipart/form-data"] {
        let answer = browser.call_with::<_, GetMeResponse>(ME, &GetMeRequest {}, &[("content-type", content_type)]).await;
        assert!(answer.outcome.is_err(), "{content_type}, which a form can send");
    }
    me(&browser).await.expect("nothing of this ended the sign-in");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cookie_of_one_isp_is_nobodys_at_another() {
    let world = World::new().await;
    let value = signed_in(&world).await.cookie();
    let elsewhere = world.browser("blue");
    elsewhere.keep(value);
    assert_eq!(me(&elsewhere).await.expect_err("nobody").reason, ErrorReason::Unauthenticated);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cookie_lives_for_thirty_days_after_its_last_use() {
    let world = World::new().await;
    let browser = signed_in(&world).await;
    let asked = async || browser.call::<_, GetMeResponse>(ME, &GetMeRequest {}).await;
    world.advance(Duration::from_secs(299));
    assert!(asked().await.set_cookie.is_none(), "within five minutes nothing is written");
    world.advance(Duration::from_secs(2));
    assert!(asked().await.set_cookie.is_some_and(|set| set.contains("Max-Age=2592000")), "then the browser, too, begins anew");
    for _ in 0..3 {
        world.advance(29 * DAY);
        asked().await.outcome.expect("it was used within thirty days");
    }
    world.advance(30 * DAY);
    assert_eq!(asked().await.outcome.expect_err("thirty days are over").reason, ErrorReason::Unauthenticated);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spent_cookie_is_in_nobodys_way_and_a_token_goes_before_it() {
    let world = World::new().await;
    let browser = world.browser("yellow");
    browser.keep(Some("x".repeat(43)));
    let profile = browser.call::<_, GetPublicProfileResponse>(PROFILE, &GetPublicProfileRequest {}).await;
    profile.outcome.expect("what is public stays so");
    browser.call_with::<_, SignInResponse>(SIGN_IN, &owner(&world), &[WANT_COOKIE]).await.outcome.expect("and one can sign in anew");

    let staff = world.signed_in("yellow", Access::Staff).await.tokens().expect("tokens").access;
    let bearer = format!("Bearer {staff}");
    let answer = browser.call_with::<_, GetMeResponse>(ME, &GetMeRequest {}, &[("authorization", &bearer)]).await;
    assert_eq!(answer.outcome.expect("somebody").user.expect("a person").email, world.seeded.isps[0].staff.identifier);
    let bad = browser.call_with::<_, GetMeResponse>(ME, &GetMeRequest {}, &[("authorization", "Bearer nonsense")]).await;
    assert_eq!(bad.outcome.expect_err("a bad token is not made good by a cookie").reason, ErrorReason::TokenInvalid);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_sees_their_sign_ins_and_ends_them() {
    let world = World::new().await;
    let client = world.signed_in("yellow", Access::Owner).await;
    world.advance(Duration::from_secs(60));
    let browser = signed_in(&world).await;
    let list = async |client: &Client| client.auth().list_sign_ins(ListSignInsRequest::default()).await.expect("sign-ins").sign_ins;
    let mine = list(&client).await;
    let [newer, older] = &mine[..] else { panic!("two sign-ins: {mine:?}") };
    assert!(older.current && !older.browser && older.user_agent.starts_with("netily-sdk/"), "{older:?}");
    assert!(!newer.current && newer.browser && newer.user_agent == "Test Browser/1.0", "{newer:?}");
    assert_eq!((newer.address.as_str(), older.address.as_str()), ("127.0.0.1", "127.0.0.1"));
    let page = client.auth().list_sign_ins(ListSignInsRequest { page_size: 1, ..ListSignInsRequest::default() }).await.expect("a page");
    assert_eq!((page.sign_ins.len(), page.next_page_token.is_empty()), (1, false));

    let staff = world.signed_in("yellow", Access::Staff).await;
    let end = async |client: &Client, id: &str| client.auth().end_sign_in(EndSignInRequest { id: id.to_owned() }).await.map_err(|error| error.reason);
    assert_eq!(end(&staff, &newer.id).await.expect_err("somebody else's"), ErrorReason::NotFound);
    end(&client, &newer.id).await.expect("ended");
    end(&client, &newer.id).await.expect("doing it again changes nothing");
    assert_eq!(me(&browser).await.expect_err("ended").reason, ErrorReason::Unauthenticated);

    let others = [world.signed_in("yellow", Access::Owner).await, world.signed_in("yellow", Access::Owner).await];
    let ended = client.auth().end_other_sign_ins(EndOtherSignInsRequest {}).await.expect("ended").ended;
    assert_eq!(ended, 2);
    for other in others {
        assert_eq!(other.auth().get_me(GetMeRequest {}).await.expect_err("ended").reason, ErrorReason::RefreshTokenInvalid);
    }
    client.auth().get_me(GetMeRequest {}).await.expect("this one goes on");
    staff.auth().get_me(GetMeRequest {}).await.expect("and so does everybody else's");
    assert_eq!(list(&client).await.len(), 1);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_can_use_any_longer_is_deleted() {
    let world = World::new().await;
    let client = world.signed_in("yellow", Access::Owner).await;
    exchange(&client, &client.tokens().expect("tokens").refresh).await.expect("renewed");
    world.signed_in("yellow", Access::Staff).await.sign_out().await.expect("signed out");
    world.sweep().await;
    let mut sql = world.sql().await;
    assert_eq!((sql.count("tenant.sign_in").await, sql.count("tenant.refresh_token").await), (2, 3), "nothing is deleted that may be of use");
    world.advance(31 * DAY);
    world.sweep().await;
    assert_eq!((sql.count("tenant.sign_in").await, sql.count("tenant.refresh_token").await), (2, 0), "expired tokens go");
    world.advance(31 * DAY);
    world.sweep().await;
    assert_eq!(sql.count("tenant.sign_in").await, 0, "and sign-ins of long ago");
    world.finish().await;
}
