create or replace function public.take_token(k text, burst integer, refill interval, at timestamptz) returns interval language plpgsql as $$
declare wait interval;
begin
  insert into public.rate_limit as r (key, full_at) values (k, at + refill)
  on conflict (key) do update set full_at = greatest(r.full_at, at) + refill
    where greatest(r.full_at, at) - at <= refill * (burst - 1);
  if found then return interval '0'; end if;
  select full_at - at - refill * (burst - 1) into wait from public.rate_limit where key = k;
  return coalesce(wait, interval '0');
end $$;
