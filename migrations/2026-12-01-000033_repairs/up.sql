-- What operators did to give money a place. Append-only: a mistake is put right by another repair. A table of the platform's, since most of
-- this money is nobody's until it has a place.
create table public.repair (
  id uuid primary key,
  kind text not null check (kind in ('ADOPTED', 'SUSPENSE', 'WRITE_OFF', 'DISMISSED', 'ADJUSTMENT', 'OWNER_MOVEMENT')),
  isp_id uuid, -- whose money it became; null: nobody's
  payment_id uuid, -- the payment that got it, or whose answer was dismissed
  gateway_reference text, -- the gateway's name of the money
  receipt text,
  amount_minor bigint not null, -- less than nothing: it went out
  note text not null,
  evidence jsonb not null default '{}',
  operators uuid[] not null check (cardinality(operators) >= 1),
  at timestamptz not null
);
create index repair_newest on public.repair (at desc, id desc);
create index repair_payment on public.repair (payment_id) where payment_id is not null;
create index repair_suspense on public.repair (gateway_reference) where kind = 'SUSPENSE';
create trigger append_only before update or delete on public.repair for each row execute function tenant.append_only();
grant select, insert on public.repair to netily_app;
grant select on public.repair to netily_platform;

-- What was put into suspense keeps the gateway's name of the money until it has an owner.
grant update (isp_id, payment_id) on public.gateway_key to netily_app;

-- A success that was seen and not applied has a human, or two have decided that it is none of ours.
create or replace view invariant.i18_success_seen_not_applied with (security_invoker = true) as
  select o.tenant_id, o.payment_id from tenant.gateway_observation o
  left join tenant.payment p on p.tenant_id = o.tenant_id and p.id = o.payment_id
  left join tenant.settlement s on s.tenant_id = o.tenant_id and s.id = o.payment_id
  where o.status = 'SUCCESS' and o.observed_at < public.business_now() - interval '5 minutes'
  and coalesce(p.state::text, s.state) not in ('SUCCEEDED', 'COMPLETED')
  and not exists (select from public.reconciliation_break b where b.reference = o.payment_id::text and b.closed_at is null)
  and not exists (select from public.repair r where r.payment_id = o.payment_id and r.kind = 'DISMISSED' and r.at >= o.observed_at)
  and (select count(*) from tenant.settlement_review v where v.tenant_id = o.tenant_id and v.settlement_id = o.payment_id and v.outcome = 'NOT_PAID') < 2;

-- An ISP owes Netily only after something was taken back from it.
create or replace view invariant.i12_overpaid_isp with (security_invoker = true) as
  select tenant_id, balance_minor from tenant.ledger_balance b where account = 'ISP_PAYABLE' and balance_minor > 0
  and not exists (select from tenant.ledger_transaction t where t.tenant_id = b.tenant_id
    and t.kind in ('PAYOUT_LATE_SUCCESS', 'PAYOUT_ADOPTED', 'REVERSAL', 'REFUND', 'ADJUSTMENT'));

-- What Netily paid itself (charges, test payments, what was written off, what its owner took) comes from its own float.
create or replace view invariant.i16_global_cash with (security_invoker = true) as
  select clearing, rest from (select coalesce(sum(amount_minor) filter (where account = 'GATEWAY_CLEARING'), 0) clearing,
    coalesce(sum(amount_minor) filter (where account <> 'GATEWAY_CLEARING'), 0) rest,
    coalesce(sum(amount_minor) filter (where account in ('GATEWAY_FEES')), 0) fees,
    greatest(coalesce(sum(amount_minor) filter (where account in ('WRITE_OFFS', 'OWNER_FLOAT')), 0), 0) own from tenant.ledger_entry) x
  where clearing <> -rest or clearing + fees + own < 0;

-- Every repair is in the books with its amount, and every posting of a repair has its repair.
create view invariant.i45_repair_posting with (security_invoker = true) as
  select r.id, r.kind, r.amount_minor from public.repair r
  where r.kind in ('SUSPENSE', 'WRITE_OFF', 'ADJUSTMENT', 'OWNER_MOVEMENT')
  and not exists (select from tenant.ledger_transaction t where t.reference = r.id and t.tenant_id = coalesce(r.isp_id, '00000000-0000-0000-0000-000000000000') and t.kind = r.kind)
  union all
  select t.reference, t.kind::text, null from tenant.ledger_transaction t
  where t.kind in ('SUSPENSE', 'WRITE_OFF', 'ADJUSTMENT', 'OWNER_MOVEMENT') and not exists (select from public.repair r where r.id = t.reference);
grant select on invariant.i45_repair_posting to netily_platform;
