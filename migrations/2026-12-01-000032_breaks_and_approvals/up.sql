-- A break is unique while it is open: what happens again after it was closed opens again.
alter table public.reconciliation_break drop constraint reconciliation_break_kind_reference_key;
create unique index reconciliation_break_open on public.reconciliation_break (kind, reference) where closed_at is null;
create index reconciliation_break_newest on public.reconciliation_break (opened_at desc, id desc);

-- Acts that need two operators, from the moment at which the first one asks.
create table public.approval (
  id uuid primary key,
  act text not null,
  subject text not null,
  isp_id uuid,
  amount_minor bigint,
  content jsonb not null, -- everything that is decided: the second operator says the same
  note text not null,
  asked_by uuid not null,
  asked_at timestamptz not null,
  approved_by uuid,
  approved_at timestamptz,
  withdrawn_by uuid,
  withdrawn_at timestamptz,
  check (approved_by is null or approved_by <> asked_by),
  check ((approved_by is null) = (approved_at is null) and (withdrawn_by is null) = (withdrawn_at is null)),
  check (approved_at is null or withdrawn_at is null)
);
create unique index approval_waiting on public.approval (act, subject) where approved_at is null and withdrawn_at is null;
grant select, insert, update on public.approval to netily_app;
grant select on public.approval to netily_platform;

-- Accounts and kinds of repairs. WRITE_OFFS: money that nobody owns. OWNER_FLOAT: what Netily put into the wallet itself, less what it took out.
alter domain tenant.ledger_kind drop constraint ledger_kind_check;
alter domain tenant.ledger_kind add constraint ledger_kind_check check (value in ('PAYMENT_CREDIT', 'SUBSCRIPTION_CREDIT', 'PAYOUT_RESERVE', 'PAYOUT_SETTLE',
  'PAYOUT_RELEASE', 'PAYOUT_LATE_SUCCESS', 'GATEWAY_FEE', 'REFUND', 'REVERSAL', 'ADJUSTMENT', 'SUSPENSE', 'SUSPENSE_RELEASE', 'WRITE_OFF', 'OWNER_MOVEMENT',
  'REFUND_BY_HAND', 'PAYOUT_ADOPTED', 'WITHDRAWAL_FEE')) not valid;
alter domain tenant.ledger_account drop constraint ledger_account_check;
alter domain tenant.ledger_account add constraint ledger_account_check check (value in ('GATEWAY_CLEARING', 'PLATFORM_REVENUE', 'SUBSCRIPTION_REVENUE', 'GATEWAY_FEES',
  'SUSPENSE', 'WRITE_OFFS', 'OWNER_FLOAT', 'ISP_PAYABLE', 'PAYOUT_IN_TRANSIT', 'CUSTOMER_CREDIT', 'REFUNDS_PAYABLE')) not valid;