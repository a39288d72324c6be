-- Payments that succeed at the same time are booked by one call, and callbacks that come at the same time kept by one: what a
-- transaction and its statements cost (three round trips, a commit, an executor that starts and ends) is paid once for all of them.

-- 1. The lines of a ledger transaction stand in its own row, and that they balance is a rule of their type: it holds at every moment,
-- a line cannot be added later, and no other row, index, foreign key or trigger is touched for it.
create temporary table view_kept on commit drop as
  select n.nspname || '.' || quote_ident(c.relname) as name, pg_get_viewdef(c.oid) as body
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  -- A line without its transaction is impossible from now on.
  where c.relkind = 'v' and n.nspname in ('tenant', 'invariant') and c.relname <> 'i22_cross_tenant_entry' and pg_get_viewdef(c.oid) like '%ledger_entry%';
do $$ declare v record; begin
  for v in select name from view_kept loop execute 'drop view ' || v.name; end loop;
end $$;
drop view invariant.i22_cross_tenant_entry;

create type tenant.ledger_line as (account tenant.ledger_account, amount_minor tenant.nonzero_minor);
create function tenant.lines_balance(p_lines tenant.ledger_line[]) returns boolean language plpgsql immutable parallel safe as $$
declare line tenant.ledger_line; total numeric := 0; -- an amount may be as large as its type
begin
  foreach line in array p_lines loop total := total + line.amount_minor; end loop;
  return total = 0 and cardinality(p_lines) >= 2;
end $$;
create domain tenant.ledger_lines as tenant.ledger_line[] constraint unbalanced check (tenant.lines_balance(value));

alter table tenant.ledger_transaction add column lines tenant.ledger_lines, no force row level security, disable trigger append_only;
alter table tenant.ledger_entry no force row level security;
update tenant.ledger_transaction t set lines = (
  select array_agg(row(e.account, e.amount_minor)::tenant.ledger_line order by e.line) from tenant.ledger_entry e where e.tenant_id = t.tenant_id and e.transaction_id = t.id);
set constraints all immediate;
drop trigger balanced on tenant.ledger_transaction;
alter table tenant.ledger_transaction alter column lines set not null, force row level security, enable trigger append_only;
drop table tenant.ledger_entry;
drop function tenant.ledger_balanced(), tenant.entries_balanced();

-- The lines one by one, for whoever adds up.
create view tenant.ledger_entry with (security_invoker = true) as
  select t.tenant_id, t.id as transaction_id, l.line::smallint as line, l.account, l.amount_minor
  from tenant.ledger_transaction t cross join lateral unnest(t.lines) with ordinality l (account, amount_minor, line);
grant select on tenant.ledger_entry to netily_app, netily_platform;

do $$ declare v record; begin
  for v in select name, body from view_kept order by name desc loop
    execute format('create view %s with (security_invoker = true) as %s', v.name, v.body);
    execute format('grant select on %s to netily_platform', v.name);
  end loop;
end $$;

create or replace function tenant.post(p_tenant uuid, p_id uuid, p_kind text, p_reference uuid, p_at timestamptz, p_accounts text[], p_amounts bigint[])
returns boolean language plpgsql as $$
declare lines tenant.ledger_line[] := '{}';
begin
  for n in 1 .. cardinality(p_accounts) loop
    if p_amounts[n] <> 0 then lines := lines || row(p_accounts[n], p_amounts[n])::tenant.ledger_line; end if;
  end loop;
  insert into tenant.ledger_transaction (tenant_id, id, kind, reference, created_at, lines) values (p_tenant, p_id, p_kind, p_reference, p_at, lines)
    on conflict (tenant_id, kind, reference) do nothing;
  if not found then return false; end if;
  -- In one order of accounts, so that two postings of an ISP never wait for each other in a ring.
  for n in 1 .. cardinality(p_accounts) loop
    if p_accounts[n] in ('ISP_PAYABLE', 'PAYOUT_IN_TRANSIT', 'CUSTOMER_CREDIT', 'REFUNDS_PAYABLE') and p_amounts[n] <> 0 then
      insert into tenant.ledger_balance as b (tenant_id, account, balance_minor) values (p_tenant, p_accounts[n], p_amounts[n])
        on conflict (tenant_id, account) do update set balance_minor = b.balance_minor + excluded.balance_minor;
    end if;
  end loop;
  return true;
