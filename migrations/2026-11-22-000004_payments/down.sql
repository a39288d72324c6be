drop table public.reconciliation_break;
drop table public.webhook_delivery;
drop table public.gateway_key;
drop table tenant.payment_event;
drop table tenant.gateway_observation;
drop table tenant.payment;
drop function tenant.guard_payment();
drop table public.payment_transition;
