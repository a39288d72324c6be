drop table public.float_reading;
alter table tenant.settlement_attempt drop column ours;
alter table tenant.payout_config drop column contact_phone;
drop table tenant.payout_left;
