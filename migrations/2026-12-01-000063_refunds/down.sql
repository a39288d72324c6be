drop view invariant.i66_refund_not_in_account;
drop view invariant.i65_refund_posting;
drop view invariant.i64_refund_wrong_split;
drop view invariant.i63_refunded_more_than_paid;
create or replace view invariant.i61_balance_below_nothing with (security_invoker = true) as
  select a.tenant_id, a.customer_id, a.balance_minor from tenant.customer_account a
  where a.balance_minor < 0
  and a.balance_minor < (select coalesce(sum(e.amount_minor), 0) from tenant.customer_entry e where e.tenant_id = a.tenant_id and e.customer_id = a.customer_id and e.kind in ('VOID', 'ADJUSTMENT'));
create or replace view invariant.i31_payment_not_in_account with (security_invoker = true) as
  select p.tenant_id, p.id from tenant.payment p where p.state = 'SUCCEEDED' and p.purpose in ('RECHARGE', 'INVOICE')
  and (select coalesce(sum(e.amount_minor), 0) from tenant.customer_entry e where e.tenant_id = p.tenant_id and e.payment_id = p.id) <> p.amount_minor;
create or replace view invariant.i16_global_cash with (security_invoker = true) as
  select clearing, rest from (select coalesce(sum(amount_minor) filter (where account = 'GATEWAY_CLEARING'), 0) clearing,
    coalesce(sum(amount_minor) filter (where account <> 'GATEWAY_CLEARING'), 0) rest,
    coalesce(sum(amount_minor) filter (where account in ('GATEWAY_FEES')), 0) fees,
    greatest(coalesce(sum(amount_minor) filter (where account in ('WRITE_OFFS', 'OWNER_FLOAT')), 0), 0) own from tenant.ledger_entry) x
  where clearing <> -rest or clearing + fees + own < 0;
drop view tenant.payment_seen;
create view tenant.payment_seen with (security_invoker = true) as
  select p.tenant_id, p.id, false as offline, p.purpose::text as purpose, p.amount_minor::bigint as amount_minor, p.state::text as state, p.phone::text as phone,
         coalesce(p.mpesa_receipt, '') as receipt, p.failure_reason, p.created_at, p.completed_at, p.expires_at, c.customer_id, c.invoice_id, c.plan_id
  from tenant.payment p left join tenant.customer_payment c on c.tenant_id = p.tenant_id and c.payment_id = p.id
  union all
  select o.tenant_id, o.id, true, case when o.invoice_id is null then 'RECHARGE' else 'INVOICE' end, o.amount_minor,
         case when v.voided_at is not null then 'VOIDED' when o.needs_confirmation and y.confirmed_at is null then 'TO_CONFIRM' else 'SUCCEEDED' end, '',
         o.receipt_number, null, o.created_at, case when o.needs_confirmation and y.confirmed_at is null then null else o.received_at end, null,
         o.customer_id, o.invoice_id, o.plan_id
  from tenant.offline_payment o
  left join tenant.offline_payment_void v on v.tenant_id = o.tenant_id and v.offline_payment_id = o.id
  left join tenant.offline_payment_confirmation y on y.tenant_id = o.tenant_id and y.offline_payment_id = o.id;
grant select on tenant.payment_seen to netily_app, netily_platform;
drop index tenant.hotspot_session_extension;
drop function tenant.take_back_session(uuid, uuid, timestamptz);
drop type tenant.taken_back;
alter table tenant.hotspot_session drop column taken_back_at;
drop index tenant.customer_entry_refund;
drop index tenant.customer_entry_payment;
create unique index customer_entry_payment on tenant.customer_entry (tenant_id, payment_id) where payment_id is not null; -- a payment comes in once
alter table tenant.customer_entry
  drop constraint customer_entry_prompt,
  drop constraint customer_entry_sign,
  add check ((kind = 'PAYMENT') = (payment_id is not null)),
  add constraint customer_entry_sign check ((amount_minor < 0) = (kind in ('INVOICE', 'RECHARGE', 'VOID', 'PAID_BACK')) or kind in ('ADJUSTMENT', 'WRITE_OFF'));
alter domain tenant.customer_entry_kind drop constraint customer_entry_kind_check;
alter domain tenant.customer_entry_kind add constraint customer_entry_kind_check
  check (value in ('PAYMENT', 'CASH', 'INVOICE', 'RECHARGE', 'PRORATION', 'ADJUSTMENT', 'RETURN', 'VOID', 'WRITE_OFF', 'PAID_BACK'));
drop view tenant.refund_seen;
drop table tenant.refund;
drop function tenant.only_note_goes();
