-- Home internet that an ISP sells by the period. Changing or ending one never reaches what is paid already.
create table tenant.service_plan (
  tenant_id uuid not null references public.isp (id),
  id uuid not null,
  name text not null check (length(name) between 1 and 60),
  description text not null default '' check (length(description) <= 500),
  price_minor bigint not null check (price_minor > 0 and price_minor % 100 = 0), -- of one period; STK takes whole shillings
  period_unit text not null check (period_unit in ('DAY', 'WEEK', 'MONTH')),
  period_count integer not null check (period_count between 1 and 366),
  download_kbps integer not null default 0 check (download_kbps >= 0), -- 0: without limit
  upload_kbps integer not null default 0 check (upload_kbps >= 0),
  data_cap_bytes bigint not null default 0 check (data_cap_bytes >= 0), -- in one period; 0: without limit
  router_profile text not null default '' check (length(router_profile) <= 60), -- a profile that the routers have; empty: ours
  request_id uuid not null,
  request_hash bytea not null,
  created_at timestamptz not null,
  archived_at timestamptz,
  primary key (tenant_id, id),
  unique (tenant_id, request_id)
);
create index service_plan_newest on tenant.service_plan (tenant_id, created_at desc, id desc);
create index service_plan_sold on tenant.service_plan (tenant_id, price_minor, id) where archived_at is null;
select public.isolate('tenant.service_plan');
grant insert, update on tenant.service_plan to netily_app;

-- What customers ask of staff. The words are gone once the person is erased.
create table tenant.service_request (
  tenant_id uuid not null,
  id uuid not null,
  customer_id uuid not null,
  category text not null check (category in
    ('CONNECTION', 'UPGRADE', 'DOWNGRADE', 'TRANSFER', 'SUSPENSION', 'TERMINATION', 'BILLING', 'TECHNICAL', 'OTHER')),
  subject text not null check (length(subject) <= 120),
  description text not null check (length(description) <= 4000),
  status text not null default 'PENDING' check (status in ('PENDING', 'APPROVED', 'IN_PROGRESS', 'COMPLETED', 'REJECTED', 'CANCELLED')),
  reply text not null default '' check (length(reply) <= 2000), -- the last answer of staff
  replied_at timestamptz,
  request_id uuid not null,
  request_hash bytea not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  primary key (tenant_id, id),
  unique (tenant_id, customer_id, request_id),
  foreign key (tenant_id, customer_id) references tenant.customer (tenant_id, id)
);
create index service_request_newest on tenant.service_request (tenant_id, created_at desc, id desc);
create index service_request_status on tenant.service_request (tenant_id, status, created_at desc, id desc);
create index service_request_customer on tenant.service_request (tenant_id, customer_id, created_at desc, id desc);
select public.isolate('tenant.service_request');
grant insert, update on tenant.service_request to netily_app;

-- What a customer's app has to tell, in the language that the customer had then.
create table tenant.alert (
  tenant_id uuid not null,
  id uuid not null,
  customer_id uuid not null,
  kind text not null check (kind in ('DATA', 'BILLING', 'PAYMENT', 'SERVICE')),
  title text not null,
  message text not null,
  subject_id text not null default '', -- what it is about, as it is named outside; empty: the account
  created_at timestamptz not null,
  read_at timestamptz,
  primary key (tenant_id, id),
  foreign key (tenant_id, customer_id) references tenant.customer (tenant_id, id)
);
create index alert_newest on tenant.alert (tenant_id, customer_id, created_at desc, id desc);
create index alert_unread on tenant.alert (tenant_id, customer_id, created_at desc, id desc) where read_at is null;
select public.isolate('tenant.alert');
grant insert, update, delete on tenant.alert to netily_app;

-- Whoever is erased keeps an account without a name, which nobody can reach or sign in to, and payments without a phone.
alter table tenant.user_account
  drop constraint user_account_reachable,
  add constraint user_account_reachable check (email is not null or phone is not null or disabled_at is not null);
alter domain tenant.msisdn drop constraint msisdn_check;
alter domain tenant.msisdn add constraint msisdn_check check (value ~ '^254[17][0-9]{8}$' or value = '');
create function tenant.payment_without_phone() returns trigger language plpgsql as $$
begin
  if new.state not in ('FAILED', 'EXPIRED', 'SUCCEEDED') then raise exception 'payment %: % and without a phone', new.id, new.state using errcode = '23514'; end if;
  return new;
end $$;
create trigger without_phone before insert or update of phone on tenant.payment for each row when (new.phone = '') execute function tenant.payment_without_phone();

-- The checkout id of M-Pesa ends in the payer's phone, so it goes with the person. References and receipts stay for good.
create function public.keep_gateway_key() returns trigger language plpgsql as $$
begin
  if old.kind <> 'CHECKOUT' then raise exception 'a % is kept for good', lower(old.kind) using errcode = '23001'; end if;
  return old;
end $$;
create trigger keep before delete on public.gateway_key for each row execute function public.keep_gateway_key();
grant delete on public.gateway_key to netily_app;
