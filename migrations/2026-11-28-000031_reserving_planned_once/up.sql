-- A plan for the range at hand always looks cheaper than one for any range, so these sums were planned anew at each call, twice a reservation.
-- It is a walk of the key either way.
alter function tenant.credited(uuid, uuid, uuid) set plan_cache_mode = force_generic_plan;
alter function tenant.credited(uuid, uuid, uuid) set enable_seqscan = off;
