//! Money in bulk: a million payments of one ISP, ten thousand ISPs with settlements, a thousand that are due at once.

use std::time::{Duration, Instant};

use diesel_async::SimpleAsyncConnection as _;
use futures::stream::{StreamExt as _, iter};
use netily::billing::report::{Granularity, report};
use netily::id::IspId;
use netily::ledger;
use netily::settlement::{self, Scope};

use crate::pgbench;
use crate::place::Place;
use crate::verdict::{Limit, Verdict, p99};

const PAYMENTS: usize = 1_000_000;
const ISPS: usize = 10_000;
const DUE: usize = 1_000;
const LOOKS: usize = 4_000;

/// Ids that tell time, as the server makes them.
const ID_AT: &str = "create function pg_temp.id_at(t timestamptz) returns uuid language sql volatile as $$
  select (lpad(to_hex(floor(extract(epoch from t) * 1000)::bigint), 12, '0') || '7' || substr(md5(random()::text), 1, 3) || '8' || substr(md5(random()::text), 1, 15))::uuid $$;";

/// A year of one ISP's guests, each of whom paid KES 10.
const YEAR: &str = "
  set session_replication_role = replica;
  create temp table paid as select pg_temp.id_at(t) as id, gen_random_uuid() as session, t
    from (select now() - interval '365 days' + n * (interval '364 days' / {payments}) as t from generate_series(1, {payments}) n) x;
  insert into tenant.payment (tenant_id,id,purpose,subject,request_id,request_hash,external_reference,amount_minor,commission_bps,phone,state,gateway_reference,mpesa_receipt,expires_at,completed_at,created_at,updated_at)
    select '{isp}', id, 'HOTSPOT', session::text, gen_random_uuid(), '', 'NTL-' || id, 1000, 500, '254712345678', 'SUCCEEDED', 'REF-' || id, substr(id::text, 1, 8) || substr(id::text, 25, 12), t, t, t, t from paid;
  insert into tenant.gateway_observation (tenant_id,id,payment_id,source,status,observed_at) select '{isp}', gen_random_uuid(), id, 'STATUS', 'SUCCESS', t from paid;
  insert into tenant.hotspot_session (tenant_id,id,router_id,plan_id,payment_id,plan_name,price_minor,duration_seconds,data_cap_bytes,download_kbps,upload_kbps,shared_devices,phone,username,password,status,created_at)
    select '{isp}', session, '{router}', '{plan}', id, '1 hour', 1000, 3600, 0, 0, 0, 1, '254712345678', 'u-' || id, 'p', 'EXPIRED', t from paid;
  insert into tenant.ledger_transaction (tenant_id,id,kind,reference,created_at,lines) select '{isp}', pg_temp.id_at(t), 'PAYMENT_CREDIT', id, t,
    '{\"(GATEWAY_CLEARING,1000)\",\"(PLATFORM_REVENUE,-50)\",\"(ISP_PAYABLE,-950)\"}' from paid;
  insert into tenant.ledger_balance values ('{isp}', 'ISP_PAYABLE', -950 * {payments}::bigint);";

/// Ten thousand ISPs that are owed KES 5,000, of which a thousand may be paid now, and ten settlements each.
const MANY: &str = "
  insert into public.isp (id, slug, name, created_at) select gen_random_uuid(), 'many-' || n || 'x', 'Many', now() from generate_series(1, {isps}) n;
  create temp table owed as select i.id as tenant_id, gen_random_uuid() as payment, pg_temp.id_at(now() - interval '2 days') as txn, row_number() over () as n
    from public.isp i where i.slug like 'many-%';
  insert into tenant.payment (tenant_id,id,purpose,subject,request_id,request_hash,external_reference,amount_minor,commission_bps,phone,state,mpesa_receipt,expires_at,completed_at,created_at,updated_at)
    select tenant_id, payment, 'RECHARGE', payment::text, gen_random_uuid(), '', 'NTL-' || payment, 500000 + 100 * n, 0, '254712345678', 'SUCCEEDED', 'M' || n, now(), now(), now(), now() from owed;
  insert into tenant.ledger_transaction select tenant_id, txn, 'PAYMENT_CREDIT', payment, now() - interval '2 days',
    array[row('GATEWAY_CLEARING', 500000 + 100 * n)::tenant.ledger_line, row('ISP_PAYABLE', -500000 - 100 * n)::tenant.ledger_line] from owed;
  insert into tenant.ledger_balance select tenant_id, 'ISP_PAYABLE', -500000 - 100 * n from owed;
  insert into tenant.payout_config (tenant_id,payout_method,mpesa_phone,settlement_frequency,minimum_payout_minor,verification_status,verified_at,held_until,changed_at)
    select tenant_id, 'MPESA_B2C', '254722000333', 'DAILY', 10000, case when n <= {due} then 'VERIFIED' else 'UNVERIFIED' end, now(), now(), now() from owed;
  insert into tenant.settlement (tenant_id,id,kind,period,part,amount_minor,covers_until,credited_minor,config_version,payout_method,phone,external_reference,state,receipt,created_at,updated_at)
    select tenant_id, gen_random_uuid(), 'SETTLEMENT', 'old-' || d, 1, 100, now() - interval '40 days', 100, 1, 'MPESA_B2C', '254722000333', 'x', 'COMPLETED', gen_random_uuid()::text, now() - interval '40 days' + d * interval '1 hour', now()
    from owed, generate_series(1, 10) d where n > {due};
  set session_replication_role = origin;";

