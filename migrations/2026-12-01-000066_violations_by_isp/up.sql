-- A rule that does not hold says whose rows break it, so that it stops no more than it must: those with the most rows come first.
drop function invariant.violations();
create function invariant.violations() returns table (invariant text, isp_id uuid, broken bigint, example text) language plpgsql stable as $$
declare v record;
begin
  for v in select viewname from pg_views where schemaname = 'invariant' order by 1 loop
    for isp_id, broken, example in
      execute format('select (to_jsonb(x) ->> ''tenant_id'')::uuid, count(*), min(to_jsonb(x)::text) from invariant.%I x group by 1 order by 2 desc', v.viewname)
    loop
      invariant := v.viewname;
      return next;
    end loop;
  end loop;
end $$;
grant execute on function invariant.violations() to netily_platform;

drop function invariant.recent(timestamptz);
create function invariant.recent(p_since timestamptz) returns table (invariant text, isp_id uuid, broken bigint, example text) language sql stable as $$
  with t as materialized (
    select r.* from public.isp i cross join lateral (
      select t.tenant_id, t.id, t.kind, t.reference from tenant.ledger_transaction t where t.tenant_id = i.id and t.id >= public.earliest_id(p_since)) r),
  l as materialized (
    select t.tenant_id, t.id, t.kind, t.reference, count(e.line) as lines, coalesce(sum(e.amount_minor), 0) as total,
           coalesce(sum(e.amount_minor) filter (where e.account = 'GATEWAY_CLEARING'), 0) as clearing,
           coalesce(sum(e.amount_minor) filter (where e.account = 'PLATFORM_REVENUE'), 0) as revenue,
           coalesce(sum(e.amount_minor) filter (where e.account = 'ISP_PAYABLE'), 0) as payable
    from t left join lateral (
      select e.line, e.account, e.amount_minor from tenant.ledger_entry e where e.tenant_id = t.tenant_id and e.transaction_id = t.id offset 0) e on true
    group by 1, 2, 3, 4),
  found as (
    select 'i01_unbalanced' as rule, to_jsonb(l) as row from l where total <> 0
    union all
    select 'i02_too_few_lines', to_jsonb(l) from l where lines < 2
    union all
    select 'i05_credit_without_success', to_jsonb(l) from l left join tenant.payment p on p.tenant_id = l.tenant_id and p.id = l.reference
      where l.kind in ('PAYMENT_CREDIT', 'SUBSCRIPTION_CREDIT') and p.state is distinct from 'SUCCEEDED'
    union all
    select 'i06_wrong_split', to_jsonb(l) from l join tenant.payment p on p.tenant_id = l.tenant_id and p.id = l.reference
      where l.kind = 'PAYMENT_CREDIT' and (l.clearing <> p.amount_minor or l.revenue <> -public.fee_half_even(p.amount_minor, p.commission_bps)
        or l.payable <> -(p.amount_minor - public.fee_half_even(p.amount_minor, p.commission_bps)))
    union all
    select 'i09_final_settlement_posting', to_jsonb(l) from l left join tenant.settlement s on s.tenant_id = l.tenant_id and s.id = l.reference
      where l.kind in ('PAYOUT_SETTLE', 'PAYOUT_LATE_SUCCESS') and s.state is distinct from 'COMPLETED'
    union all
    select 'i17_credit_unverified', to_jsonb(l) from l
      where l.kind in ('PAYMENT_CREDIT', 'SUBSCRIPTION_CREDIT', 'PAYOUT_SETTLE', 'PAYOUT_LATE_SUCCESS')
      and not exists (select from tenant.gateway_observation o where o.tenant_id = l.tenant_id and o.payment_id = l.reference and o.status = 'SUCCESS')
    union all
    select 'i19_release_unproven', to_jsonb(l) from l where l.kind = 'PAYOUT_RELEASE' and not tenant.settlement_not_paid(l.tenant_id, l.reference))
  select rule, (row ->> 'tenant_id')::uuid, count(*), min(row::text) from found group by 1, 2 order by 1, 3 desc
$$;
grant execute on function invariant.recent(timestamptz) to netily_platform;

-- What a settlement says was credited in its time is what the ledger says. The time of a posting is the clock of the worker that made it: one
-- that is minutes behind may write into a time that is reserved already. It is owed all the same, and the next settlement carries it.
create or replace view invariant.i41_settlement_credited with (security_invoker = true) as
  select s.tenant_id, s.id, s.credited_minor from tenant.settlement s
  cross join lateral (
    select coalesce(-sum(e.amount_minor), 0) as credited,
           coalesce(-sum(e.amount_minor) filter (where t.id >= public.earliest_id(s.covers_until - interval '10 minutes')), 0) as late
    from tenant.ledger_transaction t join tenant.ledger_entry e on e.tenant_id = t.tenant_id and e.transaction_id = t.id and e.account = 'ISP_PAYABLE'
    where t.tenant_id = s.tenant_id and t.kind = 'PAYMENT_CREDIT' and t.id < public.earliest_id(s.covers_until)
      and t.id >= case when s.covers_from is null then '00000000-0000-0000-0000-000000000000' else public.earliest_id(s.covers_from) end) l
  where s.kind = 'SETTLEMENT' and s.credited_minor not between l.credited - l.late and l.credited;
