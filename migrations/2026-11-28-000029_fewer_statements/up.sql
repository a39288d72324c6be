-- Takes a token of each limit, or of none: gives the wait of each that was asked, of which only the last one can be more than zero, and then
-- those before it were given back. The wait is `take_token`'s.
create function public.take_tokens(p_keys text[], p_bursts integer[], p_refills interval[], p_at timestamptz) returns interval[] language plpgsql as $$
declare
  waits interval[] := '{}';
begin
  for i in 1 .. cardinality(p_keys) loop
    waits := waits || public.take_token(p_keys[i], p_bursts[i], p_refills[i], p_at);
    if waits[i] > interval '0' then
      perform public.give_tokens_back(p_keys[:i - 1], p_refills[:i - 1]);
      exit;
    end if;
  end loop;
  return waits;
end $$;

-- Gives tokens back that were taken: what they limit did not happen.
create function public.give_tokens_back(p_keys text[], p_refills interval[]) returns boolean language plpgsql as $$
begin
  for i in 1 .. cardinality(p_keys) loop
    update public.rate_limit set full_at = full_at - p_refills[i] where key = p_keys[i];
  end loop;
  return true;
end $$;

-- Adds words by which a customer is found.
create function tenant.add_words(p_tenant uuid, p_customer uuid, p_words text[]) returns boolean language plpgsql as $$
begin
  insert into tenant.customer_search (tenant_id, word, customer_id) select p_tenant, word, p_customer from unnest(p_words) word;
  return true;
end $$;

-- Makes this the code; the one before is void.
create function tenant.keep_code(p_tenant uuid, p_purpose text, p_target text, p_hmac bytea, p_now timestamptz, p_expires_at timestamptz) returns boolean language plpgsql as $$
begin
  insert into tenant.one_time_code as c (tenant_id, purpose, target, code_hmac, tries, created_at, expires_at)
    values (p_tenant, p_purpose, p_target, p_hmac, 0, p_now, p_expires_at)
  on conflict (tenant_id, purpose, target) do update
    set code_hmac = excluded.code_hmac, tries = 0, created_at = excluded.created_at, expires_at = excluded.expires_at, used_at = null;
  return true;
end $$;

-- Begins a sign-in, kept by a cookie or by a refresh token.
create function tenant.open_sign_in(p_tenant uuid, p_id uuid, p_user uuid, p_address text, p_user_agent text, p_cookie_hash bytea, p_refresh_hash bytea,
  p_refresh_until timestamptz, p_now timestamptz) returns boolean language plpgsql as $$
begin
  insert into tenant.sign_in (tenant_id, id, user_id, created_at, cookie_hash, last_used_at, address, user_agent)
    values (p_tenant, p_id, p_user, p_now, p_cookie_hash, p_now, p_address, p_user_agent);
  if p_refresh_hash is not null then
    insert into tenant.refresh_token (tenant_id, token_hash, sign_in_id, created_at, expires_at) values (p_tenant, p_refresh_hash, p_id, p_now, p_refresh_until);
  end if;
  return true;
end $$;

revoke execute on function public.take_tokens(text[], integer[], interval[], timestamptz), public.give_tokens_back(text[], interval[]),
  tenant.add_words(uuid, uuid, text[]), tenant.keep_code(uuid, text, text, bytea, timestamptz, timestamptz),
  tenant.open_sign_in(uuid, uuid, uuid, text, text, bytea, bytea, timestamptz, timestamptz) from public;
grant execute on function public.take_tokens(text[], integer[], interval[], timestamptz), public.give_tokens_back(text[], interval[]),
  tenant.add_words(uuid, uuid, text[]), tenant.keep_code(uuid, text, text, bytea, timestamptz, timestamptz),
  tenant.open_sign_in(uuid, uuid, uuid, text, text, bytea, bytea, timestamptz, timestamptz) to netily_app;
