-- Money that goes back to whoever paid: what the gateway took back by itself, and what Netily's people give back. Netily and the ISP each
-- lose their part, in proportion.
create table tenant.refund (
  tenant_id uuid not null,
  id uuid not null, -- made in the order of time; of its postings, and of the settlement that carries what the gateway pays
  kind text not null check (kind in ('REVERSAL', 'BY_HAND', 'GATEWAY')),
  payment_id uuid not null,
  amount_minor bigint not null check (amount_minor >= 0),
  commission_minor bigint not null check (commission_minor >= 0), -- Netily's part of it; all of what an ISP had paid for the platform
  isp_minor bigint not null check (isp_minor >= 0),
  excess_minor bigint not null default 0 check (excess_minor >= 0), -- taken by the gateway beyond what was left of the payment: Netily bears it
  reference text not null, -- what proves it, as the operator says
  row_name text not null default '', -- the gateway's row that it explains, as its break is called
  note text not null,
  operators uuid[] not null check (cardinality(operators) >= 1),
  request_id uuid not null,
  request_hash bytea not null,
  created_at timestamptz not null,
  primary key (tenant_id, id),
  unique (tenant_id, request_id),
  foreign key (tenant_id, payment_id) references tenant.payment (tenant_id, id),
  check (amount_minor = commission_minor + isp_minor),
  check (amount_minor > 0 or excess_minor > 0),
  check (kind = 'REVERSAL' or (excess_minor = 0 and row_name = ''))
);
create index refund_payment on tenant.refund (tenant_id, payment_id);
create index refund_newest on tenant.refund (created_at desc, id desc);
create unique index refund_row on tenant.refund (tenant_id, row_name) where row_name <> ''; -- a row of the gateway is booked once
create unique index refund_by_hand on tenant.refund (tenant_id, payment_id, reference) where kind = 'BY_HAND'; -- what was paid once is written down once
select public.isolate('tenant.refund');
grant insert on tenant.refund to netily_app;

-- What operators wrote goes when the person is forgotten; nothing else of it ever changes.
create function tenant.only_note_goes() returns trigger language plpgsql as $$
begin
  if tg_op = 'UPDATE' and new.note = '' then
    new.note := old.note;
    if new is not distinct from old then
      new.note := '';
      return new;
    end if;
  end if;
  raise exception '% is append-only', tg_table_name using errcode = '23001';
end $$;
create trigger only_note_goes before update or delete on tenant.refund for each row execute function tenant.only_note_goes();
grant update (note) on tenant.refund to netily_app;

-- How each stands: what the gateway pays has a settlement of the same id, anything else is done at once.
create view tenant.refund_seen with (security_invoker = true) as
  select r.tenant_id, r.id, r.kind, r.payment_id, r.amount_minor, r.commission_minor, r.isp_minor, r.excess_minor, r.reference, r.row_name, r.note, r.operators,
         r.created_at, coalesce(s.state, 'COMPLETED') as state, coalesce(s.receipt, '') as receipt, coalesce(s.phone, '') as phone,
         coalesce(s.failure_reason, '') as failure_reason, case when s.id is null then r.created_at else s.completed_at end as completed_at
  from tenant.refund r left join tenant.settlement s on s.tenant_id = r.tenant_id and s.id = r.id;
grant select on tenant.refund_seen to netily_app, netily_platform;

-- A customer's account loses what went back, and gets it again if it did not arrive: what was used stays used, so it may be below nothing.
alter domain tenant.customer_entry_kind drop constraint customer_entry_kind_check;
alter domain tenant.customer_entry_kind add constraint customer_entry_kind_check
  check (value in ('PAYMENT', 'CASH', 'INVOICE', 'RECHARGE', 'PRORATION', 'ADJUSTMENT', 'RETURN', 'VOID', 'WRITE_OFF', 'PAID_BACK', 'REFUND'));
do $$ declare c record; begin
  for c in select conname from pg_constraint where conrelid = 'tenant.customer_entry'::regclass and contype = 'c'
    and pg_get_constraintdef(oid) like '%PAYMENT%' and pg_get_constraintdef(oid) like '%(payment_id IS NOT NULL)%' loop
    execute format('alter table tenant.customer_entry drop constraint %I', c.conname);
  end loop;
