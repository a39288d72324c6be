-- Why the last run of settlements left an ISP: what cannot be told from the ISP's own rows, since it was the wallet, a cap, or what others
-- were paid. A row is gone as soon as the ISP is paid.
create table tenant.payout_left (
  tenant_id uuid primary key references public.isp (id),
  reason text not null,
  message text not null check (length(message) between 1 and 500),
  period text not null, -- the run that left it: the day after the period
  at timestamptz not null
);
select public.isolate('tenant.payout_left');
grant insert, update, delete on tenant.payout_left to netily_app;

-- The payment company wants a phone with each payment to a bank. Empty: the first owner's.
alter table tenant.payout_config add column contact_phone tenant.msisdn;
-- What was not paid for a reason of Netily's own is tried again within the day, anything else with the next one.
alter table tenant.settlement_attempt add column ours boolean not null default false;

-- What was left in the gateway's wallets, for a week: how fast they become empty.
create table public.float_reading (
  wallet text not null check (wallet in ('payments', 'service')),
  at timestamptz not null,
  left_minor bigint not null,
  primary key (wallet, at)
);
grant select, insert, delete on public.float_reading to netily_app;
grant select on public.float_reading to netily_platform;
