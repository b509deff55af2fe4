// What monitoring sees of the ledger's and the log's tables, read straight from them: a view for one screen. Nothing here
// may cost more when more waits: every read follows an index and ends after a number of rows.
import { type Db, type Tx } from '../../platform/database/database.js';
import { flag, integer, integerOrNull, onlyRow, real, type Row, text } from '../../platform/database/row.js';
import { statement } from '../../platform/database/statement.js';
import { GATE } from '../ledger/index.js';
import { type Bounded, type Standing } from './domain/task-counts.js';

/** What a look covers. */
export const BOUNDS = {
  /** Lines of ready tasks: a project has one in each lane that it has ready tasks in. */
  lines: 100,
  /** Tasks of a line, those that are served first. */
  tasksOfALine: 1_000,
  /** Rows of a kind that are counted; so many means: or more. */
  counted: 10_000,
} as const;

const KEEP_TO_INDEXES = statement(
  'metrics.keepToIndexes',
  `select set_config('enable_sort', 'off', true), set_config('enable_seqscan', 'off', true),
     set_config('enable_bitmapscan', 'off', true)`,
);

/**
 * From now on to the end of the transaction the order in which rows are wanted decides the index. Otherwise a planner that
 * takes the rows wanted for few would rather read all that waits, and sort.
 */
export async function keepToIndexes(tx: Tx): Promise<void> {
  await tx.query(KEEP_TO_INDEXES);
}

/** The order of service within a line; with `lane, project_id` before it that of the ready index. */
const IN_LINE = 't.rank, t.seq';

/**
 * The recursion hops from line to line along the ready index, one probe each. A ready task was last changed when it became
 * ready: handed in, released, woken, or told that its last dependency has succeeded.
 */
export const READY = statement(
  'metrics.ready',
  `with recursive lines(lane, project_id, nth) as (
     (select t.lane, t.project_id, 1 from tasks t where t.gate = ${GATE.runnable} order by t.lane, t.project_id limit 1)
     union all
     select n.lane, n.project_id, l.nth + 1 from lines l
     cross join lateral (
       select t.lane, t.project_id from tasks t
       where t.gate = ${GATE.runnable} and (t.lane, t.project_id) > (l.lane, l.project_id)
       order by t.lane, t.project_id limit 1
     ) n
     where l.nth <= ${BOUNDS.lines}
   )
   select coalesce(max(l.nth) > ${BOUNDS.lines} or max(f.tasks) >= ${BOUNDS.tasksOfALine}, false) as is_partial,
     greatest(0, extract(epoch from clock_timestamp() - min(f.since)) * 1000)::bigint as age_ms
   from lines l
   cross join lateral (
     select count(*) as tasks, min(t.updated_at) as since from (
       select t.updated_at from tasks t
       where t.gate = ${GATE.runnable} and t.lane = l.lane and t.project_id = l.project_id and l.nth <= ${BOUNDS.lines}
       order by ${IN_LINE} limit ${BOUNDS.tasksOfALine}
     ) t
   ) f`,
);

export interface Ready {
  /** How long the longest of the ready tasks that were looked at has been ready; 0 when there is none. */
  readonly oldestMs: number;
  /** Whether there are more lines, or a line has more tasks, than are looked at. */
  readonly isPartial: boolean;
}

export async function findOldestReady(db: Db): Promise<Ready> {
  const row = onlyRow(await db.query(READY));
  return { oldestMs: integerOrNull(row, 'age_ms') ?? 0, isPartial: flag(row, 'is_partial') };
}

/** The order is that of an index on just these rows, so that no plan looks at others. */
const firstTasks = (where: string) =>
  `(select t.status, t.gate from tasks t where ${where} order by t.seq limit ${BOUNDS.counted})`;

export const STANDINGS = statement(
  'metrics.standings',
  `select t.status, t.gate::integer as gate, count(*) as tasks from (
     ${firstTasks(`t.gate between ${GATE.runnable} and ${GATE.waitsForKey}`)}
     union all ${firstTasks(`t.gate = ${GATE.held}`)}
     union all ${firstTasks(`t.gate = ${GATE.failed}`)}
   ) t group by t.status, t.gate`,
);

