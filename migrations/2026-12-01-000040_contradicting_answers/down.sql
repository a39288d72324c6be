-- What was kept stays as it was written: observations are never changed.
alter domain tenant.observation_status drop constraint observation_status_check;
alter domain tenant.observation_status
  add constraint observation_status_check check (value in ('QUEUED', 'SUCCESS', 'FAILED', 'ABSENT', 'REFUSED')) not valid;
