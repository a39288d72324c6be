drop view invariant.i76_closed_month_unbalanced;
drop view invariant.i75_closed_month_changed;
drop view public.book_movement;
drop table public.month_close_line;
drop table public.month_close;