/// What one reservation writes, as bare SQL: the same rows, looked up in the same way.
const BARE: &str = "select gen_random_uuid() as isp, gen_random_uuid() as id \\gset
begin;
select set_config('netily.tenant_id', :isp::text, true);
select * from tenant.payout_config where tenant_id = :isp for update;
insert into tenant.ledger_balance values (:isp, 'ISP_PAYABLE', -500000);
select balance_minor from tenant.ledger_balance where tenant_id = :isp and account = 'ISP_PAYABLE' for update;
select * from tenant.settlement where tenant_id = :isp and kind = 'SETTLEMENT' order by created_at desc, id desc limit 1;
select * from tenant.settlement where tenant_id = :isp and kind = 'SETTLEMENT' and state <> 'FAILED' order by created_at desc, id desc limit 1;
select coalesce(sum(isp_minor), 0) from tenant.commission_ledger where tenant_id = :isp and id >= public.earliest_id(now());
select coalesce(sum(isp_minor), 0) from tenant.commission_ledger where tenant_id = :isp and id < public.earliest_id(now());
select pg_advisory_xact_lock(4711);
select coalesce(sum(amount_minor), 0) from public.settlement_amount where reserved_at >= now() - interval '1 day' and isp_id = :isp;
select coalesce(sum(amount_minor), 0) from public.settlement_amount where reserved_at >= now() - interval '1 day';
select settlement_id, amount_minor from public.settlement_amount where doubt <> 'NONE' and amount_minor between 0 and 600000;
insert into tenant.settlement (tenant_id,id,kind,period,part,amount_minor,covers_until,credited_minor,config_version,payout_method,phone,external_reference,created_at,updated_at)
  values (:isp, :id, 'SETTLEMENT', 'x', 1, 100, now(), 100, 1, 'MPESA_B2C', '254722000333', 'x', now(), now());
insert into public.settlement_amount (settlement_id, isp_id, kind, amount_minor, reserved_at) values (:id, '00000000-0000-0000-0000-000000000000', 'SETTLEMENT', 100, now() - interval '3 days');
select tenant.post(:isp, gen_random_uuid(), 'PAYOUT_RESERVE', :id, now(), '{ISP_PAYABLE,PAYOUT_IN_TRANSIT}', '{100,-100}');
select public.ask_for_job(gen_random_uuid(), 'bench', 'bench', '00000000-0000-0000-0000-000000000000', :id, now(), now());
select * from tenant.settlement where tenant_id = :isp and id = :id;
end;
";

