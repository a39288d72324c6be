alter domain tenant.ledger_account drop constraint ledger_account_check;
alter domain tenant.ledger_account add constraint ledger_account_check check (value in ('GATEWAY_CLEARING', 'PLATFORM_REVENUE', 'SUBSCRIPTION_REVENUE', 'GATEWAY_FEES', 'SUSPENSE',
  'ISP_PAYABLE', 'PAYOUT_IN_TRANSIT', 'CUSTOMER_CREDIT', 'REFUNDS_PAYABLE')) not valid;
alter domain tenant.ledger_kind drop constraint ledger_kind_check;
alter domain tenant.ledger_kind add constraint ledger_kind_check check (value in ('PAYMENT_CREDIT', 'SUBSCRIPTION_CREDIT', 'PAYOUT_RESERVE', 'PAYOUT_SETTLE', 'PAYOUT_RELEASE',
  'PAYOUT_LATE_SUCCESS', 'GATEWAY_FEE', 'REFUND', 'REVERSAL', 'ADJUSTMENT', 'SUSPENSE')) not valid;
drop table public.approval;
drop index public.reconciliation_break_newest;
drop index public.reconciliation_break_open;
delete from public.reconciliation_break b using public.reconciliation_break other
  where b.kind = other.kind and b.reference = other.reference and b.id < other.id;
alter table public.reconciliation_break add constraint reconciliation_break_kind_reference_key unique (kind, reference);
