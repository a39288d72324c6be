-- The end of paid time that a customer was reminded of.
alter table tenant.connection add column reminded_of timestamptz;
