-- Double entry, in cents; + is a debit, - a credit. Every transaction belongs to one tenant, and so do its lines on
-- the platform's accounts: the platform's totals are sums over tenants, and no shared balance row is ever locked.
create table tenant.ledger_transaction (
  tenant_id uuid not null,
  id uuid not null,
  kind text not null check (kind in ('PAYMENT_CREDIT', 'SUBSCRIPTION_CREDIT', 'PAYOUT_RESERVE', 'PAYOUT_SETTLE', 'PAYOUT_RELEASE',
    'PAYOUT_LATE_SUCCESS', 'GATEWAY_FEE', 'REFUND', 'REVERSAL', 'ADJUSTMENT', 'SUSPENSE')),
  reference uuid not null, -- what it books: together with the kind it is posted once
  created_at timestamptz not null,
  primary key (tenant_id, id),
  unique (tenant_id, kind, reference)
);
create index ledger_transaction_newest on tenant.ledger_transaction (tenant_id, kind, created_at desc, id desc);
create table tenant.ledger_entry (
  tenant_id uuid not null,
  transaction_id uuid not null,
  line smallint not null,
  account text not null check (account in ('GATEWAY_CLEARING', 'PLATFORM_REVENUE', 'SUBSCRIPTION_REVENUE', 'GATEWAY_FEES', 'SUSPENSE',
    'ISP_PAYABLE', 'PAYOUT_IN_TRANSIT', 'CUSTOMER_CREDIT', 'REFUNDS_PAYABLE')),
  amount_minor bigint not null check (amount_minor <> 0),
  primary key (tenant_id, transaction_id, line),
  foreign key (tenant_id, transaction_id) references tenant.ledger_transaction (tenant_id, id)
);
create index ledger_entry_account on tenant.ledger_entry (tenant_id, account) include (amount_minor);
-- Balances of the accounts that an ISP owns; the platform's are sums. Kept by post(), checked by an invariant.
create table tenant.ledger_balance (
  tenant_id uuid not null,
  account text not null check (account in ('ISP_PAYABLE', 'PAYOUT_IN_TRANSIT', 'CUSTOMER_CREDIT', 'REFUNDS_PAYABLE')),
  balance_minor bigint not null,
  primary key (tenant_id, account)
) with (fillfactor = 50);
select public.isolate('tenant.ledger_transaction'), public.isolate('tenant.ledger_entry'), public.isolate('tenant.ledger_balance');
grant insert on tenant.ledger_transaction, tenant.ledger_entry to netily_app;
grant insert, update on tenant.ledger_balance to netily_app;

create function tenant.append_only() returns trigger language plpgsql as
  $$ begin raise exception '% is append-only', tg_table_name using errcode = '23001'; end $$;
create trigger append_only before update or delete on tenant.ledger_transaction for each row execute function tenant.append_only();
create trigger append_only before update or delete on tenant.ledger_entry for each row execute function tenant.append_only();
create trigger append_only_truncate before truncate on tenant.ledger_transaction for each statement execute function tenant.append_only();
create trigger append_only_truncate before truncate on tenant.ledger_entry for each statement execute function tenant.append_only();
create trigger append_only before update or delete on tenant.gateway_observation for each row execute function tenant.append_only();
create trigger append_only before update or delete on tenant.payment_event for each row execute function tenant.append_only();
create trigger append_only before update or delete on tenant.audit_event for each row execute function tenant.append_only();

-- At commit each transaction sums to nothing over at least two lines. One check per transaction row, and one for
-- each line that is added to an older transaction.
create function tenant.ledger_balanced() returns trigger language plpgsql as $$
declare total numeric; lines integer; txn uuid := case when tg_table_name = 'ledger_transaction' then (to_jsonb(new) ->> 'id')::uuid else (to_jsonb(new) ->> 'transaction_id')::uuid end;
begin
  select coalesce(sum(amount_minor), 0), count(*) into total, lines from tenant.ledger_entry where tenant_id = new.tenant_id and transaction_id = txn;
  if total <> 0 or lines < 2 then
    raise exception 'ledger transaction % is unbalanced: % over % lines', txn, total, lines using errcode = '23514';
  end if;
  return null;
end $$;
create constraint trigger balanced after insert on tenant.ledger_transaction deferrable initially deferred for each row execute function tenant.ledger_balanced();
create constraint trigger balanced after insert on tenant.ledger_entry deferrable initially deferred for each row execute function tenant.ledger_balanced();

