-- Paying ISPs their part. A settlement is one request to the gateway, ever; more than its cap is several settlements, one after
-- another. Its states only climb, its money is reserved before anything is sent, and nothing releases it but proof.

-- Where an ISP is paid, and when. `version` counts changes of the destination: what was reserved for another one is not sent.
create table tenant.payout_config (
  tenant_id uuid primary key references public.isp (id),
  version integer not null default 1,
  payout_method text not null check (payout_method in ('MPESA_B2C', 'BANK_TRANSFER')),
  mpesa_phone tenant.msisdn,
  mpesa_name text not null default '',
  bank_code text not null default '',
  bank_account text not null default '' check (length(bank_account) <= 34), -- text: a leading zero is part of it
  bank_account_name text not null default '',
  settlement_frequency text not null check (settlement_frequency in ('DAILY', 'WEEKLY', 'BIWEEKLY', 'MONTHLY')),
  minimum_payout_minor bigint not null check (minimum_payout_minor >= 100),
  verification_status text not null default 'UNVERIFIED' check (verification_status in ('UNVERIFIED', 'SENT', 'VERIFIED', 'FAILED')),
  verification_tries smallint not null default 0,
  verified_at timestamptz,
  held_until timestamptz not null, -- a changed destination is not paid before
  frozen_at timestamptz, -- a payment came through that was said to have failed: an operator must look
  frozen_reason text not null default '',
  changed_at timestamptz not null,
  check (case payout_method when 'MPESA_B2C' then mpesa_phone is not null else bank_code <> '' and bank_account <> '' end)
);
select public.isolate('tenant.payout_config');
grant insert, update on tenant.payout_config to netily_app;

create table tenant.settlement (
  tenant_id uuid not null,
  id uuid not null,
  kind text not null check (kind in ('SETTLEMENT', 'TEST')), -- TEST: the small payment that proves a destination, at Netily's cost
  period text not null, -- the day on which the period ended; of a test payment its request
  part smallint not null default 1,
  amount_minor bigint not null check (amount_minor > 0 and amount_minor % 100 = 0),
  covers_from timestamptz, -- credits from then on; null: from the first one
  covers_until timestamptz not null,
  credited_minor bigint not null default 0, -- the ISP's part of the payments of that time
  carried_in_minor bigint not null default 0,
  carried_out_minor bigint not null default 0,
  config_version integer not null,
  payout_method text not null check (payout_method in ('MPESA_B2C', 'BANK_TRANSFER')),
  phone text not null default '',
  bank_code text not null default '',
  account text not null default '',
  account_name text not null default '',
  external_reference text not null, -- sent to the gateway; unguessable
  state text not null default 'PENDING' check (state in ('PENDING', 'PROCESSING', 'UNKNOWN', 'COMPLETED', 'FAILED', 'NEEDS_REVIEW')),
  failure_reason text not null default '',
  gateway_reference text,
  receipt text not null default '',
  claim_token uuid,
  claim_until timestamptz,
  polls integer not null default 0,
  hinted_at timestamptz,
  sent_at timestamptz,
  completed_at timestamptz,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  primary key (tenant_id, id),
  unique (tenant_id, kind, period, part),
  check (kind = 'TEST' or carried_in_minor + credited_minor = amount_minor + carried_out_minor)
);
create unique index settlement_one_open on tenant.settlement (tenant_id, kind) where state in ('PENDING', 'PROCESSING', 'UNKNOWN', 'NEEDS_REVIEW');
create index settlement_newest on tenant.settlement (tenant_id, kind, created_at desc, id desc);
create index settlement_unsettled on tenant.settlement (created_at) where state in ('PENDING', 'PROCESSING', 'UNKNOWN', 'NEEDS_REVIEW');
select public.isolate('tenant.settlement');
grant insert, update on tenant.settlement to netily_app;

