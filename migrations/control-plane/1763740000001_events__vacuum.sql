-- Autovacuum for the log, whose rows are only added. What a vacuum after inserts brings: the block index on ids is
-- summed up, so that a reader by id skips what it has not asked for, and rows are marked as visible while they are still
-- in memory. A new day begins without statistics, so the first ones come early. Owner: control-plane/events.

set local lock_timeout = '5s';

-- Partitions inherit no storage parameters: whoever adds one sets these.
create function tune_events_partition(partition regclass) returns void language plpgsql as $$
begin
  execute format('alter table %s set (
    autovacuum_vacuum_insert_threshold = 10000, autovacuum_vacuum_insert_scale_factor = 0.05,
    autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0.05,
    autovacuum_analyze_threshold = 5000, autovacuum_analyze_scale_factor = 0.05)', partition);
end $$;

-- As before, and tuned.
create or replace function add_events_partition(lower_bound timestamptz, upper_bound timestamptz) returns boolean
  language plpgsql set lock_timeout = '1s' as $$
declare
  partition text := 'events_' || to_char(lower_bound at time zone 'UTC', 'YYYYMMDD');
begin
  if not pg_try_advisory_xact_lock(7205061114) or to_regclass(partition) is not null then
    return false;
  end if;
  execute format('create table %I (like events including defaults)', partition);
  perform tune_events_partition(partition::regclass);
  lock table events in share update exclusive mode;
  lock table events_default in access exclusive mode;
  execute format('with moved as (delete from events_default where created_at >= $1 and created_at < $2 returning *)
    insert into %I select * from moved', partition) using lower_bound, upper_bound;
  execute format('alter table events attach partition %I for values from (%L) to (%L)',
    partition, lower_bound, upper_bound);
  return true;
end $$;

select tune_events_partition(i.inhrelid) from pg_inherits i where i.inhparent = 'events'::regclass;
