-- A smaller plan that begins when what is paid is over; and which reminders of the present period were sent.
alter table tenant.isp_subscription
  add column next_plan text check (next_plan in ('STARTER', 'PRO', 'ENTERPRISE')),
  add column next_cycle text check (next_cycle in ('MONTHLY', 'YEARLY')),
  add column reminded smallint not null default 0,
  add constraint isp_subscription_next check ((next_plan is null) = (next_cycle is null));
create index isp_subscription_ending on tenant.isp_subscription (paid_until);
