drop function invariant.recent(timestamptz);
