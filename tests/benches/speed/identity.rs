//! Registering and signing in against bare argon2 on the same cores; what a look at the plans takes meanwhile; and a try at a code
//! against a plain transaction of the same statements.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use argon2::{Algorithm, Argon2, Params, PasswordHasher as _, Version};
use diesel_async::SimpleAsyncConnection as _;
use netily::actor::Origin;
use netily::id::RequestId;
use netily::lang::Lang;
use netily::self_service::{self, Registration};
use netily::serve;
use netily_sdk::Client;
use netily_sdk::selfservice::ListPlansRequest;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::pgbench;
use crate::place::Place;
use crate::settle::CONNECTIONS;
use crate::verdict::{Limit, Verdict, p99};

const CALLERS: usize = 12;
const ROUND: Duration = Duration::from_secs(4);
/// Everything is measured so many times, in turn, so that what else the machine does falls on all of it.
const TURNS: usize = 5;
const SHORT: Duration = Duration::from_secs(2);
const PASSWORD: &str = "ugali na sukuma";
const CODES: usize = 40_000;

pub async fn run() -> Vec<Verdict> {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("its address");
    let place = Arc::new(Place::configured(1, address, |config| config.sms_per_isp_day = 1_000_000).await);
    let stop = CancellationToken::new();
    let serving = tokio::spawn(serve::serve(place.app.clone(), listener, stop.clone()));
    let client = Client::builder(format!("http://{address}")).tenant(&place.shops[0].tenant.slug).attempts(1).build().expect("a client");

    there_before(&place).await;
    let people = Arc::new(AtomicUsize::new(0));
    register_for(Duration::from_millis(500), &place, &people).await; // opens the connections
    let (mut bare, mut registrations, mut logins) = (Vec::new(), Vec::new(), Vec::new());
    // Of the four hundred looks of one round a percent is four.
    let (mut idle, mut loaded) = (Vec::new(), Vec::new());
    for _ in 0..TURNS {
        bare.push(tokio::task::spawn_blocking(bare_argon2).await.expect("a thread"));
        registrations.push(register_for(SHORT, &place, &people).await);
        logins.push(log_in_all(&place, people.load(Ordering::Relaxed)).await);
        idle.extend(looks(&client).await);
        let registering = register_all(&place, &people);
        loaded.extend(looks(&client).await);
        registering.end().await;
    }
    let (bare, registrations, logins) = (mean(&bare), mean(&registrations), mean(&logins));
    let (idle, loaded) = (p99(idle), p99(loaded));

    let (tries, plain) = codes(&place).await;
    stop.cancel();
    serving.await.expect("the server ends").expect("well");
    vec![
        Verdict { what: "register, people/s against bare argon2 hashes/s", measured: registrations, against: bare, limit: Limit::AtLeast(0.85) },
        Verdict { what: "login, people/s against bare argon2 hashes/s", measured: logins, against: bare, limit: Limit::AtLeast(0.85) },
        Verdict { what: "ListPlans p99 in ms while people register, against idle", measured: loaded, against: idle, limit: Limit::AtMost(1.20) },
        Verdict { what: "tries at a code/s against the same statements", measured: tries, against: plain, limit: Limit::AtLeast(0.50) },
    ]
}

/// Customers who are there before anybody comes, with a sign-in each, and a plan for as many as come: plans of statements that were made
/// for empty tables would read each table from end to end.
const BEFORE: &str = "
  UPDATE tenant.isp_subscription SET plan = 'ENTERPRISE';
  SET session_replication_role = replica;
  CREATE TEMP TABLE person AS SELECT i.id AS isp, gen_random_uuid() AS account, gen_random_uuid() AS customer, gen_random_uuid() AS sign_in, n
    FROM public.isp i, generate_series(1, 10000) n WHERE i.slug LIKE 'bench-%';
  INSERT INTO tenant.user_account (tenant_id, id, email, phone, first_name, last_name, role, password_hash, created_at)
    SELECT isp, account, 'before' || n || '@bench.example', '2541' || lpad(n::text, 8, '0'), 'Njeri', 'Bench', 'CUSTOMER', '', now() FROM person;
  INSERT INTO tenant.customer (tenant_id, id, user_id, number, customer_code, status, registered_by, request_id, request_hash, created_at)
    SELECT isp, customer, account, 1000000 + n, 'CUST-' || 1000000 + n, 'ACTIVE', 'SELF', gen_random_uuid(), '', now() FROM person;
  INSERT INTO tenant.customer_search (tenant_id, word, customer_id)
    SELECT isp, word, customer FROM person, unnest(ARRAY['njeri', 'bench', 'before' || n || '@bench.example', '2541' || lpad(n::text, 8, '0')]) word;
  INSERT INTO tenant.sign_in (tenant_id, id, user_id, created_at, last_used_at, address, user_agent) SELECT isp, sign_in, account, now(), now(), '', '' FROM person;
  INSERT INTO tenant.refresh_token (tenant_id, token_hash, sign_in_id, created_at, expires_at)
    SELECT isp, uuid_send(sign_in), sign_in, now(), now() + interval '30 days' FROM person;
  SET session_replication_role = origin;";

