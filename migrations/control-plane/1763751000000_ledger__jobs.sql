-- Jobs: tasks of another kind than action, which hosts pull. Owner: control-plane/ledger.

set local lock_timeout = '5s';

alter table tasks
  -- The host of the last attempt and its token: a late result is accepted from it and nobody else.
  add column assigned_host_id text,
  add column assigned_token text,
  add column ttl_ms bigint,
  add column expires_at timestamptz,
  -- The replica that wrote the row last; null for tasks that are no jobs.
  add column updated_by text;

comment on column tasks.expires_at is 'A job that has not been started by then fails; null: it waits for as long as it takes.';

-- What a host holds. Its columns change only where the ready index changes as well.
create index tasks_held_by_host on tasks (locked_by) where holder = 'host';
create index tasks_expiring on tasks (expires_at) where expires_at is not null and gate between 0 and 4 and attempts = 0;
create index tasks_jobs on tasks (seq) where kind <> 'action';

-- How much each host may hold. A claim locks the row and counts what the host holds; the number of its claims tells a
-- claim that waited for the lock that its count is out of date.
create table host_slots (
  host_id text primary key,
  max_parallel integer not null check (max_parallel > 0),
  is_open boolean not null,
  claims bigint not null default 0
) with (fillfactor = 50, autovacuum_vacuum_threshold = 500, autovacuum_vacuum_scale_factor = 0.1, vacuum_truncate = off);
