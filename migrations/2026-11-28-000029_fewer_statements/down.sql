drop function tenant.open_sign_in(uuid, uuid, uuid, text, text, bytea, bytea, timestamptz, timestamptz);
drop function tenant.keep_code(uuid, text, text, bytea, timestamptz, timestamptz);
drop function tenant.add_words(uuid, uuid, text[]);
drop function public.take_tokens(text[], integer[], interval[], timestamptz);
drop function public.give_tokens_back(text[], interval[]);
