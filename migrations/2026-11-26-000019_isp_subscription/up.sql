-- What an ISP pays Netily: one row each. The price of a plan is the server's; until when it is paid is decided here.
create table tenant.isp_subscription (
  tenant_id uuid not null primary key references public.isp (id),
  plan text not null check (plan in ('STARTER', 'PRO', 'ENTERPRISE')),
  cycle text not null check (cycle in ('MONTHLY', 'YEARLY')),
  trial boolean not null, -- nothing was paid yet
  period_start timestamptz not null,
  paid_until timestamptz not null check (paid_until > period_start),
  anchor_day smallint not null check (anchor_day between 1 and 31)
);
select public.isolate('tenant.isp_subscription');
grant insert, update on tenant.isp_subscription to netily_app;
alter table tenant.isp_subscription no force row level security;
insert into tenant.isp_subscription (tenant_id, plan, cycle, trial, period_start, paid_until, anchor_day)
  select id, 'STARTER', 'MONTHLY', true, now(), now() + interval '14 days', extract(day from now() at time zone 'Africa/Nairobi')
  from public.isp where id <> '00000000-0000-0000-0000-000000000000';
alter table tenant.isp_subscription force row level security;

-- What a payment of one is for.
create table tenant.subscription_payment (
  tenant_id uuid not null,
  payment_id uuid not null,
  plan text not null check (plan in ('STARTER', 'PRO', 'ENTERPRISE')),
  cycle text not null check (cycle in ('MONTHLY', 'YEARLY')),
  applied_at timestamptz,
  primary key (tenant_id, payment_id),
  foreign key (tenant_id, payment_id) references tenant.payment (tenant_id, id)
);
select public.isolate('tenant.subscription_payment');
grant insert, update on tenant.subscription_payment to netily_app;

-- All payments, those to Netily too: whoever lists payments to an ISP leaves them out.
create or replace view tenant.payment_seen with (security_invoker = true) as
  select p.tenant_id, p.id, false as offline, p.purpose::text as purpose, p.amount_minor::bigint as amount_minor, p.state::text as state, p.phone::text as phone,
         coalesce(p.mpesa_receipt, '') as receipt, p.failure_reason, p.created_at, p.completed_at, p.expires_at, c.customer_id, c.invoice_id, c.plan_id
  from tenant.payment p left join tenant.customer_payment c on c.tenant_id = p.tenant_id and c.payment_id = p.id
  union all
  select o.tenant_id, o.id, true, case when o.invoice_id is null then 'RECHARGE' else 'INVOICE' end, o.amount_minor, 'SUCCEEDED', '',
         o.receipt_number, null, o.created_at, o.received_at, null, o.customer_id, o.invoice_id, o.plan_id
  from tenant.offline_payment o;

create view invariant.i39_subscription_not_applied with (security_invoker = true) as
  select p.tenant_id, p.id from tenant.payment p left join tenant.subscription_payment s on s.tenant_id = p.tenant_id and s.payment_id = p.id
  where p.purpose = 'SUBSCRIPTION' and (p.state = 'SUCCEEDED') <> (s.applied_at is not null);
create view invariant.i40_subscription_with_commission with (security_invoker = true) as
  select t.tenant_id, t.id from tenant.ledger_transaction t join tenant.ledger_entry e on e.tenant_id = t.tenant_id and e.transaction_id = t.id
  where t.kind = 'SUBSCRIPTION_CREDIT' and e.account not in ('GATEWAY_CLEARING', 'SUBSCRIPTION_REVENUE');
grant select on invariant.i39_subscription_not_applied, invariant.i40_subscription_with_commission to netily_platform;
