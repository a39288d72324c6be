-- One STK payment. Its states only climb; every rule of the machine is a row of payment_transition.
create table tenant.payment (
  tenant_id uuid not null,
  id uuid not null,
  purpose text not null check (purpose in ('HOTSPOT', 'RECHARGE', 'INVOICE', 'SUBSCRIPTION')),
  subject text not null, -- what is paid for, by whom: at most one open prompt for it
  request_id uuid not null,
  request_hash bytea not null, -- the same id with other content is refused
  external_reference text not null, -- sent to the gateway; unguessable
  amount_minor bigint not null check (amount_minor > 0 and amount_minor % 100 = 0),
  commission_bps integer not null check (commission_bps between 0 and 10000), -- as it was when the payment began
  phone text not null check (phone ~ '^254[17][0-9]{8}$'),
  state text not null default 'CREATED' check (state in ('CREATED', 'SUBMITTING', 'PENDING', 'UNKNOWN', 'FAILED', 'EXPIRED', 'SUCCEEDED')),
  failure_reason text,
  gateway_reference text,
  checkout_id text,
  mpesa_receipt text,
  claim_token uuid,
  claim_until timestamptz,
  polls integer not null default 0,
  next_poll_at timestamptz,
  hinted_at timestamptz, -- when a callback last made us ask
  submitted_at timestamptz,
  expires_at timestamptz not null,
  completed_at timestamptz,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  primary key (tenant_id, id),
  unique (tenant_id, request_id),
  unique (tenant_id, external_reference)
);
create unique index payment_one_open on tenant.payment (tenant_id, purpose, subject) where state in ('CREATED', 'SUBMITTING', 'PENDING', 'UNKNOWN');
create index payment_unsettled on tenant.payment (created_at) where state in ('CREATED', 'SUBMITTING', 'PENDING', 'UNKNOWN', 'EXPIRED');
create index payment_receipt on tenant.payment (tenant_id, mpesa_receipt) where mpesa_receipt is not null;
create index payment_newest on tenant.payment (tenant_id, created_at desc, id desc);
select public.isolate('tenant.payment');
grant insert, update on tenant.payment to netily_app;

-- What the gateway said when we asked it, over our own authenticated call. Callbacks never stand here.
create table tenant.gateway_observation (
  tenant_id uuid not null,
  id uuid not null,
  payment_id uuid not null,
  source text not null check (source in ('STATUS', 'LIST', 'MANUAL')),
  status text not null check (status in ('QUEUED', 'SUCCESS', 'FAILED', 'ABSENT', 'REFUSED')),
  amount_minor bigint,
  receipt text,
  body jsonb not null default '{}',
  observed_at timestamptz not null,
  primary key (tenant_id, id)
);
create index gateway_observation_payment on tenant.gateway_observation (tenant_id, payment_id);
select public.isolate('tenant.gateway_observation');
grant insert on tenant.gateway_observation to netily_app;

create table public.payment_transition (from_state text not null, to_state text not null, primary key (from_state, to_state));
insert into public.payment_transition values
  ('CREATED', 'SUBMITTING'), ('CREATED', 'EXPIRED'),
  ('SUBMITTING', 'PENDING'), ('SUBMITTING', 'UNKNOWN'), ('SUBMITTING', 'FAILED'), ('SUBMITTING', 'SUCCEEDED'),
  ('PENDING', 'FAILED'), ('PENDING', 'EXPIRED'), ('PENDING', 'SUCCEEDED'),
  ('UNKNOWN', 'PENDING'), ('UNKNOWN', 'FAILED'), ('UNKNOWN', 'EXPIRED'), ('UNKNOWN', 'SUCCEEDED'),
  ('EXPIRED', 'FAILED'), ('EXPIRED', 'SUCCEEDED'), ('FAILED', 'SUCCEEDED');
grant select on public.payment_transition to netily_app, netily_platform;

