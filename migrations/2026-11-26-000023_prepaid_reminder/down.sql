alter table tenant.connection drop column reminded_of;
