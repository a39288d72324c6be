-- What each reservation of a settlement asks, as functions: they are planned once a connection, a query with a sum in it each time.

-- The ISP's part of payments that were booked from one id of the ledger on and before another one; without them, of all.
create function tenant.credited(p_tenant uuid, p_from uuid, p_before uuid) returns bigint language plpgsql stable as $$
begin
  return (select coalesce(sum(c.isp_minor), 0)::bigint from tenant.commission_ledger c where c.tenant_id = p_tenant
    and c.id >= coalesce(p_from, '00000000-0000-0000-0000-000000000000') and c.id < coalesce(p_before, 'ffffffff-ffff-ffff-ffff-ffffffffffff'));
end $$;

-- Waits for one's turn to give out an amount, which ends with the transaction.
create function public.take_turn_of_amounts() returns boolean language plpgsql as $$
begin
  perform pg_advisory_xact_lock(hashtextextended('netily settlement amount', 0));
  return true;
end $$;

-- What was given out since a moment: to one ISP, and to all.
create function public.given_out(p_isp uuid, p_since timestamptz) returns bigint[] language plpgsql stable as $$
begin
  return (select array[coalesce(sum(a.amount_minor) filter (where a.isp_id = p_isp), 0)::bigint, coalesce(sum(a.amount_minor), 0)::bigint]
    from public.settlement_amount a where a.reserved_at >= p_since and a.kind = 'SETTLEMENT');
end $$;
grant execute on function tenant.credited, public.take_turn_of_amounts, public.given_out to netily_app;
