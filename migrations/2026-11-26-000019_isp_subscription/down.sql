drop view invariant.i40_subscription_with_commission;
drop view invariant.i39_subscription_not_applied;
create or replace view tenant.payment_seen with (security_invoker = true) as
  select p.tenant_id, p.id, false as offline, p.purpose::text as purpose, p.amount_minor::bigint as amount_minor, p.state::text as state, p.phone::text as phone,
         coalesce(p.mpesa_receipt, '') as receipt, p.failure_reason, p.created_at, p.completed_at, p.expires_at, c.customer_id, c.invoice_id, c.plan_id
  from tenant.payment p left join tenant.customer_payment c on c.tenant_id = p.tenant_id and c.payment_id = p.id
  where p.purpose <> 'SUBSCRIPTION'
  union all
  select o.tenant_id, o.id, true, case when o.invoice_id is null then 'RECHARGE' else 'INVOICE' end, o.amount_minor, 'SUCCEEDED', '',
         o.receipt_number, null, o.created_at, o.received_at, null, o.customer_id, o.invoice_id, o.plan_id
  from tenant.offline_payment o;
drop table tenant.subscription_payment;
drop table tenant.isp_subscription;
