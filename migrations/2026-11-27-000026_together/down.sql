drop function public.claim_jobs, public.finish_jobs;
drop type public.claimed_job;
drop function tenant.session_applied;
alter table public.webhook_delivery reset (fillfactor);
alter table tenant.payment reset (fillfactor);
alter table tenant.hotspot_session reset (fillfactor);
drop function public.keep_callbacks, tenant.book_hotspot_payments;
do $$ declare t text; begin
  foreach t in array '{payment,settlement,hotspot_session,gateway_observation,payment_event,ledger_transaction,ledger_balance}'::text[] loop
    execute format('drop policy books on tenant.%I', t);
  end loop;
end $$;
revoke all on tenant.payment, tenant.settlement, tenant.hotspot_session, tenant.gateway_observation, tenant.payment_event, tenant.ledger_transaction, tenant.ledger_balance,
  public.webhook_delivery, public.job, public.gateway_key from netily_books;
revoke usage on schema public, tenant from netily_books;
create function tenant.session_paid(p_tenant uuid, p_payment uuid, p_now timestamptz) returns uuid[] language plpgsql as $$
declare session_and_router uuid[];
begin
  update tenant.hotspot_session s set status = 'PAID', paid_at = p_now, router_pending = true
  where s.tenant_id = p_tenant and s.payment_id = p_payment and s.status in ('AWAITING_PAYMENT', 'FAILED')
  returning array[s.id, s.router_id] into session_and_router;
  return coalesce(session_and_router, '{}');
end $$;
create function tenant.payment_hinted(p_tenant uuid, p_id uuid, p_now timestamptz, p_every interval) returns timestamptz language plpgsql as $$
declare ask_at timestamptz;
begin
  select greatest(p_now, coalesce(hinted_at + p_every, p_now)) into ask_at
  from tenant.payment where tenant_id = p_tenant and id = p_id and state <> 'SUCCEEDED' for update;
  if ask_at = p_now then
    update tenant.payment set hinted_at = p_now where tenant_id = p_tenant and id = p_id;
  end if;
  return ask_at;
end $$;
create function tenant.settlement_hinted(p_tenant uuid, p_id uuid, p_now timestamptz, p_every interval) returns timestamptz language plpgsql as $$
declare ask_at timestamptz;
begin
  select greatest(p_now, coalesce(hinted_at + p_every, p_now)) into ask_at
  from tenant.settlement where tenant_id = p_tenant and id = p_id and state <> 'COMPLETED' for update;
  if ask_at = p_now then
    update tenant.settlement set hinted_at = p_now where tenant_id = p_tenant and id = p_id;
  end if;
  return ask_at;
end $$;
create function public.keep_callback(p_id uuid, p_kind text, p_isp uuid, p_payment uuid, p_dedup bytea, p_body bytea, p_source_ip text, p_readable boolean,
  p_named bigint, p_every interval, p_job uuid, p_lane text, p_job_kind text, p_now timestamptz) returns text[] language plpgsql as $$
declare kept text := 'STORED'; stands text := 'RECEIVED'; ask_at timestamptz;
begin
  insert into public.webhook_delivery (id, kind, isp_id, payment_id, dedup, body, source_ip, named_minor, state, note, received_at, last_at, done_at)
    values (p_id, p_kind, p_isp, p_payment, p_dedup, p_body, p_source_ip, p_named, case when p_readable then 'RECEIVED' else 'DEAD' end,
            case when p_readable then '' else 'The body is not a JSON object.' end, p_now, p_now, case when not p_readable then p_now end)
    on conflict (dedup) do nothing;
  if not found then
    kept := 'REPEATED';
    update public.webhook_delivery set deliveries = deliveries + 1, last_at = p_now where dedup = p_dedup returning state into stands;
  elsif not p_readable then
    stands := 'DEAD';
  end if;
  if stands <> 'RECEIVED' then return array[kept, 'IDLE']; end if;
  if p_kind = 'PAYOUT' then
    ask_at := tenant.settlement_hinted(p_isp, p_payment, p_now, p_every);
  else
    ask_at := tenant.payment_hinted(p_isp, p_payment, p_now, p_every);
  end if;
  if ask_at is null then
    update public.webhook_delivery set state = 'IGNORED', note = 'No payment waits for it.', done_at = p_now where id = p_id;
    return array[kept, 'IDLE'];
  end if;
  perform public.ask_for_job(p_job, p_lane, p_job_kind, p_isp, p_payment, ask_at, p_now);
  return array[kept, case when ask_at <= p_now then 'ASK' else 'LATER' end];
