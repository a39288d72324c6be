-- An owner takes what is owed between two payouts. It is a settlement as any other one; what it costs was shown before it was asked for, is
-- kept back, and is posted once it was paid.
create table tenant.withdrawal (
  tenant_id uuid not null,
  settlement_id uuid not null,
  request_id uuid not null,
  fee_minor bigint not null check (fee_minor >= 0),
  asked_at timestamptz not null,
  primary key (tenant_id, settlement_id),
  unique (tenant_id, request_id),
  foreign key (tenant_id, settlement_id) references tenant.settlement (tenant_id, id)
);
create index withdrawal_newest on tenant.withdrawal (tenant_id, asked_at desc);
select public.isolate('tenant.withdrawal');
grant insert on tenant.withdrawal to netily_app;
create trigger append_only before update or delete on tenant.withdrawal for each row execute function tenant.append_only();

-- The fee is taken when the withdrawal was paid, once, as large as was said, and never for anything else.
create view invariant.i57_withdrawal_fee with (security_invoker = true) as
  select coalesce(w.tenant_id, f.tenant_id) as tenant_id, coalesce(w.settlement_id, f.reference) as settlement_id, w.fee_minor, f.taken
  from (select w.tenant_id, w.settlement_id, w.fee_minor from tenant.withdrawal w
        join tenant.settlement s on s.tenant_id = w.tenant_id and s.id = w.settlement_id and s.state = 'COMPLETED' where w.fee_minor > 0) w
  full join (select t.tenant_id, t.reference, e.amount_minor as taken from tenant.ledger_transaction t
             join tenant.ledger_entry e on e.tenant_id = t.tenant_id and e.transaction_id = t.id and e.account = 'ISP_PAYABLE'
             where t.kind = 'WITHDRAWAL_FEE') f on f.tenant_id = w.tenant_id and f.reference = w.settlement_id
  where w.fee_minor is distinct from f.taken;
grant select on invariant.i57_withdrawal_fee to netily_platform;
