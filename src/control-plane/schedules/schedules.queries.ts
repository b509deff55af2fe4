import { type Db, type Tx } from '../../platform/database/database.js';
import {
  flag,
  instant,
  type Instant,
  instantOrNull,
  jsonObject,
  onlyRow,
  type Row,
  text,
  textOrNull,
  texts,
} from '../../platform/database/row.js';
import { statement } from '../../platform/database/statement.js';
import { type CatchUp } from './domain/catch-up.js';
import { type Overlap } from './domain/overlap.js';
import { type Schedule, type ScheduleDefinition } from './domain/schedule.js';

const COLUMNS = `s.schedule_id, s.cron, s.time_zone, s.task, s.catch_up, s.overlap, s.start_at, s.end_at, s.enabled,
   s.next_at, s.last_at, s.last_task_id, s.last_skipped_at, s.last_skip_reason, s.created_at, s.updated_at`;

const scheduleFromRow = (row: Row): Schedule => ({
  id: text(row, 'schedule_id'),
  cron: text(row, 'cron'),
  timeZone: text(row, 'time_zone'),
  task: jsonObject(row, 'task'),
  catchUp: text(row, 'catch_up') as CatchUp,
  overlap: text(row, 'overlap') as Overlap,
  startAt: instantOrNull(row, 'start_at'),
  endAt: instantOrNull(row, 'end_at'),
  enabled: flag(row, 'enabled'),
  nextAt: instantOrNull(row, 'next_at'),
  lastAt: instantOrNull(row, 'last_at'),
  lastTaskId: textOrNull(row, 'last_task_id'),
  lastSkippedAt: instantOrNull(row, 'last_skipped_at'),
  lastSkipReason: textOrNull(row, 'last_skip_reason'),
  createdAt: instant(row, 'created_at'),
  updatedAt: instant(row, 'updated_at'),
});

/** The project of the tasks of a schedule, as the ledger reads what they name. */
const PROJECT = `coalesce(nullif(btrim(s.task ->> 'project_id'), ''), 'default')`;

const FIND = statement('schedules.find', `select ${COLUMNS} from schedules s where s.schedule_id = $1`);

export async function findSchedule(db: Db, id: string): Promise<Schedule | null> {
  return (await db.query(FIND, [id])).map(scheduleFromRow)[0] ?? null;
}

const LIST = statement(
  'schedules.list',
  `select ${COLUMNS} from schedules s
   where s.schedule_id > $1 and ($2::text is null or ${PROJECT} = $2) order by s.schedule_id limit $3`,
);

/** Schedules by id, after one; those of one project if one is named. */
export async function listSchedules(
  db: Db,
  { afterId, projectId }: { readonly afterId: string; readonly projectId: string | null },
  limit: number,
): Promise<Schedule[]> {
  return (await db.query(LIST, [afterId, projectId, limit])).map(scheduleFromRow);
}

const PROJECTS = statement(
  'schedules.projects',
  `select s.schedule_id, ${PROJECT} as project_id from schedules s where s.schedule_id = any($1::text[])`,
);

/** The projects of the tasks of schedules; one that is not there is missing. */
export async function projectsOf(db: Db, ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const rows = await db.query(PROJECTS, [ids]);
  return new Map(rows.map((row) => [text(row, 'schedule_id'), text(row, 'project_id')]));
}

const LOCK = statement(
  'schedules.lock',
  `select ${COLUMNS} from schedules s where s.schedule_id = $1 for no key update`,
);

/** Locks a schedule until the commit. */
export async function lockSchedule(tx: Tx, id: string): Promise<Schedule | null> {
  return (await tx.query(LOCK, [id])).map(scheduleFromRow)[0] ?? null;
}

const LOCK_DUE = statement(
  'schedules.lockDue',
  `select ${COLUMNS} from schedules s
   where s.next_at <= now() and s.schedule_id <> all($1::text[])
   order by s.next_at limit 1 for no key update skip locked`,
);

/** Locks the schedule that has been due for longest, of those that nobody else is about to run; null when there is none. */
export async function lockDueSchedule(tx: Tx, except: readonly string[]): Promise<Schedule | null> {
  return (await tx.query(LOCK_DUE, [except])).map(scheduleFromRow)[0] ?? null;
}

const NEXT_DUE = statement(
  'schedules.nextDue',
  `select ceil(extract(epoch from min(s.next_at) - now()) * 1000)::float8 as in_ms
   from schedules s where s.next_at is not null and s.schedule_id <> all($1::text[])`,
);

/** Milliseconds until the next schedule is due; zero or less when one is, null when none will be. Writes nothing. */
export async function msUntilNextDue(db: Db, except: readonly string[]): Promise<number | null> {
  const inMs = onlyRow(await db.query(NEXT_DUE, [except]))['in_ms'];
  return typeof inMs === 'number' ? inMs : null;
}

const NOW = statement('schedules.now', 'select clock_timestamp() as now');

/** The time by the clock that decides. */
export async function currentTime(db: Db): Promise<Instant> {
  return instant(onlyRow(await db.query(NOW)), 'now');
}

