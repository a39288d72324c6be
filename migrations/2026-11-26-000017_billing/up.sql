-- A plan's terms as they were sold: each change makes a new version, and whatever is sold names one. They are the price history.
alter table tenant.service_plan add column version integer not null default 1 check (version > 0);
create table tenant.service_plan_version (
  tenant_id uuid not null,
  plan_id uuid not null,
  version integer not null,
  name text not null,
  price_minor bigint not null,
  period_unit text not null,
  period_count integer not null,
  download_kbps integer not null,
  upload_kbps integer not null,
  data_cap_bytes bigint not null,
  router_profile text not null,
  valid_from timestamptz not null,
  primary key (tenant_id, plan_id, version),
  foreign key (tenant_id, plan_id) references tenant.service_plan (tenant_id, id)
);
select public.isolate('tenant.service_plan_version');
grant insert on tenant.service_plan_version to netily_app;
create trigger append_only before update or delete on tenant.service_plan_version for each row execute function tenant.append_only();

-- Written by the table itself, so that no way of changing a plan can forget it.
create function tenant.count_plan_version() returns trigger language plpgsql as $$
begin
  new.version := old.version;
  if (new.name, new.price_minor, new.period_unit, new.period_count, new.download_kbps, new.upload_kbps, new.data_cap_bytes, new.router_profile)
     is distinct from
     (old.name, old.price_minor, old.period_unit, old.period_count, old.download_kbps, old.upload_kbps, old.data_cap_bytes, old.router_profile) then
    new.version := old.version + 1;
  else
    new.changed_at := old.changed_at;
  end if;
  return new;
end $$;
create function tenant.keep_plan_version() returns trigger language plpgsql as $$
begin
  insert into tenant.service_plan_version (tenant_id, plan_id, version, name, price_minor, period_unit, period_count, download_kbps, upload_kbps, data_cap_bytes, router_profile, valid_from)
    values (new.tenant_id, new.id, new.version, new.name, new.price_minor, new.period_unit, new.period_count, new.download_kbps, new.upload_kbps, new.data_cap_bytes, new.router_profile, new.changed_at)
    on conflict do nothing;
  return null;
end $$;
alter table tenant.service_plan add column changed_at timestamptz; -- when its terms became what they are
update tenant.service_plan set changed_at = created_at;
alter table tenant.service_plan alter column changed_at set not null;
-- Forced row-level security would hide the rows from their owner.
alter table tenant.service_plan no force row level security;
alter table tenant.service_plan_version no force row level security;
insert into tenant.service_plan_version
  select tenant_id, id, version, name, price_minor, period_unit, period_count, download_kbps, upload_kbps, data_cap_bytes, router_profile, changed_at from tenant.service_plan;
alter table tenant.service_plan force row level security;
alter table tenant.service_plan_version force row level security;
create trigger count_version before update on tenant.service_plan for each row execute function tenant.count_plan_version();
create trigger keep_version after insert or update on tenant.service_plan for each row execute function tenant.keep_plan_version();

create domain tenant.connection_access as text check (value in ('PPPOE', 'HOTSPOT'));
create domain tenant.connection_billing as text check (value in ('PREPAID', 'INVOICED'));
create domain tenant.connection_status as text check (value in ('WAITING', 'ACTIVE', 'SUSPENDED', 'ENDED'));
create domain tenant.invoice_kind as text check (value in ('PERIOD', 'PRORATION', 'MANUAL'));
create domain tenant.invoice_status as text check (value in ('OPEN', 'PAID', 'VOID'));
create domain tenant.customer_entry_kind as text check (value in ('PAYMENT', 'CASH', 'INVOICE', 'RECHARGE', 'PRORATION', 'ADJUSTMENT', 'RETURN'));
create domain tenant.offline_method as text check (value in ('CASH', 'BANK', 'CHEQUE', 'OTHER'));

