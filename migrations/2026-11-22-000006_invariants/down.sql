drop schema invariant cascade;