end $$;

-- 2. Who writes rows of many ISPs in one statement. Nobody can be it: it owns the functions below and nothing else, and they touch the
-- rows that they are handed by ISP and id. Everybody else is bound to one ISP as before.
do $$ begin
  if not exists (select from pg_roles where rolname = 'netily_books') then create role netily_books nologin; end if;
  if not pg_has_role(current_user, 'netily_books', 'member') then execute format('grant netily_books to %I', current_user); end if;
exception when duplicate_object or unique_violation then null; -- another database of this cluster is being migrated too
end $$;
grant usage on schema public, tenant to netily_books;
grant select, update on tenant.payment, tenant.settlement, tenant.hotspot_session to netily_books;
grant select, insert on tenant.gateway_observation, tenant.payment_event, tenant.ledger_transaction to netily_books;
grant select, insert, update on tenant.ledger_balance, public.webhook_delivery, public.job to netily_books;
grant select, insert on public.gateway_key to netily_books;
do $$ declare t text; begin
  foreach t in array '{payment,settlement,hotspot_session,gateway_observation,payment_event,ledger_transaction,ledger_balance}'::text[] loop
    execute format('create policy books on tenant.%I to netily_books using (true) with check (true)', t);
  end loop;
end $$;

-- Payments that were read as p_froms and that the gateway says are paid: each with its own split, as the server decided it. Of each the
-- receipt is taken, its callbacks are closed, and observation, state, credit and session are written; their routers are asked for.
-- Gives two texts for each: what became of it, and its session. Only BOOKED wrote anything that matters; the others are to be looked at
-- alone. STALE: it is in another state meanwhile, or somebody has it. RECEIPT_REUSED: another payment has its receipt.
-- CONTRADICTED: a callback that came until p_asked_at names another amount. Without p_asked_at its callbacks stay as they are.
create function tenant.book_hotspot_payments(
  p_tenants uuid[], p_payments uuid[], p_froms text[], p_observations uuid[], p_sources text[], p_amounts bigint[], p_receipts text[], p_bodies jsonb[],
  p_asked_at timestamptz[], p_ledgers uuid[], p_gross bigint[], p_commission bigint[], p_jobs uuid[], p_lane text, p_job_kind text, p_now timestamptz)
returns text[] language plpgsql security definer
  -- Rows are found by their keys, however many there are, also when the plan is made while a table is still empty.
  set search_path = pg_catalog, pg_temp set plan_cache_mode = force_generic_plan
  set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  said text[] := array_fill(''::text, array[2 * cardinality(p_payments)]);
  todo bigint[]; -- places in the arrays
  reused bigint[]; contradicted bigint[]; hints bigint; taken bigint; n bigint;
  paid bigint[]; sessions uuid[]; routers uuid[];
