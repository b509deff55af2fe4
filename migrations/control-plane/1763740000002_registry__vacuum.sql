-- Rows that are few and written all the time: heartbeats, calls and probes. Half of each page is left, so that the new
-- version finds room beside the old one even when all rows of a page change in one statement; no index is touched then,
-- and the dead are pruned by whoever comes next. Owner: control-plane/registry.

set local lock_timeout = '5s';

alter table workers set (
  fillfactor = 50, autovacuum_vacuum_threshold = 500, autovacuum_vacuum_scale_factor = 0.1, vacuum_truncate = off
);
alter table gateways set (
  fillfactor = 50, autovacuum_vacuum_threshold = 500, autovacuum_vacuum_scale_factor = 0.1, vacuum_truncate = off
);
