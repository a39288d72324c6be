-- A session is in the index of what routers have to be told from the start, not from the payment on: so the payment changes no column of an
-- index, and writes one row instead of one row and its entry in each of five indexes. Whoever still pays is left out when a router is told.
alter table tenant.hotspot_session alter column router_pending set default true;
comment on column tenant.hotspot_session.router_pending is 'The router may differ from what this row wants, or will when it is paid.';
