drop function tenant.find_payments;
drop type tenant.found_payment;
