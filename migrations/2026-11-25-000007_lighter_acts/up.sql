-- What the hot acts cost is mostly what PostgreSQL does around them. Three things are made lighter, none looser:
-- 1. A CHECK is parsed and planned anew at each statement that writes its table; a domain's rule is parsed once a connection.
-- 2. An index is opened, locked and written at each update that is not HOT; those that no query needs go.
-- 3. Lines of the ledger are proven by one trigger a statement in place of one a row.

-- A column's type changes only while no view uses it: views are taken down and put back as they were.
create temporary table view_kept on commit drop as
  select n.nspname || '.' || quote_ident(c.relname) as name, pg_get_viewdef(c.oid) as body
  from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.relkind = 'v' and n.nspname in ('tenant', 'invariant');
do $$ declare v record; begin
  for v in select name from view_kept loop execute 'drop view ' || v.name; end loop;
end $$;

create domain tenant.payment_purpose as text constraint payment_purpose_known check (value in ('HOTSPOT', 'RECHARGE', 'INVOICE', 'SUBSCRIPTION'));
create domain tenant.payment_state as text check (value in ('CREATED', 'SUBMITTING', 'PENDING', 'UNKNOWN', 'FAILED', 'EXPIRED', 'SUCCEEDED'));
create domain tenant.charge_minor as bigint check (value > 0 and value % 100 = 0); -- STK takes whole shillings
create domain tenant.basis_points as integer check (value between 0 and 10000);
create domain tenant.msisdn as text check (value ~ '^254[17][0-9]{8}$');
create domain tenant.session_status as text check (value in ('AWAITING_PAYMENT', 'PAID', 'ACTIVE', 'FAILED', 'EXPIRED'));
create domain tenant.mac as text check (value ~ '^[0-9A-F]{2}(:[0-9A-F]{2}){5}$');
create domain tenant.observation_source as text check (value in ('STATUS', 'LIST', 'MANUAL'));
create domain tenant.observation_status as text check (value in ('QUEUED', 'SUCCESS', 'FAILED', 'ABSENT', 'REFUSED'));
create domain public.gateway_key_kind as text check (value in ('REFERENCE', 'CHECKOUT', 'RECEIPT'));
create domain tenant.ledger_kind as text check (value in ('PAYMENT_CREDIT', 'SUBSCRIPTION_CREDIT', 'PAYOUT_RESERVE', 'PAYOUT_SETTLE', 'PAYOUT_RELEASE',
  'PAYOUT_LATE_SUCCESS', 'GATEWAY_FEE', 'REFUND', 'REVERSAL', 'ADJUSTMENT', 'SUSPENSE'));
create domain tenant.ledger_account as text check (value in ('GATEWAY_CLEARING', 'PLATFORM_REVENUE', 'SUBSCRIPTION_REVENUE', 'GATEWAY_FEES', 'SUSPENSE',
  'ISP_PAYABLE', 'PAYOUT_IN_TRANSIT', 'CUSTOMER_CREDIT', 'REFUNDS_PAYABLE'));
create domain tenant.ledger_own_account as text check (value in ('ISP_PAYABLE', 'PAYOUT_IN_TRANSIT', 'CUSTOMER_CREDIT', 'REFUNDS_PAYABLE'));
create domain tenant.nonzero_minor as bigint check (value <> 0);
create domain public.webhook_kind as text check (value in ('SUBSCRIPTION', 'HOTSPOT', 'BILLING', 'PAYOUT'));
create domain public.webhook_state as text check (value in ('RECEIVED', 'APPLIED', 'IGNORED', 'QUARANTINED', 'DEAD'));

drop trigger guard on tenant.payment;
alter table tenant.payment
  drop constraint payment_purpose_check, drop constraint payment_amount_minor_check, drop constraint payment_commission_bps_check,
  drop constraint payment_phone_check, drop constraint payment_state_check,
  alter column purpose type tenant.payment_purpose, alter column amount_minor type tenant.charge_minor, alter column commission_bps type tenant.basis_points,
  alter column phone type tenant.msisdn, alter column state type tenant.payment_state,
  -- 130 random bits need no proof that they are not used twice, and nothing is looked up by them.
  drop constraint payment_tenant_id_external_reference_key;
create trigger guard before insert or update of state on tenant.payment for each row execute function tenant.guard_payment();
drop index tenant.payment_newest;
drop index tenant.payment_receipt; -- a receipt's payment is found in gateway_key

alter table tenant.hotspot_session
  drop constraint hotspot_session_status_check, drop constraint hotspot_session_mac_check,
  alter column status type tenant.session_status, alter column mac type tenant.mac;
drop index tenant.hotspot_session_ending; -- each session has a job for its end

-- What belongs to one payment is found by the key itself.
alter table tenant.gateway_observation
  drop constraint gateway_observation_source_check, drop constraint gateway_observation_status_check,
  alter column source type tenant.observation_source, alter column status type tenant.observation_status,
  drop constraint gateway_observation_pkey, add primary key (tenant_id, payment_id, id);
drop index tenant.gateway_observation_payment;
-- States only climb, so a payment comes to each of them once.
alter table tenant.payment_event drop constraint payment_event_pkey, drop column id, add primary key (tenant_id, payment_id, to_state);
drop index tenant.payment_event_payment;

alter table public.gateway_key drop constraint gateway_key_kind_check, alter column kind type public.gateway_key_kind;
drop index public.gateway_key_payment;

