-- Rules that hold at any instant: each view must be empty. Numbers keep their place over the project's life, so gaps
-- are rules of parts that are not built here (settlement).
create schema invariant;
grant usage on schema invariant to netily_platform;

create view invariant.i01_unbalanced as
  select tenant_id, transaction_id, sum(amount_minor) total from tenant.ledger_entry group by 1, 2 having sum(amount_minor) <> 0;
create view invariant.i02_too_few_lines as
  select t.tenant_id, t.id from tenant.ledger_transaction t left join tenant.ledger_entry e on e.tenant_id = t.tenant_id and e.transaction_id = t.id
  group by 1, 2 having count(e.*) < 2;
create view invariant.i03_balance_drift as
  select tenant_id, account, b.balance_minor, s.total from tenant.ledger_balance b
  full join (select tenant_id, account, sum(amount_minor) total from tenant.ledger_entry
             where account in ('ISP_PAYABLE', 'PAYOUT_IN_TRANSIT', 'CUSTOMER_CREDIT', 'REFUNDS_PAYABLE') group by 1, 2) s using (tenant_id, account)
  where coalesce(b.balance_minor, 0) <> coalesce(s.total, 0);
create view invariant.i04_success_not_credited as
  select p.tenant_id, p.id from tenant.payment p where p.state = 'SUCCEEDED'
  and (select count(*) from tenant.ledger_transaction t where t.tenant_id = p.tenant_id and t.reference = p.id
       and t.kind = case p.purpose when 'SUBSCRIPTION' then 'SUBSCRIPTION_CREDIT' else 'PAYMENT_CREDIT' end) <> 1;
create view invariant.i05_credit_without_success as
  select t.tenant_id, t.id, t.reference from tenant.ledger_transaction t left join tenant.payment p on p.tenant_id = t.tenant_id and p.id = t.reference
  where t.kind in ('PAYMENT_CREDIT', 'SUBSCRIPTION_CREDIT') and p.state is distinct from 'SUCCEEDED';
create view invariant.i06_wrong_split as
  select t.tenant_id, t.id from tenant.ledger_transaction t
  join tenant.payment p on p.tenant_id = t.tenant_id and p.id = t.reference
  join tenant.ledger_entry e on e.tenant_id = t.tenant_id and e.transaction_id = t.id
  where t.kind = 'PAYMENT_CREDIT' group by 1, 2, p.amount_minor, p.commission_bps
  having coalesce(sum(e.amount_minor) filter (where e.account = 'GATEWAY_CLEARING'), 0) <> p.amount_minor
      or coalesce(sum(e.amount_minor) filter (where e.account = 'PLATFORM_REVENUE'), 0) <> -public.fee_half_even(p.amount_minor, p.commission_bps)
      or coalesce(sum(e.amount_minor) filter (where e.account = 'ISP_PAYABLE'), 0) <> -(p.amount_minor - public.fee_half_even(p.amount_minor, p.commission_bps));
create view invariant.i07_receipt_reused as
  select mpesa_receipt, count(*) uses from tenant.payment where mpesa_receipt is not null group by 1 having count(*) > 1;
create view invariant.i12_overpaid_isp as
  select tenant_id, balance_minor from tenant.ledger_balance b where account = 'ISP_PAYABLE' and balance_minor > 0
  and not exists (select from tenant.ledger_transaction t where t.tenant_id = b.tenant_id and t.kind in ('PAYOUT_LATE_SUCCESS', 'REVERSAL'));
create view invariant.i16_global_cash as
  select clearing, rest from (select coalesce(sum(amount_minor) filter (where account = 'GATEWAY_CLEARING'), 0) clearing,
    coalesce(sum(amount_minor) filter (where account <> 'GATEWAY_CLEARING'), 0) rest from tenant.ledger_entry) x where clearing <> -rest or clearing < 0;
