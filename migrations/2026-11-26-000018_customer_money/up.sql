-- Every payment to an ISP as people see it: by prompt, and what the ISP took itself.
create view tenant.payment_seen with (security_invoker = true) as
  select p.tenant_id, p.id, false as offline, p.purpose::text as purpose, p.amount_minor::bigint as amount_minor, p.state::text as state, p.phone::text as phone,
         coalesce(p.mpesa_receipt, '') as receipt, p.failure_reason, p.created_at, p.completed_at, p.expires_at, c.customer_id, c.invoice_id, c.plan_id
  from tenant.payment p left join tenant.customer_payment c on c.tenant_id = p.tenant_id and c.payment_id = p.id
  where p.purpose <> 'SUBSCRIPTION'
  union all
  select o.tenant_id, o.id, true, case when o.invoice_id is null then 'RECHARGE' else 'INVOICE' end, o.amount_minor, 'SUCCEEDED', '',
         o.receipt_number, null, o.created_at, o.received_at, null, o.customer_id, o.invoice_id, o.plan_id
  from tenant.offline_payment o;
grant select on tenant.payment_seen to netily_app, netily_platform;

-- What staff wrote beside a payment goes when the person is forgotten; nothing else of it ever changes.
drop trigger append_only on tenant.offline_payment;
create function tenant.only_words_go() returns trigger language plpgsql as $$
begin
  if tg_op = 'UPDATE' and new.note = '' and new.reference = '' then
    new.note := old.note; new.reference := old.reference;
    if new is not distinct from old then
      new.note := ''; new.reference := '';
      return new;
    end if;
  end if;
  raise exception '% is append-only', tg_table_name using errcode = '23001';
end $$;
create trigger only_words_go before update or delete on tenant.offline_payment for each row execute function tenant.only_words_go();
grant update (note, reference) on tenant.offline_payment to netily_app;

-- The rules of customers' accounts. What was paid = what was used + the balance, for each customer.
create view invariant.i30_account_drift as
  select tenant_id, customer_id, a.balance_minor, s.total from tenant.customer_account a
  full join (select tenant_id, customer_id, sum(amount_minor) total from tenant.customer_entry group by 1, 2) s using (tenant_id, customer_id)
  where coalesce(a.balance_minor, 0) <> coalesce(s.total, 0);
create view invariant.i31_payment_not_in_account as
  select p.tenant_id, p.id from tenant.payment p where p.state = 'SUCCEEDED' and p.purpose in ('RECHARGE', 'INVOICE')
  and (select coalesce(sum(e.amount_minor), 0) from tenant.customer_entry e where e.tenant_id = p.tenant_id and e.payment_id = p.id) <> p.amount_minor;
create view invariant.i32_account_without_payment as
  select e.tenant_id, e.id from tenant.customer_entry e left join tenant.payment p on p.tenant_id = e.tenant_id and p.id = e.payment_id
  left join tenant.customer_payment c on c.tenant_id = e.tenant_id and c.payment_id = e.payment_id
  where e.kind = 'PAYMENT' and (p.state is distinct from 'SUCCEEDED' or p.purpose not in ('RECHARGE', 'INVOICE') or c.customer_id is distinct from e.customer_id);
create view invariant.i33_invoice_paid_drift as
  select i.tenant_id, i.id, i.paid_minor, s.total from tenant.invoice i
  left join (select tenant_id, invoice_id, sum(amount_minor) total from tenant.customer_entry where kind in ('INVOICE', 'RETURN') group by 1, 2) s
    on s.tenant_id = i.tenant_id and s.invoice_id = i.id
  where i.paid_minor <> -coalesce(s.total, 0);
create view invariant.i34_balance_beside_debt as
  select a.tenant_id, a.customer_id, a.balance_minor from tenant.customer_account a
  where a.balance_minor > 0 and exists (select from tenant.invoice i where i.tenant_id = a.tenant_id and i.customer_id = a.customer_id and i.status = 'OPEN');
create view invariant.i35_cash_not_in_account as
  select o.tenant_id, o.id from tenant.offline_payment o
  where (select coalesce(sum(e.amount_minor), 0) from tenant.customer_entry e where e.tenant_id = o.tenant_id and e.offline_payment_id = o.id and e.customer_id = o.customer_id) <> o.amount_minor;
create view invariant.i36_payment_for_nobody as
  select p.tenant_id, p.id from tenant.payment p where p.purpose in ('RECHARGE', 'INVOICE')
  and not exists (select from tenant.customer_payment c where c.tenant_id = p.tenant_id and c.payment_id = p.id);
create view invariant.i37_number_gap as
  select tenant_id, 'invoice' as of, max(number) as last, count(*) as rows from tenant.invoice group by 1 having max(number) <> count(*)
  union all
  select tenant_id, 'offline_payment', max(number), count(*) from tenant.offline_payment group by 1 having max(number) <> count(*);
create view invariant.i38_invoice_lines as
  select i.tenant_id, i.id, i.total_minor from tenant.invoice i
  where (select coalesce(sum(l.amount_minor), 0) from tenant.invoice_line l where l.tenant_id = i.tenant_id and l.invoice_id = i.id) <> i.total_minor;
do $$ declare v record; begin
  for v in select viewname from pg_views where schemaname = 'invariant' and viewname >= 'i30' loop
    execute format('alter view invariant.%I set (security_invoker = true)', v.viewname);
    execute format('grant select on invariant.%I to netily_platform', v.viewname);
  end loop;
end $$;
