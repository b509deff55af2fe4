import { type Db, type Tx } from '../../../platform/database/database.js';
import {
  flag,
  instant,
  type Instant,
  integer,
  real,
  type Row,
  text,
} from '../../../platform/database/row.js';
import { statement } from '../../../platform/database/statement.js';
import { type Neighbour, type Waiter } from '../domain/admission.js';
import { type Use } from '../domain/use-index.js';
import { GATE } from '../domain/gate.js';
import { lookupKeys } from '../../../file-patterns/index.js';
import { type FileMode, storedPattern, type WantedFile } from '../domain/wanted-files.js';

const LOCK_PROJECT = statement('ledger.lockProject', `select pg_advisory_xact_lock(7205, hashtext($1))`);

/**
 * Takes a project's lock until the commit: whoever parks tasks, frees files or places of a key, or admits a task that
 * needs some, holds it, so that no two conflicting owners are admitted at once and no wake-up falls between a look and a
 * park. In a statement of its own, so that the next one sees what the last holder committed. Tasks without files and keys
 * never come here. First in the order of locks.
 */
export async function lockProject(tx: Tx, projectId: string): Promise<void> {
  await tx.query(LOCK_PROJECT, [projectId]);
}

export const modeOf = (row: Row): FileMode => (text(row, 'mode') === 'read' ? 'read' : 'write');

/**
 * Where an index over prefixes has to be looked at for all that may overlap one of the uses, as ranges from-to. A single
 * prefix is a range that ends right behind it. See {@link lookupKeys}.
 */
export function spansOf(uses: readonly Use[]): { readonly from: string[]; readonly to: string[] } {
  const spans = new Map<string, string>();
  for (const { pattern } of uses) {
    const { above, below } = lookupKeys(pattern);
    for (const prefix of above) if (!spans.has(prefix)) spans.set(prefix, `${prefix}\u0001`);
    // A range that begins where another does ends as far as the farther of them.
    if (below !== null) spans.set(below.from, below.to);
  }
  return { from: [...spans.keys()], to: [...spans.values()] };
}

/**
 * Those of `file_waits` in the spans ($2, $3) of project $1 that come first for each pattern, mode and lane: as few rows
 * as there are such groups, however many wait.
 */
export const heads = (without: string): string => `
   spans as materialized (select s.* from unnest($2::text[], $3::text[]) s(lo, hi)),
   heads(hi, prefix, path, mode, lane, task_seq, rank) as (
     select s.hi, w.prefix, w.path, w.mode, w.lane, w.task_seq, w.rank from spans s cross join lateral (
       select * from file_waits w
       where w.project_id = $1::text and w.prefix >= s.lo and w.prefix < s.hi and w.woken_at is null ${without}
       order by w.prefix, w.path, w.mode, w.lane, w.rank, w.task_seq limit 1) w
     union all
     select h.hi, w.prefix, w.path, w.mode, w.lane, w.task_seq, w.rank from heads h cross join lateral (
       select * from file_waits w
       where w.project_id = $1::text and w.woken_at is null and w.prefix < h.hi ${without}
         and (w.prefix, w.path, w.mode, w.lane) > (h.prefix, h.path, h.mode, h.lane)
       order by w.prefix, w.path, w.mode, w.lane, w.rank, w.task_seq limit 1) w
   )`;

const NOBODY = '';
/** Leaves out the tasks of a parameter. */
const exceptThose = (parameter: string) => `and w.task_seq <> all(${parameter}::bigint[])`;

const neighbours = (without: string) =>
  `with recursive ${heads(without)}
   select 'held' as standing, f.task_seq, f.path, f.mode, '' as lane, 0::bigint as rank
   from spans s join file_locks f on f.project_id = $1::text and f.prefix >= s.lo and f.prefix < s.hi
   union
   select 'awake', w.task_seq, w.path, w.mode, w.lane, w.rank
   from spans s join file_waits w on w.project_id = $1::text and w.prefix >= s.lo and w.prefix < s.hi and w.woken_at is not null ${without}
   union
   select 'parked', h.task_seq, h.path, h.mode, h.lane, h.rank from heads h`;

