//! Invoices in bulk: ten thousand customers of fifty ISPs, each of whom is due for the invoice of the next month.

use std::time::Instant;

use diesel_async::{RunQueryDsl as _, SimpleAsyncConnection as _};
use futures::stream::{StreamExt as _, iter};
use netily::billing;
use netily::id::IspId;
use netily::jobs::{Lane, Outcome};

use crate::memory::resident;
use crate::pgbench;
use crate::place::Place;
use crate::verdict::{Limit, Verdict};

const ISPS: usize = 50;
const EACH: usize = 200;

/// Customers with an active line that is paid for four more days. Those called `bare` are for the bare SQL.
const PEOPLE: &str = "
  set session_replication_role = replica;
  create temp table person as select i.id as tenant_id, gen_random_uuid() as plan, gen_random_uuid() as spare_plan, i.slug from public.isp i where i.slug like 'bench-%';
  insert into tenant.service_plan (tenant_id,id,name,price_minor,period_unit,period_count,request_id,request_hash,created_at,version,changed_at)
    select tenant_id, plan, 'Home 10', 150000, 'MONTH', 1, gen_random_uuid(), '', now(), 1, now() from person;
  insert into tenant.service_plan_version (tenant_id,plan_id,version,name,price_minor,period_unit,period_count,download_kbps,upload_kbps,data_cap_bytes,router_profile,valid_from)
    select tenant_id, plan, 1, 'Home 10', 150000, 'MONTH', 1, 0, 0, 0, '', now() from person;
  create table public.bench_line as select row_number() over (order by n, tenant_id) as at, tenant_id, plan, gen_random_uuid() as account, gen_random_uuid() as customer, gen_random_uuid() as line, n
    from person, generate_series(1, {each} * 2) n;
  insert into tenant.user_account (tenant_id,id,email,phone,first_name,last_name,role,password_hash,created_at)
    select tenant_id, account, 'p' || n || '@bench.example', '2547' || lpad(n::text, 8, '0'), 'Njeri', 'Bench', 'CUSTOMER', '', now() from public.bench_line;
  insert into tenant.customer (tenant_id,id,user_id,number,customer_code,status,registered_by,request_id,request_hash,created_at)
    select tenant_id, customer, account, n, 'CUST-' || n, 'ACTIVE', 'STAFF', gen_random_uuid(), '', now() from public.bench_line;
  insert into tenant.customer_account (tenant_id,customer_id) select tenant_id, customer from public.bench_line;
  insert into tenant.connection (tenant_id,id,customer_id,plan_id,plan_version,billing,status,period_start,paid_until,anchor_day,next_act_at,access,created_at)
    select tenant_id, line, customer, plan, 1, 'INVOICED', 'ACTIVE', now() - interval '26 days', now() + interval '4 days', 15, case when n <= {each} then now() - interval '1 minute' end, 'PPPOE', now() from public.bench_line;
  create unique index on public.bench_line (at);
  grant select on public.bench_line to netily_app;
  set session_replication_role = origin;";

/// The statements of one customer's invoice by hand: what must be read, and the same rows. The first one stands for the search of
/// who is due.
const BARE: &str = "\\set n :n + 1
\\set at {others} + :client_id * {share} + :n
select tenant_id as isp, customer, line, plan, account, gen_random_uuid() as invoice from public.bench_line where at = :at \\gset
begin;
select set_config('netily.tenant_id', :isp::text, true);
select balance_minor from tenant.customer_account where tenant_id = :isp and customer_id = :customer for update;
select * from tenant.connection where tenant_id = :isp and id = :line for update;
select * from tenant.service_plan where tenant_id = :isp and id = :plan;
select * from tenant.service_plan_version where tenant_id = :isp and plan_id = :plan and version = 1;
select * from tenant.invoice where tenant_id = :isp and connection_id = :line and kind = 'PERIOD' and status = 'OPEN' for update;
select * from tenant.billing_settings where tenant_id = :isp;
select tenant.next_number(:isp::uuid, 'invoice') as number \\gset
insert into tenant.invoice (tenant_id,id,number,invoice_number,customer_id,connection_id,kind,total_minor,vat_bps,vat_minor,plan_id,plan_version,period_start,period_end,due_at,issued_at)
  values (:isp, :invoice, :number::int, 'INV-' || :number::text, :customer, :line, 'PERIOD', 150000, 0, 0, :plan, 1, now() + :number::int * interval '1 month', now() + (:number::int + 1) * interval '1 month', now(), now());
