//! Keys of access tokens over several servers on one database, and the encryption key below them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use futures::future::join_all;
use netily::actor::{Person, Role};
use netily::app::App;
use netily::config::Config;
use netily::id::{PLATFORM, SignInId, TokenKeyId, UserId};
use netily::{auth, platform, serve};
use netily_sdk::Client;
use netily_sdk::auth::GetMeRequest;
use netily_sdk::platform::{RotateTokenKeysRequest, TokenKey};
use netily_sdk::router::CheckRouterRequest;
use netily_sdk::types::ErrorReason;
use netily_tests::{Access, World, environment};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// A second server on the world's database, with the world's clock.
struct Replica {
    url: String,
    stop: CancellationToken,
    serving: tokio::task::JoinHandle<std::io::Result<()>>,
}

impl Replica {
    async fn start(world: &World) -> Replica {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("its address");
        let config = Config::from_map(&environment(&world.urls, world.sandbox(), address)).expect("a configuration");
        let app = App::open(config, world.app.clock.clone(), true).expect("the doors open");
        let stop = CancellationToken::new();
        let serving = tokio::spawn(serve::serve(app, listener, stop.clone()));
        Replica { url: format!("http://{address}"), stop, serving }
    }

    /// A client that goes on there with the sign-in of another.
    fn client(&self, slug: &str, of: &Client) -> Client {
        let client = Client::builder(&self.url).tenant(slug).attempts(1).build().expect("a client");
        client.set_tokens(of.tokens());
        client
    }

    async fn end(self) {
        self.stop.cancel();
        self.serving.await.expect("no panic").expect("ends well");
    }
}

async fn rotate(operator: &Client) -> Vec<TokenKey> {
    operator.platform().rotate_token_keys(RotateTokenKeysRequest {}).await.expect("rotated").keys
}

/// The `kid` of a client's access token, as its header has it.
fn key_of(client: &Client) -> String {
    let access = client.tokens().expect("tokens").access;
    let header = access.split('.').next().expect("a header");
    let header = base64_url(header);
    let json: serde_json::Value = serde_json::from_slice(&header).expect("JSON");
    json["kid"].as_str().expect("a key").to_owned()
}

fn base64_url(text: &str) -> Vec<u8> {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (mut bytes, mut held, mut bits) = (Vec::new(), 0u32, 0);
    for letter in text.bytes() {
        held = held << 6 | u32::try_from(LETTERS.iter().position(|one| *one == letter).expect("base64")).expect("fits");
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from(held >> bits & 0xff).expect("a byte"));
        }
    }
    bytes
}