-- A customer's plan on a router: the line into the house. Until when it is paid is decided here and nowhere else.
create table tenant.connection (
  tenant_id uuid not null,
  id uuid not null,
  customer_id uuid not null,
  plan_id uuid not null,
  plan_version integer not null,
  billing tenant.connection_billing not null,
  status tenant.connection_status not null default 'WAITING', -- WAITING: nothing was paid for it yet
  suspended_reason text not null default '' check (suspended_reason in ('', 'UNPAID', 'STAFF')),
  suspended_note text not null default '', -- what staff wrote
  period_start timestamptz, -- of the period that is paid last
  paid_until timestamptz,
  anchor_day smallint check (anchor_day between 1 and 31), -- the day of the month on which monthly periods begin
  next_act_at timestamptz, -- when billing must look at it again
  access tenant.connection_access not null,
  router_id uuid, -- null: not installed yet
  username text,
  password_sealed bytea, -- encrypted, bound to this row
  installed_at timestamptz, -- when it first came on a router
  counts_from timestamptz, -- when its first paid period began: moved to its installation when that was later
  router_pending boolean not null default false, -- the router may differ from what this row wants
  router_asked bigint not null default 0, -- rises with each change that the router must be told of
  router_error text,
  request_id uuid,
  request_hash bytea,
  created_at timestamptz not null,
  ended_at timestamptz check ((ended_at is not null) = (status = 'ENDED')),
  primary key (tenant_id, id),
  unique (tenant_id, request_id),
  foreign key (tenant_id, customer_id) references tenant.customer (tenant_id, id),
  foreign key (tenant_id, plan_id, plan_version) references tenant.service_plan_version (tenant_id, plan_id, version),
  foreign key (tenant_id, router_id) references tenant.router (tenant_id, id),
  check ((period_start is null) = (paid_until is null) and (paid_until is null) = (anchor_day is null)),
  check (status <> 'WAITING' or paid_until is null),
  check ((suspended_reason <> '') = (status = 'SUSPENDED')),
  check (router_id is null or username is not null)
);
create unique index connection_one_live on tenant.connection (tenant_id, customer_id) where status <> 'ENDED';
create unique index connection_username on tenant.connection (tenant_id, router_id, username) where status <> 'ENDED';
create index connection_newest on tenant.connection (tenant_id, created_at desc, id desc);
create index connection_customer on tenant.connection (tenant_id, customer_id, created_at desc, id desc);
create index connection_pending on tenant.connection (tenant_id, router_id) where router_pending;
create index connection_due on tenant.connection (next_act_at, tenant_id) where next_act_at is not null;
select public.isolate('tenant.connection');
grant insert, update on tenant.connection to netily_app;

-- What a router still holds of connections that moved or ended, until it was reached and told.
create table tenant.connection_leftover (
  tenant_id uuid not null,
  router_id uuid not null,
  access tenant.connection_access not null,
  username text not null,
  created_at timestamptz not null,
  primary key (tenant_id, router_id, access, username),
  foreign key (tenant_id, router_id) references tenant.router (tenant_id, id)
);
select public.isolate('tenant.connection_leftover');
grant insert, delete on tenant.connection_leftover to netily_app;

-- What an ISP decides of its invoices.
create table tenant.billing_settings (
  tenant_id uuid not null primary key references public.isp (id),
  vat_bps integer not null default 0 check (vat_bps in (0, 1600)), -- contained in what is asked for
  vat_number text not null default '' check (length(vat_number) <= 20), -- the PIN of the revenue authority, printed on invoices
  invoice_note text not null default '' check (length(invoice_note) <= 500)
);
select public.isolate('tenant.billing_settings');
grant insert, update on tenant.billing_settings to netily_app;

