create or replace view invariant.i45_repair_posting with (security_invoker = true) as
  select r.id, r.kind, r.amount_minor from public.repair r
  where r.kind in ('SUSPENSE', 'WRITE_OFF', 'ADJUSTMENT', 'OWNER_MOVEMENT')
  and not exists (select from tenant.ledger_transaction t where t.reference = r.id and t.tenant_id = coalesce(r.isp_id, '00000000-0000-0000-0000-000000000000') and t.kind = r.kind)
  union all
  select t.reference, t.kind::text, null from tenant.ledger_transaction t
  where t.kind in ('SUSPENSE', 'WRITE_OFF', 'ADJUSTMENT', 'OWNER_MOVEMENT') and not exists (select from public.repair r where r.id = t.reference);
alter table public.repair drop constraint repair_kind_check;
alter table public.repair add constraint repair_kind_check check (kind in ('ADOPTED', 'SUSPENSE', 'WRITE_OFF', 'DISMISSED', 'ADJUSTMENT', 'OWNER_MOVEMENT'));
