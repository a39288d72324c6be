-- Two paid prompts for one purchase: the second one adds its time and data to the session that runs, instead of running beside it.
alter table tenant.hotspot_session add column extends_session uuid, -- the session that has what was paid here
  add foreign key (tenant_id, extends_session) references tenant.hotspot_session (tenant_id, id);
-- Sessions that a device has at a router. Nothing that a payment writes is in it.
create index hotspot_session_device on tenant.hotspot_session (tenant_id, router_id, mac) where activated_at is not null and mac is not null and extends_session is null;

-- Adds what a paid session bought to the one of the same device and plan that runs, if there is one still. Gives until when that runs then;
-- nothing when there is none, and nothing was written. A session without end stays without end, and gets the data only.
create type tenant.extended as (session uuid, ends timestamptz, endless boolean, running_payment uuid);
create function tenant.extend_session(p_tenant uuid, p_id uuid, p_now timestamptz) returns tenant.extended language plpgsql as $$
declare paid tenant.hotspot_session; running tenant.hotspot_session;
begin
  -- In the order of ids, so that two of a device never wait for each other in a ring.
  perform from tenant.hotspot_session s where s.tenant_id = p_tenant and s.id in (
    select p_id union all
    select r.id from tenant.hotspot_session p join tenant.hotspot_session r on r.tenant_id = p.tenant_id and r.router_id = p.router_id and r.mac = p.mac
    where p.tenant_id = p_tenant and p.id = p_id and r.activated_at is not null and r.mac is not null and r.extends_session is null and r.status = 'ACTIVE')
    order by s.id for update;
  select * into paid from tenant.hotspot_session s where s.tenant_id = p_tenant and s.id = p_id and s.status = 'PAID' and s.mac is not null;
  if not found then return null; end if;
  select * into running from tenant.hotspot_session r
    where r.tenant_id = p_tenant and r.router_id = paid.router_id and r.mac = paid.mac and r.activated_at is not null and r.mac is not null
    and r.extends_session is null and r.status = 'ACTIVE' and r.plan_id = paid.plan_id and r.id <> p_id and (r.expires_at is null or r.expires_at > p_now)
    and (r.download_kbps, r.upload_kbps, r.shared_devices) = (paid.download_kbps, paid.upload_kbps, paid.shared_devices)
    and (r.data_cap_bytes = 0) = (paid.data_cap_bytes = 0) and (r.duration_seconds is null) = (paid.duration_seconds is null)
    order by r.expires_at desc nulls first limit 1;
  if not found then return null; end if;
  running.expires_at := running.expires_at + make_interval(secs => paid.duration_seconds);
  update tenant.hotspot_session set expires_at = running.expires_at, duration_seconds = duration_seconds + paid.duration_seconds,
    data_cap_bytes = data_cap_bytes + paid.data_cap_bytes, router_pending = true where tenant_id = p_tenant and id = running.id;
  update tenant.hotspot_session set status = 'ACTIVE', activated_at = p_now, expires_at = running.expires_at, router_pending = false, router_error = null,
    extends_session = running.id where tenant_id = p_tenant and id = p_id;
  return row(running.id, running.expires_at, running.expires_at is null, running.payment_id)::tenant.extended;
end $$;
