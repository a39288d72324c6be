drop table tenant.message_template;
drop table tenant.message;
drop table tenant.link;
drop function tenant.try_code(uuid, text, text, bytea, integer, timestamptz);
drop table tenant.one_time_code;
delete from tenant.user_account where email is null or password_hash is null or role = 'CUSTOMER';
alter table tenant.user_account
  drop constraint user_account_reachable,
  drop column lang,
  drop constraint user_account_role_check,
  add constraint user_account_role_check check (role in ('STAFF', 'OWNER', 'OPERATOR')),
  alter column password_hash set not null,
  alter column email set not null;
