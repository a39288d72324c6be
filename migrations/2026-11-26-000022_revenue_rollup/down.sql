drop view invariant.i44_revenue_drift;
drop function tenant.roll_revenue(uuid, timestamptz);
drop table tenant.revenue_until, tenant.revenue_day;
