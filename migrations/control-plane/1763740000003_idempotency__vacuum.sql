-- Every key is written twice, taken and answered, mostly within one transaction; retention deletes it a day later. The
-- answer finds room beside the taken key, and touches no index as long as it keeps the key's time.
-- Owner: control-plane/idempotency.

set local lock_timeout = '5s';

alter table idempotency_keys set (
  fillfactor = 60, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0.05,
  autovacuum_analyze_scale_factor = 0.05, vacuum_truncate = off
);
