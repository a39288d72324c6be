drop function tenant.look_again(uuid, uuid, timestamptz);
drop function public.wake(text[]);
