comment on table public.settlement_amount is null;
drop view invariant.i42_doubtful_amount_reused;
create view invariant.i42_amount_not_unique with (security_invoker = true) as
  select a.settlement_id, a.amount_minor from public.settlement_amount a
  where exists (select from public.settlement_amount b where b.amount_minor = a.amount_minor and b.settlement_id <> a.settlement_id
    and b.reserved_at between a.reserved_at - interval '48 hours' and a.reserved_at);
grant select on invariant.i42_amount_not_unique to netily_platform;
drop trigger keep_doubt on tenant.settlement;
drop function tenant.keep_doubt();
drop index public.settlement_amount_doubt;
revoke update (doubt, sent_at) on public.settlement_amount from netily_app;
alter table public.settlement_amount drop column doubt, drop column sent_at;
drop function public.settlement_doubt(text, text);
