drop table tenant.service_plan;
