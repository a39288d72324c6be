-- Tenant isolation as the catalogue sees it: no rows when every rule holds. Run as the superuser on a migrated database.
-- Roles: netily_app serves, netily_platform looks across ISPs and writes nothing.
with
  served as (select oid, rolname from pg_roles where rolname in ('netily_app', 'netily_platform')),
  ours as (select oid, nspname from pg_namespace where nspname in ('public', 'tenant', 'invariant')),
  kept as (select c.*, n.nspname from pg_class c join ours n on n.oid = c.relnamespace where c.relkind in ('r', 'p')),
  tenant_column as (select attrelid, attnum, attnotnull from pg_attribute where attname = 'tenant_id' and not attisdropped)
select 'A1 a serving role is superuser, bypasses row-level security or makes roles' as finding, r.rolname::text as object
  from pg_roles r join served using (oid) where r.rolsuper or r.rolbypassrls or r.rolcreaterole or r.rolcreatedb
union all select 'A2 a serving role owns something', c.oid::regclass::text
  from pg_class c join served r on r.oid = c.relowner where c.relkind in ('r', 'p', 'v', 'm', 'S')
union all select 'A3 a table with tenant_id is not under forced row-level security', k.oid::regclass::text
  from kept k join tenant_column a on a.attrelid = k.oid where not (k.relrowsecurity and k.relforcerowsecurity)
union all select 'A4 a table without tenant_id is not on the list of the platform''s own', k.oid::regclass::text
  from kept k where not exists (select from tenant_column a where a.attrelid = k.oid)
  and (k.nspname <> 'public' or k.relname not in ('__diesel_schema_migrations', 'approval', 'gateway_key', 'isp', 'job', 'float_reading', 'list_walk', 'message_receipt', 'month_close', 'month_close_line', 'rate_limit',
    'payout_switch', 'pulse', 'reconciliation_break', 'repair', 'settlement_amount', 'token_key', 'webhook_delivery'))
union all select 'A5 tenant_id may be null', k.oid::regclass::text
  from kept k join tenant_column a on a.attrelid = k.oid where not a.attnotnull
union all select 'A6 a policy that lets write is not bound to the tenant of the transaction', p.polrelid::regclass::text || '.' || p.polname
  from pg_policy p where p.polcmd in ('*', 'a', 'w', 'd')
  and coalesce(pg_get_expr(p.polwithcheck, p.polrelid), pg_get_expr(p.polqual, p.polrelid), '') !~ 'netily\.tenant_id'
  and p.polroles <> array[(select oid from pg_roles where rolname = 'netily_books')] -- A19 and A20 hold that role
union all select 'A7 a policy is always true for more than the platform''s reading', p.polrelid::regclass::text || '.' || p.polname
  from pg_policy p where p.polpermissive and coalesce(pg_get_expr(p.polqual, p.polrelid), 'true') = 'true'
  and not (p.polcmd = 'r' and p.polroles = array[(select oid from pg_roles where rolname = 'netily_platform')])
  and p.polroles <> array[(select oid from pg_roles where rolname = 'netily_books')]
union all select 'A8 a view that a serving role may read runs with its owner''s rights', c.oid::regclass::text
  from pg_class c join ours n on n.oid = c.relnamespace where c.relkind = 'v'
  and not coalesce(c.reloptions::text ~* 'security_invoker=(true|on)', false) and exists (select from served r where has_table_privilege(r.oid, c.oid, 'select'))
union all select 'A9 a materialized view is readable, and row-level security never reaches it', c.oid::regclass::text
  from pg_class c where c.relkind = 'm' and exists (select from served r where has_table_privilege(r.oid, c.oid, 'select'))
union all select 'A10 a function with its owner''s rights has no pinned search_path', f.oid::regprocedure::text
  from pg_proc f join ours n on n.oid = f.pronamespace where f.prosecdef and not coalesce(f.proconfig::text ~ 'search_path', false)
  and exists (select from served r where has_function_privilege(r.oid, f.oid, 'execute'))
union all select 'A11 a function of ours claims to leak nothing', f.oid::regprocedure::text
  from pg_proc f join ours n on n.oid = f.pronamespace where f.proleakproof
union all select 'A12 a foreign key between tables of tenants could point into another tenant', k.conname || ' on ' || k.conrelid::regclass::text
  from pg_constraint k join tenant_column a on a.attrelid = k.conrelid join tenant_column b on b.attrelid = k.confrelid
  where k.contype = 'f' and not (a.attnum = any (k.conkey) and b.attnum = any (k.confkey))
union all select 'A13 a unique key without tenant_id tells whether another tenant has a value', i.indexrelid::regclass::text
  from pg_index i join tenant_column a on a.attrelid = i.indrelid where i.indisunique and not (a.attnum = any (i.indkey))
union all select 'A14 a serving role may truncate or reference, which row-level security does not bind', r.rolname || ' on ' || k.oid::regclass::text
  from kept k, served r where has_table_privilege(r.oid, k.oid, 'truncate') or has_table_privilege(r.oid, k.oid, 'references')
union all select 'A15 tenant_id leads no index', k.oid::regclass::text
  from kept k join tenant_column a on a.attrelid = k.oid where not exists (select from pg_index i where i.indrelid = k.oid and i.indkey[0] = a.attnum)
union all select 'A16 the role that looks across ISPs may write', k.oid::regclass::text
  from kept k where has_table_privilege('netily_platform', k.oid, 'insert, update, delete')
union all select 'A17 the role that looks across ISPs may sign in, or is worn without being put on', r.rolname::text
  from pg_roles r where (r.rolname = 'netily_platform' and r.rolcanlogin) or (r.rolname = 'netily_app' and r.rolinherit)
union all select 'A18 everybody may use a schema or a table', n.nspname::text
  from pg_namespace n join ours using (oid), aclexplode(n.nspacl) acl where acl.grantee = 0
union all select 'A19 the role that writes for many ISPs can be put on', r.rolname::text
  from pg_roles r where (r.rolcanlogin and r.rolname <> 'netily_owner' and not r.rolsuper and pg_has_role(r.oid, 'netily_books', 'member')) or (r.rolname = 'netily_books' and r.rolcanlogin)
union all select 'A20 the role that writes for many ISPs owns more than its functions', o.classid::regclass::text || ' ' || o.objid
  from pg_shdepend o where o.refobjid = (select oid from pg_roles where rolname = 'netily_books') and o.deptype = 'o'
  and o.dbid = (select oid from pg_database where datname = current_database())
  and o.objid not in (select f.oid from pg_proc f where f.proname in ('book_hotspot_payments', 'find_payments', 'keep_callbacks'))
order by 1, 2