create table tenant.payment_event (
  tenant_id uuid not null,
  id bigint generated always as identity,
  payment_id uuid not null,
  from_state text,
  to_state text not null,
  at timestamptz not null default clock_timestamp(),
  primary key (tenant_id, id)
);
create index payment_event_payment on tenant.payment_event (tenant_id, payment_id);
select public.isolate('tenant.payment_event');
grant insert on tenant.payment_event to netily_app;

-- The last guard of the machine: no transition that is not a rule, no success without the gateway's word.
create function tenant.guard_payment() returns trigger language plpgsql as $$
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
create trigger guard before insert or update of state on tenant.payment for each row execute function tenant.guard_payment();

-- Names that the gateway gave, each used by one payment of the whole platform: a receipt cannot be credited twice,
-- and a callback cannot lend the reference of another payment.
create table public.gateway_key (
  kind text not null check (kind in ('REFERENCE', 'CHECKOUT', 'RECEIPT')),
  value text not null,
  isp_id uuid not null,
  payment_id uuid not null,
  created_at timestamptz not null,
  primary key (kind, value)
);
create index gateway_key_payment on public.gateway_key (payment_id);
grant select, insert on public.gateway_key to netily_app;
grant select on public.gateway_key to netily_platform;

-- Callbacks exactly as they came. A hint to ask, never proof.
create table public.webhook_delivery (
  id uuid primary key,
  kind text not null check (kind in ('SUBSCRIPTION', 'HOTSPOT', 'BILLING', 'PAYOUT')),
  isp_id uuid not null,
  payment_id uuid not null,
  dedup bytea not null unique, -- SHA-256 of path and body
  body bytea not null check (length(body) <= 16384),
  source_ip text not null,
  deliveries integer not null default 1,
  state text not null default 'RECEIVED' check (state in ('RECEIVED', 'APPLIED', 'IGNORED', 'QUARANTINED', 'DEAD')),
  note text not null default '',
  received_at timestamptz not null,
  last_at timestamptz not null,
  done_at timestamptz
);
create index webhook_delivery_payment on public.webhook_delivery (payment_id, received_at desc);
create index webhook_delivery_newest on public.webhook_delivery (received_at desc, id desc);
grant select, insert, update on public.webhook_delivery to netily_app;
grant select on public.webhook_delivery to netily_platform;

-- What does not agree between the gateway, the routers and us, until somebody closes it with a reason.
create table public.reconciliation_break (
  id uuid primary key,
  kind text not null,
  reference text not null,
  isp_id uuid,
  amount_minor bigint,
  detail jsonb not null default '{}',
  opened_at timestamptz not null,
  closed_at timestamptz,
  closed_by text,
  closed_reason text,
  unique (kind, reference)
);
grant select, insert, update on public.reconciliation_break to netily_app;
grant select on public.reconciliation_break to netily_platform;

-- Writes that a payment succeeded, if it still is in the state that was read. The guard asks for the observation.
create function tenant.payment_succeeded(p_tenant uuid, p_id uuid, p_from text, p_receipt text, p_now timestamptz) returns boolean language plpgsql as $$
begin
  update tenant.payment set state = 'SUCCEEDED', mpesa_receipt = p_receipt, failure_reason = null, claim_token = null, claim_until = null,
         polls = polls + 1, completed_at = p_now, updated_at = p_now
  where tenant_id = p_tenant and id = p_id and state = p_from;
  return found;
end $$;

-- A callback makes us ask, at most so often: when to ask, or null when nothing waits for an answer.
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

-- Closes the callbacks of a payment that nothing was made of yet and that came until then.
create function public.close_deliveries(p_payment uuid, p_state text, p_note text, p_until timestamptz, p_now timestamptz) returns boolean language plpgsql as $$
begin
  update public.webhook_delivery set state = p_state, note = p_note, done_at = p_now
  where payment_id = p_payment and state = 'RECEIVED' and received_at <= p_until;
  return found;
end $$;