async fn there_before(place: &Place) {
    let mut connection = netily::db::connect(&place.urls.superuser).await.expect("a connection");
    let filled = "VACUUM ANALYZE tenant.user_account, tenant.customer, tenant.customer_search, tenant.sign_in, tenant.refresh_token";
    for statement in [BEFORE, filled, "CHECKPOINT"] {
        connection.batch_execute(statement).await.expect("people who are there");
    }
}

/// Whoever registers is sent a code, so no two are neighbours: those would soon be taken for made up.
fn phone(n: usize) -> String {
    format!("2547{:08}", n * 10_007 % 100_000_000)
}

/// People who register one after the other until they are told to end.
struct Registering {
    busy: Arc<AtomicBool>,
    callers: Vec<JoinHandle<()>>,
}

impl Registering {
    async fn end(self) {
        self.busy.store(false, Ordering::Relaxed);
        for caller in self.callers {
            caller.await.expect("a caller ends well");
        }
    }
}

/// As many at once as saturate the cores. `people` counts those who began, and all of them end well.
fn register_all(place: &Arc<Place>, people: &Arc<AtomicUsize>) -> Registering {
    let busy = Arc::new(AtomicBool::new(true));
    let callers = (0..CALLERS)
        .map(|_| {
            let (place, people, busy) = (place.clone(), people.clone(), busy.clone());
            tokio::spawn(async move {
                while busy.load(Ordering::Relaxed) {
                    register(&place, people.fetch_add(1, Ordering::Relaxed)).await;
                }
            })
        })
        .collect();
    Registering { busy, callers }
}

/// How many register in a second while nobody else asks for anything.
async fn register_for(time: Duration, place: &Arc<Place>, people: &Arc<AtomicUsize>) -> f64 {
    let (begun, before) = (Instant::now(), people.load(Ordering::Relaxed));
    let registering = register_all(place, people);
    tokio::time::sleep(time).await;
    registering.end().await;
    rate(people.load(Ordering::Relaxed) - before, begun)
}

#[expect(clippy::float_arithmetic, clippy::cast_precision_loss, reason = "a mean")]
fn mean(rates: &[f64]) -> f64 {
    rates.iter().sum::<f64>() / rates.len() as f64
}

#[expect(clippy::float_arithmetic, clippy::cast_precision_loss, reason = "a rate")]
fn rate(count: usize, since: Instant) -> f64 {
    count as f64 / since.elapsed().as_secs_f64()
}

/// Hashes a second with nothing around them, on every core.
fn bare_argon2() -> f64 {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let begun = Instant::now();
    let hash_on = || {
        let params = Params::new(19 * 1024, 2, 1, None).expect("parameters");
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let mut hashes = 0;
        while begun.elapsed() < SHORT {
            argon2.hash_password(PASSWORD.as_bytes()).expect("a hash");
            hashes += 1;
        }
        hashes
    };
    let hashes =
        std::thread::scope(|scope| (0..cores).map(|_| scope.spawn(hash_on)).collect::<Vec<_>>().into_iter().map(|one| one.join().expect("hashes")).sum());
    rate(hashes, begun)
}

/// Milliseconds of looks at the plans, one every ten milliseconds.
#[expect(clippy::float_arithmetic, reason = "milliseconds")]
async fn looks(client: &Client) -> Vec<f64> {
    let mut times = Vec::new();
    let mut tick = tokio::time::interval(Duration::from_millis(10));
    let begun = Instant::now();
    while begun.elapsed() < ROUND {
        tick.tick().await;
        let asked = Instant::now();
        client.selfservice().list_plans(ListPlansRequest::default()).await.expect("the plans");
        times.push(asked.elapsed().as_secs_f64() * 1_000.0);
    }
    times
}

