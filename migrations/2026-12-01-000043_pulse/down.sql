drop table public.pulse;
