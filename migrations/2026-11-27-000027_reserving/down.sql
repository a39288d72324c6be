drop function tenant.credited, public.take_turn_of_amounts, public.given_out;