-- Written and committed before the request leaves.
create table tenant.settlement_attempt (
  tenant_id uuid not null,
  settlement_id uuid not null,
  number smallint not null,
  outcome text not null default 'IN_FLIGHT' check (outcome in ('IN_FLIGHT', 'ACCEPTED', 'AMBIGUOUS', 'REFUSED', 'NOT_SENT')),
  detail text not null default '',
  sent_at timestamptz not null,
  answered_at timestamptz,
  primary key (tenant_id, settlement_id, number),
  foreign key (tenant_id, settlement_id) references tenant.settlement (tenant_id, id)
);
-- At most one request that may have reached the gateway.
create unique index settlement_attempt_once on tenant.settlement_attempt (tenant_id, settlement_id) where outcome in ('IN_FLIGHT', 'ACCEPTED', 'AMBIGUOUS');
select public.isolate('tenant.settlement_attempt');
grant insert, update on tenant.settlement_attempt to netily_app;

-- What an operator says became of a payment that nobody else can tell. Two different ones must say the same.
create table tenant.settlement_review (
  tenant_id uuid not null,
  settlement_id uuid not null,
  operator uuid not null,
  outcome text not null check (outcome in ('PAID', 'NOT_PAID')),
  receipt text not null default '',
  note text not null,
  at timestamptz not null,
  primary key (tenant_id, settlement_id, operator),
  foreign key (tenant_id, settlement_id) references tenant.settlement (tenant_id, id),
  check ((outcome = 'PAID') = (receipt <> ''))
);
select public.isolate('tenant.settlement_review');
grant insert, update on tenant.settlement_review to netily_app;

create table tenant.settlement_event (
  tenant_id uuid not null,
  settlement_id uuid not null,
  from_state text,
  to_state text not null,
  at timestamptz not null default clock_timestamp(),
  primary key (tenant_id, settlement_id, to_state)
);
select public.isolate('tenant.settlement_event');
grant insert on tenant.settlement_event to netily_app;
create trigger append_only before update or delete on tenant.settlement_event for each row execute function tenant.append_only();

create function public.settlement_may_go(p_from text, p_to text) returns boolean language sql immutable parallel safe as $$
  select (p_from, p_to) in (
    ('PENDING', 'PROCESSING'), ('PENDING', 'FAILED'),
    ('PROCESSING', 'UNKNOWN'), ('PROCESSING', 'NEEDS_REVIEW'), ('PROCESSING', 'COMPLETED'), ('PROCESSING', 'FAILED'),
    ('UNKNOWN', 'NEEDS_REVIEW'), ('UNKNOWN', 'COMPLETED'), ('UNKNOWN', 'FAILED'),
    ('NEEDS_REVIEW', 'COMPLETED'), ('NEEDS_REVIEW', 'FAILED'), ('FAILED', 'COMPLETED'))
$$;

-- Whether it is proven that a settlement was not paid: the gateway said so when it was asked, the request provably never got
-- anywhere, none was ever made, or two operators say so.
create function tenant.settlement_not_paid(p_tenant uuid, p_id uuid) returns boolean language sql stable as $$
  select exists (select from tenant.gateway_observation o where o.tenant_id = p_tenant and o.payment_id = p_id and o.status = 'FAILED')
      or not exists (select from tenant.settlement_attempt a where a.tenant_id = p_tenant and a.settlement_id = p_id and a.outcome not in ('REFUSED', 'NOT_SENT'))
      or (select count(*) from tenant.settlement_review r where r.tenant_id = p_tenant and r.settlement_id = p_id and r.outcome = 'NOT_PAID') >= 2
$$;

