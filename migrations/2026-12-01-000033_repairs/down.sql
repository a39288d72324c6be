drop view invariant.i45_repair_posting;
create or replace view invariant.i16_global_cash with (security_invoker = true) as
  select clearing, rest from (select coalesce(sum(amount_minor) filter (where account = 'GATEWAY_CLEARING'), 0) clearing,
    coalesce(sum(amount_minor) filter (where account <> 'GATEWAY_CLEARING'), 0) rest,
    coalesce(sum(amount_minor) filter (where account = 'GATEWAY_FEES'), 0) fees from tenant.ledger_entry) x where clearing <> -rest or clearing + fees < 0;
create or replace view invariant.i12_overpaid_isp with (security_invoker = true) as
  select tenant_id, balance_minor from tenant.ledger_balance b where account = 'ISP_PAYABLE' and balance_minor > 0
  and not exists (select from tenant.ledger_transaction t where t.tenant_id = b.tenant_id and t.kind in ('PAYOUT_LATE_SUCCESS', 'REVERSAL'));
create or replace view invariant.i18_success_seen_not_applied with (security_invoker = true) as
  select o.tenant_id, o.payment_id from tenant.gateway_observation o
  left join tenant.payment p on p.tenant_id = o.tenant_id and p.id = o.payment_id
  left join tenant.settlement s on s.tenant_id = o.tenant_id and s.id = o.payment_id
  where o.status = 'SUCCESS' and o.observed_at < public.business_now() - interval '5 minutes'
  and coalesce(p.state::text, s.state) not in ('SUCCEEDED', 'COMPLETED')
  and not exists (select from public.reconciliation_break b where b.reference = o.payment_id::text and b.closed_at is null);
revoke update (isp_id, payment_id) on public.gateway_key from netily_app;
drop table public.repair;