fn from(n: usize) -> Origin {
    let address = IpAddr::V4(Ipv4Addr::from_bits(0x2900_0000 + u32::try_from(n).expect("a person")));
    Origin { address, user_agent: String::new(), cookie: false }
}

async fn register(place: &Place, n: usize) {
    let ask = Registration {
        email: format!("person{n}@bench.example"),
        phone: phone(n).parse().expect("a phone"),
        first_name: "Njeri".into(),
        last_name: "Bench".into(),
        password: PASSWORD.to_owned().into(),
        id_number: None,
        lang: Lang::English,
        request_id: RequestId(uuid::Uuid::new_v4()),
        request_hash: vec![],
    };
    self_service::register(&place.app, &place.shops[0].tenant, &ask, &from(n)).await.expect("registered");
}

/// Everybody signs in, again and again, for a round.
async fn log_in_all(place: &Arc<Place>, people: usize) -> f64 {
    let next = Arc::new(AtomicUsize::new(0));
    let begun = Instant::now();
    let callers: Vec<_> = (0..CALLERS)
        .map(|_| {
            let (place, next) = (place.clone(), next.clone());
            tokio::spawn(async move {
                while begun.elapsed() < SHORT {
                    let n = next.fetch_add(1, Ordering::Relaxed) % people;
                    self_service::login(&place.app, place.shops[0].tenant.id, &phone(n), &PASSWORD.to_owned().into(), &from(n)).await.expect("signed in");
                }
            })
        })
        .collect();
    for caller in callers {
        caller.await.expect("a caller ends well");
    }
    rate(next.load(Ordering::Relaxed), begun)
}

/// Wrong tries at live codes through the use case, and the same statements by pgbench; each a second.
async fn codes(place: &Arc<Place>) -> (f64, f64) {
    let isp = place.shops[0].tenant.id.uuid();
    let mut connection = netily::db::connect(&place.urls.superuser).await.expect("a connection");
    connection
        .batch_execute(&format!(
            "INSERT INTO tenant.one_time_code (tenant_id, purpose, target, code_hmac, created_at, expires_at)
             SELECT '{isp}', 'VERIFY_PHONE', '2541' || lpad(n::text, 8, '0'), '', now(), now() + interval '1 hour' FROM generate_series(0, {CODES}) n;
             VACUUM ANALYZE tenant.one_time_code"
        ))
        .await
        .or_else(|cause| if cause.to_string().contains("VACUUM") { Ok(()) } else { Err(cause) })
        .expect("codes");
    let script = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(
        script.path(),
        format!(
            "\\set n random(0, {CODES})\nBEGIN;\nSELECT set_config('netily.tenant_id', '{isp}', true);\n\
             SELECT public.take_tokens(array['code/try/p' || :n], array[100], array[interval '3 seconds'], now());\n\
             SELECT tenant.try_code('{isp}', 'VERIFY_PHONE', '2541' || lpad((:n)::text, 8, '0'), '\\x00', 5, now());\nCOMMIT;\n"
        ),
    )
    .expect("a script");
    let plain = pgbench::script_rate(&place.cluster, "netily", script.path(), CONNECTIONS, 4).await;
    let next = Arc::new(AtomicUsize::new(0));
    let begun = Instant::now();
    let callers: Vec<_> = (0..CONNECTIONS)
        .map(|_| {
            let (place, next) = (place.clone(), next.clone());
            tokio::spawn(async move {
                while begun.elapsed() < ROUND {
                    let n = next.fetch_add(1, Ordering::Relaxed) % CODES;
                    let phone = format!("2541{n:08}").parse().expect("a phone");
                    let wrong = self_service::verify_phone(&place.app, &place.shops[0].tenant, &phone, &"000000".to_owned().into(), from(n).address).await;
                    assert!(wrong.is_err(), "a wrong code");
                }
            })
        })
        .collect();
    for caller in callers {
        caller.await.expect("a caller ends well");
    }
    (rate(next.load(Ordering::Relaxed), begun), plain)
}
