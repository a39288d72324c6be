-- A message may be queued again; how long it is tried counts from then.
alter table tenant.message add column queued_at timestamptz;
update tenant.message set queued_at = created_at;
alter table tenant.message alter column queued_at set not null;

create index message_by_state on tenant.message (tenant_id, state, created_at desc, id desc);
-- What is not forgotten yet, the oldest first.
create index message_kept on tenant.message (tenant_id, created_at) where recipient <> '';

-- A provider reports on a message by its own id and knows no ISP; a report may come before we know the id. Kept while reports come.
create table public.message_receipt (
  provider_id text primary key,
  isp_id uuid references public.isp (id),
  message_id uuid,
  outcome text check (outcome in ('DELIVERED', 'FAILED')),
  problem text not null default '',
  created_at timestamptz not null
);
create index message_receipt_oldest on public.message_receipt (created_at);
grant select, insert, update, delete on public.message_receipt to netily_app;
grant select on public.message_receipt to netily_platform;