/**
 * How tasks stand that have not succeeded: of those that wait, those that are held and those that have failed, each the
 * first {@link BOUNDS.counted} that were handed in. What has succeeded has no index of its own, and is not looked at.
 */
export async function countStandings(db: Db): Promise<Standing[]> {
  return (await db.query(STANDINGS)).map((row) => ({
    status: text(row, 'status'),
    gate: integer(row, 'gate'),
    tasks: integer(row, 'tasks'),
  }));
}

const upTo = (rows: string) => `(select count(*) from (select from ${rows} limit ${BOUNDS.counted}) c)`;

export const WAITING = statement(
  'metrics.waiting',
  `select ${upTo(`tasks t where t.gate = ${GATE.runnable} order by t.lane, t.project_id, t.rank, t.seq`)} as ready,
     ${upTo(`tasks t where t.gate = ${GATE.waitsForTime} order by t.next_attempt_at`)} as time,
     ${upTo(
       `tasks t where t.gate = ${GATE.waitsForKey} and t.concurrency_key is not null
        order by t.gate, t.project_id, t.concurrency_key, t.lane, t.concurrency_limit, t.rank, t.seq`,
     )} as key,
     w.files, w.waits
   from (
     select count(distinct w.task_seq) as files, count(*) as waits from (
       select w.task_seq from file_waits w where w.woken_at is null
       order by w.project_id, w.prefix, w.path, w.mode, w.lane, w.rank, w.task_seq limit ${BOUNDS.counted}
     ) w
   ) w`,
);

/** Tasks by what they wait for, as far as an index says it: each counted by itself, up to {@link BOUNDS.counted}. */
export async function countWaiting(
  db: Db,
): Promise<Readonly<Record<'ready' | 'time' | 'key' | 'files', Bounded>>> {
  const row = onlyRow(await db.query(WAITING));
  const bounded = (column: string, rows = column): Bounded => ({
    count: integer(row, column),
    isPartial: integer(row, rows) >= BOUNDS.counted,
  });
  // A task may wait with several files.
  return {
    ready: bounded('ready'),
    time: bounded('time'),
    key: bounded('key'),
    files: bounded('files', 'waits'),
  };
}

export const OTHERS = statement(
  'metrics.others',
  `select ${upTo('untold_ends')} as untold_ends, l.* from (
     select count(*) filter (where f.mode = 'write') as write, count(*) filter (where f.mode = 'read') as read
     from (select f.mode from file_locks f limit ${BOUNDS.counted}) f
   ) l`,
);

/** Counted up to {@link BOUNDS.counted} of each kind. */
export interface Others {
  readonly untoldEnds: number;
  readonly fileLocks: { readonly write: number; readonly read: number };
}

export async function countOthers(db: Db): Promise<Others> {
  const row = onlyRow(await db.query(OTHERS));
  return {
    untoldEnds: integer(row, 'untold_ends'),
    fileLocks: { write: integer(row, 'write'), read: integer(row, 'read') },
  };
}

const LOG = statement(
  'metrics.log',
  `select (select s.last_value from events_id_seq s) as position,
     (pg_snapshot_xmax(pg_current_snapshot())::text::bigint - pg_snapshot_xmin(pg_current_snapshot())::text::bigint) as behind,
     coalesce(date_part('epoch', clock_timestamp() - min(a.xact_start)), 0) as open_seconds
   from pg_stat_activity a where a.backend_xid is not null and a.pid <> pg_backend_pid()`,
);

/** Where the log is. */
export interface Log {
  /** The id that was given to the newest event. */
  readonly position: number;
  /** Transactions between the oldest that is open and the next: what they write can only be read when that one has ended. */
  readonly behind: number;
  /** How long the oldest transaction that has written something is open, of those that this role may see. */
  readonly openSeconds: number;
}

export async function findLog(db: Db): Promise<Log> {
  return logFromRow(onlyRow(await db.query(LOG)));
}

const logFromRow = (row: Row): Log => ({
  position: integer(row, 'position'),
  behind: integer(row, 'behind'),
  openSeconds: Math.max(0, real(row, 'open_seconds')),
});
