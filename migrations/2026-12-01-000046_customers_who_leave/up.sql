-- What staff wrote down as taken can be taken back, or waits for an owner; and what a customer who leaves has left is ended by an act.

-- An entry above what its writer may record in a day counts once an owner has confirmed it.
alter table tenant.offline_payment add column needs_confirmation boolean not null default false;
create index offline_payment_reference on tenant.offline_payment (tenant_id, upper(btrim(reference))) where reference <> '';
create index offline_payment_recorded on tenant.offline_payment (tenant_id, recorded_by, created_at);
create table tenant.offline_payment_confirmation (
  tenant_id uuid not null,
  offline_payment_id uuid not null,
  confirmed_by text not null,
  confirmed_at timestamptz not null,
  primary key (tenant_id, offline_payment_id),
  foreign key (tenant_id, offline_payment_id) references tenant.offline_payment (tenant_id, id)
);
select public.isolate('tenant.offline_payment_confirmation');
grant insert on tenant.offline_payment_confirmation to netily_app;
create trigger append_only before update or delete on tenant.offline_payment_confirmation for each row execute function tenant.append_only();
create table tenant.offline_payment_void (
  tenant_id uuid not null,
  offline_payment_id uuid not null,
  reason text not null check (length(reason) <= 200),
  voided_by text not null,
  voided_at timestamptz not null,
  primary key (tenant_id, offline_payment_id),
  foreign key (tenant_id, offline_payment_id) references tenant.offline_payment (tenant_id, id)
);
create index offline_payment_void_when on tenant.offline_payment_void (tenant_id, voided_at);
select public.isolate('tenant.offline_payment_void');
grant insert on tenant.offline_payment_void to netily_app;

-- Balance that left the account without buying anything: written off, or paid back by hand. A debt that is forgiven comes in.
create table tenant.balance_withdrawal (
  tenant_id uuid not null,
  id uuid not null, -- of its entry
  customer_id uuid not null,
  kind text not null check (kind in ('WRITE_OFF', 'PAID_BACK')),
  amount_minor bigint not null check (amount_minor <> 0 and (amount_minor < 0 or kind = 'WRITE_OFF')), -- as in the entry
  reason text not null check (length(reason) <= 200),
  made_by text not null,
  request_id uuid not null,
  request_hash bytea not null,
  created_at timestamptz not null,
  primary key (tenant_id, id),
  unique (tenant_id, request_id),
  foreign key (tenant_id, customer_id) references tenant.customer (tenant_id, id)
);
select public.isolate('tenant.balance_withdrawal');
grant insert on tenant.balance_withdrawal to netily_app;

-- What staff wrote goes when the person is forgotten; nothing else of it ever changes.
create function tenant.only_reason_goes() returns trigger language plpgsql as $$
begin
  if tg_op = 'UPDATE' and new.reason = '' then
    new.reason := old.reason;
    if new is not distinct from old then
      new.reason := '';
      return new;
    end if;
  end if;
  raise exception '% is append-only', tg_table_name using errcode = '23001';
end $$;
create trigger only_reason_goes before update or delete on tenant.offline_payment_void for each row execute function tenant.only_reason_goes();
create trigger only_reason_goes before update or delete on tenant.balance_withdrawal for each row execute function tenant.only_reason_goes();
grant update (reason) on tenant.offline_payment_void, tenant.balance_withdrawal to netily_app;

-- VOID: cash that was taken back. WRITE_OFF, PAID_BACK: see balance_withdrawal.
alter domain tenant.customer_entry_kind drop constraint customer_entry_kind_check;
alter domain tenant.customer_entry_kind add constraint customer_entry_kind_check
  check (value in ('PAYMENT', 'CASH', 'INVOICE', 'RECHARGE', 'PRORATION', 'ADJUSTMENT', 'RETURN', 'VOID', 'WRITE_OFF', 'PAID_BACK'));
do $$ declare c record; begin
  for c in select conname from pg_constraint where conrelid = 'tenant.customer_entry'::regclass and contype = 'c'
    and (pg_get_constraintdef(oid) like '%offline_payment_id%' or pg_get_constraintdef(oid) like '%ADJUSTMENT%') loop
    execute format('alter table tenant.customer_entry drop constraint %I', c.conname);
  end loop;
end $$;
alter table tenant.customer_entry
  add constraint customer_entry_cash check ((kind in ('CASH', 'VOID')) = (offline_payment_id is not null)),
  add constraint customer_entry_sign check ((amount_minor < 0) = (kind in ('INVOICE', 'RECHARGE', 'VOID', 'PAID_BACK')) or kind in ('ADJUSTMENT', 'WRITE_OFF'));
