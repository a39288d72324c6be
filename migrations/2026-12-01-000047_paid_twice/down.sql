drop function tenant.extend_session(uuid, uuid, timestamptz);
drop type tenant.extended;
drop index tenant.hotspot_session_device;
alter table tenant.hotspot_session drop column extends_session;