-- The last guard: no transition that is not a rule, no end without proof, and what was decided at first never changes.
create function tenant.guard_settlement() returns trigger language plpgsql as $$
begin
  if tg_op = 'UPDATE' then
    if (new.kind, new.period, new.part, new.amount_minor, new.phone, new.bank_code, new.account, new.external_reference)
       is distinct from (old.kind, old.period, old.part, old.amount_minor, old.phone, old.bank_code, old.account, old.external_reference) then
      raise exception 'settlement %: what is paid to whom never changes', new.id using errcode = '23514';
    end if;
    if new.state = old.state then return new; end if;
    if not public.settlement_may_go(old.state, new.state) then
      raise exception 'settlement %: illegal transition % -> %', new.id, old.state, new.state using errcode = '23514';
    end if;
    if new.state = 'PROCESSING' and not exists (
      select from tenant.settlement_attempt where tenant_id = new.tenant_id and settlement_id = new.id and outcome = 'IN_FLIGHT') then
      raise exception 'settlement %: no attempt was written', new.id using errcode = '23514';
    end if;
    if new.state = 'COMPLETED' and not exists (
      select from tenant.gateway_observation where tenant_id = new.tenant_id and payment_id = new.id and status = 'SUCCESS') then
      raise exception 'settlement %: no observation of success', new.id using errcode = '23514';
    end if;
    if new.state = 'FAILED' and not tenant.settlement_not_paid(new.tenant_id, new.id) then
      raise exception 'settlement %: not provably unpaid', new.id using errcode = '23514';
    end if;
  end if;
  insert into tenant.settlement_event (tenant_id, settlement_id, from_state, to_state)
    values (new.tenant_id, new.id, case when tg_op = 'UPDATE' then old.state end, new.state);
  return new;
end $$;
create trigger guard before insert or update on tenant.settlement for each row execute function tenant.guard_settlement();

-- Amounts of the last days over all ISPs. No two within 48 hours are the same, so that a row of the gateway's list, which does not
-- show our reference, can be told by its amount; and the day's total is one sum.
create table public.settlement_amount (
  settlement_id uuid primary key,
  isp_id uuid not null references public.isp (id),
  kind text not null check (kind in ('SETTLEMENT', 'TEST')),
  amount_minor bigint not null check (amount_minor > 0),
  reserved_at timestamptz not null
);
create index settlement_amount_recent on public.settlement_amount (amount_minor, reserved_at);
create index settlement_amount_day on public.settlement_amount (reserved_at);
grant select, insert on public.settlement_amount to netily_app;
grant select on public.settlement_amount to netily_platform;

-- The switch that stops every payout. One row.
create table public.payout_switch (
  id boolean primary key default true check (id),
  stopped_at timestamptz,
  stopped_by text not null default '',
  reason text not null default ''
);
insert into public.payout_switch default values;
grant select, update on public.payout_switch to netily_app;
grant select on public.payout_switch to netily_platform;

-- When operators were told of a break.
alter table public.reconciliation_break add column told_at timestamptz;
create index reconciliation_break_untold on public.reconciliation_break (opened_at) where told_at is null;

-- Ids of the ledger are made in the order of time (UUIDv7): the first one of a moment, for ranges of time over the key.
create function public.earliest_id(p_at timestamptz) returns uuid language sql immutable parallel safe as $$
  select (lpad(to_hex(floor(extract(epoch from p_at) * 1000)::bigint), 12, '0') || '70008000000000000000')::uuid
$$;

