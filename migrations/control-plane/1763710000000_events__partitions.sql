-- The log by day: partitions are made ahead and dropped as a whole. Owner: control-plane/events.
-- What was written so far becomes one partition as it stands, without being copied.

set local lock_timeout = '5s';
lock table events in access exclusive mode;

create temp table events_next_id on commit drop as
  select nextval(pg_get_serial_sequence('events', 'id')) as id;

alter table events rename to events_history;
alter table events_history alter column id drop identity;
alter table events_history drop constraint events_pkey;
alter table events_history alter column id set not null;
drop index events_task;
drop index events_created;
alter index events_position rename to events_history_position;

create sequence events_id_seq;
select setval('events_id_seq', id, false) from events_next_id;

-- The transaction that an event counts as: the writer's own, or the newest one that has ended so far. A transaction may
-- get its number first and then wait for the row of a task in which a later one is at work; by its own number its event
-- would come before those of the one that it waited for. Such a number never falls from one event of a task to the next;
-- it is never below the writer's, so nothing is read before it is there; and it is that of a transaction that has ended,
-- so nothing waits for others that come later. The function sees the present, not the snapshot of its statement.
create function event_txid() returns xid8 language plpgsql volatile as $$
begin
  return greatest(pg_current_xact_id(), (pg_snapshot_xmax(pg_current_snapshot())::text::bigint - 1)::text::xid8);
end $$;

create table events (
  id bigint not null default nextval('events_id_seq'),
  -- Ids are handed out before commits, so an id alone can be overtaken; (txid, id) below the snapshot horizon cannot.
  txid xid8 not null default event_txid(),
  task_id text not null,
  task_version bigint not null,
  event_type text not null,
  from_status text,
  to_status text,
  worker_id text,
  claim_token text,
  message text not null default '',
  payload json not null default '{}',
  created_at timestamptz not null default now()
) partition by range (created_at);
alter sequence events_id_seq owned by events.id;

-- Nothing is unique here: a sequence gives the ids, and an index to say so would be a seventh of what an event costs.
create index events_position on events (txid, id);
create index events_task on events (task_id);
create index events_id on events using brin (id) with (pages_per_range = 16);

-- The net below all days, so that an insert never fails; and the place of events that outlive their day.
create table events_default partition of events default with (autovacuum_vacuum_insert_scale_factor = 0.05);

-- Where the log begins to be whole: events up to here may have been dropped. One row.
create table events_floor (
  single boolean primary key default true check (single),
  txid xid8 not null,
  id bigint not null
);
insert into events_floor (txid, id) values ('0', 0);

-- Adds a partition; false when it is there already, or somebody else is at work. Inserts go on meanwhile. Rows of its
-- range that the net has caught move in.
create function add_events_partition(lower_bound timestamptz, upper_bound timestamptz) returns boolean
  language plpgsql set lock_timeout = '1s' as $$
declare
  partition text := 'events_' || to_char(lower_bound at time zone 'UTC', 'YYYYMMDD');
begin
  if not pg_try_advisory_xact_lock(7205061114) or to_regclass(partition) is not null then
    return false;
  end if;
  execute format('create table %I (like events including defaults)
    with (autovacuum_vacuum_insert_scale_factor = 0.05)', partition);
  lock table events in share update exclusive mode;
  lock table events_default in access exclusive mode;
  execute format('with moved as (delete from events_default where created_at >= $1 and created_at < $2 returning *)
    insert into %I select * from moved', partition) using lower_bound, upper_bound;
  execute format('alter table events attach partition %I for values from (%L) to (%L)',
    partition, lower_bound, upper_bound);
  return true;
end $$;

-- Drops a partition; null when somebody else is at work or was faster, otherwise how many events it held of tasks that
-- are still there: those move to the net, with the positions that they have. What takes long is done before the lock.
create function drop_events_partition(partition text) returns bigint
  language plpgsql set lock_timeout = '500ms' as $$
declare
  kept bigint;
begin
  if not pg_try_advisory_xact_lock(7205061114) or not exists (
    select from pg_inherits i where i.inhparent = 'events'::regclass and i.inhrelid = to_regclass(partition)
  ) then
    return null;
  end if;
  execute format('create temp table kept_events on commit drop as
    select e.* from %I e where exists (select from tasks t where t.id = e.task_id)', partition);
  execute format('alter table events detach partition %I', partition);
  execute format('drop table %I', partition);
  insert into events select * from kept_events;
  get diagnostics kept = row_count;
  drop table kept_events;
  return kept;
end $$;

do $$
declare
  today timestamptz := date_trunc('day', now(), 'UTC');
  first timestamptz := today;
begin
  if exists (select from events_history) then
    select greatest(today, date_trunc('day', max(created_at), 'UTC')) + interval '1 day' into first from events_history;
    execute format('alter table events attach partition events_history for values from (minvalue) to (%L)', first);
  else
    drop table events_history;
  end if;
  for days in 0..2 loop
    perform add_events_partition(first + days * interval '1 day', first + (days + 1) * interval '1 day');
  end loop;
end $$;
