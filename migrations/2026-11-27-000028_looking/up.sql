-- What checks read before they ask the gateway, of payments of any ISPs: one round trip, and a plan that is kept. Gives each in the order of the
-- question, null where there is none.
create type tenant.found_payment as (
  id uuid, purpose text, subject text, request_hash bytea, external_reference text, amount_minor bigint, commission_bps integer, phone text, state text,
  failure_reason text, gateway_reference text, mpesa_receipt text, claim_token uuid, claim_until timestamptz, polls integer, hinted_at timestamptz, submitted_at timestamptz,
  expires_at timestamptz, created_at timestamptz);
create function tenant.find_payments(p_tenants uuid[], p_payments uuid[]) returns tenant.found_payment[] language plpgsql stable security definer
  set search_path = pg_catalog, pg_temp set plan_cache_mode = force_generic_plan
  set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
begin
  return (select array_agg(case when p.id is not null then row(p.id, p.purpose, p.subject, p.request_hash, p.external_reference, p.amount_minor, p.commission_bps, p.phone, p.state,
      p.failure_reason, p.gateway_reference, p.mpesa_receipt, p.claim_token, p.claim_until, p.polls, p.hinted_at, p.submitted_at, p.expires_at, p.created_at)::tenant.found_payment end order by i.n)
    from unnest(p_tenants, p_payments) with ordinality i (isp, payment, n) left join tenant.payment p on p.tenant_id = i.isp and p.id = i.payment);
end $$;

-- With the rights of their owner, and for the server alone.
grant create on schema tenant to netily_books;
alter function tenant.find_payments owner to netily_books;
revoke create on schema tenant from netily_books;
revoke execute on function tenant.find_payments from public;
grant execute on function tenant.find_payments to netily_app;
