-- How far the gateway's list of transactions was read. A walk goes from the newest row back to what the one before it saw, page by page;
-- where it stands is kept, so that it may take many runs of its job. RECENT: since the last one. NIGHTLY: the last three days once more.
create table public.list_walk (
  kind text primary key check (kind in ('RECENT', 'NIGHTLY')),
  read_until timestamptz, -- every row of before then was seen by a walk that came to its end
  completed_at timestamptz, -- when the last walk came to its end
  incomplete_since timestamptz, -- since when none has
  -- The walk that is under way; null: none is.
  begun_at timestamptz,
  since timestamptz,
  page bigint,
  count bigint,
  backwards boolean not null default false,
  check ((begun_at is null) = (since is null) and (begun_at is null) = (page is null))
);
insert into public.list_walk (kind) values ('RECENT'), ('NIGHTLY');
grant select, update on public.list_walk to netily_app;
grant select on public.list_walk to netily_platform;
