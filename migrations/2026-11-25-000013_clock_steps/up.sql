-- Takes one of `burst` tokens that refill every `refill`. Returns zero when taken, else how long to wait. A time that lies
-- further ahead than a whole bucket (and the few seconds by which two machines may differ) was written by a clock that has
-- been set back since: it counts for nothing, or nobody could buy until the clock is there again.
create or replace function public.take_token(k text, burst integer, refill interval, at timestamptz) returns interval language plpgsql as $$
declare wait interval;
begin
  insert into public.rate_limit as r (key, full_at) values (k, at + refill)
  on conflict (key) do update set full_at = case when r.full_at > at + refill * burst + interval '10 seconds' then at + refill else greatest(r.full_at, at) + refill end
    where greatest(r.full_at, at) - at <= refill * (burst - 1) or r.full_at > at + refill * burst + interval '10 seconds';
  if found then return interval '0'; end if;
  select full_at - at - refill * (burst - 1) into wait from public.rate_limit where key = k;
  return coalesce(wait, interval '0');
end $$;