const valuesOf = (schedule: ScheduleDefinition, nextAt: Instant | null) => [
  ...[schedule.id, schedule.cron, schedule.timeZone, JSON.stringify(schedule.task), schedule.catchUp],
  ...[schedule.overlap, schedule.startAt, schedule.endAt, schedule.enabled, nextAt],
];

const INSERT = statement(
  'schedules.insert',
  `insert into schedules as s (
     schedule_id, cron, time_zone, task, catch_up, overlap, start_at, end_at, enabled, next_at)
   values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
   on conflict (schedule_id) do nothing returning ${COLUMNS}`,
);

/** Null when the id is taken. */
export async function insertSchedule(
  db: Db,
  definition: ScheduleDefinition,
  nextAt: Instant | null,
): Promise<Schedule | null> {
  return (await db.query(INSERT, valuesOf(definition, nextAt))).map(scheduleFromRow)[0] ?? null;
}

const REDEFINE = statement(
  'schedules.redefine',
  `update schedules s set cron = $2, time_zone = $3, task = $4, catch_up = $5, overlap = $6, start_at = $7, end_at = $8,
     enabled = $9, next_at = $10, updated_at = now()
   where s.schedule_id = $1 returning ${COLUMNS}`,
);

/** Writes what a locked schedule says from now on, and when it is due next. */
export async function redefineSchedule(
  tx: Tx,
  definition: ScheduleDefinition,
  nextAt: Instant | null,
): Promise<Schedule> {
  return scheduleFromRow(onlyRow(await tx.query(REDEFINE, valuesOf(definition, nextAt))));
}

const DELETE = statement(
  'schedules.delete',
  `with gone as (
     delete from schedules s where s.schedule_id = $1 returning s.schedule_id
   ), occurrences as (
     delete from schedule_occurrences o using gone g where o.schedule_id = g.schedule_id
   )
   select schedule_id from gone`,
);

/** Deletes a locked schedule: the lock comes first, so that an occurrence that was under way is seen and goes as well. */
export async function deleteSchedule(tx: Tx, id: string): Promise<void> {
  onlyRow(await tx.query(DELETE, [id]));
}

/** What a pass over a schedule has done. Null fields: nothing of that kind, what is recorded stays. */
export interface Step {
  readonly nextAt: Instant | null;
  readonly lastAt: Instant | null;
  readonly lastTaskId: string | null;
  readonly skippedAt: Instant | null;
  readonly skipReason: string | null;
}

const MOVE_ON = statement(
  'schedules.moveOn',
  `update schedules s set next_at = $2, last_at = coalesce($3, s.last_at), last_task_id = coalesce($4, s.last_task_id),
     last_skipped_at = coalesce($5, s.last_skipped_at), last_skip_reason = coalesce($6, s.last_skip_reason)
   where s.schedule_id = $1 returning s.schedule_id`,
);

/** Moves a locked schedule on to its next occurrence. */
export async function moveOn(tx: Tx, id: string, step: Step): Promise<void> {
  const { nextAt, lastAt, lastTaskId, skippedAt, skipReason } = step;
  onlyRow(await tx.query(MOVE_ON, [id, nextAt, lastAt, lastTaskId, skippedAt, skipReason]));
}

/** Occurrences that are kept of each schedule. */
const KEPT = 100;

const ADD_OCCURRENCE = statement(
  'schedules.addOccurrence',
  `with old as (
     delete from schedule_occurrences o where o.schedule_id = $1 and o.occurs_at <= (
       select k.occurs_at from schedule_occurrences k where k.schedule_id = $1
       order by k.occurs_at desc offset ${KEPT - 1} limit 1)
   )
   insert into schedule_occurrences (schedule_id, occurs_at, task_id) values ($1, $2, $3)`,
);

/** Records an occurrence of a locked schedule, and forgets all but the latest. */
export async function addOccurrence(tx: Tx, id: string, at: Instant, taskId: string): Promise<void> {
  await tx.query(ADD_OCCURRENCE, [id, at, taskId]);
}

const RECENT_TASKS = statement(
  'schedules.recentTasks',
  `select coalesce(array_agg(o.task_id), '{}') as task_ids from schedule_occurrences o where o.schedule_id = $1`,
);

/** The tasks of the latest occurrences. */
export async function recentTaskIds(tx: Tx, id: string): Promise<string[]> {
  return texts(onlyRow(await tx.query(RECENT_TASKS, [id])), 'task_ids');
}

/** An occurrence that made a task. */
export interface Occurrence {
  readonly at: Instant;
  readonly taskId: string;
}

const LATEST = statement(
  'schedules.latestOccurrences',
  `select o.occurs_at, o.task_id from schedule_occurrences o
   where o.schedule_id = $1 order by o.occurs_at desc limit $2`,
);

/** The latest occurrences that made a task, newest first. */
export async function listLatestOccurrences(db: Db, id: string, limit: number): Promise<Occurrence[]> {
  const rows = await db.query(LATEST, [id, limit]);
  return rows.map((row) => ({ at: instant(row, 'occurs_at'), taskId: text(row, 'task_id') }));
}
