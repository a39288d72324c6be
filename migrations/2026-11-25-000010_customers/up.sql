-- Numbers without gaps, one row a name: the row stays locked until the transaction that took a number ends, and a number that
-- was taken in a transaction that failed was never taken.
create table tenant.counter (
  tenant_id uuid not null references public.isp (id),
  name text not null,
  value bigint not null,
  primary key (tenant_id, name)
);
select public.isolate('tenant.counter');
grant insert, update on tenant.counter to netily_app;

-- A function, so that its plan is kept.
create function tenant.next_number(p_tenant uuid, p_name text) returns bigint language plpgsql as $$
declare taken bigint;
begin
  insert into tenant.counter as c (tenant_id, name, value) values (p_tenant, p_name, 1)
  on conflict (tenant_id, name) do update set value = c.value + 1 returning value into taken;
  return taken;
end $$;

-- Customers: people of an ISP who have home internet or ask for it. Each has an account to sign in with, whose password is
-- missing for whom staff wrote down until they choose one.
create table tenant.customer (
  tenant_id uuid not null references public.isp (id),
  id uuid not null,
  user_id uuid not null,
  number integer not null check (number > 0),
  customer_code text not null,
  status text not null check (status in ('PENDING', 'ACTIVE', 'SUSPENDED', 'REJECTED', 'CLOSED')),
  status_reason text not null default '', -- why staff rejected or suspended
  id_number text, -- national id card, when the ISP asks for it
  registered_by text not null check (registered_by in ('SELF', 'STAFF')),
  phone_verified_at timestamptz,
  email_verified_at timestamptz,
  approved_at timestamptz, -- when it first became ACTIVE
  closed_at timestamptz check ((closed_at is not null) = (status = 'CLOSED')),
  erased_at timestamptz, -- since when the personal fields are gone
  request_id uuid not null,
  request_hash bytea not null,
  created_at timestamptz not null,
  primary key (tenant_id, id),
  unique (tenant_id, user_id),
  unique (tenant_id, number),
  unique (tenant_id, customer_code),
  unique (tenant_id, request_id),
  foreign key (tenant_id, user_id) references tenant.user_account (tenant_id, id)
);
create index customer_newest on tenant.customer (tenant_id, created_at desc, id desc);
create index customer_status on tenant.customer (tenant_id, status, created_at desc, id desc);
select public.isolate('tenant.customer');
grant insert, update on tenant.customer to netily_app;

-- The words by which staff find a customer: name, phone (254… and 07…), code, e-mail, in small letters and without accents.
-- Under row-level security only leakproof operators reach an index, so a prefix is a range of this key.
create table tenant.customer_search (
  tenant_id uuid not null,
  word text collate "C" not null,
  customer_id uuid not null,
  primary key (tenant_id, word, customer_id),
  foreign key (tenant_id, customer_id) references tenant.customer (tenant_id, id)
);
create index customer_search_customer on tenant.customer_search (tenant_id, customer_id);
select public.isolate('tenant.customer_search');
grant insert, delete on tenant.customer_search to netily_app;

-- When codes were sent to a phone within the last day, newest first: an exact count, which a rate limit is not. The row is locked
-- while it is looked at.
create table tenant.code_sending (
  tenant_id uuid not null references public.isp (id),
  phone text not null check (phone ~ '^254[17][0-9]{8}$'),
  sent_at timestamptz[] not null,
  last_at timestamptz not null,
  primary key (tenant_id, phone)
);
create index code_sending_over on tenant.code_sending (tenant_id, last_at);
select public.isolate('tenant.code_sending');
grant insert, update, delete on tenant.code_sending to netily_app;

-- Nobody begins as refused or gone.
alter table tenant.registration_settings
  add constraint registration_settings_default_customer_status_check check (default_customer_status in ('PENDING', 'ACTIVE', 'SUSPENDED')),
  add constraint registration_settings_welcome_sms_template_check check (length(welcome_sms_template) <= 480);
