//! What open streams hold in memory, how soon all of them are told, and a long statement in a process of its own.

use std::time::Instant;

use diesel_async::SimpleAsyncConnection as _;
use futures::StreamExt as _;
use futures::future::join_all;
use netily::id::PaymentId;
use netily::wake::Wake;
use netily_sdk::Client;
use netily_sdk::payout::StreamStatementRequest;
use netily_sdk::selfservice::WatchPaymentRequest;
use netily_sdk::types::PaymentStatus;
use netily_tests::eventually;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use crate::memory::{highest, resident, start};
use crate::place::Place;
use crate::verdict::{Limit, Verdict};

const STREAMS: usize = 2_000;
/// Streams of one connection; a server allows some 200.
const OF_ONE: usize = 100;
const LINES: usize = 50_000;
const PASSWORD: &str = "ugali na sukuma";

/// A customer, and payments that wait for the person's PIN.
const WAITING: &str = "
  set session_replication_role = replica;
  insert into tenant.user_account (tenant_id,id,email,first_name,last_name,role,password_hash,created_at) values ('{isp}', '{customer}', 'njeri@bench.example', 'Njeri', 'Bench', 'CUSTOMER', '{hash}', now());
  insert into tenant.customer (tenant_id,id,user_id,number,customer_code,status,registered_by,phone_verified_at,request_id,request_hash,created_at)
    values ('{isp}', '{customer}', '{customer}', 1, 'CUST-0001', 'ACTIVE', 'STAFF', now(), gen_random_uuid(), '', now());
  insert into tenant.payment (tenant_id,id,purpose,subject,request_id,request_hash,external_reference,amount_minor,commission_bps,phone,state,gateway_reference,expires_at,created_at,updated_at)
    select '{isp}', id::uuid, 'RECHARGE', id, gen_random_uuid(), '', 'NTL-' || id, 150000, 500, '254712345678', 'PENDING', 'REF-' || id, now() + interval '1 hour', now(), now() from unnest('{{ids}}'::text[]) id;
  insert into tenant.customer_payment (tenant_id,payment_id,customer_id,started_by) select '{isp}', id::uuid, '{customer}', 'CUSTOMER' from unnest('{{ids}}'::text[]) id;
  set session_replication_role = origin;
  analyze;";

const EARNED: &str = "
  set session_replication_role = replica;
  create temp table earned as select (lpad(to_hex(floor(extract(epoch from t) * 1000)::bigint), 12, '0') || '7' || substr(md5(random()::text), 1, 3) || '8' || substr(md5(random()::text), 1, 15))::uuid as id, gen_random_uuid() as payment, t
    from (select now() - interval '20 days' + n * interval '30 seconds' as t from generate_series(1, {lines}) n) x;
  insert into tenant.payment (tenant_id,id,purpose,subject,request_id,request_hash,external_reference,amount_minor,commission_bps,phone,state,mpesa_receipt,expires_at,completed_at,created_at,updated_at)
    select '{isp}', payment, 'RECHARGE', payment::text, gen_random_uuid(), '', 'NTL-' || payment, 150000, 500, '254712345678', 'SUCCEEDED', substr(payment::text, 1, 13), t, t, t, t from earned;
  insert into tenant.ledger_transaction (tenant_id,id,kind,reference,created_at,lines) select '{isp}', id, 'PAYMENT_CREDIT', payment, t,
    array[row('GATEWAY_CLEARING', 150000)::tenant.ledger_line, row('PLATFORM_REVENUE', -7500)::tenant.ledger_line, row('ISP_PAYABLE', -142500)::tenant.ledger_line] from earned;
  set session_replication_role = origin;
  analyze;";