insert into tenant.invoice_line (tenant_id,invoice_id,line,description,quantity,unit_minor,amount_minor) values (:isp, :invoice, 1, 'Home 10, a month', 1, 150000, 150000);
select u.* from tenant.customer c join tenant.user_account u on u.tenant_id = c.tenant_id and u.id = c.user_id where c.tenant_id = :isp and c.id = :customer;
insert into tenant.alert (tenant_id,id,customer_id,kind,title,message,subject_id,created_at) values (:isp, gen_random_uuid(), :customer, 'BILLING', 'A new invoice', 'Please pay it', :invoice::text, now());
select * from tenant.message_template where tenant_id = :isp and template = 'invoice_issued' and lang = 'en';
insert into tenant.message (tenant_id,id,channel,template,lang,recipient,user_id,subject,body,created_at,queued_at) values (:isp, :invoice, 'EMAIL', 'invoice_issued', 'en', 'p@bench.example', :account, 'A new invoice', 'Please pay it', now(), now());
select public.ask_for_job(gen_random_uuid(), 'bench', 'bench', :isp::uuid, :invoice::uuid, now(), now());
update tenant.connection set next_act_at = now() + interval '10 days' where tenant_id = :isp and id = :line;
end;
";

#[expect(clippy::cast_precision_loss, clippy::float_arithmetic, reason = "rates and megabytes, never money")]
pub async fn run() -> Vec<Verdict> {
    let place = Place::with_shops(ISPS, ([127, 0, 0, 1], 1).into()).await;
    let mut connection = netily::db::connect(&place.urls.superuser).await.expect("a connection");
    connection.batch_execute(&PEOPLE.replace("{each}", &EACH.to_string())).await.expect("people");
    // Only what was filled: statistics of the tables that are still empty would say that they always will be.
    let filled = "vacuum analyze tenant.service_plan, tenant.service_plan_version, tenant.user_account, tenant.customer, tenant.customer_account, tenant.connection, public.bench_line";
    connection.batch_execute(filled).await.expect("statistics");
    let isps: Vec<IspId> = place.shops.iter().map(|shop| shop.tenant.id).collect();

    let (first, rest) = isps.split_at(ISPS / 5);
    let begun = Instant::now();
    issue(&place, first).await;
    let early = resident(std::process::id());
    issue(&place, rest).await;
    let (took, late) = (begun.elapsed(), resident(std::process::id()));
    let made: Count = diesel::sql_query("SELECT count(*) AS count FROM tenant.invoice").get_result(&mut connection).await.expect("a count");
    assert_eq!(usize::try_from(made.count), Ok(ISPS * EACH), "each customer has one");
    let ours = made.count as f64 / took.as_secs_f64();

    let script = tempfile::NamedTempFile::new().expect("a file");
    let (clients, share) = (Lane::Billing.places(), ISPS * EACH / Lane::Billing.places());
    let text = BARE.replace("{others}", &(ISPS * EACH).to_string()).replace("{share}", &share.to_string());
    std::fs::write(script.path(), text).expect("a script");
    let bare = pgbench::script_count_rate(&place.cluster, "netily", script.path(), clients, share).await;
    vec![
        Verdict { what: "invoices of 10,000 customers, 50 ISPs, a second, against SQL", measured: ours, against: bare, limit: Limit::AtLeast(0.5) },
        Verdict { what: "resident MB after 10,000 invoices, against after 2,000", measured: late, against: early, limit: Limit::AtMost(1.10) },
    ]
}

/// As the worker does: so many ISPs at once as its lane is wide.
async fn issue(place: &Place, isps: &[IspId]) {
    iter(isps)
        .for_each_concurrent(Lane::Billing.places(), async |isp| while !matches!(billing::run(&place.app, *isp).await.expect("a run"), Outcome::Done) {})
        .await;
}

#[derive(diesel::QueryableByName)]
struct Count {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    count: i64,
}