end $$;
create function tenant.book_hotspot_payment(p_tenant uuid, p_payment uuid, p_from text, p_observation uuid, p_source text, p_amount bigint, p_receipt text,
  p_body jsonb, p_ledger uuid, p_kind text, p_accounts text[], p_amounts bigint[], p_job uuid, p_lane text, p_job_kind text, p_now timestamptz) returns text[] language plpgsql as $$
declare
  booked text := tenant.book_payment(p_tenant, p_payment, p_from, p_observation, p_source, p_amount, p_receipt, p_body, p_ledger, p_kind, p_accounts, p_amounts, p_now);
  paid uuid[];
begin
  if booked <> 'BOOKED' then return array[booked]; end if;
  paid := tenant.session_paid(p_tenant, p_payment, p_now);
  if paid = '{}' then
    raise exception 'payment % pays for no session that waits for it', p_payment using errcode = '23514';
  end if;
  perform public.ask_for_job(p_job, p_lane, p_job_kind, p_tenant, paid[2], p_now, p_now);
  return array[booked, paid[1]::text, paid[2]::text];
end $$;
create or replace function tenant.book_payment(p_tenant uuid, p_payment uuid, p_from text, p_observation uuid, p_source text, p_amount bigint, p_receipt text, p_body jsonb,
  p_ledger uuid, p_kind text, p_accounts text[], p_amounts bigint[], p_now timestamptz) returns text language plpgsql as $$
begin
  perform from tenant.payment where tenant_id = p_tenant and id = p_payment and state = p_from for update;
  if not found then return 'STALE'; end if;
  insert into tenant.gateway_observation (tenant_id, id, payment_id, source, status, amount_minor, receipt, body, observed_at)
    values (p_tenant, p_observation, p_payment, p_source, 'SUCCESS', p_amount, p_receipt, p_body, p_now);
  if p_receipt is not null then
    insert into public.gateway_key (kind, value, isp_id, payment_id, created_at) values ('RECEIPT', p_receipt, p_tenant, p_payment, p_now) on conflict do nothing;
    if not found and not exists (select from public.gateway_key where kind = 'RECEIPT' and value = p_receipt and payment_id = p_payment) then
      return 'RECEIPT_REUSED';
    end if;
  end if;
  update tenant.payment set state = 'SUCCEEDED', mpesa_receipt = p_receipt, failure_reason = null, claim_token = null, claim_until = null,
         polls = polls + 1, completed_at = p_now, updated_at = p_now
  where tenant_id = p_tenant and id = p_payment;
  if not tenant.post(p_tenant, p_ledger, p_kind, p_payment, p_now, p_accounts, p_amounts) then
    raise exception 'payment % was credited before', p_payment using errcode = '23505';
  end if;
  return 'BOOKED';
end $$;

create temporary table view_kept on commit drop as
  select n.nspname || '.' || quote_ident(c.relname) as name, pg_get_viewdef(c.oid) as body
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind = 'v' and n.nspname in ('tenant', 'invariant') and c.relname <> 'ledger_entry' and pg_get_viewdef(c.oid) like '%ledger_entry%';
do $$ declare v record; begin
  for v in select name from view_kept loop execute 'drop view ' || v.name; end loop;