alter table tenant.ledger_transaction drop constraint ledger_transaction_kind_check, alter column kind type tenant.ledger_kind;
drop index tenant.ledger_transaction_newest; -- ids are made in the order of time
alter table tenant.ledger_entry
  drop constraint ledger_entry_account_check, drop constraint ledger_entry_amount_minor_check,
  alter column account type tenant.ledger_account, alter column amount_minor type tenant.nonzero_minor;
drop index tenant.ledger_entry_account; -- balances of ISPs are kept; totals of the platform are sums over everything
alter table tenant.ledger_balance drop constraint ledger_balance_account_check, alter column account type tenant.ledger_own_account;

alter table public.webhook_delivery
  drop constraint webhook_delivery_kind_check, drop constraint webhook_delivery_state_check,
  alter column kind type public.webhook_kind, alter column state type public.webhook_state;
drop index public.webhook_delivery_newest; -- ids are made in the order of time

do $$ declare v record; begin
  for v in select name, body from view_kept order by name desc loop
    execute format('create view %s with (security_invoker = true) as %s', v.name, v.body);
    execute format('grant select on %s to netily_platform', v.name);
  end loop;
end $$;
grant select on tenant.commission_ledger to netily_app;

-- Which transitions are legal, in one place for the guard and for the invariant. An expression, which costs the guard no query.
create function public.payment_may_go(p_from text, p_to text) returns boolean language sql immutable parallel safe as $$
  select (p_from, p_to) in (
    ('CREATED', 'SUBMITTING'), ('CREATED', 'EXPIRED'),
    ('SUBMITTING', 'PENDING'), ('SUBMITTING', 'UNKNOWN'), ('SUBMITTING', 'FAILED'), ('SUBMITTING', 'SUCCEEDED'),
    ('PENDING', 'FAILED'), ('PENDING', 'EXPIRED'), ('PENDING', 'SUCCEEDED'),
    ('UNKNOWN', 'PENDING'), ('UNKNOWN', 'FAILED'), ('UNKNOWN', 'EXPIRED'), ('UNKNOWN', 'SUCCEEDED'),
    ('EXPIRED', 'FAILED'), ('EXPIRED', 'SUCCEEDED'), ('FAILED', 'SUCCEEDED'))
$$;
create or replace function tenant.guard_payment() returns trigger language plpgsql as $$
begin
  if tg_op = 'UPDATE' then
    if new.state = old.state then return new; end if;
    if not public.payment_may_go(old.state, new.state) then
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
create or replace view invariant.i20_illegal_transition with (security_invoker = true) as
  select e.tenant_id, e.payment_id, e.from_state, e.to_state from tenant.payment_event e
  where e.from_state is not null and not public.payment_may_go(e.from_state, e.to_state);
drop table public.payment_transition;

-- Each statement that adds lines adds them in balance, so every transaction is in balance at every moment; that it has at
-- least two lines, and once more that they sum to nothing, is proven at commit.
drop trigger balanced on tenant.ledger_entry;
create or replace function tenant.ledger_balanced() returns trigger language plpgsql as $$
declare total numeric; lines integer;
begin
  select coalesce(sum(amount_minor), 0), count(*) into total, lines from tenant.ledger_entry where tenant_id = new.tenant_id and transaction_id = new.id;
  if total <> 0 or lines < 2 then
    raise exception 'ledger transaction % is unbalanced: % over % lines', new.id, total, lines using errcode = '23514';
  end if;
  return null;
end $$;
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

-- A payment succeeded, in one call: the observation is kept, its receipt taken, the state written and the credit posted. State and
-- split were decided by the server from the row as it read it, without a lock. STALE: it is in another state meanwhile, and nothing was
-- written. RECEIPT_REUSED: another payment has the receipt, and only the observation was kept.
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
drop function tenant.payment_succeeded(uuid, uuid, text, text, timestamptz);

-- The same for a hotspot purchase: its session is paid and its router asked for. Gives what became of it, and when it is BOOKED the
-- session and the router.
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

-- The amount that a callback names, so that closing it need not read its body again.
alter table public.webhook_delivery add column named_minor bigint;

-- Keeps a callback and asks for the check of its payment, at most so often. Gives whether the body was new (STORED) or came before
-- (REPEATED), and whether there is something to ask: ASK now, LATER, or nothing (IDLE).
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
  ask_at := tenant.payment_hinted(p_isp, p_payment, p_now, p_every);
  if ask_at is null then
    update public.webhook_delivery set state = 'IGNORED', note = 'No payment waits for it.', done_at = p_now where id = p_id;
    return array[kept, 'IDLE'];
  end if;
  perform public.ask_for_job(p_job, p_lane, p_job_kind, p_isp, p_payment, ask_at, p_now);
  return array[kept, case when ask_at <= p_now then 'ASK' else 'LATER' end];
end $$;

-- The gateway was asked: closes the callbacks of a payment that came until then and do not contradict its amount, and gives the
-- others, which a human must see. Without an amount all of them do.
create function public.answer_deliveries(p_payment uuid, p_amount bigint, p_until timestamptz, p_now timestamptz) returns uuid[] language plpgsql as $$
begin
  update public.webhook_delivery set state = 'APPLIED', note = 'The gateway was asked.', done_at = p_now
  where payment_id = p_payment and state = 'RECEIVED' and received_at <= p_until and coalesce(named_minor, p_amount) = p_amount;
  return array(select id from public.webhook_delivery where payment_id = p_payment and state = 'RECEIVED' and received_at <= p_until);
end $$;