create table tenant.invoice (
  tenant_id uuid not null,
  id uuid not null,
  number integer not null check (number > 0),
  invoice_number text not null, -- INV-000001
  customer_id uuid not null,
  connection_id uuid, -- whose period it is for
  kind tenant.invoice_kind not null,
  status tenant.invoice_status not null default 'OPEN',
  total_minor bigint not null check (total_minor > 0 and total_minor % 100 = 0),
  vat_bps integer not null,
  vat_minor bigint not null check (vat_minor >= 0 and vat_minor < total_minor), -- contained in the total
  paid_minor bigint not null default 0 check (paid_minor between 0 and total_minor),
  plan_id uuid,
  plan_version integer, -- the terms of the period
  period_start timestamptz,
  period_end timestamptz, -- half-open
  note text not null default '' check (length(note) <= 500),
  due_at timestamptz not null,
  reminded smallint not null default 0, -- reminders that were sent: 1 before, 2 on the day, 3 overdue
  issued_at timestamptz not null,
  paid_at timestamptz check ((paid_at is not null) = (status = 'PAID')),
  voided_at timestamptz check ((voided_at is not null) = (status = 'VOID')),
  void_reason text not null default '' check (length(void_reason) <= 500),
  request_id uuid,
  request_hash bytea,
  primary key (tenant_id, id),
  unique (tenant_id, number),
  unique (tenant_id, request_id),
  foreign key (tenant_id, customer_id) references tenant.customer (tenant_id, id),
  foreign key (tenant_id, connection_id) references tenant.connection (tenant_id, id),
  foreign key (tenant_id, plan_id, plan_version) references tenant.service_plan_version (tenant_id, plan_id, version),
  check ((status = 'PAID') = (paid_minor = total_minor)),
  check (status <> 'VOID' or paid_minor = 0), -- what was paid of it went back to the customer's balance
  check ((kind = 'PERIOD') = (period_start is not null) and (period_start is null) = (period_end is null) and (period_start is null) = (plan_version is null))
);
create unique index invoice_one_period on tenant.invoice (tenant_id, connection_id) where kind = 'PERIOD' and status = 'OPEN';
create index invoice_newest on tenant.invoice (tenant_id, issued_at desc, id desc);
create index invoice_customer on tenant.invoice (tenant_id, customer_id, issued_at desc, id desc);
create index invoice_open on tenant.invoice (tenant_id, customer_id, issued_at, id) where status = 'OPEN';
create index invoice_open_due on tenant.invoice (tenant_id, due_at, id) where status = 'OPEN';
select public.isolate('tenant.invoice');
grant insert, update on tenant.invoice to netily_app;

create table tenant.invoice_line (
  tenant_id uuid not null,
  invoice_id uuid not null,
  line smallint not null check (line > 0),
  description text not null check (length(description) between 1 and 200),
  quantity integer not null check (quantity > 0),
  unit_minor bigint not null,
  amount_minor bigint not null check (amount_minor = quantity * unit_minor),
  primary key (tenant_id, invoice_id, line),
  foreign key (tenant_id, invoice_id) references tenant.invoice (tenant_id, id)
);
select public.isolate('tenant.invoice_line');
grant insert on tenant.invoice_line to netily_app;
create trigger append_only before update or delete on tenant.invoice_line for each row execute function tenant.append_only();

-- Money that the ISP took itself. It never touches Netily's ledger and bears no commission.
create table tenant.offline_payment (
  tenant_id uuid not null,
  id uuid not null,
  number integer not null check (number > 0),
  receipt_number text not null, -- RCT-000001
  customer_id uuid not null,
  invoice_id uuid, -- which is paid first
  plan_id uuid,
  plan_version integer, -- the period that is paid
  amount_minor bigint not null check (amount_minor > 0),
  method tenant.offline_method not null,
  reference text not null default '' check (length(reference) <= 60), -- number of the cheque or transfer
  note text not null default '' check (length(note) <= 500),
  recorded_by text not null,
  received_at timestamptz not null,
  request_id uuid not null,
  request_hash bytea not null,
  created_at timestamptz not null,
  primary key (tenant_id, id),
  unique (tenant_id, number),
  unique (tenant_id, request_id),
  foreign key (tenant_id, customer_id) references tenant.customer (tenant_id, id),
  foreign key (tenant_id, invoice_id) references tenant.invoice (tenant_id, id),
  foreign key (tenant_id, plan_id, plan_version) references tenant.service_plan_version (tenant_id, plan_id, version)
);
create index offline_payment_customer on tenant.offline_payment (tenant_id, customer_id, id desc);
select public.isolate('tenant.offline_payment');
grant insert on tenant.offline_payment to netily_app;

