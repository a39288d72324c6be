create table tenant.router (
  tenant_id uuid not null references public.isp (id),
  id uuid not null,
  name text not null check (length(name) between 1 and 60),
  host text not null,
  port integer not null check (port between 1 and 65535),
  use_tls boolean not null,
  certificate_sha256 bytea check (length(certificate_sha256) = 32),
  username text not null,
  password_sealed bytea not null, -- encrypted, bound to this row
  hotspot_server text not null default 'all',
  request_id uuid not null,
  request_hash bytea not null,
  created_at timestamptz not null,
  last_seen_at timestamptz,
  last_error text,
  primary key (tenant_id, id),
  unique (tenant_id, request_id),
  unique (tenant_id, name),
  check (use_tls = (certificate_sha256 is not null))
);
select public.isolate('tenant.router');
grant insert, update, delete on tenant.router to netily_app;

create table tenant.hotspot_plan (
  tenant_id uuid not null references public.isp (id),
  id uuid not null,
  name text not null check (length(name) between 1 and 60),
  price_minor bigint not null check (price_minor > 0 and price_minor % 100 = 0), -- STK takes whole shillings
  duration_seconds bigint check (duration_seconds > 0), -- null: without end
  data_cap_bytes bigint not null default 0 check (data_cap_bytes >= 0), -- 0: without limit
  download_kbps integer not null default 0 check (download_kbps >= 0),
  upload_kbps integer not null default 0 check (upload_kbps >= 0),
  shared_devices integer not null default 1 check (shared_devices between 1 and 100),
  weekdays smallint[] not null default '{}', -- 1 Monday … 7 Sunday; empty: every day
  router_ids uuid[] not null default '{}', -- empty: every router of the ISP
  request_id uuid not null,
  request_hash bytea not null,
  created_at timestamptz not null,
  archived_at timestamptz,
  primary key (tenant_id, id),
  unique (tenant_id, request_id)
);
select public.isolate('tenant.hotspot_plan');
grant insert, update on tenant.hotspot_plan to netily_app;

-- One purchase of one plan for one device. The plan is copied: later changes do not reach what is sold.
create table tenant.hotspot_session (
  tenant_id uuid not null,
  id uuid not null, -- random (version 4): who knows it may see the purchase
  router_id uuid not null,
  plan_id uuid not null,
  payment_id uuid not null,
  plan_name text not null,
  price_minor bigint not null,
  duration_seconds bigint,
  data_cap_bytes bigint not null,
  download_kbps integer not null,
  upload_kbps integer not null,
  shared_devices integer not null,
  phone text not null,
  mac text check (mac ~ '^[0-9A-F]{2}(:[0-9A-F]{2}){5}$'),
  client_ip text,
  login_url text,
  status text not null default 'AWAITING_PAYMENT' check (status in ('AWAITING_PAYMENT', 'PAID', 'ACTIVE', 'FAILED', 'EXPIRED')),
  username text not null,
  password text not null,
  logged_in boolean not null default false,
  paid_at timestamptz,
  activated_at timestamptz,
  expires_at timestamptz,
  router_pending boolean not null default false, -- the router may differ from what this row wants
  router_error text,
  created_at timestamptz not null,
  primary key (tenant_id, id),
  unique (tenant_id, payment_id),
  unique (tenant_id, router_id, username),
  foreign key (tenant_id, router_id) references tenant.router (tenant_id, id),
  foreign key (tenant_id, plan_id) references tenant.hotspot_plan (tenant_id, id)
);
create index hotspot_session_newest on tenant.hotspot_session (tenant_id, created_at desc, id desc);
create index hotspot_session_pending on tenant.hotspot_session (tenant_id, router_id) where router_pending;
create index hotspot_session_ending on tenant.hotspot_session (expires_at) where status = 'ACTIVE';
select public.isolate('tenant.hotspot_session');
grant insert, update on tenant.hotspot_session to netily_app;

-- Phones whose owners asked for no more prompts of this ISP.
create table tenant.prompt_block (
  tenant_id uuid not null,
  phone text not null,
  until timestamptz not null,
  primary key (tenant_id, phone)
);
select public.isolate('tenant.prompt_block');
grant insert, update, delete on tenant.prompt_block to netily_app;

-- The money is in: the purchase that waits for it is paid, also after it was shown as failed.
create function tenant.session_paid(p_tenant uuid, p_payment uuid, p_now timestamptz) returns uuid[] language plpgsql as $$
declare session_and_router uuid[];
begin
  update tenant.hotspot_session s set status = 'PAID', paid_at = p_now, router_pending = true
  where s.tenant_id = p_tenant and s.payment_id = p_payment and s.status in ('AWAITING_PAYMENT', 'FAILED')
  returning array[s.id, s.router_id] into session_and_router;
  return coalesce(session_and_router, '{}');
end $$;
