//! Five thousand ISPs that are owed the same are reserved in one run: what an amount costs does not grow with how many have it.

use std::time::Instant;

use diesel_async::SimpleAsyncConnection as _;
use netily::settlement::{self, Scope};

use crate::pgbench;
use crate::place::Place;
use crate::verdict::{Limit, Verdict};

const EQUAL: usize = 5_000;

/// They are owed KES 1,000 each and are paid from KES 1,000 on. Of the two weeks before there are as many payouts of the same amount a day.
const OWED: &str = "
  set session_replication_role = replica;
  insert into public.isp (id, slug, name, created_at) select gen_random_uuid(), 'equal-' || n || 'x', 'Equal', now() from generate_series(1, {equal}) n;
  create temp table owed as select i.id as tenant_id, gen_random_uuid() as payment,
    (substr(public.earliest_id(now() - interval '2 days')::text, 1, 24) || substr(md5(random()::text), 1, 12))::uuid as txn from public.isp i where i.slug like 'equal-%';
  insert into tenant.ledger_transaction select tenant_id, txn, 'PAYMENT_CREDIT', payment, now() - interval '2 days',
    array[row('GATEWAY_CLEARING', 100000)::tenant.ledger_line, row('ISP_PAYABLE', -100000)::tenant.ledger_line] from owed;
  insert into tenant.ledger_balance select tenant_id, 'ISP_PAYABLE', -100000 from owed;
  insert into tenant.payout_config (tenant_id,payout_method,mpesa_phone,settlement_frequency,minimum_payout_minor,verification_status,verified_at,held_until,changed_at)
    select tenant_id, 'MPESA_B2C', '254722000333', 'DAILY', 100000, 'VERIFIED', now(), now(), now() from owed;
  insert into public.settlement_amount (settlement_id, isp_id, kind, amount_minor, reserved_at, sent_at)
    select gen_random_uuid(), tenant_id, 'SETTLEMENT', 100000, now() - d * interval '1 day', now() - d * interval '1 day' from owed, generate_series(2, 15) d;
  set session_replication_role = origin;";

/// What one of these reservations writes, as bare SQL: the same rows, looked up in the same way.
const BARE: &str = "select gen_random_uuid() as isp, gen_random_uuid() as id \\gset
begin;
select set_config('netily.tenant_id', :isp::text, true);
select * from tenant.payout_config where tenant_id = :isp for update;
insert into tenant.ledger_balance values (:isp, 'ISP_PAYABLE', -100000);
select balance_minor from tenant.ledger_balance where tenant_id = :isp and account = 'ISP_PAYABLE' for update;
select * from tenant.settlement where tenant_id = :isp and kind = 'SETTLEMENT' order by created_at desc, id desc limit 1;
select * from tenant.settlement where tenant_id = :isp and kind = 'SETTLEMENT' and state <> 'FAILED' order by created_at desc, id desc limit 1;
select coalesce(sum(isp_minor), 0) from tenant.commission_ledger where tenant_id = :isp and id >= public.earliest_id(now());
select coalesce(sum(isp_minor), 0) from tenant.commission_ledger where tenant_id = :isp and id < public.earliest_id(now());
select pg_advisory_xact_lock(4711);
select coalesce(sum(amount_minor), 0) from public.settlement_amount where reserved_at >= now() - interval '1 day' and isp_id = :isp;
select coalesce(sum(amount_minor), 0) from public.settlement_amount where reserved_at >= now() - interval '1 day';
select settlement_id, amount_minor from public.settlement_amount where doubt <> 'NONE' and amount_minor between 0 and 100000;
insert into tenant.settlement (tenant_id,id,kind,period,part,amount_minor,covers_until,credited_minor,config_version,payout_method,phone,external_reference,created_at,updated_at)
  values (:isp, :id, 'SETTLEMENT', 'x', 1, 100000, now(), 100000, 1, 'MPESA_B2C', '254722000333', 'x', now(), now());
insert into public.settlement_amount (settlement_id, isp_id, kind, amount_minor, reserved_at) values (:id, '00000000-0000-0000-0000-000000000000', 'SETTLEMENT', 100000, now());
select tenant.post(:isp, gen_random_uuid(), 'PAYOUT_RESERVE', :id, now(), '{ISP_PAYABLE,PAYOUT_IN_TRANSIT}', '{100000,-100000}');
select public.ask_for_job(gen_random_uuid(), 'bench', 'bench', '00000000-0000-0000-0000-000000000000', :id, now(), now());
select * from tenant.settlement where tenant_id = :isp and id = :id;
end;
";

#[expect(clippy::cast_precision_loss, clippy::float_arithmetic, reason = "rates and times, never money")]
pub async fn run() -> Vec<Verdict> {
    let place = Place::with_shops(0, ([127, 0, 0, 1], 1).into()).await;
    let mut connection = netily::db::connect(&place.urls.superuser).await.expect("a connection");
    connection.batch_execute(&OWED.replace("{equal}", &EQUAL.to_string())).await.expect("ISPs that are owed the same");
    connection.batch_execute("vacuum analyze").await.expect("statistics");

    let script = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(script.path(), BARE).expect("a script");
    let begun = Instant::now();
    let ran = settlement::run(&place.app, Scope::default(), false).await.expect("a run");
    let ours = EQUAL as f64 / begun.elapsed().as_secs_f64();
    let reserved = ran.due.iter().filter(|due| due.made.as_ref().is_some_and(|made| made.amount_minor.minor() == 100_000)).count();
    assert_eq!(reserved, EQUAL, "{:?}", ran.due.iter().find_map(|due| due.left.clone()));
    // Bare SQL adds up a day that is as long as ours became on the average.
    connection.batch_execute("update public.settlement_amount set reserved_at = reserved_at - interval '1 day' where ctid in (select ctid from public.settlement_amount where reserved_at >= now() - interval '1 day' limit 2500); vacuum analyze public.settlement_amount").await.expect("a shorter day");
    let bare = pgbench::script_rate(&place.cluster, "netily", script.path(), 1, 5).await;
    vec![Verdict { what: "5,000 equal amounts reserved/s against bare SQL", measured: ours, against: bare, limit: Limit::AtLeast(0.5) }]
}