-- For whom and for what a payment by prompt is. Its amount and fate stand in tenant.payment.
create table tenant.customer_payment (
  tenant_id uuid not null,
  payment_id uuid not null,
  customer_id uuid not null,
  invoice_id uuid,
  plan_id uuid,
  plan_version integer,
  started_by text not null check (started_by in ('CUSTOMER', 'STAFF')),
  primary key (tenant_id, payment_id),
  foreign key (tenant_id, payment_id) references tenant.payment (tenant_id, id),
  foreign key (tenant_id, customer_id) references tenant.customer (tenant_id, id),
  foreign key (tenant_id, invoice_id) references tenant.invoice (tenant_id, id),
  foreign key (tenant_id, plan_id, plan_version) references tenant.service_plan_version (tenant_id, plan_id, version),
  check (invoice_id is null or plan_id is null)
);
create index customer_payment_newest on tenant.customer_payment (tenant_id, customer_id, payment_id desc);
select public.isolate('tenant.customer_payment');
grant insert on tenant.customer_payment to netily_app;

-- What a customer has with the ISP: everything paid, less what it was used for. Locked first by whatever moves it.
create table tenant.customer_account (
  tenant_id uuid not null,
  customer_id uuid not null,
  balance_minor bigint not null default 0 check (balance_minor >= 0),
  primary key (tenant_id, customer_id),
  foreign key (tenant_id, customer_id) references tenant.customer (tenant_id, id)
) with (fillfactor = 80);
select public.isolate('tenant.customer_account');
grant insert, update on tenant.customer_account to netily_app;

-- Each movement of it: + came in, − was used. Immutable, like the ledger.
create table tenant.customer_entry (
  tenant_id uuid not null,
  id uuid not null, -- made in the order of time
  customer_id uuid not null,
  kind tenant.customer_entry_kind not null,
  amount_minor bigint not null check (amount_minor <> 0),
  payment_id uuid,
  offline_payment_id uuid,
  invoice_id uuid,
  connection_id uuid,
  note text not null default '',
  created_at timestamptz not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, customer_id) references tenant.customer_account (tenant_id, customer_id),
  foreign key (tenant_id, payment_id) references tenant.payment (tenant_id, id),
  foreign key (tenant_id, offline_payment_id) references tenant.offline_payment (tenant_id, id),
  foreign key (tenant_id, invoice_id) references tenant.invoice (tenant_id, id),
  foreign key (tenant_id, connection_id) references tenant.connection (tenant_id, id),
  check ((kind = 'PAYMENT') = (payment_id is not null)),
  check ((kind = 'CASH') = (offline_payment_id is not null)),
  check (kind not in ('INVOICE', 'RETURN') or invoice_id is not null),
  check (kind <> 'RECHARGE' or connection_id is not null),
  check ((amount_minor < 0) = (kind in ('INVOICE', 'RECHARGE')) or kind = 'ADJUSTMENT')
);
create unique index customer_entry_payment on tenant.customer_entry (tenant_id, payment_id) where payment_id is not null; -- a payment comes in once
create unique index customer_entry_offline on tenant.customer_entry (tenant_id, offline_payment_id) where offline_payment_id is not null;
create index customer_entry_customer on tenant.customer_entry (tenant_id, customer_id, id desc);
create index customer_entry_invoice on tenant.customer_entry (tenant_id, invoice_id) where invoice_id is not null;
select public.isolate('tenant.customer_entry');
grant insert on tenant.customer_entry to netily_app;
create trigger append_only before update or delete on tenant.customer_entry for each row execute function tenant.append_only();
create trigger append_only before update or delete on tenant.offline_payment for each row execute function tenant.append_only();
create trigger append_only before update or delete on tenant.customer_payment for each row execute function tenant.append_only();

-- One movement: the entry and the balance. A balance below nothing is refused by the table.
create function tenant.move_account(p_tenant uuid, p_id uuid, p_customer uuid, p_kind text, p_amount bigint, p_payment uuid, p_offline uuid, p_invoice uuid, p_connection uuid,
  p_note text, p_now timestamptz) returns bigint language plpgsql as $$
declare left_over bigint;
begin
  insert into tenant.customer_account as a (tenant_id, customer_id, balance_minor) values (p_tenant, p_customer, greatest(p_amount, 0))
    on conflict (tenant_id, customer_id) do update set balance_minor = a.balance_minor + p_amount returning balance_minor into left_over;
  insert into tenant.customer_entry (tenant_id, id, customer_id, kind, amount_minor, payment_id, offline_payment_id, invoice_id, connection_id, note, created_at)
    values (p_tenant, p_id, p_customer, p_kind, p_amount, p_payment, p_offline, p_invoice, p_connection, p_note, p_now);
  return left_over;
end $$;