end $$;
alter table tenant.customer_entry
  drop constraint customer_entry_sign,
  add constraint customer_entry_prompt check ((kind in ('PAYMENT', 'REFUND')) = (payment_id is not null)),
  add constraint customer_entry_sign
    check ((amount_minor < 0) = (kind in ('INVOICE', 'RECHARGE', 'VOID', 'PAID_BACK')) or kind in ('ADJUSTMENT', 'WRITE_OFF', 'REFUND'));
drop index tenant.customer_entry_payment;
create unique index customer_entry_payment on tenant.customer_entry (tenant_id, payment_id) where payment_id is not null and kind = 'PAYMENT'; -- a payment comes in once
create index customer_entry_refund on tenant.customer_entry (tenant_id, payment_id) where kind = 'REFUND';

-- What was bought by a payment that went back as a whole ends: the guest's session at once, or, where another payment of the same device has
-- its time in the same session, this payment's part of it. Gives the session that runs, its router and until when; nothing when it was over.
alter table tenant.hotspot_session add column taken_back_at timestamptz;
create type tenant.taken_back as (session uuid, router uuid, ends timestamptz);
create function tenant.take_back_session(p_tenant uuid, p_payment uuid, p_now timestamptz) returns tenant.taken_back language plpgsql as $$
declare bought tenant.hotspot_session; running tenant.hotspot_session; added bigint := 0; added_bytes bigint := 0; others bigint := 0;
begin
  perform from tenant.hotspot_session s where s.tenant_id = p_tenant and s.id in (
    select unnest(array[b.id, b.extends_session]) from tenant.hotspot_session b where b.tenant_id = p_tenant and b.payment_id = p_payment)
    order by s.id for update;
  select * into bought from tenant.hotspot_session s
    where s.tenant_id = p_tenant and s.payment_id = p_payment and s.status in ('PAID', 'ACTIVE') and s.taken_back_at is null;
  if not found then return null; end if;
  if bought.status = 'PAID' then
    update tenant.hotspot_session set status = 'EXPIRED', expires_at = p_now, taken_back_at = p_now, router_pending = true, router_error = null
      where tenant_id = p_tenant and id = bought.id;
    return row(bought.id, bought.router_id, p_now)::tenant.taken_back;
  end if;
  select * into running from tenant.hotspot_session s where s.tenant_id = p_tenant and s.id = coalesce(bought.extends_session, bought.id);
  if bought.extends_session is not null then
    added := bought.duration_seconds; added_bytes := bought.data_cap_bytes; others := 1;
    update tenant.hotspot_session set status = 'EXPIRED', expires_at = p_now, taken_back_at = p_now, router_pending = false
      where tenant_id = p_tenant and id = bought.id;
  else
    select count(*), sum(e.duration_seconds), coalesce(sum(e.data_cap_bytes), 0) into others, added, added_bytes from tenant.hotspot_session e
      where e.tenant_id = p_tenant and e.extends_session = bought.id and e.taken_back_at is null;
    added := running.duration_seconds - added; added_bytes := running.data_cap_bytes - added_bytes;
    update tenant.hotspot_session set taken_back_at = p_now where tenant_id = p_tenant and id = bought.id;
  end if;
  if running.status <> 'ACTIVE' then return null; end if;
  if others = 0 then
    running.expires_at := p_now;
  else
    running.expires_at := greatest(running.expires_at - make_interval(secs => added), p_now);
    running.duration_seconds := running.duration_seconds - added; running.data_cap_bytes := running.data_cap_bytes - added_bytes;
  end if;
  update tenant.hotspot_session set expires_at = running.expires_at, duration_seconds = running.duration_seconds, data_cap_bytes = running.data_cap_bytes,
    router_pending = true where tenant_id = p_tenant and id = running.id;
  return row(running.id, running.router_id, running.expires_at)::tenant.taken_back;
end $$;
create index hotspot_session_extension on tenant.hotspot_session (tenant_id, extends_session) where extends_session is not null;

