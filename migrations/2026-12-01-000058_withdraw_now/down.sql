drop view invariant.i57_withdrawal_fee;
drop table tenant.withdrawal;