begin
  for n in 1 .. cardinality(p_payments) loop said[2 * n - 1] := 'STALE'; end loop;
  -- Nobody is waited for: whoever holds a payment may wait for a balance that this call holds.
  select array_agg(x.n) into todo from (
    select i.n from unnest(p_tenants, p_payments, p_froms) with ordinality i (isp, payment, stood, n)
    join tenant.payment p on p.tenant_id = i.isp and p.id = i.payment and p.state = i.stood
    order by i.isp, i.payment for update of p skip locked) x;
  if todo is null then return said; end if;

  insert into public.gateway_key (kind, value, isp_id, payment_id, created_at)
    select 'RECEIPT', p_receipts[i.n], p_tenants[i.n], p_payments[i.n], p_now from unnest(todo) i (n) where p_receipts[i.n] is not null
    order by 2, i.n on conflict do nothing; -- of two with one receipt the first one has it
  get diagnostics taken = row_count;
  if taken < cardinality(todo) then
    select array_agg(i.n) into reused from unnest(todo) i (n)
      join public.gateway_key k on k.kind = 'RECEIPT' and k.value = p_receipts[i.n] and k.payment_id <> p_payments[i.n];
  end if;
  select count(*), array_agg(i.n) filter (where w.named_minor <> p_gross[i.n]) into hints, contradicted from unnest(todo) i (n)
    join public.webhook_delivery w on w.payment_id = p_payments[i.n] and w.state = 'RECEIVED' and w.received_at <= p_asked_at[i.n];
  if reused is not null or contradicted is not null then
    foreach n in array coalesce(contradicted, '{}') loop said[2 * n - 1] := 'CONTRADICTED'; end loop;
    foreach n in array coalesce(reused, '{}') loop said[2 * n - 1] := 'RECEIPT_REUSED'; end loop;
    select array_agg(i.n) into todo from unnest(todo) i (n) where said[2 * i.n - 1] = 'STALE';
    if todo is null then return said; end if;
  end if;
  if hints > 0 then
    update public.webhook_delivery w set state = 'APPLIED', note = 'The gateway was asked.', done_at = p_now from unnest(todo) i (n)
    where w.payment_id = p_payments[i.n] and w.state = 'RECEIVED' and w.received_at <= p_asked_at[i.n];
  end if;

  insert into tenant.gateway_observation (tenant_id, id, payment_id, source, status, amount_minor, receipt, body, observed_at)
    select p_tenants[i.n], p_observations[i.n], p_payments[i.n], p_sources[i.n], 'SUCCESS', p_amounts[i.n], p_receipts[i.n], p_bodies[i.n], p_now from unnest(todo) i (n);
  update tenant.payment p set state = 'SUCCEEDED', mpesa_receipt = p_receipts[i.n], failure_reason = null, claim_token = null, claim_until = null,
         polls = p.polls + 1, completed_at = p_now, updated_at = p_now
  from unnest(todo) i (n) where p.tenant_id = p_tenants[i.n] and p.id = p_payments[i.n];

  -- As tenant.post writes it. A payment that was credited before is refused by the key of kind and reference.
  insert into tenant.ledger_transaction (tenant_id, id, kind, reference, created_at, lines)
    select p_tenants[i.n], p_ledgers[i.n], 'PAYMENT_CREDIT', p_payments[i.n], p_now, case
        when p_commission[i.n] = 0 then array[row('GATEWAY_CLEARING', p_gross[i.n])::tenant.ledger_line, row('ISP_PAYABLE', -p_gross[i.n])::tenant.ledger_line]
        when p_commission[i.n] = p_gross[i.n] then array[row('GATEWAY_CLEARING', p_gross[i.n])::tenant.ledger_line, row('PLATFORM_REVENUE', -p_gross[i.n])::tenant.ledger_line]
        else array[row('GATEWAY_CLEARING', p_gross[i.n])::tenant.ledger_line, row('PLATFORM_REVENUE', -p_commission[i.n])::tenant.ledger_line,
                   row('ISP_PAYABLE', p_commission[i.n] - p_gross[i.n])::tenant.ledger_line] end
    from unnest(todo) i (n);
  -- In one order of ISPs, so that nobody waits in a ring.
  insert into tenant.ledger_balance as b (tenant_id, account, balance_minor)
    select p_tenants[i.n], 'ISP_PAYABLE', sum(p_commission[i.n] - p_gross[i.n]) from unnest(todo) i (n) group by 1 having sum(p_commission[i.n] - p_gross[i.n]) <> 0 order by 1
    on conflict (tenant_id, account) do update set balance_minor = b.balance_minor + excluded.balance_minor;

  -- The money is in: the purchase that waits for it is paid, also after it was shown as failed.
  with granted as (
    update tenant.hotspot_session s set status = 'PAID', paid_at = p_now, router_pending = true from unnest(todo) i (n)
    where s.tenant_id = p_tenants[i.n] and s.payment_id = p_payments[i.n] and s.status in ('AWAITING_PAYMENT', 'FAILED') returning i.n, s.id, s.router_id)
  select array_agg(g.n), array_agg(g.id), array_agg(g.router_id) into paid, sessions, routers from granted g;
  if cardinality(paid) is distinct from cardinality(todo) then
    raise exception 'payments % pay for no sessions that wait for them', (select array_agg(p_payments[i.n]) from unnest(todo) i (n) where i.n <> all (coalesce(paid, '{}')))
      using errcode = '23514';
  end if;
  -- In one order of subjects, as ends of jobs are recorded.
  insert into public.job as j (id, lane, kind, isp_id, subject, run_at, created_at)
    select distinct on (i.router) p_jobs[i.n], p_lane, p_job_kind, p_tenants[i.n], i.router, p_now, p_now from unnest(paid, routers) i (n, router) order by i.router
    on conflict (kind, subject) do update set run_at = least(j.run_at, excluded.run_at), wakes = j.wakes + 1, buried_at = null;
  for i in 1 .. cardinality(paid) loop
    said[2 * paid[i] - 1] := 'BOOKED'; said[2 * paid[i]] := sessions[i]::text;
  end loop;
  return said;
