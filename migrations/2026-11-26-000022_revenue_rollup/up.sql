-- What an ISP earned on each day that is over, so that a report of a year need not read a million lines. The ledger only grows, and a
-- payment that is late is booked when it comes: a day that is over never changes.
create table tenant.revenue_day (
  tenant_id uuid not null,
  day date not null, -- in Nairobi
  purpose text not null,
  gross_minor bigint not null,
  commission_minor bigint not null,
  payments bigint not null,
  primary key (tenant_id, day, purpose)
);
select public.isolate('tenant.revenue_day');
grant insert on tenant.revenue_day to netily_app;

-- Days before it are in revenue_day.
create table tenant.revenue_until (
  tenant_id uuid primary key references public.isp (id),
  until timestamptz not null
);
select public.isolate('tenant.revenue_until');
grant insert, update on tenant.revenue_until to netily_app;

-- Adds up the days until a midnight that are not added up yet. One at a time for each ISP.
create function tenant.roll_revenue(p_tenant uuid, p_until timestamptz) returns timestamptz language plpgsql as $$
declare since timestamptz;
begin
  insert into tenant.revenue_until values (p_tenant, '-infinity') on conflict do nothing;
  select until into since from tenant.revenue_until where tenant_id = p_tenant for update;
  if since >= p_until then return since; end if;
  insert into tenant.revenue_day
    select p_tenant, (created_at at time zone 'Africa/Nairobi')::date, purpose::text, sum(gross_minor), sum(commission_minor), count(*)
    from tenant.commission_ledger
    where tenant_id = p_tenant and id < public.earliest_id(p_until)
      and id >= case when since = '-infinity' then '00000000-0000-0000-0000-000000000000' else public.earliest_id(since) end
    group by 2, 3;
  update tenant.revenue_until set until = p_until where tenant_id = p_tenant;
  return p_until;
end $$;

create view invariant.i44_revenue_drift with (security_invoker = true) as
  select u.tenant_id, coalesce(d.gross, 0) as gross, coalesce(l.gross, 0) as ledger
  from tenant.revenue_until u
  left join (select tenant_id, sum(gross_minor) as gross, sum(commission_minor) as commission, sum(payments) as n from tenant.revenue_day group by 1) d using (tenant_id)
  left join lateral (select sum(c.gross_minor) as gross, sum(c.commission_minor) as commission, count(*) as n from tenant.commission_ledger c
    where c.tenant_id = u.tenant_id and u.until > '-infinity' and c.created_at < u.until) l on true
  where (coalesce(d.gross, 0), coalesce(d.commission, 0), coalesce(d.n, 0)) is distinct from (coalesce(l.gross, 0), coalesce(l.commission, 0), coalesce(l.n, 0));
grant select on invariant.i44_revenue_drift to netily_platform;
