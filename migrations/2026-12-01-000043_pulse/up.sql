-- Whether the past is known. Workers write the pulse every few seconds; a gap in it may be a restored backup, or a primary whose last minutes
-- were lost: until the gateway's list was compared, nothing is paid.
create table public.pulse (
  id boolean primary key default true check (id),
  beat bigint not null default 0, -- one that a worker remembers and the database does not: history was lost
  at timestamptz, -- by the workers' clock; null: no worker ever was there
  written_at timestamptz, -- by the database's clock, which measures the gap
  gap_seconds integer not null default 30 check (gap_seconds > 0), -- as the workers are configured
  uncertain_from timestamptz, -- the last moment that is known; null: the past is certain
  uncertain_at timestamptz, -- when that was noticed
  check ((uncertain_from is null) = (uncertain_at is null) and (at is null) = (written_at is null))
);
-- Where something was paid before there was a pulse, the first worker compares.
insert into public.pulse (at, written_at) select max(reserved_at), max(reserved_at) from public.settlement_amount;
grant select, update on public.pulse to netily_app;
grant select on public.pulse to netily_platform;