end $$;

-- Callbacks that came at the same time: keeps each, and asks for the check of its payment or settlement, at most so often. Gives two
-- texts for each: whether its body was new (STORED) or came before (REPEATED), and whether there is something to ask: ASK now, LATER,
-- or nothing (IDLE).
create function public.keep_callbacks(p_ids uuid[], p_kinds text[], p_isps uuid[], p_payments uuid[], p_dedups bytea[], p_bodies bytea[], p_source_ips text[],
  p_readable boolean[], p_named bigint[], p_every interval, p_jobs uuid[], p_lanes text[], p_job_kinds text[], p_now timestamptz)
returns text[] language plpgsql security definer
  -- Rows are found by their keys, however many there are, also when the plan is made while a table is still empty.
  set search_path = pg_catalog, pg_temp set plan_cache_mode = force_generic_plan
  set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  said text[] := array_fill(''::text, array[2 * cardinality(p_ids)]);
  fresh uuid[];
  hints bigint[] := '{}'; -- what is open and may make us ask: places in the arrays
  asked uuid[]; ask_at timestamptz[]; n bigint; at integer;
begin
  -- Before their callbacks, as whoever books them; in one order, so that nobody waits in a ring.
  perform from unnest(p_isps, p_payments) i (isp, payment) join tenant.payment p on p.tenant_id = i.isp and p.id = i.payment order by i.payment for update of p;
  if 'PAYOUT' = any (p_kinds) then
    perform from unnest(p_isps, p_payments) i (isp, payment) join tenant.settlement s on s.tenant_id = i.isp and s.id = i.payment order by i.payment for update of s;
  end if;
  with kept as (
    insert into public.webhook_delivery (id, kind, isp_id, payment_id, dedup, body, source_ip, named_minor, state, note, received_at, last_at, done_at)
      select p_ids[i.n], p_kinds[i.n], p_isps[i.n], p_payments[i.n], p_dedups[i.n], p_bodies[i.n], p_source_ips[i.n], p_named[i.n],
             case when p_readable[i.n] then 'RECEIVED' else 'DEAD' end, case when p_readable[i.n] then '' else 'The body is not a JSON object.' end,
             p_now, p_now, case when not p_readable[i.n] then p_now end
      from generate_subscripts(p_ids, 1) i (n) order by p_dedups[i.n]
    on conflict (dedup) do nothing returning id)
  select coalesce(array_agg(k.id), '{}') into fresh from kept k;
  for n in 1 .. cardinality(p_ids) loop
    said[2 * n] := 'IDLE';
    if p_ids[n] = any (fresh) then
      said[2 * n - 1] := 'STORED';
      if p_readable[n] then hints := hints || n; end if;
    else
      said[2 * n - 1] := 'REPEATED';
    end if;
  end loop;
  if cardinality(fresh) < cardinality(p_ids) then
    update public.webhook_delivery w set deliveries = w.deliveries + again.times, last_at = p_now
    from (select p_dedups[i.n] as dedup, count(*) as times from generate_subscripts(p_ids, 1) i (n) where said[2 * i.n - 1] = 'REPEATED' group by 1) again
    where w.dedup = again.dedup;
    select hints || coalesce(array_agg(i.n), '{}') into hints from generate_subscripts(p_ids, 1) i (n)
      join public.webhook_delivery w on w.dedup = p_dedups[i.n] and w.state = 'RECEIVED' where said[2 * i.n - 1] = 'REPEATED';
  end if;
  if hints = '{}' then return said; end if;

  with waiting as (
    update tenant.payment p set hinted_at = case when coalesce(p.hinted_at + p_every, p_now) <= p_now then p_now else p.hinted_at end
    from (select distinct p_isps[i.n] as isp, p_payments[i.n] as id from unnest(hints) i (n)) hinted
    where p.tenant_id = hinted.isp and p.id = hinted.id and p.state <> 'SUCCEEDED' returning p.id, p.hinted_at),
  paying as (
    update tenant.settlement s set hinted_at = case when coalesce(s.hinted_at + p_every, p_now) <= p_now then p_now else s.hinted_at end
    from (select distinct p_isps[i.n] as isp, p_payments[i.n] as id from unnest(hints) i (n) where p_kinds[i.n] = 'PAYOUT') hinted
    where s.tenant_id = hinted.isp and s.id = hinted.id and s.state <> 'COMPLETED' returning s.id, s.hinted_at)
  select array_agg(x.id), array_agg(case when x.hinted_at = p_now then p_now else x.hinted_at + p_every end) into asked, ask_at
  from (select * from waiting union all select * from paying) x;
  insert into public.job as j (id, lane, kind, isp_id, subject, run_at, created_at)
    select distinct on (i.subject) p_jobs[h.n], p_lanes[h.n], p_job_kinds[h.n], p_isps[h.n], i.subject, i.at, p_now
    from unnest(asked, ask_at) i (subject, at) join unnest(hints) h (n) on p_payments[h.n] = i.subject order by i.subject
    on conflict (kind, subject) do update set run_at = least(j.run_at, excluded.run_at), wakes = j.wakes + 1, buried_at = null;
  foreach n in array hints loop
    at := array_position(asked, p_payments[n]);
    if at is not null then
      said[2 * n] := case when ask_at[at] <= p_now then 'ASK' else 'LATER' end;
    else
      update public.webhook_delivery w set state = 'IGNORED', note = 'No payment waits for it.', done_at = p_now where w.id = p_ids[n];
    end if;
  end loop;
  return said;
