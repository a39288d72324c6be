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
