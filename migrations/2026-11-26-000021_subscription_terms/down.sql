drop index tenant.isp_subscription_ending;
alter table tenant.isp_subscription drop constraint isp_subscription_next, drop column reminded, drop column next_cycle, drop column next_plan;
