-- Autovacuum for the ledger's tables. The server's defaults wait until a fifth of a table is dead; in a ledger with a long
-- history that is hours of work, all of it at the head of the ready index. Owner: control-plane/ledger.

set local lock_timeout = '5s';

-- Every task leaves two dead index entries (claim and end; start and renewals are HOT). A fiftieth of the table is at most
-- a minute of work at full speed with 5,000,000 tasks stored, and a minute is how often autovacuum looks. Fresh statistics
-- matter as much: how many rows a gate has turns from thousands to none and back. The end of the table is not cut off: it
-- grows again at once, and cutting takes a lock that claims wait for.
-- Half of each page is left for new versions: tasks that stand side by side are claimed, started and renewed together, and
-- a version that finds no room beside the old one goes to another page and into every index. Measured with 50 in a
-- statement: with a fifth left, 55 % of the starts and 75 % of the renewals touch no index, with half 92 % and all, for an
-- eighth less WAL and a seventh less table in the end.
alter table tasks set (
  fillfactor = 50,
  autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 1,
  autovacuum_analyze_threshold = 1000, autovacuum_analyze_scale_factor = 0.02, vacuum_truncate = off
);

-- Rows that are written once and deleted in bulk by retention. What a vacuum after inserts is for: who counts dependents
-- down reads nothing but an index, as far as the pages are known to be visible to all.
alter table task_dependencies set (
  autovacuum_vacuum_insert_threshold = 5000, autovacuum_vacuum_insert_scale_factor = 0.05,
  autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05
);
alter table file_conflicts set (
  autovacuum_vacuum_insert_threshold = 5000, autovacuum_vacuum_insert_scale_factor = 0.05,
  autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05
);

-- Small tables whose rows live as long as a claim or a wait: nearly all that was ever in them is dead. By number, since
-- a share of a table that is often empty says nothing.
alter table file_locks set (
  autovacuum_vacuum_threshold = 500, autovacuum_vacuum_scale_factor = 0.02,
  autovacuum_analyze_threshold = 500, autovacuum_analyze_scale_factor = 0.1, vacuum_truncate = off
);
alter table file_waits set (
  autovacuum_vacuum_threshold = 500, autovacuum_vacuum_scale_factor = 0.02,
  autovacuum_analyze_threshold = 500, autovacuum_analyze_scale_factor = 0.1, vacuum_truncate = off
);

-- A row a job, extended in place: half of the page is left for that.
alter table job_locks set (fillfactor = 50, autovacuum_vacuum_threshold = 200, autovacuum_vacuum_scale_factor = 0);