-- What went back of a payment is shown with it.
create or replace view tenant.payment_seen with (security_invoker = true) as
  select p.tenant_id, p.id, false as offline, p.purpose::text as purpose, p.amount_minor::bigint as amount_minor, p.state::text as state, p.phone::text as phone,
         coalesce(p.mpesa_receipt, '') as receipt, p.failure_reason, p.created_at, p.completed_at, p.expires_at, c.customer_id, c.invoice_id, c.plan_id,
         (select coalesce(sum(r.amount_minor), 0)::bigint from tenant.refund_seen r where r.tenant_id = p.tenant_id and r.payment_id = p.id and r.state <> 'FAILED') as refunded_minor
  from tenant.payment p left join tenant.customer_payment c on c.tenant_id = p.tenant_id and c.payment_id = p.id
  union all
  select o.tenant_id, o.id, true, case when o.invoice_id is null then 'RECHARGE' else 'INVOICE' end, o.amount_minor,
         case when v.voided_at is not null then 'VOIDED' when o.needs_confirmation and y.confirmed_at is null then 'TO_CONFIRM' else 'SUCCEEDED' end, '',
         o.receipt_number, null, o.created_at, case when o.needs_confirmation and y.confirmed_at is null then null else o.received_at end, null,
         o.customer_id, o.invoice_id, o.plan_id, 0::bigint
  from tenant.offline_payment o
  left join tenant.offline_payment_void v on v.tenant_id = o.tenant_id and v.offline_payment_id = o.id
  left join tenant.offline_payment_confirmation y on y.tenant_id = o.tenant_id and y.offline_payment_id = o.id;

-- Rules that know of it now: what ISPs owe back after a reversal was paid from Netily's float, a payment comes into the account by its own
-- entry, and a refund may leave a balance below nothing.
create or replace view invariant.i16_global_cash with (security_invoker = true) as
  select clearing, rest from (select coalesce(sum(amount_minor) filter (where account = 'GATEWAY_CLEARING'), 0) clearing,
    coalesce(sum(amount_minor) filter (where account <> 'GATEWAY_CLEARING'), 0) rest,
    coalesce(sum(amount_minor) filter (where account in ('GATEWAY_FEES')), 0) fees,
    greatest(coalesce(sum(amount_minor) filter (where account in ('WRITE_OFFS', 'OWNER_FLOAT')), 0), 0) own,
    (select coalesce(sum(b.balance_minor), 0) from tenant.ledger_balance b where b.account = 'ISP_PAYABLE' and b.balance_minor > 0) owed_back from tenant.ledger_entry) x
  where clearing <> -rest or clearing + fees + own + owed_back < 0;
create or replace view invariant.i31_payment_not_in_account with (security_invoker = true) as
  select p.tenant_id, p.id from tenant.payment p where p.state = 'SUCCEEDED' and p.purpose in ('RECHARGE', 'INVOICE')
  and (select coalesce(sum(e.amount_minor), 0) from tenant.customer_entry e where e.tenant_id = p.tenant_id and e.payment_id = p.id and e.kind = 'PAYMENT') <> p.amount_minor;
create or replace view invariant.i61_balance_below_nothing with (security_invoker = true) as
  select a.tenant_id, a.customer_id, a.balance_minor from tenant.customer_account a
  where a.balance_minor < 0
  and a.balance_minor < (select coalesce(sum(e.amount_minor), 0) from tenant.customer_entry e
    where e.tenant_id = a.tenant_id and e.customer_id = a.customer_id and e.kind in ('VOID', 'ADJUSTMENT', 'REFUND'));

-- No payer gets more back than they paid, and nobody who did not. What the gateway paid after it had said that it did not is proven by its own
-- word, and people were told.
create view invariant.i63_refunded_more_than_paid with (security_invoker = true) as
  select r.tenant_id, r.payment_id, sum(r.amount_minor) as refunded, p.amount_minor as paid from tenant.refund_seen r
  join tenant.payment p on p.tenant_id = r.tenant_id and p.id = r.payment_id
  where r.state <> 'FAILED'
  and not exists (select from tenant.ledger_transaction t where t.tenant_id = r.tenant_id and t.kind = 'PAYOUT_LATE_SUCCESS' and t.reference = r.id)
  group by r.tenant_id, r.payment_id, p.amount_minor, p.state having sum(r.amount_minor) > p.amount_minor or p.state <> 'SUCCEEDED';
