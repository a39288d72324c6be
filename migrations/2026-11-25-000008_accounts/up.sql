-- Customers sign in too. Who was invited has no password yet; whom staff wrote down may have no e-mail address.
alter table tenant.user_account
  alter column email drop not null,
  alter column password_hash drop not null,
  drop constraint user_account_role_check,
  add constraint user_account_role_check check (role in ('CUSTOMER', 'STAFF', 'OWNER', 'OPERATOR')),
  add column lang text not null default 'en' check (lang in ('en', 'sw')),
  add constraint user_account_reachable check (email is not null or phone is not null);

-- Codes sent to a phone: one live code per purpose and phone, so a new one voids the old. Only a keyed hash is kept.
create table tenant.one_time_code (
  tenant_id uuid not null references public.isp (id),
  purpose text not null check (purpose in ('VERIFY_PHONE', 'RESET_PASSWORD', 'CHANGE_PHONE')),
  target text not null, -- the phone number or e-mail address that it is sent to
  code_hmac bytea not null,
  tries integer not null default 0,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  used_at timestamptz,
  primary key (tenant_id, purpose, target)
);
create index one_time_code_over on tenant.one_time_code (tenant_id, expires_at);
select public.isolate('tenant.one_time_code');
grant insert, update, delete on tenant.one_time_code to netily_app;

-- A try at a code: counted before it is compared, in one statement, so that any number of tries at once count one by one.
create function tenant.try_code(p_tenant uuid, p_purpose text, p_target text, p_hmac bytea, p_tries integer, p_now timestamptz) returns boolean language plpgsql as $$
declare used timestamptz;
begin
  update tenant.one_time_code set tries = tries + 1, used_at = case when code_hmac = p_hmac then p_now end
  where tenant_id = p_tenant and purpose = p_purpose and target = p_target and used_at is null and expires_at > p_now and tries < p_tries
  returning used_at into used;
  return used is not null;
end $$;

-- Links sent by e-mail, each good for one use.
create table tenant.link (
  tenant_id uuid not null,
  token_hash bytea not null,
  purpose text not null check (purpose in ('VERIFY_EMAIL', 'INVITATION')),
  user_id uuid not null,
  email text not null check (email = lower(email)),
  created_at timestamptz not null,
  expires_at timestamptz not null,
  used_at timestamptz,
  primary key (tenant_id, token_hash),
  foreign key (tenant_id, user_id) references tenant.user_account (tenant_id, id)
);
create index link_user on tenant.link (tenant_id, user_id);
select public.isolate('tenant.link');
grant insert, update, delete on tenant.link to netily_app;

-- Messages to people, written in the transaction of what they tell of and sent by a job. One that holds a code or a link is
-- sealed, and forgotten once it is sent.
create table tenant.message (
  tenant_id uuid not null references public.isp (id),
  id uuid not null,
  channel text not null check (channel in ('SMS', 'EMAIL')),
  template text not null,
  lang text not null check (lang in ('en', 'sw')),
  recipient text not null, -- phone number or e-mail address
  user_id uuid, -- whom it is for, when it is somebody with an account
  subject text not null default '',
  body text,
  body_sealed bytea,
  state text not null default 'QUEUED' check (state in ('QUEUED', 'SENT', 'DELIVERED', 'FAILED', 'EXPIRED')),
  attempts integer not null default 0,
  provider text not null default '',
  provider_id text not null default '',
  problem text not null default '',
  created_at timestamptz not null,
  expires_at timestamptz, -- of no use to anybody after that
  sent_at timestamptz,
  primary key (tenant_id, id)
);
create index message_newest on tenant.message (tenant_id, created_at desc, id desc);
create index message_user on tenant.message (tenant_id, user_id);
select public.isolate('tenant.message');
grant insert, update on tenant.message to netily_app;

-- Texts that an ISP wrote itself; without a row the built-in text is used.
create table tenant.message_template (
  tenant_id uuid not null references public.isp (id),
  template text not null,
  lang text not null check (lang in ('en', 'sw')),
  subject text not null default '',
  body text not null check (length(body) between 1 and 2000),
  updated_at timestamptz not null,
  primary key (tenant_id, template, lang)
);
select public.isolate('tenant.message_template');
grant insert, update, delete on tenant.message_template to netily_app;
