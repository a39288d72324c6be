-- What the gateway said and we do not believe, or cannot read, is kept, and is the proof of nothing: every guard and every rule asks for
-- SUCCESS or FAILED.
alter domain tenant.observation_status drop constraint observation_status_check;
alter domain tenant.observation_status
  add constraint observation_status_check check (value in ('QUEUED', 'SUCCESS', 'FAILED', 'ABSENT', 'REFUSED', 'CONTRADICTS', 'UNREADABLE'));
