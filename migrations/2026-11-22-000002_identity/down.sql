drop table tenant.audit_event;
drop table tenant.registration_settings;
drop table tenant.branding;
drop table tenant.sign_in_failure;
drop table tenant.refresh_token;
drop table tenant.sign_in;
drop table tenant.user_account;
