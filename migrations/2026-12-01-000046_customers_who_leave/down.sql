drop view invariant.i60_withdrawal_drift, invariant.i61_balance_below_nothing, invariant.i62_used_after_leaving;
create or replace view invariant.i35_cash_not_in_account with (security_invoker = true) as
  select o.tenant_id, o.id from tenant.offline_payment o
  where (select coalesce(sum(e.amount_minor), 0) from tenant.customer_entry e where e.tenant_id = o.tenant_id and e.offline_payment_id = o.id and e.customer_id = o.customer_id) <> o.amount_minor;
create or replace view tenant.payment_seen with (security_invoker = true) as
  select p.tenant_id, p.id, false as offline, p.purpose::text as purpose, p.amount_minor::bigint as amount_minor, p.state::text as state, p.phone::text as phone,
         coalesce(p.mpesa_receipt, '') as receipt, p.failure_reason, p.created_at, p.completed_at, p.expires_at, c.customer_id, c.invoice_id, c.plan_id
  from tenant.payment p left join tenant.customer_payment c on c.tenant_id = p.tenant_id and c.payment_id = p.id
  union all
  select o.tenant_id, o.id, true, case when o.invoice_id is null then 'RECHARGE' else 'INVOICE' end, o.amount_minor, 'SUCCEEDED', '',
         o.receipt_number, null, o.created_at, o.received_at, null, o.customer_id, o.invoice_id, o.plan_id
  from tenant.offline_payment o;
alter table tenant.billing_settings drop column cash_limit_minor, drop column credit_unused;
alter table tenant.connection drop column paused_at;
create or replace function tenant.move_account(p_tenant uuid, p_id uuid, p_customer uuid, p_kind text, p_amount bigint, p_payment uuid, p_offline uuid, p_invoice uuid, p_connection uuid,
  p_note text, p_now timestamptz) returns bigint language plpgsql as $$
declare left_over bigint;
begin
  insert into tenant.customer_account as a (tenant_id, customer_id, balance_minor) values (p_tenant, p_customer, greatest(p_amount, 0))
    on conflict (tenant_id, customer_id) do update set balance_minor = a.balance_minor + p_amount returning balance_minor into left_over;
  insert into tenant.customer_entry (tenant_id, id, customer_id, kind, amount_minor, payment_id, offline_payment_id, invoice_id, connection_id, note, created_at)
    values (p_tenant, p_id, p_customer, p_kind, p_amount, p_payment, p_offline, p_invoice, p_connection, p_note, p_now);
  return left_over;
end $$;
alter table tenant.customer_account add constraint customer_account_balance_minor_check check (balance_minor >= 0);
drop index tenant.customer_entry_offline;
create unique index customer_entry_offline on tenant.customer_entry (tenant_id, offline_payment_id) where offline_payment_id is not null;
alter table tenant.customer_entry drop constraint customer_entry_cash, drop constraint customer_entry_sign,
  add check ((kind = 'CASH') = (offline_payment_id is not null)),
  add check ((amount_minor < 0) = (kind in ('INVOICE', 'RECHARGE')) or kind = 'ADJUSTMENT');
alter domain tenant.customer_entry_kind drop constraint customer_entry_kind_check;
alter domain tenant.customer_entry_kind add constraint customer_entry_kind_check
  check (value in ('PAYMENT', 'CASH', 'INVOICE', 'RECHARGE', 'PRORATION', 'ADJUSTMENT', 'RETURN'));
drop table tenant.balance_withdrawal, tenant.offline_payment_void, tenant.offline_payment_confirmation;
drop function tenant.only_reason_goes();
drop index tenant.offline_payment_reference, tenant.offline_payment_recorded;
alter table tenant.offline_payment drop column needs_confirmation;