const NEIGHBOURS = statement('ledger.fileNeighbours', neighbours(NOBODY), { plan: 'once' });
const NEIGHBOURS_WITHOUT = statement('ledger.fileNeighboursWithout', neighbours(exceptThose('$4')), {
  plan: 'once',
});

/** Whoever owns or waits for what may overlap one of the uses: owners and those awake all, of the parked the foremost. Of those who wait, the tasks `without` are left out. */
export async function findNeighbours(
  db: Db,
  projectId: string,
  uses: readonly Use[],
  without: readonly number[] = [],
): Promise<Neighbour[]> {
  if (uses.length === 0) return [];
  const { from, to } = spansOf(uses);
  const rows =
    without.length === 0
      ? await db.query(NEIGHBOURS, [projectId, from, to])
      : await db.query(NEIGHBOURS_WITHOUT, [projectId, from, to, without]);
  return rows.map((row) => ({
    taskSeq: integer(row, 'task_seq'),
    standing: text(row, 'standing') as Neighbour['standing'],
    lane: text(row, 'lane'),
    rank: integer(row, 'rank'),
    pattern: storedPattern(text(row, 'path')),
    mode: modeOf(row),
  }));
}

const waiters = (without: string) =>
  `with recursive ${heads(without)}, foremost as (
     select h.task_seq from heads h
     union
     select w.task_seq from heads h cross join lateral (
       select w.task_seq from file_waits w
       where w.project_id = $1::text and w.prefix = h.prefix and w.path = h.path and w.mode = h.mode and w.lane = h.lane
         and w.woken_at is null ${without}
       order by w.rank, w.task_seq limit $4::bigint
     ) w where h.mode = 'read'
   )
   select w.task_seq, w.lane, w.rank, w.path, w.mode
   from foremost f join file_waits w on w.task_seq = f.task_seq order by w.task_seq`;

const WAITERS = statement('ledger.fileWaiters', waiters(NOBODY), { plan: 'once' });
const WAITERS_WITHOUT = statement('ledger.fileWaitersWithout', waiters(exceptThose('$5')), { plan: 'once' });

/** Waiting readers of one pattern that {@link findWaiters} returns at most. */
export const READERS_AT_ONCE = 100;

/** The foremost of those parked on what may overlap one of the uses: one writer, and some readers, for each pattern and lane. */
export async function findWaiters(
  db: Db,
  projectId: string,
  uses: readonly Use[],
  without: readonly number[] = [],
): Promise<Waiter[]> {
  if (uses.length === 0) return [];
  const { from, to } = spansOf(uses);
  const found = new Map<number, Waiter & { readonly reserved: Use[] }>();
  const rows =
    without.length === 0
      ? await db.query(WAITERS, [projectId, from, to, READERS_AT_ONCE])
      : await db.query(WAITERS_WITHOUT, [projectId, from, to, READERS_AT_ONCE, without]);
  for (const row of rows) {
    const seq = integer(row, 'task_seq');
    const waiter = found.get(seq) ?? {
      ...{ seq, lane: text(row, 'lane'), rank: integer(row, 'rank'), reserved: [] },
    };
    waiter.reserved.push({ pattern: storedPattern(text(row, 'path')), mode: modeOf(row) });
    found.set(seq, waiter);
  }
  return [...found.values()];
}

const WAKE = statement(
  'ledger.wakeWaiters',
  `with woken as (
     update tasks t set gate = ${GATE.runnable}, version = t.version + 1, updated_at = now()
     where t.seq = any($1::bigint[]) and t.gate = ${GATE.waitsForFile}
     returning t.seq
   ), waits as (
     update file_waits w set woken_at = now() from woken where w.task_seq = woken.seq
     returning w.task_seq, w.parked_at
   )
   select date_part('epoch', now() - min(w.parked_at)) as wait_seconds from waits w group by w.task_seq`,
  { plan: 'once' },
);