drop index tenant.customer_entry_offline;
create unique index customer_entry_offline on tenant.customer_entry (tenant_id, offline_payment_id, kind) where offline_payment_id is not null;

-- A balance below nothing comes from money that was taken back after it had been used, and from nothing else.
alter table tenant.customer_account drop constraint customer_account_balance_minor_check;
create or replace function tenant.move_account(p_tenant uuid, p_id uuid, p_customer uuid, p_kind text, p_amount bigint, p_payment uuid, p_offline uuid, p_invoice uuid, p_connection uuid,
  p_note text, p_now timestamptz) returns bigint language plpgsql as $$
declare left_over bigint;
begin
  insert into tenant.customer_account as a (tenant_id, customer_id, balance_minor) values (p_tenant, p_customer, p_amount)
    on conflict (tenant_id, customer_id) do update set balance_minor = a.balance_minor + p_amount returning balance_minor into left_over;
  if left_over < 0 and p_amount < 0 and p_kind in ('INVOICE', 'RECHARGE', 'WRITE_OFF', 'PAID_BACK') then
    raise exception 'the balance of % does not reach', p_customer using errcode = '23514';
  end if;
  insert into tenant.customer_entry (tenant_id, id, customer_id, kind, amount_minor, payment_id, offline_payment_id, invoice_id, connection_id, note, created_at)
    values (p_tenant, p_id, p_customer, p_kind, p_amount, p_payment, p_offline, p_invoice, p_connection, p_note, p_now);
  return left_over;
end $$;

-- Since when a customer who is suspended is away.
alter table tenant.connection add column paused_at timestamptz;

alter table tenant.billing_settings
  add column cash_limit_minor bigint not null default 5000000 check (cash_limit_minor between 0 and 1000000000), -- of one of the staff in a day
  add column credit_unused boolean not null default false; -- whether paid time that is not used comes back when a line ends

create or replace view tenant.payment_seen with (security_invoker = true) as
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

-- Cash is in the account as long as it counts: from when it needs no owner any more, until it is taken back.
create or replace view invariant.i35_cash_not_in_account with (security_invoker = true) as
  select o.tenant_id, o.id from tenant.offline_payment o
  left join tenant.offline_payment_void v on v.tenant_id = o.tenant_id and v.offline_payment_id = o.id
  left join tenant.offline_payment_confirmation y on y.tenant_id = o.tenant_id and y.offline_payment_id = o.id
  where (select coalesce(sum(e.amount_minor) filter (where e.kind = 'CASH'), 0) from tenant.customer_entry e
         where e.tenant_id = o.tenant_id and e.offline_payment_id = o.id and e.customer_id = o.customer_id)
        <> case when o.needs_confirmation and y.confirmed_at is null then 0 else o.amount_minor end
     or (select coalesce(-sum(e.amount_minor) filter (where e.kind = 'VOID'), 0) from tenant.customer_entry e
         where e.tenant_id = o.tenant_id and e.offline_payment_id = o.id and e.customer_id = o.customer_id)
        <> case when v.voided_at is null or (o.needs_confirmation and y.confirmed_at is null) then 0 else o.amount_minor end;
create view invariant.i60_withdrawal_drift with (security_invoker = true) as
  select tenant_id, id, w.amount_minor as withdrawn, e.amount_minor as moved from tenant.balance_withdrawal w
  full join (select tenant_id, id, customer_id, kind, amount_minor from tenant.customer_entry where kind in ('WRITE_OFF', 'PAID_BACK')) e using (tenant_id, id)
  where (w.customer_id, w.kind, w.amount_minor) is distinct from (e.customer_id, e.kind::text, e.amount_minor);
-- Nobody owes their provider because of what they bought: only money that was taken back leaves less than nothing.
create view invariant.i61_balance_below_nothing with (security_invoker = true) as
  select a.tenant_id, a.customer_id, a.balance_minor from tenant.customer_account a
  where a.balance_minor < 0
  and a.balance_minor < (select coalesce(sum(e.amount_minor), 0) from tenant.customer_entry e where e.tenant_id = a.tenant_id and e.customer_id = a.customer_id and e.kind in ('VOID', 'ADJUSTMENT'));
-- Whoever left uses nothing: what is used of their balance was asked for while they were here.
create view invariant.i62_used_after_leaving with (security_invoker = true) as
  select e.tenant_id, e.id from tenant.customer_entry e join tenant.customer c on c.tenant_id = e.tenant_id and c.id = e.customer_id
  where e.kind = 'RECHARGE' and c.status = 'CLOSED' and e.created_at > c.closed_at;
grant select on invariant.i60_withdrawal_drift, invariant.i61_balance_below_nothing, invariant.i62_used_after_leaving to netily_platform;
