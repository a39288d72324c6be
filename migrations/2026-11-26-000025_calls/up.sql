-- Statements that are made many times a second, as functions: a call of a function is prepared once per connection, an UPDATE or a
-- query of one's own is prepared anew each time.
create function public.wake(p_payloads text[]) returns void language plpgsql as $$
begin
  perform pg_notify('netily', payload) from unnest(p_payloads) payload;
end $$;
grant execute on function public.wake(text[]) to netily_app;

create function tenant.look_again(p_tenant uuid, p_connection uuid, p_at timestamptz) returns void language plpgsql as $$
begin
  update tenant.connection set next_act_at = p_at where tenant_id = p_tenant and id = p_connection;
end $$;
grant execute on function tenant.look_again(uuid, uuid, timestamptz) to netily_app;
