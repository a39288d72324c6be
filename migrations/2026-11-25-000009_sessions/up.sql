-- Where a sign-in came from and when it was last used. A browser's is kept by a cookie, of which only a hash is here.
alter table tenant.sign_in
  add column cookie_hash bytea,
  add column address text not null default '',
  add column user_agent text not null default '',
  add column last_used_at timestamptz not null default now();
alter table tenant.sign_in alter column last_used_at drop default;
create unique index sign_in_cookie on tenant.sign_in (tenant_id, cookie_hash) where cookie_hash is not null;
create index sign_in_over on tenant.sign_in (tenant_id, last_used_at);
grant delete on tenant.sign_in to netily_app;

-- A used token and this make the token that took its place, so that an answer that got lost can be given again.
alter table tenant.refresh_token add column successor_salt bytea;
create index refresh_token_over on tenant.refresh_token (tenant_id, expires_at);

-- Staff are invited. Customers have requests of their own.
alter table tenant.user_account
  add column invited_at timestamptz,
  add column request_id uuid,
  add column request_hash bytea;
create unique index user_account_request on tenant.user_account (tenant_id, request_id) where request_id is not null;
create index user_account_staff on tenant.user_account (tenant_id, created_at desc, id desc) where role <> 'CUSTOMER';

alter table public.isp
  add column suspended_at timestamptz,
  add column suspended_reason text not null default '';

-- Keys that sign access tokens, sealed. The newest signs. Those of the environment are older than all of these.
create table public.token_key (
  id uuid primary key,
  secret_sealed bytea not null,
  created_at timestamptz not null
);
grant select, insert, update, delete on public.token_key to netily_app;

create index audit_event_newest on tenant.audit_event (tenant_id, at desc, id desc);
create index audit_event_newest_of_all on tenant.audit_event (at desc, id desc);