/**
 * Makes parked tasks runnable; until they are claimed, park again or leave, they keep what they reserve. Returns for each
 * how many seconds it was parked.
 */
export async function wake(tx: Tx, seqs: readonly number[]): Promise<number[]> {
  return (await tx.query(WAKE, [seqs])).map((row) => real(row, 'wait_seconds'));
}

const FREE = statement(
  'ledger.freeFiles',
  `delete from file_locks f
   where f.task_seq = any($1::bigint[]) and ($2::text[] is null or f.path = any($2::text[])) returning f.path, f.mode, f.file_path`,
  { plan: 'once' },
);

/** Something that was owned or reserved, and no longer is. */
export interface Freed extends Use {
  readonly name: string;
}

/** Gives up the files of tasks, or of `paths` those that they own. */
export async function freeFiles(
  tx: Tx,
  taskSeqs: readonly number[],
  paths: readonly string[] | null = null,
): Promise<Freed[]> {
  const rows = await tx.query(FREE, [taskSeqs, paths]);
  return rows.map((row) => ({
    pattern: storedPattern(text(row, 'path')),
    mode: modeOf(row),
    name: text(row, 'file_path'),
  }));
}

const LEAVE = statement(
  'ledger.leaveQueue',
  'delete from file_waits w where w.task_seq = any($1::bigint[]) returning w.task_seq, w.path, w.mode, w.losses',
  { plan: 'once' },
);

/** What tasks had reserved while they waited, and how often each had lost. */
export interface Left {
  readonly uses: readonly Use[];
  readonly losses: ReadonlyMap<number, number>;
}

/** Takes tasks out of the queue for their files. What they had reserved is offered to those behind them by the caller. */
export async function leaveQueue(tx: Tx, taskSeqs: readonly number[]): Promise<Left> {
  const rows = await tx.query(LEAVE, [taskSeqs]);
  return {
    uses: rows.map((row) => ({ pattern: storedPattern(text(row, 'path')), mode: modeOf(row) })),
    losses: new Map(rows.map((row) => [integer(row, 'task_seq'), integer(row, 'losses')])),
  };
}

const OWN_WAITS = statement(
  'ledger.ownWaits',
  `select w.task_seq, w.path, w.mode, w.losses, w.parked_at, w.woken_at is not null as awake
   from file_waits w where w.task_seq = any($1::bigint[]) order by w.task_seq, w.path`,
);

/** What a task reserves, how often it has lost, since when it waits, and whether it has been woken. */
export interface OwnWaits {
  readonly uses: readonly Use[];
  readonly losses: number;
  readonly parkedAt: Instant;
  readonly awake: boolean;
}

/** What those of `taskSeqs` reserve that are in the queue. */
export async function findOwnWaits(
  db: Db,
  taskSeqs: readonly number[],
): Promise<ReadonlyMap<number, OwnWaits>> {
  const found = new Map<number, OwnWaits & { readonly uses: Use[] }>();
  for (const row of await db.query(OWN_WAITS, [taskSeqs])) {
    const seq = integer(row, 'task_seq');
    const waits = found.get(seq) ?? {
      ...{ uses: [], losses: integer(row, 'losses') },
      ...{ parkedAt: instant(row, 'parked_at'), awake: flag(row, 'awake') },
    };
    waits.uses.push({ pattern: storedPattern(text(row, 'path')), mode: modeOf(row) });
    found.set(seq, waits);
  }
  return found;
}