create view invariant.i17_credit_unverified as
  select t.tenant_id, t.reference from tenant.ledger_transaction t where t.kind in ('PAYMENT_CREDIT', 'SUBSCRIPTION_CREDIT')
  and not exists (select from tenant.gateway_observation o where o.tenant_id = t.tenant_id and o.payment_id = t.reference and o.status = 'SUCCESS');
create view invariant.i18_success_seen_not_applied as
  select o.tenant_id, o.payment_id from tenant.gateway_observation o join tenant.payment p on p.tenant_id = o.tenant_id and p.id = o.payment_id
  where o.status = 'SUCCESS' and o.observed_at < public.business_now() - interval '5 minutes' and p.state <> 'SUCCEEDED'
  and not exists (select from public.reconciliation_break b where b.reference = p.id::text and b.closed_at is null); -- quarantined: a human has it
create view invariant.i20_illegal_transition as
  select e.tenant_id, e.payment_id, e.from_state, e.to_state from tenant.payment_event e where e.from_state is not null
  and not exists (select from public.payment_transition r where r.from_state = e.from_state and r.to_state = e.to_state);
create view invariant.i21_success_without_delivery as
  select p.tenant_id, p.id from tenant.payment p where p.state = 'SUCCEEDED' and p.purpose = 'HOTSPOT'
  and not exists (select from tenant.hotspot_session s where s.tenant_id = p.tenant_id and s.payment_id = p.id and s.status in ('PAID', 'ACTIVE', 'EXPIRED'));
create view invariant.i22_cross_tenant_entry as
  select e.tenant_id, e.transaction_id from tenant.ledger_entry e
  where not exists (select from tenant.ledger_transaction t where t.tenant_id = e.tenant_id and t.id = e.transaction_id);
create view invariant.i23_stuck_payment as
  select tenant_id, id from tenant.payment p where state in ('SUBMITTING', 'PENDING', 'UNKNOWN') and created_at < public.business_now() - interval '72 hours'
  and not exists (select from public.reconciliation_break b where b.reference = p.id::text and b.closed_at is null);
create view invariant.i25_webhook_stale as
  select id from public.webhook_delivery where state = 'RECEIVED' and received_at < public.business_now() - interval '15 minutes';
create view invariant.i26_break_unattended as
  select id, kind, reference from public.reconciliation_break where closed_at is null and opened_at < public.business_now() - interval '24 hours';
create view invariant.i27_lease_leak as
  select tenant_id, id from tenant.payment where state = 'SUBMITTING' and (claim_until is null or claim_until < public.business_now() - interval '10 minutes');
create view invariant.i28_applied_without_check as
  select w.id from public.webhook_delivery w where w.state = 'APPLIED'
  and not exists (select from tenant.gateway_observation o where o.tenant_id = w.isp_id and o.payment_id = w.payment_id and o.observed_at >= w.received_at);
create view invariant.i29_paid_not_delivered as
  select s.tenant_id, s.id from tenant.hotspot_session s join tenant.payment p on p.tenant_id = s.tenant_id and p.id = s.payment_id
  where s.status in ('PAID', 'ACTIVE', 'EXPIRED') and p.state <> 'SUCCEEDED';

-- Views run with the rights of who asks: netily_platform, the one role that sees every tenant's rows.
do $$ declare v record; begin
  for v in select viewname from pg_views where schemaname = 'invariant' loop
    execute format('alter view invariant.%I set (security_invoker = true)', v.viewname);
    execute format('grant select on invariant.%I to netily_platform', v.viewname);
  end loop;
end $$;

create function invariant.violations() returns table (invariant text, broken bigint, example text) language plpgsql stable as $$
declare v record;
begin
  for v in select viewname from pg_views where schemaname = 'invariant' order by 1 loop
    execute format('select count(*), (min(to_jsonb(x)::text)) from invariant.%I x', v.viewname) into broken, example;
    if broken > 0 then invariant := v.viewname; return next; end if;
  end loop;
end $$;
create function invariant.names() returns setof text language sql stable as
  $$ select viewname::text from pg_views where schemaname = 'invariant' order by 1 $$;
grant execute on function invariant.violations(), invariant.names() to netily_platform;