end $$;

-- A callback is closed soon after it came, a payment changes four times in its life, and a session three times: room for the next version
-- on the same page spares all indexes.
alter table public.webhook_delivery set (fillfactor = 50);
alter table tenant.payment set (fillfactor = 70);
alter table tenant.hotspot_session set (fillfactor = 70);

-- 4. The router holds what a session wants: notes it, and begins the time of who has just been let in. Only what was read is written: a
-- session that ended or was resumed meanwhile stays pending. Gives whether it was written.
create function tenant.session_applied(p_tenant uuid, p_id uuid, p_status text, p_mac text, p_logged_in boolean, p_ends timestamptz,
  p_job uuid, p_lane text, p_job_kind text, p_now timestamptz) returns boolean language plpgsql as $$
begin
  update tenant.hotspot_session s set logged_in = p_logged_in, router_pending = false, router_error = null,
    status = case when p_status = 'PAID' then 'ACTIVE' else s.status end, activated_at = case when p_status = 'PAID' then p_now else s.activated_at end,
    expires_at = case when p_status = 'PAID' then p_ends else s.expires_at end
  where s.tenant_id = p_tenant and s.id = p_id and s.status = p_status and s.mac is not distinct from p_mac;
  if found and p_status = 'PAID' and p_ends is not null then
    perform public.ask_for_job(p_job, p_lane, p_job_kind, p_tenant, p_id, p_ends, p_now);
    return true;
  end if;
  return found;
end $$;

-- 5. What the queue of jobs does at each of its turns, so that it is planned once and not each time.

