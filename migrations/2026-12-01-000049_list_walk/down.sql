drop table public.list_walk;
