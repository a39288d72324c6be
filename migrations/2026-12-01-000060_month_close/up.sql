-- The books of a month: what was debited and credited is added up, written down, and stays. Months are of Kenya.
create table public.month_close (
  id uuid primary key,
  month date not null check (extract(day from month) = 1),
  closed_by uuid not null,
  closed_at timestamptz not null,
  reopened_by uuid[] check (cardinality(reopened_by) = 2), -- who asked first, and who agreed
  reopened_at timestamptz,
  reopen_note text not null default '',
  check ((reopened_by is null) = (reopened_at is null))
);
create unique index month_close_one on public.month_close (month) where reopened_at is null;
create table public.month_close_line (
  close_id uuid not null references public.month_close (id),
  isp_id uuid not null, -- the nil id: the platform itself
  book text not null check (book in ('LEDGER', 'CUSTOMERS', 'CASH')),
  account text not null,
  opening_minor bigint not null,
  debit_minor bigint not null check (debit_minor >= 0),
  credit_minor bigint not null check (credit_minor >= 0),
  primary key (close_id, isp_id, book, account)
);
create trigger append_only before update or delete on public.month_close_line for each row execute function tenant.append_only();
grant select, insert on public.month_close, public.month_close_line to netily_app;
grant update (reopened_by, reopened_at, reopen_note) on public.month_close to netily_app;
grant select on public.month_close, public.month_close_line to netily_platform;

-- Every movement of the three books with its day. LEDGER: double entry, + is a debit. CUSTOMERS: what ISPs' customers have with them, + came
-- in. CASH: what ISPs took themselves, on the day on which it was received, and what of it was taken back, on the day on which that was done.
create view public.book_movement with (security_invoker = true) as
  select t.tenant_id as isp_id, 'LEDGER' as book, l.account::text as account, t.created_at as at, l.amount_minor::bigint as amount_minor
  from tenant.ledger_transaction t cross join lateral unnest(t.lines) l (account, amount_minor)
  union all
  select e.tenant_id, 'CUSTOMERS', e.kind::text, e.created_at, e.amount_minor from tenant.customer_entry e
  union all
  select o.tenant_id, 'CASH', 'RECEIVED', o.received_at, o.amount_minor from tenant.offline_payment o
  where not o.needs_confirmation or exists (select from tenant.offline_payment_confirmation y where y.tenant_id = o.tenant_id and y.offline_payment_id = o.id)
  union all
  select o.tenant_id, 'CASH', 'TAKEN_BACK', v.voided_at, -o.amount_minor
  from tenant.offline_payment_void v join tenant.offline_payment o on o.tenant_id = v.tenant_id and o.id = v.offline_payment_id
  where not o.needs_confirmation or exists (select from tenant.offline_payment_confirmation y where y.tenant_id = o.tenant_id and y.offline_payment_id = o.id);
grant select on public.book_movement to netily_platform;

-- The sums of a closed month are what they were when it was closed. One pass over the books for all months.
create view invariant.i75_closed_month_changed with (security_invoker = true) as
  with closed as (select id, month from public.month_close where reopened_at is null),
  now as (select c.id as close_id, m.isp_id, m.book, m.account, coalesce(sum(m.amount_minor) filter (where m.amount_minor > 0), 0)::bigint as debit_minor,
            coalesce(-sum(m.amount_minor) filter (where m.amount_minor < 0), 0)::bigint as credit_minor
          from public.book_movement m join closed c on c.month = date_trunc('month', m.at at time zone 'Africa/Nairobi')::date group by 1, 2, 3, 4),
  written as (select l.* from public.month_close_line l join closed c on c.id = l.close_id where l.debit_minor <> 0 or l.credit_minor <> 0)
  select coalesce(w.isp_id, n.isp_id) as tenant_id, coalesce(w.book, n.book) as book, coalesce(w.account, n.account) as account,
         w.debit_minor as debit_written, n.debit_minor as debit_now, w.credit_minor as credit_written, n.credit_minor as credit_now
  from written w full join now n using (close_id, isp_id, book, account)
  where (w.debit_minor, w.credit_minor) is distinct from (n.debit_minor, n.credit_minor);
-- What is written down of a closed month balances.
create view invariant.i76_closed_month_unbalanced with (security_invoker = true) as
  select l.close_id, sum(l.debit_minor) as debits, sum(l.credit_minor) as credits, sum(l.opening_minor) as opening from public.month_close_line l
  where l.book = 'LEDGER' group by 1 having sum(l.debit_minor) <> sum(l.credit_minor) or sum(l.opening_minor) <> 0;
grant select on invariant.i75_closed_month_changed, invariant.i76_closed_month_unbalanced to netily_platform;
