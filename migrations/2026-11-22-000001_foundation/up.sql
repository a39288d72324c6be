-- Two schemas: `public` for the platform, `tenant` for what belongs to one ISP.
-- Three roles: netily_owner runs migrations and owns everything; netily_app serves and works, bound by row-level
-- security; netily_platform is put on for one read-only transaction (SET LOCAL ROLE) to look across ISPs.
do $$ begin
  if not exists (select from pg_roles where rolname = 'netily_app') then create role netily_app login noinherit; end if;
  if not exists (select from pg_roles where rolname = 'netily_platform') then create role netily_platform nologin; end if;
exception when duplicate_object or unique_violation then null; -- another database of this cluster is being migrated too
end $$;
grant netily_platform to netily_app;

create schema tenant;
revoke all on schema public from public;
grant usage on schema public, tenant to netily_app, netily_platform;

-- The time of this transaction for rules that look at the clock; tests move it.
create function public.business_now() returns timestamptz language sql stable as
  $$ select coalesce(nullif(current_setting('netily.now', true), '')::timestamptz, now()) $$;

-- Shuts a table of schema `tenant` to every row but those of the transaction's tenant, even for its owner.
-- netily_platform may read all rows; it may write none.
create function public.isolate(t regclass) returns void language plpgsql as $$
begin
  execute format('alter table %s enable row level security', t);
  execute format('alter table %s force row level security', t);
  execute format('create policy one_tenant on %s using (tenant_id = nullif(current_setting(''netily.tenant_id'', true), '''')::uuid)
                  with check (tenant_id = nullif(current_setting(''netily.tenant_id'', true), '''')::uuid)', t);
  execute format('create policy platform_reads on %s for select to netily_platform using (true)', t);
  execute format('grant select on %s to netily_app, netily_platform', t);
end $$;

-- The ISPs. The platform itself is the row with the nil id: its users are the operators.
create table public.isp (
  id uuid primary key,
  slug text not null unique check (slug ~ '^[a-z][a-z0-9-]{1,30}[a-z0-9]$'),
  name text not null check (length(name) between 1 and 80),
  status text not null default 'ACTIVE' check (status in ('ACTIVE', 'SUSPENDED')),
  commission_bps integer check (commission_bps between 0 and 10000), -- null: the platform's rate
  request_id uuid unique,
  request_hash bytea,
  created_at timestamptz not null
);
insert into public.isp (id, slug, name, created_at) values ('00000000-0000-0000-0000-000000000000', 'platform', 'Netily', now());
grant select, insert, update on public.isp to netily_app;
grant select on public.isp to netily_platform;

-- Work to be done. At most one row per kind and subject: asking again only makes it sooner.
create table public.job (
  id uuid primary key,
  lane text not null,
  kind text not null,
  isp_id uuid not null references public.isp (id),
  subject uuid not null,
  run_at timestamptz not null,
  wakes bigint not null default 1, -- rises when the job is asked for; a run that saw an older value runs again
  attempts integer not null default 0,
  claim_token uuid,
  lease_until timestamptz,
  last_error text,
  buried_at timestamptz,
  created_at timestamptz not null,
  unique (kind, subject)
);
create index job_due on public.job (lane, run_at) where buried_at is null;
grant select, insert, update, delete on public.job to netily_app;
grant select on public.job to netily_platform;

-- Asks for a job: a row, or the row that is there made sooner. A function, so that its plan is kept: this runs in every purchase.
create function public.ask_for_job(p_id uuid, p_lane text, p_kind text, p_isp uuid, p_subject uuid, p_run_at timestamptz, p_now timestamptz) returns boolean language plpgsql as $$
begin
  insert into public.job as j (id, lane, kind, isp_id, subject, run_at, created_at) values (p_id, p_lane, p_kind, p_isp, p_subject, p_run_at, p_now)
  on conflict (kind, subject) do update set run_at = least(j.run_at, excluded.run_at), wakes = j.wakes + 1, buried_at = null;
  return true;
end $$;

-- Generic cell rate algorithm: one timestamp a key. Losing it in a crash costs nothing.
create unlogged table public.rate_limit (
  key text primary key,
  full_at timestamptz not null -- when the bucket would be empty again ("theoretical arrival time")
);
create index rate_limit_stale on public.rate_limit (full_at);
grant select, insert, update, delete on public.rate_limit to netily_app;

-- Takes one of `burst` tokens that refill every `refill`. Returns zero when taken, else how long to wait.
create function public.take_token(k text, burst integer, refill interval, at timestamptz) returns interval language plpgsql as $$
declare wait interval;
begin
  insert into public.rate_limit as r (key, full_at) values (k, at + refill)
  on conflict (key) do update set full_at = greatest(r.full_at, at) + refill
    where greatest(r.full_at, at) - at <= refill * (burst - 1);
  if found then return interval '0'; end if;
  select full_at - at - refill * (burst - 1) into wait from public.rate_limit where key = k;
  return coalesce(wait, interval '0');
end $$;
