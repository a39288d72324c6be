alter function tenant.credited(uuid, uuid, uuid) reset all;