end $$;
drop view tenant.ledger_entry;
create table tenant.ledger_entry (
  tenant_id uuid not null,
  transaction_id uuid not null,
  line smallint not null,
  account tenant.ledger_account not null,
  amount_minor tenant.nonzero_minor not null,
  primary key (tenant_id, transaction_id, line),
  foreign key (tenant_id, transaction_id) references tenant.ledger_transaction (tenant_id, id)
);
alter table tenant.ledger_transaction no force row level security;
insert into tenant.ledger_entry select t.tenant_id, t.id, l.line, l.account, l.amount_minor
  from tenant.ledger_transaction t cross join lateral unnest(t.lines) with ordinality l (account, amount_minor, line);
alter table tenant.ledger_transaction force row level security, drop column lines;
drop domain tenant.ledger_lines;
drop function tenant.lines_balance(tenant.ledger_line[]);
drop type tenant.ledger_line;
select public.isolate('tenant.ledger_entry');
grant insert on tenant.ledger_entry to netily_app;
create trigger append_only before update or delete on tenant.ledger_entry for each row execute function tenant.append_only();
create trigger append_only_truncate before truncate on tenant.ledger_entry for each statement execute function tenant.append_only();
create function tenant.ledger_balanced() returns trigger language plpgsql as $$
declare total numeric; lines integer;
begin
  select coalesce(sum(amount_minor), 0), count(*) into total, lines from tenant.ledger_entry where tenant_id = new.tenant_id and transaction_id = new.id;
  if total <> 0 or lines < 2 then
    raise exception 'ledger transaction % is unbalanced: % over % lines', new.id, total, lines using errcode = '23514';
  end if;
  return null;
end $$;
create constraint trigger balanced after insert on tenant.ledger_transaction deferrable initially deferred for each row execute function tenant.ledger_balanced();
create function tenant.entries_balanced() returns trigger language plpgsql as $$
declare bad record;
begin
  select a.transaction_id as id, sum(a.amount_minor) as total into bad from added a group by a.tenant_id, a.transaction_id having sum(a.amount_minor) <> 0 limit 1;
  if found then
    raise exception 'ledger transaction % is unbalanced: lines of % were added', bad.id, bad.total using errcode = '23514';
  end if;
  return null;
end $$;
create trigger balanced after insert on tenant.ledger_entry referencing new table as added for each statement execute function tenant.entries_balanced();
create or replace function tenant.post(p_tenant uuid, p_id uuid, p_kind text, p_reference uuid, p_at timestamptz, p_accounts text[], p_amounts bigint[])
returns boolean language plpgsql as $$
begin
  insert into tenant.ledger_transaction (tenant_id, id, kind, reference, created_at) values (p_tenant, p_id, p_kind, p_reference, p_at)
    on conflict (tenant_id, kind, reference) do nothing;
  if not found then return false; end if;
  insert into tenant.ledger_entry (tenant_id, transaction_id, line, account, amount_minor)
    select p_tenant, p_id, n, p_accounts[n], p_amounts[n] from generate_subscripts(p_accounts, 1) n where p_amounts[n] <> 0;
  -- In one order of accounts, so that two postings of an ISP never wait for each other in a ring.
  for n in 1 .. cardinality(p_accounts) loop
    if p_accounts[n] in ('ISP_PAYABLE', 'PAYOUT_IN_TRANSIT', 'CUSTOMER_CREDIT', 'REFUNDS_PAYABLE') and p_amounts[n] <> 0 then
      insert into tenant.ledger_balance as b (tenant_id, account, balance_minor) values (p_tenant, p_accounts[n], p_amounts[n])
        on conflict (tenant_id, account) do update set balance_minor = b.balance_minor + excluded.balance_minor;
    end if;
  end loop;
  return true;
end $$;
create view invariant.i22_cross_tenant_entry with (security_invoker = true) as
  select e.tenant_id, e.transaction_id from tenant.ledger_entry e
  where not exists (select from tenant.ledger_transaction t where t.tenant_id = e.tenant_id and t.id = e.transaction_id);
grant select on invariant.i22_cross_tenant_entry to netily_platform;
do $$ declare v record; begin
  for v in select name, body from view_kept order by name desc loop
    execute format('create view %s with (security_invoker = true) as %s', v.name, v.body);
    execute format('grant select on %s to netily_platform', v.name);
  end loop;
end $$;
