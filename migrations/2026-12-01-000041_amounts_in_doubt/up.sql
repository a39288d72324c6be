-- Two payouts may have one amount, unless it is not known of one of them whether the gateway took it: then a row of the gateway's list,
-- which does not show our reference, is told by amount and moment. So what is in doubt is kept beside the amount, over all ISPs.

-- NONE: the gateway's reference is known, it ended, or it was never sent. SENDING: its one request is on the way, or whoever sent it died.
-- UNKNOWN: it was sent, and nobody knows whether the gateway took it.
create function public.settlement_doubt(p_state text, p_reference text) returns text language sql immutable parallel safe as $$
  select case when p_reference is not null then 'NONE' when p_state = 'PROCESSING' then 'SENDING' when p_state in ('UNKNOWN', 'NEEDS_REVIEW') then 'UNKNOWN' else 'NONE' end
$$;

alter table public.settlement_amount
  add column doubt text not null default 'NONE' check (doubt in ('NONE', 'SENDING', 'UNKNOWN')),
  add column sent_at timestamptz,
  add check (doubt = 'NONE' or sent_at is not null);
-- As many rows as are in doubt at this moment, however long the history is.
create index settlement_amount_doubt on public.settlement_amount (amount_minor) where doubt <> 'NONE';
grant update (doubt, sent_at) on public.settlement_amount to netily_app;

create function tenant.keep_doubt() returns trigger language plpgsql as $$
begin
  update public.settlement_amount set doubt = public.settlement_doubt(new.state, new.gateway_reference), sent_at = new.sent_at where settlement_id = new.id;
  return null;
end $$;
create trigger keep_doubt after update on tenant.settlement for each row
  when (new.sent_at is distinct from old.sent_at
    or public.settlement_doubt(new.state, new.gateway_reference) is distinct from public.settlement_doubt(old.state, old.gateway_reference))
  execute function tenant.keep_doubt();

alter table tenant.settlement no force row level security;
update public.settlement_amount a set doubt = public.settlement_doubt(s.state, s.gateway_reference), sent_at = s.sent_at
  from tenant.settlement s where s.tenant_id = a.isp_id and s.id = a.settlement_id and s.sent_at is not null;
alter table tenant.settlement force row level security;

-- No amount is given out again while a payout of it is in doubt. From being sent on a payout is in doubt without a break, or not any more.
-- Five minutes: a reservation may have begun before it was sent, and clocks differ.
drop view invariant.i42_amount_not_unique;
create view invariant.i42_doubtful_amount_reused with (security_invoker = true) as
  select a.settlement_id, b.settlement_id as other, a.amount_minor from public.settlement_amount a
  join public.settlement_amount b on b.amount_minor = a.amount_minor and b.settlement_id <> a.settlement_id and b.reserved_at > a.sent_at + interval '5 minutes'
  where a.doubt <> 'NONE';
grant select on invariant.i42_doubtful_amount_reused to netily_platform;
comment on table public.settlement_amount is 'What was given out, over all ISPs: the sums of a day, and the amounts that are in doubt.';