#[expect(clippy::float_arithmetic, reason = "megabytes and seconds")]
pub async fn run() -> Vec<Verdict> {
    let free = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = free.local_addr().expect("its address");
    drop(free);
    let place = Place::with_shops(1, address).await;
    let isp = place.shops[0].tenant.id.uuid().to_string();
    let ids: Vec<PaymentId> = (0..STREAMS).map(|_| PaymentId::sortable(place.app.clock.now())).collect();
    let list = ids.iter().map(|id| id.uuid().to_string()).collect::<Vec<_>>().join(",");
    let hash = place.app.passwords.hash(&PASSWORD.to_owned().into()).await.expect("a hash");
    let mut connection = netily::db::connect(&place.urls.superuser).await.expect("a connection");
    let waiting = WAITING.replace("{{ids}}", &format!("{{{list}}}")).replace("{isp}", &isp).replace("{customer}", &uuid::Uuid::new_v4().to_string());
    connection.batch_execute(&waiting.replace("{hash}", &hash)).await.expect("payments that wait");
    connection.batch_execute(&EARNED.replace("{isp}", &isp).replace("{lines}", &LINES.to_string())).await.expect("payments that were paid");

    let process = start(&place, "serve", address);
    let server = process.id().expect("it runs");
    let client = || Client::builder(format!("http://{address}")).tenant(&place.shops[0].tenant.slug).build().expect("a client");
    eventually("the server listens", async || tokio::net::TcpStream::connect(address).await.ok()).await;

    let owner = client();
    owner.sign_in("owner0@bench.example", "a long enough password").await.expect("the owner");
    statement(&owner).await;
    let before = highest(server);
    let begun = Instant::now();
    let bytes = statement(&owner).await;
    println!("statement: {LINES} lines, {bytes} bytes in {:.2} s", begun.elapsed().as_secs_f64());
    let statement_grew = highest(server) - before;

    let customer = client();
    customer.log_in("njeri@bench.example", PASSWORD).await.expect("the customer");
    let tokens = customer.tokens();
    let idle = resident(server);
    let (seen, mut news) = mpsc::channel(STREAMS * 2);
    let watching = ids.chunks(OF_ONE).flat_map(|ids| {
        let client = client();
        client.set_tokens(tokens.clone());
        ids.iter().map(|id| tokio::spawn(follow(client.clone(), *id, seen.clone()))).collect::<Vec<_>>()
    });
    let watching: Vec<_> = watching.collect();
    for _ in 0..STREAMS {
        assert_eq!(news.recv().await, Some(PaymentStatus::Pending), "how it stands at first");
    }
    let open = resident(server);
    connection
        .batch_execute("set session_replication_role = replica; update tenant.payment set state = 'FAILED', failure_reason = 'CANCELLED_BY_USER', completed_at = now() where state = 'PENDING'")
        .await
        .expect("all have failed");
    let begun = Instant::now();
    place.app.wakes.send(ids.iter().map(|id| Wake::Payment(*id)).collect());
    for _ in 0..STREAMS {
        assert_eq!(news.recv().await, Some(PaymentStatus::Failed), "and how it ends");
    }
    let told = begun.elapsed().as_secs_f64();
    join_all(watching).await;
    vec![
        Verdict { what: "2,000 open streams, MB more, against 100", measured: open - idle, against: 100.0, limit: Limit::AtMost(1.0) },
        Verdict { what: "2,000 streams told, s, against 1", measured: told, against: 1.0, limit: Limit::AtMost(1.0) },
        Verdict { what: "statement of 50,000 lines again, MB more at most, against 8", measured: statement_grew, against: 8.0, limit: Limit::AtMost(1.0) },
    ]
}

async fn follow(client: Client, id: PaymentId, seen: mpsc::Sender<PaymentStatus>) {
    let mut states = client.selfservice().watch_payment(WatchPaymentRequest { payment_id: id.to_string() }).await.expect("a stream");
    while let Some(state) = states.next().await {
        let payment = state.expect("a state").payment.expect("a payment");
        seen.send(payment.status()).await.expect("somebody counts");
    }
}

async fn statement(owner: &Client) -> usize {
    let mut pieces = owner.payout().stream_statement(StreamStatementRequest::default()).await.expect("a statement");
    let (mut bytes, mut lines) = (0, 0);
    while let Some(piece) = pieces.next().await {
        let piece = piece.expect("a piece").chunk;
        bytes += piece.len();
        lines += piece.iter().filter(|byte| **byte == b'\n').count();
    }
    assert!(lines > LINES, "{lines} lines");
    bytes
}