-- Netily gives its commission back in proportion, to the cent; each refund that failed may leave the rounding of one cent.
create view invariant.i64_refund_wrong_split with (security_invoker = true) as
  select tenant_id, payment_id, commission, wanted from (
    select r.tenant_id, r.payment_id, sum(r.commission_minor) filter (where r.state <> 'FAILED') as commission,
           case p.purpose when 'SUBSCRIPTION' then coalesce(sum(r.amount_minor) filter (where r.state <> 'FAILED'), 0)
             else public.fee_half_even(coalesce(sum(r.amount_minor) filter (where r.state <> 'FAILED'), 0)::bigint, p.commission_bps) end as wanted,
           count(*) filter (where r.state = 'FAILED' or exists (select from tenant.ledger_transaction t
             where t.tenant_id = r.tenant_id and t.kind = 'PAYOUT_RELEASE' and t.reference = r.id)) as failed
    from tenant.refund_seen r join tenant.payment p on p.tenant_id = r.tenant_id and p.id = r.payment_id
    group by r.tenant_id, r.payment_id, p.purpose, p.commission_bps) x
  where abs(coalesce(commission, 0) - wanted) > failed;
-- Each is in the books with its parts, nothing is owed to a payer that is neither paid nor on its way, and no posting is without its refund.
create view invariant.i65_refund_posting with (security_invoker = true) as
  select r.tenant_id, r.id, r.kind from tenant.refund r
  left join lateral (select sum(e.amount_minor) filter (where e.account in ('PLATFORM_REVENUE', 'SUBSCRIPTION_REVENUE')) as revenue,
      sum(e.amount_minor) filter (where e.account = 'ISP_PAYABLE') as payable, sum(e.amount_minor) filter (where e.account = 'GATEWAY_CLEARING') as clearing,
      sum(e.amount_minor) filter (where e.account = 'REFUNDS_PAYABLE') as refunds, sum(e.amount_minor) filter (where e.account = 'WRITE_OFFS') as excess
    from tenant.ledger_transaction t join tenant.ledger_entry e on e.tenant_id = t.tenant_id and e.transaction_id = t.id
    where t.tenant_id = r.tenant_id and t.reference = r.id and t.kind = case r.kind when 'REVERSAL' then 'REVERSAL' else 'REFUND' end) l on true
  left join lateral (select sum(e.amount_minor) as waiting from tenant.ledger_transaction t
    join tenant.ledger_entry e on e.tenant_id = t.tenant_id and e.transaction_id = t.id and e.account = 'REFUNDS_PAYABLE'
    where t.tenant_id = r.tenant_id and t.reference = r.id and t.kind in ('REFUND', 'REFUND_BY_HAND', 'PAYOUT_RESERVE')) w on true
  where (coalesce(l.revenue, 0), coalesce(l.payable, 0), coalesce(l.excess, 0)) <> (r.commission_minor, r.isp_minor, r.excess_minor)
     or case r.kind when 'REVERSAL' then coalesce(l.clearing, 0) <> -(r.amount_minor + r.excess_minor) else coalesce(l.refunds, 0) <> -r.amount_minor end
     or coalesce(w.waiting, 0) <> 0
  union all
  select t.tenant_id, t.reference, t.kind::text from tenant.ledger_transaction t
  where t.kind in ('REVERSAL', 'REFUND', 'REFUND_BY_HAND') and not exists (select from tenant.refund r where r.tenant_id = t.tenant_id and r.id = t.reference
    and case t.kind when 'REVERSAL' then r.kind = 'REVERSAL' when 'REFUND_BY_HAND' then r.kind = 'BY_HAND' else r.kind in ('BY_HAND', 'GATEWAY') end);
-- What goes back of a customer's payment leaves the customer's account, and comes back to it only if it did not arrive.
create view invariant.i66_refund_not_in_account with (security_invoker = true) as
  select p.tenant_id, p.id, coalesce(r.gone, 0) as gone, coalesce(e.taken, 0) as taken from tenant.payment p
  join (select tenant_id, payment_id from tenant.refund union select tenant_id, payment_id from tenant.customer_entry where kind = 'REFUND') o
    on o.tenant_id = p.tenant_id and o.payment_id = p.id
  left join lateral (select sum(r.amount_minor) as gone from tenant.refund_seen r where r.tenant_id = p.tenant_id and r.payment_id = p.id and r.state <> 'FAILED') r on true
  left join lateral (select -sum(e.amount_minor) as taken from tenant.customer_entry e where e.tenant_id = p.tenant_id and e.payment_id = p.id and e.kind = 'REFUND') e on true
  where coalesce(e.taken, 0) <> case when p.purpose in ('RECHARGE', 'INVOICE') then coalesce(r.gone, 0) else 0 end;
grant select on invariant.i63_refunded_more_than_paid, invariant.i64_refund_wrong_split, invariant.i65_refund_posting, invariant.i66_refund_not_in_account to netily_platform;