-- Books one transaction. Returns false, and does nothing, when it was booked before.
create function tenant.post(p_tenant uuid, p_id uuid, p_kind text, p_reference uuid, p_at timestamptz, p_accounts text[], p_amounts bigint[])
returns boolean language plpgsql as $$
begin
  insert into tenant.ledger_transaction (tenant_id, id, kind, reference, created_at) values (p_tenant, p_id, p_kind, p_reference, p_at)
    on conflict (tenant_id, kind, reference) do nothing;
  if not found then return false; end if;
  insert into tenant.ledger_entry (tenant_id, transaction_id, line, account, amount_minor)
    select p_tenant, p_id, n, a, m from unnest(p_accounts, p_amounts) with ordinality x (a, m, n) where m <> 0;
  insert into tenant.ledger_balance as b (tenant_id, account, balance_minor)
    select p_tenant, a, sum(m) from unnest(p_accounts, p_amounts) x (a, m)
    where a in ('ISP_PAYABLE', 'PAYOUT_IN_TRANSIT', 'CUSTOMER_CREDIT', 'REFUNDS_PAYABLE') and m <> 0 group by a order by a
    on conflict (tenant_id, account) do update set balance_minor = b.balance_minor + excluded.balance_minor;
  return true;
end $$;

-- A payment succeeded, in one call: the observation is kept, its receipt taken, the state written and the credit posted. The
-- server has locked the row and decided state and split. RECEIPT_REUSED: another payment has the receipt; only the observation is kept.
create function tenant.book_payment(p_tenant uuid, p_payment uuid, p_from text, p_observation uuid, p_source text, p_amount bigint, p_receipt text, p_body jsonb,
  p_ledger uuid, p_kind text, p_accounts text[], p_amounts bigint[], p_now timestamptz) returns text language plpgsql as $$
begin
  insert into tenant.gateway_observation (tenant_id, id, payment_id, source, status, amount_minor, receipt, body, observed_at)
    values (p_tenant, p_observation, p_payment, p_source, 'SUCCESS', p_amount, p_receipt, p_body, p_now);
  if p_receipt is not null then
    insert into public.gateway_key (kind, value, isp_id, payment_id, created_at) values ('RECEIPT', p_receipt, p_tenant, p_payment, p_now) on conflict do nothing;
    if not found and not exists (select from public.gateway_key where kind = 'RECEIPT' and value = p_receipt and payment_id = p_payment) then
      return 'RECEIPT_REUSED';
    end if;
  end if;
  if not tenant.payment_succeeded(p_tenant, p_payment, p_from, p_receipt, p_now) then
    raise exception 'payment % is no longer %', p_payment, p_from using errcode = '40001';
  end if;
  if not tenant.post(p_tenant, p_ledger, p_kind, p_payment, p_now, p_accounts, p_amounts) then
    raise exception 'payment % was credited before', p_payment using errcode = '23505';
  end if;
  -- What was missing has come: no human need look for it any more.
  update public.reconciliation_break set closed_at = p_now, closed_by = 'netily', closed_reason = 'The payment succeeded.'
    where kind = 'no_answer' and reference = p_payment::text and closed_at is null;
  return 'BOOKED';
end $$;

-- Round half to even of gross × rate. SQL's round is half-up and would differ from the server's split.
create function public.fee_half_even(gross_minor bigint, bps integer) returns bigint language sql immutable strict parallel safe as $$
  select case when r > 5000 or (r = 5000 and q % 2 = 1) then q + 1 else q end
  from (select (gross_minor * bps) / 10000 as q, (gross_minor * bps) % 10000 as r) x
$$;

-- The seed's CommissionLedger: derived from the credits, so that it cannot disagree with them.
create view tenant.commission_ledger with (security_invoker = true) as
  select t.tenant_id, t.id, p.id as payment_id, p.purpose, p.amount_minor as gross_minor, p.commission_bps,
         public.fee_half_even(p.amount_minor, p.commission_bps) as commission_minor,
         p.amount_minor - public.fee_half_even(p.amount_minor, p.commission_bps) as isp_minor,
         p.mpesa_receipt, t.created_at
  from tenant.ledger_transaction t join tenant.payment p on p.tenant_id = t.tenant_id and p.id = t.reference
  where t.kind = 'PAYMENT_CREDIT';
grant select on tenant.commission_ledger to netily_app, netily_platform;
