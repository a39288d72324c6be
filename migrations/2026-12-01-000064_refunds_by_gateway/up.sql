-- What a payer gets back by the gateway is a settlement of a kind of its own: one request, ever, its money set aside before anything is sent, and
-- nothing releases it but proof. Its id is the refund's; any number of them may be open at once.
alter table tenant.settlement
  drop constraint settlement_kind_check,
  add constraint settlement_kind_check check (kind in ('SETTLEMENT', 'TEST', 'REFUND')),
  drop constraint settlement_check,
  add constraint settlement_check check (kind <> 'SETTLEMENT' or carried_in_minor + credited_minor = amount_minor + carried_out_minor);
alter table public.settlement_amount
  drop constraint settlement_amount_kind_check,
  add constraint settlement_amount_kind_check check (kind in ('SETTLEMENT', 'TEST', 'REFUND'));
drop index tenant.settlement_one_open;
create unique index settlement_one_open on tenant.settlement (tenant_id, kind) where state in ('PENDING', 'PROCESSING', 'UNKNOWN', 'NEEDS_REVIEW') and kind <> 'REFUND';

-- Refunds count in what may leave in a day.
create or replace function public.given_out(p_isp uuid, p_since timestamptz) returns bigint[] language plpgsql stable as $$
begin
  return (select array[coalesce(sum(a.amount_minor) filter (where a.isp_id = p_isp), 0)::bigint, coalesce(sum(a.amount_minor), 0)::bigint]
    from public.settlement_amount a where a.reserved_at >= p_since and a.kind <> 'TEST');
end $$;

create or replace function tenant.guard_settlement() returns trigger language plpgsql as $$
begin
  if tg_op = 'UPDATE' then
    if (new.kind, new.period, new.part, new.amount_minor, new.phone, new.bank_code, new.account, new.external_reference)
       is distinct from (old.kind, old.period, old.part, old.amount_minor, old.phone, old.bank_code, old.account, old.external_reference)
       -- The phone of a payer who is forgotten goes, once the refund has ended.
       and not (old.kind = 'REFUND' and new.phone = '' and new.state = old.state and old.state in ('COMPLETED', 'FAILED')
         and (new.kind, new.period, new.part, new.amount_minor, new.bank_code, new.account, new.external_reference)
           is not distinct from (old.kind, old.period, old.part, old.amount_minor, old.bank_code, old.account, old.external_reference)) then
      raise exception 'settlement %: what is paid to whom never changes', new.id using errcode = '23514';
    end if;
    if new.state = old.state then return new; end if;
    if not public.settlement_may_go(old.state, new.state) then
      raise exception 'settlement %: illegal transition % -> %', new.id, old.state, new.state using errcode = '23514';
    end if;
    if new.state = 'PROCESSING' and not exists (
      select from tenant.settlement_attempt where tenant_id = new.tenant_id and settlement_id = new.id and outcome = 'IN_FLIGHT') then
      raise exception 'settlement %: no attempt was written', new.id using errcode = '23514';
    end if;
    if new.state = 'COMPLETED' and not exists (
      select from tenant.gateway_observation where tenant_id = new.tenant_id and payment_id = new.id and status = 'SUCCESS') then
      raise exception 'settlement %: no observation of success', new.id using errcode = '23514';
    end if;
    if new.state = 'FAILED' and not tenant.settlement_not_paid(new.tenant_id, new.id) then
      raise exception 'settlement %: not provably unpaid', new.id using errcode = '23514';
    end if;
  end if;
  insert into tenant.settlement_event (tenant_id, settlement_id, from_state, to_state)
    values (new.tenant_id, new.id, case when tg_op = 'UPDATE' then old.state end, new.state);
  return new;
end $$;

-- What an ISP gave for a refund, and had again, is its own.
create or replace view invariant.i15_isp_conservation with (security_invoker = true) as
  select tenant_id, coalesce(c.credited, 0) as credited, coalesce(s.paid, 0) as paid, coalesce(s.open, 0) as open, -coalesce(b.balance_minor, 0) as owed
  from (select t.tenant_id, -sum(e.amount_minor) as credited from tenant.ledger_entry e
        join tenant.ledger_transaction t on t.tenant_id = e.tenant_id and t.id = e.transaction_id
        where e.account = 'ISP_PAYABLE' and (t.kind not in ('PAYOUT_RESERVE', 'PAYOUT_SETTLE', 'PAYOUT_RELEASE', 'PAYOUT_LATE_SUCCESS')
          or exists (select from tenant.refund r where r.tenant_id = t.tenant_id and r.id = t.reference)) group by 1) c
  full join (select tenant_id, coalesce(sum(amount_minor) filter (where state = 'COMPLETED'), 0) as paid,
               coalesce(sum(amount_minor) filter (where state in ('PENDING', 'PROCESSING', 'UNKNOWN', 'NEEDS_REVIEW')), 0) as open
             from tenant.settlement where kind = 'SETTLEMENT' group by 1) s using (tenant_id)
  full join (select tenant_id, balance_minor from tenant.ledger_balance where account = 'ISP_PAYABLE') b using (tenant_id)
  where coalesce(c.credited, 0) <> coalesce(s.paid, 0) + coalesce(s.open, 0) - coalesce(b.balance_minor, 0);
create or replace view invariant.i65_refund_posting with (security_invoker = true) as
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
    and case t.kind when 'REVERSAL' then r.kind = 'REVERSAL' when 'REFUND_BY_HAND' then r.kind = 'BY_HAND' else r.kind in ('BY_HAND', 'GATEWAY') end)
  union all
  -- What the gateway pays is one settlement of the same id and amount, and no settlement gives back what nobody decided.
  select coalesce(r.tenant_id, s.tenant_id), coalesce(r.id, s.id), 'GATEWAY' from (select * from tenant.refund where kind = 'GATEWAY') r
  full join (select * from tenant.settlement where kind = 'REFUND') s on s.tenant_id = r.tenant_id and s.id = r.id
  where r.amount_minor is distinct from s.amount_minor;
