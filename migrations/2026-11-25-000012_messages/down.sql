drop table public.message_receipt;
drop index tenant.message_kept;
drop index tenant.message_by_state;
alter table tenant.message drop column queued_at;
