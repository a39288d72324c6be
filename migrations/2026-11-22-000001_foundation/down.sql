-- The roles stay: other databases of the cluster may use them.
drop function public.take_token(text, integer, interval, timestamptz);
drop table public.rate_limit;
drop function public.ask_for_job(uuid, text, text, uuid, uuid, timestamptz, timestamptz);
drop table public.job;
drop table public.isp;
drop function public.isolate(regclass);
drop function public.business_now();
drop schema tenant;
