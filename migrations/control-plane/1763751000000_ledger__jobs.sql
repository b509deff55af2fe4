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
-- Jobs but for those that are held, which have an index already: a claim adds no entry here.
create index tasks_jobs on tasks (seq) where kind <> 'action' and gate is distinct from 5;

-- How much each host may hold. A claim locks the row, and then counts what the host holds.
create table host_slots (
  host_id text primary key,
  max_parallel integer not null check (max_parallel > 0),
  is_open boolean not null
) with (fillfactor = 50, autovacuum_vacuum_threshold = 500, autovacuum_vacuum_scale_factor = 0.1, vacuum_truncate = off);

-- The tasks of a host whose leases run, as they are when it is called. A statement sees what was committed when it began,
-- which for one that has waited for a lock is out of date; what a volatile function looks at is looked at anew.
create function live_leases(host text) returns bigint language plpgsql volatile as $$
begin
  return (
    select count(*) from tasks t where t.holder = 'host' and t.locked_by = host and t.lease_expires_at > now()
  );
end
$$;
