drop function public.answer_deliveries(uuid, bigint, timestamptz, timestamptz);
drop function public.keep_callback(uuid, text, uuid, uuid, bytea, bytea, text, boolean, bigint, interval, uuid, text, text, timestamptz);
alter table public.webhook_delivery drop column named_minor;

drop function tenant.book_hotspot_payment(uuid, uuid, text, uuid, text, bigint, text, jsonb, uuid, text, text[], bigint[], uuid, text, text, timestamptz);
create function tenant.payment_succeeded(p_tenant uuid, p_id uuid, p_from text, p_receipt text, p_now timestamptz) returns boolean language plpgsql as $$
begin
  update tenant.payment set state = 'SUCCEEDED', mpesa_receipt = p_receipt, failure_reason = null, claim_token = null, claim_until = null,
         polls = polls + 1, completed_at = p_now, updated_at = p_now
  where tenant_id = p_tenant and id = p_id and state = p_from;
  return found;
end $$;
create or replace function tenant.book_payment(p_tenant uuid, p_payment uuid, p_from text, p_observation uuid, p_source text, p_amount bigint, p_receipt text, p_body jsonb,
  p_ledger uuid, p_kind text, p_accounts text[], p_amounts bigint[], p_now timestamptz) returns text language plpgsql as $$
begin
  insert into tenant.gateway_observation (tenant_id, id, payment_id, source, status, amount_minor, receipt, body, observed_at)
    values (p_tenant, p_observation, p_payment, p_source, 'SUCCESS', p_amount, p_receipt, p_body, p_now);
  if p_receipt is not null then
    insert into public.gateway_key (kind, value, isp_id, payment_id, created_at) values ('RECEIPT', p_receipt, p_tenant, p_payment, p_now) on conflict do nothing;
    if not found and not exists (select from public.gateway_key where kind = 'RECEIPT' and value = p_receipt and payment_id = p_payment) then
      return 'RECEIPT_REUSED';
    end if;
  end if;
  if not tenant.payment_succeeded(p_tenant, p_payment, p_from, p_receipt, p_now) then
    raise exception 'payment % is no longer %', p_payment, p_from using errcode = '40001';
  end if;
  if not tenant.post(p_tenant, p_ledger, p_kind, p_payment, p_now, p_accounts, p_amounts) then
    raise exception 'payment % was credited before', p_payment using errcode = '23505';
  end if;
  -- What was missing has come: no human need look for it any more.
  update public.reconciliation_break set closed_at = p_now, closed_by = 'netily', closed_reason = 'The payment succeeded.'
    where kind = 'no_answer' and reference = p_payment::text and closed_at is null;
  return 'BOOKED';
end $$;
create or replace function tenant.post(p_tenant uuid, p_id uuid, p_kind text, p_reference uuid, p_at timestamptz, p_accounts text[], p_amounts bigint[])
returns boolean language plpgsql as $$
begin
  insert into tenant.ledger_transaction (tenant_id, id, kind, reference, created_at) values (p_tenant, p_id, p_kind, p_reference, p_at)
    on conflict (tenant_id, kind, reference) do nothing;
  if not found then return false; end if;
  insert into tenant.ledger_entry (tenant_id, transaction_id, line, account, amount_minor)
    select p_tenant, p_id, n, a, m from unnest(p_accounts, p_amounts) with ordinality x (a, m, n) where m <> 0;
  insert into tenant.ledger_balance as b (tenant_id, account, balance_minor)
    select p_tenant, a, sum(m) from unnest(p_accounts, p_amounts) x (a, m)
    where a in ('ISP_PAYABLE', 'PAYOUT_IN_TRANSIT', 'CUSTOMER_CREDIT', 'REFUNDS_PAYABLE') and m <> 0 group by a order by a
    on conflict (tenant_id, account) do update set balance_minor = b.balance_minor + excluded.balance_minor;
  return true;
end $$;

