alter table tenant.registration_settings
  drop constraint registration_settings_welcome_sms_template_check,
  drop constraint registration_settings_default_customer_status_check;
drop table tenant.code_sending;
drop table tenant.customer_search;
drop table tenant.customer;
drop function tenant.next_number(uuid, text);
drop table tenant.counter;