async fn is_let_in(client: &Client) -> Result<(), ErrorReason> {
    // Without a refresh token nothing is renewed behind the test's back.
    let tokens = client.tokens().map(|tokens| netily_sdk::auth::Tokens { refresh: String::new(), ..tokens });
    client.set_tokens(tokens);
    client.auth().get_me(GetMeRequest {}).await.map(drop).map_err(|error| error.reason)
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_of_before_and_after_a_rotation_are_good_at_every_server() {
    let world = World::new().await;
    let other = Replica::start(&world).await;
    let before = world.signed_in("yellow", Access::Owner).await;
    is_let_in(&other.client("yellow", &before)).await.expect("before");
    let keys = rotate(&world.operator().await).await;
    assert_eq!(keys.iter().map(|key| key.signs).collect::<Vec<_>>(), [true, false]);
    let after = world.signed_in("yellow", Access::Owner).await;
    assert_eq!((key_of(&before).as_str(), key_of(&after)), ("test", keys[0].id.clone()));
    for client in [&before, &after] {
        is_let_in(client).await.expect("where it was rotated");
        is_let_in(&other.client("yellow", client)).await.expect("and where nobody told of it");
    }
    assert_eq!(world.sql().await.count("tenant.audit_event WHERE act = 'rotate_token_keys'").await, 1);
    other.end().await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_under_load_refuses_nobody() {
    let world = Arc::new(World::new().await);
    let other = Replica::start(&world).await;
    let operator = world.operator().await;
    let (stop, calls) = (AtomicBool::new(false), AtomicU64::new(0));
    let first = world.signed_in("yellow", Access::Staff).await;
    // Each renews its tokens over and over at one server and uses them at the other at once.
    let hammer = async |there: bool| {
        let sign_in = world.signed_in("yellow", Access::Staff).await;
        let (here, across) = (world.client("yellow"), other.client("yellow", &sign_in));
        let (renews, uses) = if there { (&across, &here) } else { (&here, &across) };
        let mut tokens = sign_in.tokens().expect("tokens");
        while !stop.load(Ordering::Relaxed) {
            let ask = netily_sdk::auth::RefreshTokenRequest { refresh: tokens.refresh.clone() };
            tokens = renews.auth().refresh_token(ask).await.expect("renewed").tokens.expect("tokens");
            uses.set_tokens(Some(netily_sdk::auth::Tokens { refresh: String::new(), ..tokens.clone() }));
            uses.auth().get_me(GetMeRequest {}).await.expect("no token that is good is refused");
            calls.fetch_add(1, Ordering::Relaxed);
        }
    };
    let rotations = async {
        let mut keys = Vec::new();
        for _ in 0..3 {
            keys = rotate(&operator).await;
            let so_far = calls.load(Ordering::Relaxed);
            netily_tests::eventually("calls with the new key", async || (calls.load(Ordering::Relaxed) > so_far + 40).then_some(())).await;
        }
        stop.store(true, Ordering::Relaxed);
        keys
    };
    let (_, keys) = tokio::join!(join_all([hammer(true), hammer(false), hammer(true), hammer(false)]), rotations);
    assert_eq!(keys.len(), 4, "three new ones, and that of the configuration while its tokens live");
    is_let_in(&first).await.expect("a token of before all of them");
    is_let_in(&other.client("yellow", &first)).await.expect("at both");
    other.end().await;
    Arc::into_inner(world).expect("nobody else holds it").finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_was_replaced_twice_dies_with_its_last_token() {
    let world = World::new().await;
    let operator = world.operator().await;
    rotate(&operator).await;
    rotate(&operator).await;
    let live = |world: &World| world.app.tokens.live(world.app.clock.now()).into_iter().map(|key| key.id).collect::<Vec<_>>();
    assert_eq!(live(&world).len(), 3, "its tokens may still be about: {:?}", live(&world));
    world.advance(Duration::from_secs(16 * 60 + 1));
    assert_eq!(live(&world).len(), 2);
    assert!(!live(&world).contains(&"test".to_owned()), "the key of the configuration is replaced");
    world.advance(Duration::from_secs(48 * 3_600));
    operator.sign_in(&world.seeded.operator.identifier, &world.seeded.operator.password).await.expect("signs in");
    for _ in 0..2 {
        rotate(&operator).await;
    }
    assert_eq!(world.sql().await.count("public.token_key").await, 3, "one that was replaced within a day is kept");
    world.advance(Duration::from_secs(48 * 3_600));
    operator.sign_in(&world.seeded.operator.identifier, &world.seeded.operator.password).await.expect("signs in");
    rotate(&operator).await;
    assert_eq!(world.sql().await.count("public.token_key").await, 2, "older ones are deleted, but the newest two");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn made_up_keys_do_not_make_a_server_ask_the_database_each_time() {
    let world = World::new().await;
    let client = world.signed_in("yellow", Access::Owner).await;
    is_let_in(&client).await.expect("the keys are loaded");
    let loads = auth::key_loads(&world.app);
    // A key that nobody made, but that is newer than all.
    let made_up = TokenKeyId::sortable(world.app.clock.now()).to_string();
    let keys = auth::TokenKeys::new(&[(made_up, vec![5; 32])]);
    let person = Person { user: UserId::unguessable(), sign_in: SignInId::unguessable(), role: Role::Owner };
    let forged = keys.issue(PLATFORM, &person, world.app.clock.now()).expect("a token").0;
    let begun = std::time::Instant::now();
    let refused = join_all((0..300).map(|_| auth::read_token(&world.app, &forged, PLATFORM))).await;
    assert!(refused.iter().all(|outcome| outcome.as_ref().is_err_and(|error| error.reason == ErrorReason::TokenInvalid)));
    let allowed = begun.elapsed().as_secs() + 2;
    let asked = auth::key_loads(&world.app) - loads;
    assert!(asked <= allowed, "{asked} questions in {:?}", begun.elapsed());
    is_let_in(&client).await.expect("and everybody else is served");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_secret_at_rest_is_sealed_anew_and_the_old_encryption_key_can_go() {
    let world = World::new().await;
    rotate(&world.operator().await).await;
    let client = world.signed_in("yellow", Access::Owner).await;
    client.auth().request_password_reset(netily_sdk::auth::RequestPasswordResetRequest { identifier: "0722000001".into() }).await.expect("a message waits");
    let open = |keys: String| {
        let mut names = environment(&world.urls, world.sandbox(), world.address);
        names.insert("NETILY_ENCRYPTION_KEYS".into(), keys);
        App::open(Config::from_map(&names).expect("a configuration"), world.app.clock.clone(), true).expect("the doors open")
    };
    let (old, new) = (format!("1:{}", "8".repeat(64)), format!("2:{}", "3".repeat(64)));
    let both = open(format!("{new},{old}"));
    let resealed = platform::reseal(&both).await.expect("sealed anew");
    assert_eq!(resealed, platform::Resealed { token_keys: 1, routers: 3, connections: 0, messages: 1 });
    assert_eq!(platform::reseal(&both).await.expect("again"), platform::Resealed::default(), "a second run finds nothing to do");

    let without_old = open(new);
    let access = client.tokens().expect("tokens").access;
    let yellow = netily::isp::tenant(&world.app.db, "yellow").await.expect("the ISP").id;
    auth::read_token(&without_old, &access, yellow).await.expect("the key of the token opens");
    netily::worker::run_due(&without_old).await.expect("jobs run");
    assert_eq!(world.code_on("254722000001").await.len(), 6, "the message opens");
    let router = world.router_id("yellow-market").parse().expect("an id");
    let checked = netily::router::check(&without_old, yellow, router).await;
    assert!(matches!(checked, Ok(netily::router::Visit::Reached { .. })), "the password of the router opens");
    let through_the_old = client.router().check_router(CheckRouterRequest { id: world.router_id("yellow-market") }).await.expect("answered");
    assert!(!through_the_old.reachable, "and a server with the old key only does not open it any longer");
    world.finish().await;
}
