drop function tenant.session_paid(uuid, uuid, timestamptz);
drop table tenant.prompt_block;
drop table tenant.hotspot_session;
drop table tenant.hotspot_plan;
drop table tenant.router;