-- Claims due jobs of a lane: p_longest of those that have waited longest, and p_newest of those that became due last.
create type public.claimed_job as (id uuid, kind text, isp_id uuid, subject uuid, attempts integer, wakes bigint);
create function public.claim_jobs(p_lane text, p_now timestamptz, p_longest bigint, p_newest bigint, p_token uuid, p_lease_until timestamptz)
returns public.claimed_job[] language plpgsql
  -- By the index of what is due, whatever is believed of the table.
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare claimed public.claimed_job[];
begin
  with longest as (select id from public.job where lane = p_lane and run_at <= p_now and buried_at is null and (lease_until is null or lease_until < p_now)
                   order by run_at limit p_longest for update skip locked),
       newest as (select id from public.job where lane = p_lane and run_at <= p_now and buried_at is null and (lease_until is null or lease_until < p_now)
                  order by run_at desc limit p_newest for update skip locked),
       due as (select id from longest union select id from newest),
       taken as (update public.job j set claim_token = p_token, lease_until = p_lease_until, run_at = p_lease_until, attempts = j.attempts + 1 from due where j.id = due.id
                 returning j.id, j.kind, j.isp_id, j.subject, j.attempts, j.wakes)
  select coalesce(array_agg(row(t.id, t.kind, t.isp_id, t.subject, t.attempts, t.wakes)::public.claimed_job), '{}') into claimed from taken t;
  return claimed;
end $$;

-- Deletes jobs that ended and that nobody asked for meanwhile; gives which. In the order of subjects, as whoever asks for many.
create function public.finish_jobs(p_ids uuid[], p_tokens uuid[], p_wakes bigint[]) returns uuid[] language plpgsql
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare finished uuid[];
begin
  with ended as (select j.id from unnest(p_ids, p_tokens, p_wakes) e (id, token, wakes) join public.job j on j.id = e.id and j.claim_token = e.token and j.wakes = e.wakes
                 order by j.subject for update of j),
       gone as (delete from public.job j using ended where j.id = ended.id returning j.id)
  select coalesce(array_agg(g.id), '{}') into finished from gone g;
  return finished;
end $$;

-- Functions with the rights of their owner are for the server alone.
grant create on schema public, tenant to netily_books;
alter function tenant.book_hotspot_payments owner to netily_books;
alter function public.keep_callbacks owner to netily_books;
revoke create on schema public, tenant from netily_books;
revoke execute on function tenant.book_hotspot_payments, public.keep_callbacks from public;
grant execute on function tenant.book_hotspot_payments, public.keep_callbacks to netily_app;

drop function tenant.book_hotspot_payment(uuid, uuid, text, uuid, text, bigint, text, jsonb, uuid, text, text[], bigint[], uuid, text, text, timestamptz);
drop function tenant.session_paid(uuid, uuid, timestamptz);
drop function public.keep_callback(uuid, text, uuid, uuid, bytea, bytea, text, boolean, bigint, interval, uuid, text, text, timestamptz);
drop function tenant.payment_hinted(uuid, uuid, timestamptz, interval), tenant.settlement_hinted(uuid, uuid, timestamptz, interval);

-- As before, but that a receipt of another payment leaves all as it is.
create or replace function tenant.book_payment(p_tenant uuid, p_payment uuid, p_from text, p_observation uuid, p_source text, p_amount bigint, p_receipt text, p_body jsonb,
  p_ledger uuid, p_kind text, p_accounts text[], p_amounts bigint[], p_now timestamptz) returns text language plpgsql as $$
begin
  perform from tenant.payment where tenant_id = p_tenant and id = p_payment and state = p_from for update;
  if not found then return 'STALE'; end if;
  if p_receipt is not null then
    insert into public.gateway_key (kind, value, isp_id, payment_id, created_at) values ('RECEIPT', p_receipt, p_tenant, p_payment, p_now) on conflict do nothing;
    if not found and not exists (select from public.gateway_key where kind = 'RECEIPT' and value = p_receipt and payment_id = p_payment) then
      return 'RECEIPT_REUSED';
    end if;
  end if;
  insert into tenant.gateway_observation (tenant_id, id, payment_id, source, status, amount_minor, receipt, body, observed_at)
    values (p_tenant, p_observation, p_payment, p_source, 'SUCCESS', p_amount, p_receipt, p_body, p_now);
  update tenant.payment set state = 'SUCCEEDED', mpesa_receipt = p_receipt, failure_reason = null, claim_token = null, claim_until = null,
         polls = polls + 1, completed_at = p_now, updated_at = p_now
  where tenant_id = p_tenant and id = p_payment;
  if not tenant.post(p_tenant, p_ledger, p_kind, p_payment, p_now, p_accounts, p_amounts) then
    raise exception 'payment % was credited before', p_payment using errcode = '23505';
  end if;
  return 'BOOKED';
end $$;
