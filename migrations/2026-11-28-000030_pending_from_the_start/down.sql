comment on column tenant.hotspot_session.router_pending is null;
alter table tenant.hotspot_session alter column router_pending set default false;
update tenant.hotspot_session set router_pending = false where status in ('AWAITING_PAYMENT', 'FAILED');
