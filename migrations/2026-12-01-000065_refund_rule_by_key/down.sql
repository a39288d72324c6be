create or replace view invariant.i65_refund_posting with (security_invoker = true) as
  select r.tenant_id, r.id, r.kind from tenant.refund r
  left join lateral (select sum(e.amount_minor) filter (where e.account in ('PLATFORM_REVENUE', 'SUBSCRIPTION_REVENUE')) as revenue,
      sum(e.amount_minor) filter (where e.account = 'ISP_PAYABLE') as payable, sum(e.amount_minor) filter (where e.account = 'GATEWAY_CLEARING') as clearing,
      sum(e.amount_minor) filter (where e.account = 'REFUNDS_PAYABLE') as refunds, sum(e.amount_minor) filter (where e.account = 'WRITE_OFFS') as excess
    from tenant.ledger_transaction t join tenant.ledger_entry e on e.tenant_id = t.tenant_id and e.transaction_id = t.id
    where t.tenant_id = r.tenant_id and t.reference = r.id and t.kind = case r.kind when 'REVERSAL' then 'REVERSAL' else 'REFUND' end) l on true
  left join lateral (select sum(e.amount_minor) as waiting from tenant.ledger_transaction t
    join tenant.ledger_entry e on e.tenant_id = t.tenant_id and e.transaction_id = t.id and e.account = 'REFUNDS_PAYABLE'
    where t.tenant_id = r.tenant_id and t.reference = r.id and t.kind in ('REFUND', 'REFUND_BY_HAND', 'PAYOUT_RESERVE')) w on true
  where (coalesce(l.revenue, 0), coalesce(l.payable, 0), coalesce(l.excess, 0)) <> (r.commission_minor, r.isp_minor, r.excess_minor)
     or case r.kind when 'REVERSAL' then coalesce(l.clearing, 0) <> -(r.amount_minor + r.excess_minor) else coalesce(l.refunds, 0) <> -r.amount_minor end
     or coalesce(w.waiting, 0) <> 0
  union all
  select t.tenant_id, t.reference, t.kind::text from tenant.ledger_transaction t
  where t.kind in ('REVERSAL', 'REFUND', 'REFUND_BY_HAND') and not exists (select from tenant.refund r where r.tenant_id = t.tenant_id and r.id = t.reference
    and case t.kind when 'REVERSAL' then r.kind = 'REVERSAL' when 'REFUND_BY_HAND' then r.kind = 'BY_HAND' else r.kind in ('BY_HAND', 'GATEWAY') end)
  union all
  -- What the gateway pays is one settlement of the same id and amount, and no settlement gives back what nobody decided.
  select coalesce(r.tenant_id, s.tenant_id), coalesce(r.id, s.id), 'GATEWAY' from (select * from tenant.refund where kind = 'GATEWAY') r
  full join (select * from tenant.settlement where kind = 'REFUND') s on s.tenant_id = r.tenant_id and s.id = r.id
  where r.amount_minor is distinct from s.amount_minor;
