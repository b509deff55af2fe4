import { type Db } from '../../platform/database/database.js';
import {
  flag,
  type Instant,
  instant,
  instantOrNull,
  integerOrNull,
  onlyRow,
  text,
} from '../../platform/database/row.js';
import { statement } from '../../platform/database/statement.js';

/** One piece of the log. */
export interface Partition {
  readonly name: string;
  /** Null: since ever. */
  readonly from: Instant | null;
  /** Exclusive. */
  readonly to: Instant;
}

/** Bounds as the catalogue tells them, in the session's time zone and with its offset. */
const RANGES = statement(
  'events.partitions',
  `select p.name, substring(p.bound from 'FROM \\(''([^'']+)''\\)')::timestamptz as lower_bound,
     substring(p.bound from 'TO \\(''([^'']+)''\\)')::timestamptz as upper_bound
   from (
     select c.relname::text as name, pg_get_expr(c.relpartbound, c.oid) as bound
     from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = 'events'::regclass
   ) p where p.bound <> 'DEFAULT' order by upper_bound`,
);

/** All partitions but the default one, oldest first. */
export async function listPartitions(db: Db): Promise<Partition[]> {
  return (await db.query(RANGES)).map((row) => ({
    name: text(row, 'name'),
    from: instantOrNull(row, 'lower_bound'),
    to: instant(row, 'upper_bound'),
  }));
}

const NOW = statement('events.now', 'select now() as now');

/** The database's clock. */
export async function databaseNow(db: Db): Promise<Instant> {
  return instant(onlyRow(await db.query(NOW)), 'now');
}

const ADD = statement(
  'events.addPartition',
  'select add_events_partition($1::timestamptz, $2::timestamptz) as made',
);

/** Adds a partition; false when it is there already or somebody else is at work. */
export async function addPartition(db: Db, from: Date, to: Date): Promise<boolean> {
  return flag(onlyRow(await db.query(ADD, [from.toISOString(), to.toISOString()])), 'made');
}

const DROP = statement('events.dropPartition', 'select drop_events_partition($1) as kept');

/**
 * Drops a partition, but for the events of tasks that are still there, which move to the default one. Returns how many
 * those were; null when somebody else is at work or was faster.
 */
export async function dropPartition(db: Db, name: string): Promise<number | null> {
  return integerOrNull(onlyRow(await db.query(DROP, [name])), 'kept');
}

const RAISE_FLOOR = statement(
  'events.raiseFloor',
  `update events_floor f set txid = o.txid, id = o.id
   from (select e.txid, e.id from events e where e.created_at < $1 order by e.txid desc, e.id desc limit 1) o
   where (o.txid, o.id) > (f.txid, f.id) returning f.id`,
);

/** Says that the log is no longer whole before `cutoff`, which is the beginning of a partition. */
export async function raiseFloor(db: Db, cutoff: Instant): Promise<void> {
  await db.query(RAISE_FLOOR, [cutoff]);
}

const SWEEP = statement(
  'events.sweep',
  `with gone as (
     delete from events e where e.created_at < $1 and (e.tableoid, e.ctid) in (
       select o.tableoid, o.ctid from events o
       where o.created_at < $1 and not exists (select from tasks t where t.id = o.task_id) limit $2)
     returning e.txid, e.id
   ), floor as (
     update events_floor f set txid = o.txid, id = o.id
     from (select g.txid, g.id from gone g order by g.txid desc, g.id desc limit 1) o
     where (o.txid, o.id) > (f.txid, f.id)
   )
   select count(*) as deleted from gone`,
);

/** Deletes up to `limit` events from before `cutoff` whose task is gone; returns how many. */
export async function deleteOrphans(db: Db, cutoff: Instant, limit: number): Promise<number> {
  return integerOrNull(onlyRow(await db.query(SWEEP, [cutoff, limit])), 'deleted') ?? 0;
}
