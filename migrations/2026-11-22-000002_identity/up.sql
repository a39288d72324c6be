-- People who sign in. Operators are the users of the platform's own row in public.isp.
create table tenant.user_account (
  tenant_id uuid not null references public.isp (id),
  id uuid not null,
  email text not null check (email = lower(email)),
  phone text check (phone ~ '^254[17][0-9]{8}$'),
  first_name text not null default '',
  last_name text not null default '',
  role text not null check (role in ('STAFF', 'OWNER', 'OPERATOR')),
  password_hash text not null,
  disabled_at timestamptz,
  created_at timestamptz not null,
  primary key (tenant_id, id),
  unique (tenant_id, email),
  unique (tenant_id, phone),
  check ((role = 'OPERATOR') = (tenant_id = '00000000-0000-0000-0000-000000000000'))
);
select public.isolate('tenant.user_account');
grant insert, update on tenant.user_account to netily_app;

-- One sign-in: the family of its refresh tokens.
create table tenant.sign_in (
  tenant_id uuid not null,
  id uuid not null,
  user_id uuid not null,
  created_at timestamptz not null,
  ended_at timestamptz,
  ended_reason text,
  primary key (tenant_id, id),
  foreign key (tenant_id, user_id) references tenant.user_account (tenant_id, id)
);
create index sign_in_user on tenant.sign_in (tenant_id, user_id);
select public.isolate('tenant.sign_in');
grant insert, update on tenant.sign_in to netily_app;

create table tenant.refresh_token (
  tenant_id uuid not null,
  token_hash bytea not null,
  sign_in_id uuid not null,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  used_at timestamptz,
  primary key (tenant_id, token_hash),
  foreign key (tenant_id, sign_in_id) references tenant.sign_in (tenant_id, id)
);
create index refresh_token_sign_in on tenant.refresh_token (tenant_id, sign_in_id);
select public.isolate('tenant.refresh_token');
grant insert, update, delete on tenant.refresh_token to netily_app;

-- Failed sign-ins in a row, per identifier tried, known or not.
create table tenant.sign_in_failure (
  tenant_id uuid not null,
  identifier_hash bytea not null,
  failures integer not null,
  locked_until timestamptz,
  last_at timestamptz not null,
  primary key (tenant_id, identifier_hash)
);
select public.isolate('tenant.sign_in_failure');
grant insert, update, delete on tenant.sign_in_failure to netily_app;

-- How the ISP looks to guests and customers.
create table tenant.branding (
  tenant_id uuid not null primary key references public.isp (id),
  display_name text not null,
  logo_url text not null default '',
  primary_color text not null default '#0b6e4f' check (primary_color ~ '^#[0-9a-f]{6}$'),
  welcome_title text not null default '',
  welcome_message text not null default '',
  support_phone text not null default '',
  support_email text not null default ''
);
select public.isolate('tenant.branding');
grant insert, update on tenant.branding to netily_app;

-- Rules of self-registration, named as the owner's document names them.
create table tenant.registration_settings (
  tenant_id uuid not null primary key references public.isp (id),
  allow_self_registration boolean not null default true,
  require_phone_verification boolean not null default true,
  require_email_verification boolean not null default false,
  require_id_number boolean not null default false,
  auto_approve_customers boolean not null default false,
  default_customer_status text not null default 'PENDING',
  welcome_sms_template text not null default ''
);
select public.isolate('tenant.registration_settings');
grant insert, update on tenant.registration_settings to netily_app;

-- Who did what: sign-ins, role changes, money acts by hand. Append-only.
create table tenant.audit_event (
  tenant_id uuid not null,
  id uuid not null,
  actor text not null,
  act text not null,
  subject text not null default '',
  facts jsonb not null default '{}',
  at timestamptz not null,
  primary key (tenant_id, id)
);
select public.isolate('tenant.audit_event');
grant insert on tenant.audit_event to netily_app;