drop trigger balanced on tenant.ledger_entry;
drop function tenant.entries_balanced();
create or replace function tenant.ledger_balanced() returns trigger language plpgsql as $$
declare total numeric; lines integer; txn uuid := case when tg_table_name = 'ledger_transaction' then (to_jsonb(new) ->> 'id')::uuid else (to_jsonb(new) ->> 'transaction_id')::uuid end;
begin
  select coalesce(sum(amount_minor), 0), count(*) into total, lines from tenant.ledger_entry where tenant_id = new.tenant_id and transaction_id = txn;
  if total <> 0 or lines < 2 then
    raise exception 'ledger transaction % is unbalanced: % over % lines', txn, total, lines using errcode = '23514';
  end if;
  return null;
end $$;
create constraint trigger balanced after insert on tenant.ledger_entry deferrable initially deferred for each row execute function tenant.ledger_balanced();

create table public.payment_transition (from_state text not null, to_state text not null, primary key (from_state, to_state));
insert into public.payment_transition values
  ('CREATED', 'SUBMITTING'), ('CREATED', 'EXPIRED'),
  ('SUBMITTING', 'PENDING'), ('SUBMITTING', 'UNKNOWN'), ('SUBMITTING', 'FAILED'), ('SUBMITTING', 'SUCCEEDED'),
  ('PENDING', 'FAILED'), ('PENDING', 'EXPIRED'), ('PENDING', 'SUCCEEDED'),
  ('UNKNOWN', 'PENDING'), ('UNKNOWN', 'FAILED'), ('UNKNOWN', 'EXPIRED'), ('UNKNOWN', 'SUCCEEDED'),
  ('EXPIRED', 'FAILED'), ('EXPIRED', 'SUCCEEDED'), ('FAILED', 'SUCCEEDED');
grant select on public.payment_transition to netily_app, netily_platform;
create or replace view invariant.i20_illegal_transition with (security_invoker = true) as
  select e.tenant_id, e.payment_id, e.from_state, e.to_state from tenant.payment_event e where e.from_state is not null
  and not exists (select from public.payment_transition r where r.from_state = e.from_state and r.to_state = e.to_state);
create or replace function tenant.guard_payment() returns trigger language plpgsql as $$
begin
  if tg_op = 'UPDATE' then
    if new.state = old.state then return new; end if;
    if not exists (select from public.payment_transition where from_state = old.state and to_state = new.state) then
      raise exception 'payment %: illegal transition % -> %', new.id, old.state, new.state using errcode = '23514';
    end if;
    if new.state = 'SUCCEEDED' and not exists (
      select from tenant.gateway_observation where tenant_id = new.tenant_id and payment_id = new.id and status = 'SUCCESS') then
      raise exception 'payment %: no observation of success', new.id using errcode = '23514';
    end if;
  end if;
  insert into tenant.payment_event (tenant_id, payment_id, from_state, to_state)
    values (new.tenant_id, new.id, case when tg_op = 'UPDATE' then old.state end, new.state);
  return new;
end $$;
drop function public.payment_may_go(text, text);

create temporary table view_kept on commit drop as
  select n.nspname || '.' || quote_ident(c.relname) as name, pg_get_viewdef(c.oid) as body
  from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.relkind = 'v' and n.nspname in ('tenant', 'invariant');
do $$ declare v record; begin
  for v in select name from view_kept loop execute 'drop view ' || v.name; end loop;
end $$;