const PARK = statement(
  'ledger.park',
  `with parked as (
     update tasks t set gate = ${GATE.waitsForFile}, version = t.version + 1, updated_at = now()
     where t.seq = any($1::bigint[]) and t.gate = ${GATE.runnable}
     returning t.seq, t.project_id, t.lane, t.rank
   )
   insert into file_waits (task_seq, project_id, path, prefix, mode, losses, lane, rank)
   select p.seq, p.project_id, w.path, w.prefix, w.mode, w.losses, p.lane, p.rank
   from unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::integer[]) w(seq, path, prefix, mode, losses)
   join parked p on p.seq = w.seq`,
  { plan: 'once' },
);

/** A task that has to wait, and what it reserves meanwhile. */
export interface Parking {
  readonly seq: number;
  readonly reserved: readonly Use[];
  readonly losses: number;
}

/** Parks runnable tasks that are not in the queue. The caller holds the project's lock and the tasks. */
export async function park(tx: Tx, parkings: readonly Parking[]): Promise<void> {
  const rows = parkings.flatMap(({ seq, reserved, losses }) => reserved.map((use) => ({ seq, use, losses })));
  if (rows.length === 0) return;
  await tx.query(PARK, [
    rows.map(({ seq }) => seq),
    rows.map(({ use }) => use.pattern.text),
    rows.map(({ use }) => use.pattern.prefix),
    rows.map(({ use }) => use.mode),
    rows.map(({ losses }) => losses),
  ]);
}

const TAKE = statement(
  'ledger.takeFile',
  `with holder as (
     update tasks t set has_holdings = true, version = t.version + 1, updated_at = now()
     where t.id = $1 and t.claim_token = $2 and t.gate = ${GATE.held}
     returning t.seq, t.project_id
   )
   insert into file_locks (project_id, path, prefix, mode, task_seq, file_path)
   select h.project_id, $3, $4, $5, h.seq, $6 from holder h
   on conflict (project_id, path, task_seq) do update
     set mode = case when file_locks.mode = 'write' then 'write' else excluded.mode end
   returning task_seq`,
);

/** Adds a file to those of a held task. False when the proof does not hold. The caller has seen that nobody is in the way. */
export async function takeFile(
  tx: Tx,
  { taskId, claimToken }: { readonly taskId: string; readonly claimToken: string },
  { name, pattern, mode }: WantedFile,
): Promise<boolean> {
  const rows = await tx.query(TAKE, [taskId, claimToken, pattern.text, pattern.prefix, mode, name]);
  return rows.length > 0;
}

const FIND_HELD = statement(
  'ledger.findHeldByToken',
  `select t.seq, t.project_id from tasks t where t.id = $1 and t.claim_token = $2 and t.gate = ${GATE.held}`,
);

/** The task that a token holds. */
export async function findHeld(
  db: Db,
  taskId: string,
  claimToken: string,
): Promise<{ readonly seq: number; readonly projectId: string } | null> {
  const [row] = await db.query(FIND_HELD, [taskId, claimToken]);
  return row === undefined ? null : { seq: integer(row, 'seq'), projectId: text(row, 'project_id') };
}

const IDS = statement('ledger.taskIds', 'select t.seq, t.id from tasks t where t.seq = any($1::bigint[])');

export async function findIds(db: Db, seqs: readonly number[]): Promise<ReadonlyMap<number, string>> {
  return new Map((await db.query(IDS, [seqs])).map((row) => [integer(row, 'seq'), text(row, 'id')]));
}

const PROJECTS_WITH_WAITERS = statement(
  'ledger.projectsWithWaiters',
  `with recursive projects(project_id) as (
     (select w.project_id from file_waits w where w.woken_at is null order by w.project_id limit 1)
     union all
     select (select w.project_id from file_waits w where w.woken_at is null and w.project_id > p.project_id
             order by w.project_id limit 1)
     from projects p where p.project_id is not null
   )
   select p.project_id from projects p where p.project_id is not null`,
);

/** Projects in which somebody is parked. */
export async function findProjectsWithWaiters(db: Db): Promise<string[]> {
  return (await db.query(PROJECTS_WITH_WAITERS)).map((row) => text(row, 'project_id'));
}
