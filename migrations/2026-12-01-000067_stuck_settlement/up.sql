-- Asking for it again and again does not make it any younger: what counts is when it was sent.
create or replace view invariant.i24_stuck_settlement with (security_invoker = true) as
  select tenant_id, id, state from tenant.settlement
  where (state in ('PROCESSING', 'UNKNOWN') and sent_at < public.business_now() - interval '25 hours')
     or (state = 'NEEDS_REVIEW' and sent_at < public.business_now() - interval '96 hours');
