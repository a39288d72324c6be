do $$ declare v record; begin
  for v in select viewname from pg_views where schemaname = 'invariant' and viewname >= 'i30' loop
    execute format('drop view invariant.%I', v.viewname);
  end loop;
end $$;
revoke update (note, reference) on tenant.offline_payment from netily_app;
drop trigger only_words_go on tenant.offline_payment;
drop function tenant.only_words_go();
create trigger append_only before update or delete on tenant.offline_payment for each row execute function tenant.append_only();
drop view tenant.payment_seen;