-- A callback makes us ask about a settlement, as about a payment.
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
create or replace function public.keep_callback(p_id uuid, p_kind text, p_isp uuid, p_payment uuid, p_dedup bytea, p_body bytea, p_source_ip text, p_readable boolean,
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

-- The rules of settlements.
create view invariant.i08_open_settlement_reserve with (security_invoker = true) as
  select s.tenant_id, s.id from tenant.settlement s where s.state in ('PENDING', 'PROCESSING', 'UNKNOWN', 'NEEDS_REVIEW')
  and ((select count(*) from tenant.ledger_transaction t where t.tenant_id = s.tenant_id and t.kind = 'PAYOUT_RESERVE' and t.reference = s.id) <> 1
    or exists (select from tenant.ledger_transaction t where t.tenant_id = s.tenant_id and t.kind in ('PAYOUT_SETTLE', 'PAYOUT_RELEASE') and t.reference = s.id));
create view invariant.i09_final_settlement_posting with (security_invoker = true) as
  select s.tenant_id, s.id, s.state from tenant.settlement s
  where (s.state = 'COMPLETED' and (select count(*) from tenant.ledger_transaction t
         where t.tenant_id = s.tenant_id and t.kind in ('PAYOUT_SETTLE', 'PAYOUT_LATE_SUCCESS') and t.reference = s.id) <> 1)
     or (s.state = 'FAILED' and (select count(*) from tenant.ledger_transaction t
         where t.tenant_id = s.tenant_id and t.kind = 'PAYOUT_RELEASE' and t.reference = s.id) <> 1);
create view invariant.i10_settled_and_released with (security_invoker = true) as
  select tenant_id, reference from tenant.ledger_transaction where kind in ('PAYOUT_SETTLE', 'PAYOUT_RELEASE') group by 1, 2 having count(*) > 1;
create view invariant.i11_more_than_one_live_attempt with (security_invoker = true) as
  select tenant_id, settlement_id from tenant.settlement_attempt where outcome in ('IN_FLIGHT', 'ACCEPTED', 'AMBIGUOUS') group by 1, 2 having count(*) > 1;
create view invariant.i13_in_transit_mismatch with (security_invoker = true) as
  select tenant_id, coalesce(b.balance_minor, 0) as balance_minor, coalesce(s.total, 0) as total
  from (select tenant_id, balance_minor from tenant.ledger_balance where account = 'PAYOUT_IN_TRANSIT') b
  full join (select tenant_id, sum(amount_minor) as total from tenant.settlement where state in ('PENDING', 'PROCESSING', 'UNKNOWN', 'NEEDS_REVIEW') group by 1) s
    using (tenant_id)
  where -coalesce(b.balance_minor, 0) <> coalesce(s.total, 0);
create view invariant.i14_settlement_amount with (security_invoker = true) as
  select tenant_id, id from tenant.settlement where amount_minor % 100 <> 0 or amount_minor <= 0;
create view invariant.i15_isp_conservation with (security_invoker = true) as
  select tenant_id, coalesce(c.credited, 0) as credited, coalesce(s.paid, 0) as paid, coalesce(s.open, 0) as open, -coalesce(b.balance_minor, 0) as owed
  from (select t.tenant_id, -sum(e.amount_minor) as credited from tenant.ledger_entry e
        join tenant.ledger_transaction t on t.tenant_id = e.tenant_id and t.id = e.transaction_id
        where e.account = 'ISP_PAYABLE' and t.kind not in ('PAYOUT_RESERVE', 'PAYOUT_SETTLE', 'PAYOUT_RELEASE', 'PAYOUT_LATE_SUCCESS') group by 1) c
  full join (select tenant_id, coalesce(sum(amount_minor) filter (where state = 'COMPLETED'), 0) as paid,
               coalesce(sum(amount_minor) filter (where state in ('PENDING', 'PROCESSING', 'UNKNOWN', 'NEEDS_REVIEW')), 0) as open
             from tenant.settlement where kind = 'SETTLEMENT' group by 1) s using (tenant_id)
  full join (select tenant_id, balance_minor from tenant.ledger_balance where account = 'ISP_PAYABLE') b using (tenant_id)
  where coalesce(c.credited, 0) <> coalesce(s.paid, 0) + coalesce(s.open, 0) - coalesce(b.balance_minor, 0);
create view invariant.i19_release_unproven with (security_invoker = true) as
  select t.tenant_id, t.reference from tenant.ledger_transaction t where t.kind = 'PAYOUT_RELEASE' and not tenant.settlement_not_paid(t.tenant_id, t.reference);
create view invariant.i24_stuck_settlement with (security_invoker = true) as
  select tenant_id, id, state from tenant.settlement
  where (state in ('PROCESSING', 'UNKNOWN') and sent_at < public.business_now() - interval '25 hours')
     or (state = 'NEEDS_REVIEW' and updated_at < public.business_now() - interval '72 hours');
-- The amount of a settlement is what it says: what was carried in and what was credited in its time.
create view invariant.i41_settlement_credited with (security_invoker = true) as
  select s.tenant_id, s.id, s.credited_minor from tenant.settlement s where s.kind = 'SETTLEMENT'
  and s.credited_minor <> coalesce((select -sum(e.amount_minor) from tenant.ledger_transaction t
    join tenant.ledger_entry e on e.tenant_id = t.tenant_id and e.transaction_id = t.id and e.account = 'ISP_PAYABLE'
    where t.tenant_id = s.tenant_id and t.kind = 'PAYMENT_CREDIT' and t.id < public.earliest_id(s.covers_until)
      and t.id >= coalesce(public.earliest_id(s.covers_from), '00000000-0000-0000-0000-000000000000')), 0);
create view invariant.i42_amount_not_unique with (security_invoker = true) as
  select a.settlement_id, a.amount_minor from public.settlement_amount a
  where exists (select from public.settlement_amount b where b.amount_minor = a.amount_minor and b.settlement_id <> a.settlement_id
    and b.reserved_at between a.reserved_at - interval '48 hours' and a.reserved_at);
create view invariant.i43_settlement_receipt_reused with (security_invoker = true) as
  select receipt, count(*) uses from tenant.settlement where receipt <> '' group by 1 having count(*) > 1;

-- Rules that hold for payments and settlements alike. What Netily pays itself (charges, test payments) comes from its own float.
create or replace view invariant.i16_global_cash with (security_invoker = true) as
  select clearing, rest from (select coalesce(sum(amount_minor) filter (where account = 'GATEWAY_CLEARING'), 0) clearing,
    coalesce(sum(amount_minor) filter (where account <> 'GATEWAY_CLEARING'), 0) rest,
    coalesce(sum(amount_minor) filter (where account = 'GATEWAY_FEES'), 0) fees from tenant.ledger_entry) x where clearing <> -rest or clearing + fees < 0;
create or replace view invariant.i17_credit_unverified with (security_invoker = true) as
  select t.tenant_id, t.reference from tenant.ledger_transaction t
  where t.kind in ('PAYMENT_CREDIT', 'SUBSCRIPTION_CREDIT', 'PAYOUT_SETTLE', 'PAYOUT_LATE_SUCCESS')
  and not exists (select from tenant.gateway_observation o where o.tenant_id = t.tenant_id and o.payment_id = t.reference and o.status = 'SUCCESS');
create or replace view invariant.i18_success_seen_not_applied with (security_invoker = true) as
  select o.tenant_id, o.payment_id from tenant.gateway_observation o
  left join tenant.payment p on p.tenant_id = o.tenant_id and p.id = o.payment_id
  left join tenant.settlement s on s.tenant_id = o.tenant_id and s.id = o.payment_id
  where o.status = 'SUCCESS' and o.observed_at < public.business_now() - interval '5 minutes'
  and coalesce(p.state::text, s.state) not in ('SUCCEEDED', 'COMPLETED')
  and not exists (select from public.reconciliation_break b where b.reference = o.payment_id::text and b.closed_at is null); -- quarantined: a human has it
create or replace view invariant.i20_illegal_transition with (security_invoker = true) as
  select e.tenant_id, e.payment_id, e.from_state, e.to_state from tenant.payment_event e
  where e.from_state is not null and not public.payment_may_go(e.from_state, e.to_state)
  union all
  select e.tenant_id, e.settlement_id, e.from_state, e.to_state from tenant.settlement_event e
  where e.from_state is not null and not public.settlement_may_go(e.from_state, e.to_state);
create or replace view invariant.i27_lease_leak with (security_invoker = true) as
  select tenant_id, id from tenant.payment where state = 'SUBMITTING' and (claim_until is null or claim_until < public.business_now() - interval '10 minutes')
  union all
  select tenant_id, id from tenant.settlement where state = 'PROCESSING' and gateway_reference is null
  and (claim_until is null or claim_until < public.business_now() - interval '10 minutes');
do $$ declare v record; begin
  for v in select viewname from pg_views where schemaname = 'invariant' loop
    execute format('grant select on invariant.%I to netily_platform', v.viewname);
  end loop;
end $$;
