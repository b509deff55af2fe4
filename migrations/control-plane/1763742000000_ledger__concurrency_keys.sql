-- Keys of which only so many tasks are held at once. Owner: control-plane/ledger.

set local lock_timeout = '5s';

-- The end of such a task goes the same way as that of one with files, so the two share the note that says so.
alter table tasks rename column has_files to has_holdings;
comment on column tasks.has_holdings is
  'Needs files or has a concurrency key, or took files while it ran: its end must give up what it holds.';

alter table tasks
  add column concurrency_key text collate "C",
  add column concurrency_limit integer not null default 1;
comment on column tasks.concurrency_key is
  'Claimed only while fewer than concurrency_limit tasks of the same project and key are held.';
comment on column tasks.gate is
  'Waiting: 0 runnable, 1 dependencies, 2 a file, 3 time, 4 its concurrency key. 5 held by a claim, 6 failed, null succeeded.';

-- A row for each held task that has a key: written with the claim, deleted with its end.
create table concurrency_holds (
  task_seq bigint primary key,
  project_id text collate "C" not null,
  key text collate "C" not null
) with (
  autovacuum_vacuum_threshold = 500, autovacuum_vacuum_scale_factor = 0.02,
  autovacuum_analyze_threshold = 500, autovacuum_analyze_scale_factor = 0.1, vacuum_truncate = off
);
create index concurrency_holds_key on concurrency_holds (project_id, key, task_seq);

-- Those who wait for their key, and those of it who may be claimed, each in the order of service. Tasks without a key
-- have no entry here, and pay nothing.
create index tasks_keyed on tasks (gate, project_id, concurrency_key, lane, concurrency_limit, rank, seq)
  where gate in (0, 4) and concurrency_key is not null;