#[expect(clippy::cast_precision_loss, clippy::float_arithmetic, reason = "rates and times, never money")]
pub async fn run() -> Vec<Verdict> {
    let place = Place::with_shops(1, ([127, 0, 0, 1], 1).into()).await;
    let shop = place.shops[0].clone();
    let isp = shop.tenant.id;
    fill(&place, &[ID_AT, YEAR, MANY]).await;
    let now = place.app.clock.now();

    let year_ago = netily::clock::begin_of_day(now - chrono::TimeDelta::days(365));
    let ask = async || {
        let begun = Instant::now();
        let report = place.app.db.tx(isp, async |tx| report(tx, isp, year_ago, now, Granularity::Month, now).await).await.expect("a report");
        assert_eq!(usize::try_from(report.total.payments), Ok(PAYMENTS));
        milliseconds(begun.elapsed())
    };
    let first = ask().await;
    let mut warm = Vec::new();
    for _ in 0..20 {
        warm.push(ask().await);
    }
    println!("report: the first one, which adds up a year of days, {first:.0} ms");

    let mut isps = everybody(&place).await;
    isps.insert(0, isp);
    let looks = iter((0..LOOKS).map(|n| isps[n * 7_919 % isps.len()])).map(|isp| {
        let app = place.app.clone();
        async move {
            let begun = Instant::now();
            app.db.tx(isp, async |tx| settlement::report::balance(tx, isp).await).await.expect("a balance");
            milliseconds(begun.elapsed())
        }
    });
    let looks: Vec<f64> = looks.buffer_unordered(8).collect().await;

    let script = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(script.path(), BARE).expect("a script");
    // Before and after, so that both see the machine in the same moods.
    let before = pgbench::script_rate(&place.cluster, "netily", script.path(), 1, 5).await;
    let begun = Instant::now();
    let ran = settlement::run(&place.app, Scope::default(), false).await.expect("a run");
    let reserved = ran.due.iter().filter(|due| due.made.is_some()).count();
    assert_eq!(reserved, DUE, "{:?}", ran.due.iter().find_map(|due| due.left.clone()));
    let ours = reserved as f64 / begun.elapsed().as_secs_f64();
    let bare = f64::midpoint(before, pgbench::script_rate(&place.cluster, "netily", script.path(), 1, 5).await);

    let begun = Instant::now();
    let check = ledger::check(&place.app.db, now).await.expect("a check");
    let sweep = begun.elapsed().as_secs_f64();
    let begun = Instant::now();
    ledger::check_recent(&place.app.db, now - chrono::TimeDelta::minutes(10)).await.expect("a check");
    let recent = begun.elapsed().as_secs_f64();
    println!("rules: {} looked at in {sweep:.1} s, over {PAYMENTS} payments", check.invariants);
    vec![
        Verdict { what: "report of a year, 1,000,000 payments, warm p99, ms", measured: p99(warm), against: 300.0, limit: Limit::AtMost(1.0) },
        Verdict { what: "GetBalance over 10,000 ISPs, p99, ms", measured: p99(looks), against: 20.0, limit: Limit::AtMost(1.0) },
        Verdict { what: "settlements reserved/s against bare SQL", measured: ours, against: bare, limit: Limit::AtLeast(0.5) },
        Verdict { what: "every rule over 1,000,000 payments, s (bar: 60 for half)", measured: sweep, against: 120.0, limit: Limit::AtMost(1.0) },
        Verdict { what: "rules over what was posted lately, s", measured: recent, against: 1.0, limit: Limit::AtMost(1.0) },
    ]
}

async fn fill(place: &Place, statements: &[&str]) {
    let mut connection = netily::db::connect(&place.urls.superuser).await.expect("a connection");
    let shop = &place.shops[0];
    for statement in statements {
        let filled = statement
            .replace("{isp}", &shop.tenant.id.uuid().to_string())
            .replace("{router}", &shop.router.uuid().to_string())
            .replace("{plan}", &shop.plan.uuid().to_string())
            .replace("{payments}", &PAYMENTS.to_string())
            .replace("{isps}", &ISPS.to_string())
            .replace("{due}", &DUE.to_string());
        connection.batch_execute(&filled).await.unwrap_or_else(|fault| panic!("{fault}: {filled}"));
    }
    // As after a night: else it is vacuumed in the background while something is measured, on one of two cores.
    connection.batch_execute("vacuum analyze").await.expect("statistics");
}

async fn everybody(place: &Place) -> Vec<IspId> {
    use diesel::prelude::*;
    use diesel_async::RunQueryDsl;
    use netily::schema::isp::dsl;
    place.app.db.public(async |tx| Ok(dsl::isp.filter(dsl::slug.like("many-%")).select(dsl::id).load(&mut **tx).await?)).await.expect("ISPs")
}

#[expect(clippy::float_arithmetic, reason = "a time")]
fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}