drop trigger guard on tenant.payment;
alter table tenant.payment alter column purpose type text, add check (purpose in ('HOTSPOT', 'RECHARGE', 'INVOICE', 'SUBSCRIPTION'));
alter table tenant.payment alter column amount_minor type bigint, add check (amount_minor > 0 and amount_minor % 100 = 0);
alter table tenant.payment alter column commission_bps type integer, add check (commission_bps between 0 and 10000);
alter table tenant.payment alter column phone type text, add check (phone ~ '^254[17][0-9]{8}$');
alter table tenant.payment alter column state type text, add check (state in ('CREATED', 'SUBMITTING', 'PENDING', 'UNKNOWN', 'FAILED', 'EXPIRED', 'SUCCEEDED'));
alter table tenant.hotspot_session alter column status type text, add check (status in ('AWAITING_PAYMENT', 'PAID', 'ACTIVE', 'FAILED', 'EXPIRED'));
alter table tenant.hotspot_session alter column mac type text, add check (mac ~ '^[0-9A-F]{2}(:[0-9A-F]{2}){5}$');
alter table tenant.gateway_observation alter column source type text, add check (source in ('STATUS', 'LIST', 'MANUAL'));
alter table tenant.gateway_observation alter column status type text, add check (status in ('QUEUED', 'SUCCESS', 'FAILED', 'ABSENT', 'REFUSED'));
alter table public.gateway_key alter column kind type text, add check (kind in ('REFERENCE', 'CHECKOUT', 'RECEIPT'));
alter table tenant.ledger_transaction alter column kind type text, add check (kind in ('PAYMENT_CREDIT', 'SUBSCRIPTION_CREDIT', 'PAYOUT_RESERVE', 'PAYOUT_SETTLE', 'PAYOUT_RELEASE',   'PAYOUT_LATE_SUCCESS', 'GATEWAY_FEE', 'REFUND', 'REVERSAL', 'ADJUSTMENT', 'SUSPENSE'));
alter table tenant.ledger_entry alter column account type text, add check (account in ('GATEWAY_CLEARING', 'PLATFORM_REVENUE', 'SUBSCRIPTION_REVENUE', 'GATEWAY_FEES', 'SUSPENSE',   'ISP_PAYABLE', 'PAYOUT_IN_TRANSIT', 'CUSTOMER_CREDIT', 'REFUNDS_PAYABLE'));
alter table tenant.ledger_entry alter column amount_minor type bigint, add check (amount_minor <> 0);
alter table tenant.ledger_balance alter column account type text, add check (account in ('ISP_PAYABLE', 'PAYOUT_IN_TRANSIT', 'CUSTOMER_CREDIT', 'REFUNDS_PAYABLE'));
alter table public.webhook_delivery alter column kind type text, add check (kind in ('SUBSCRIPTION', 'HOTSPOT', 'BILLING', 'PAYOUT'));
alter table public.webhook_delivery alter column state type text, add check (state in ('RECEIVED', 'APPLIED', 'IGNORED', 'QUARANTINED', 'DEAD'));
create trigger guard before insert or update of state on tenant.payment for each row execute function tenant.guard_payment();
drop domain tenant.payment_purpose;
drop domain tenant.payment_state;
drop domain tenant.charge_minor;
drop domain tenant.basis_points;
drop domain tenant.msisdn;
drop domain tenant.session_status;
drop domain tenant.mac;
drop domain tenant.observation_source;
drop domain tenant.observation_status;
drop domain public.gateway_key_kind;
drop domain tenant.ledger_kind;
drop domain tenant.ledger_account;
drop domain tenant.ledger_own_account;
drop domain tenant.nonzero_minor;
drop domain public.webhook_kind;
drop domain public.webhook_state;

alter table tenant.payment add unique (tenant_id, external_reference);
create index payment_receipt on tenant.payment (tenant_id, mpesa_receipt) where mpesa_receipt is not null;
create index payment_newest on tenant.payment (tenant_id, created_at desc, id desc);
create index hotspot_session_ending on tenant.hotspot_session (expires_at) where status = 'ACTIVE';
alter table tenant.gateway_observation drop constraint gateway_observation_pkey, add primary key (tenant_id, id);
create index gateway_observation_payment on tenant.gateway_observation (tenant_id, payment_id);
alter table tenant.payment_event drop constraint payment_event_pkey, add column id bigint generated always as identity, add primary key (tenant_id, id);
create index payment_event_payment on tenant.payment_event (tenant_id, payment_id);
create index gateway_key_payment on public.gateway_key (payment_id);
create index ledger_transaction_newest on tenant.ledger_transaction (tenant_id, kind, created_at desc, id desc);
create index ledger_entry_account on tenant.ledger_entry (tenant_id, account) include (amount_minor);
create index webhook_delivery_newest on public.webhook_delivery (received_at desc, id desc);

do $$ declare v record; begin
  for v in select name, body from view_kept order by name desc loop
    execute format('create view %s with (security_invoker = true) as %s', v.name, v.body);
    execute format('grant select on %s to netily_platform', v.name);
  end loop;
end $$;
grant select on tenant.commission_ledger to netily_app;
