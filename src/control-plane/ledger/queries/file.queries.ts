import { type Db, type Tx } from '../../../platform/database/database.js';
import {
  flag,
  instant,
  type Instant,
  integer,
  text,
  textOrNull,
  texts,
} from '../../../platform/database/row.js';
import { statement } from '../../../platform/database/statement.js';
import { appendEvents } from '../../events/index.js';
import { GATE } from '../domain/gate.js';
import { type FilePath } from '../domain/file-path.js';

const LOCK_PROJECT = statement('ledger.lockProject', `select pg_advisory_xact_lock(7205, hashtext($1))`);

/**
 * Takes a project's lock until the commit: whoever parks tasks, frees paths or admits a task with files holds it, so
 * that no wake-up falls between a look and a park. In a statement of its own, so that the next one sees what the last
 * holder committed. Tasks without files never come here. First in the order of locks.
 */
export async function lockProject(tx: Tx, projectId: string): Promise<void> {
  await tx.query(LOCK_PROJECT, [projectId]);
}

const HELD_PATHS = statement(
  'ledger.heldPaths',
  `select f.path from file_locks f where f.project_id = $1 and f.path = any($2::text[])`,
);

/** Which of the paths somebody owns. */
export async function heldPaths(
  db: Db,
  projectId: string,
  paths: readonly FilePath[],
): Promise<ReadonlySet<FilePath>> {
  return new Set((await db.query(HELD_PATHS, [projectId, paths])).map((row) => text(row, 'path')));
}

const CONTENDED = statement(
  'ledger.contended',
  `select exists (select from file_locks f where f.project_id = $1 and f.path = any($2::text[]))
       or exists (select from file_waits w where w.project_id = $1 and w.path = any($2::text[])) as contended`,
);

/** Whether somebody owns or waits for one of the paths: a hint, taken without a lock. */
export async function isContended(db: Db, projectId: string, paths: readonly FilePath[]): Promise<boolean> {
  const [row] = await db.query(CONTENDED, [projectId, paths]);
  return row !== undefined && flag(row, 'contended');
}

const PARK = statement(
  'ledger.park',
  `with blocked as materialized (
     select t.seq, t.id, t.project_id, t.lane, t.priority, c.path, c.owner_seq,
       (select w.path from file_waits w where w.task_seq = t.seq and w.woken_at is not null) as baton
     from tasks t
     cross join lateral (
       select p.path, f.task_seq as owner_seq
       from unnest(t.file_paths) with ordinality p(path, n)
       join file_locks f on f.project_id = t.project_id and f.path = p.path
       order by p.n limit 1
     ) c
     where t.seq = any($1::bigint[]) and t.gate = ${GATE.runnable}
   ), parked as (
     update tasks t set gate = ${GATE.waitsForFile}, version = t.version + 1, updated_at = now()
     from blocked b where t.seq = b.seq
     returning t.seq, t.id, t.version, t.status
   ), waits as (
     insert into file_waits (task_seq, project_id, path, lane, priority)
     select b.seq, b.project_id, b.path, b.lane, b.priority from blocked b
     on conflict (task_seq) do update set path = excluded.path, lane = excluded.lane, parked_at = now(), woken_at = null
   ), told as (
     insert into file_conflicts (task_seq, owner_seq) select b.seq, b.owner_seq from blocked b where $2::boolean
     on conflict do nothing
     returning task_seq, owner_seq
   ), conflicts as (
     select p.id, p.version, p.status, b.path, owner.id as owner_id
     from told join parked p on p.seq = told.task_seq join blocked b on b.seq = told.task_seq
     join tasks owner on owner.seq = told.owner_seq
   ), logged as (
     ${appendEvents('conflicts', {
       type: 'claim_conflict',
       from: 'status',
       to: 'status',
       message: `'Claim reverted due to required-file ownership conflict.'`,
       payload: `json_build_object('file_path', path, 'owner_task_id', owner_id)`,
     })}
   )
   select b.seq, b.path, b.baton from blocked b`,
);

export interface Parked {
  readonly seq: number;
  /** The path that the task now waits for. */
  readonly path: FilePath;
  /** The path whose baton the task carried until now, and which must be passed on. */
  readonly baton: FilePath | null;
}

/**
 * Parks those of the runnable tasks whose files somebody owns, each on its first such path. `tell` writes the conflict
 * into the log, once per task and owner. The caller holds the project's lock and the tasks.
 */
export async function park(tx: Tx, seqs: readonly number[], tell: boolean): Promise<Parked[]> {
  const rows = await tx.query(PARK, [seqs, tell]);
  return rows.map((row) => ({
    seq: integer(row, 'seq'),
    path: text(row, 'path'),
    baton: textOrNull(row, 'baton'),
  }));
}

const PARK_BEHIND = statement(
  'ledger.parkBehind',
  `with queue as materialized (
     select t.seq, t.project_id, t.lane, t.priority, c.path
     from tasks t
     cross join lateral (
       select p.path from unnest(t.file_paths) with ordinality p(path, n)
       where exists (
         select from file_waits w where w.project_id = t.project_id and w.path = p.path and w.lane = t.lane
           and w.woken_at is null and w.priority >= t.priority)
       order by p.n limit 1
     ) c
     where t.seq = $1 and t.gate = ${GATE.runnable}
   ), parked as (
     update tasks t set gate = ${GATE.waitsForFile}, version = t.version + 1 from queue q where t.seq = q.seq
   )
   insert into file_waits (task_seq, project_id, path, lane, priority)
   select q.seq, q.project_id, q.path, q.lane, q.priority from queue q
   returning task_seq`,
);

/** Parks a new task behind those of its lane that already wait for one of its paths. Returns whether it did. */
export async function parkBehind(tx: Tx, seq: number): Promise<boolean> {
  return (await tx.query(PARK_BEHIND, [seq])).length > 0;
}

const FREE = statement(
  'ledger.freeFiles',
  'delete from file_locks f where f.task_seq = any($1::bigint[]) returning f.path',
);

/** Gives up all files of tasks; returns their paths, which the caller offers to those who wait. */
export async function freeFiles(tx: Tx, taskSeqs: readonly number[]): Promise<FilePath[]> {
  return (await tx.query(FREE, [taskSeqs])).map((row) => text(row, 'path'));
}

const LEAVE_QUEUE = statement(
  'ledger.leaveQueue',
  `delete from file_waits w where w.task_seq = $1
   returning case when w.woken_at is not null then w.path end as baton`,
);

/** Takes a task out of the queue for its path. Returns the path whose baton it carried, or null. */
export async function leaveQueue(tx: Tx, taskSeq: number): Promise<FilePath | null> {
  const [row] = await tx.query(LEAVE_QUEUE, [taskSeq]);
  return row === undefined ? null : textOrNull(row, 'baton');
}

const WAKE = statement(
  'ledger.wakeWaiters',
  `with recursive free as (
     select p.path from unnest($2::text[]) p(path)
     where not exists (select from file_locks f where f.project_id = $1 and f.path = p.path)
   ), best(path, lane, task_seq) as (
     select f.path, w.lane, w.task_seq from free f cross join lateral (
       select w.lane, w.task_seq from file_waits w
       where w.project_id = $1 and w.path = f.path and w.woken_at is null
       order by w.lane, w.priority desc, w.task_seq limit 1) w
     union all
     select b.path, w.lane, w.task_seq from best b cross join lateral (
       select w.lane, w.task_seq from file_waits w
       where w.project_id = $1 and w.path = b.path and w.lane > b.lane and w.woken_at is null
       order by w.lane, w.priority desc, w.task_seq limit 1) w
   ), chosen as materialized (
     select b.task_seq from best b
     where not exists (
       select from file_waits w where w.project_id = $1 and w.path = b.path and w.lane = b.lane and w.woken_at is not null)
   ), woken as (
     update tasks t set gate = ${GATE.runnable}, version = t.version + 1, updated_at = now()
     from chosen c where t.seq = c.task_seq and t.gate = ${GATE.waitsForFile}
     returning t.seq
   )
   update file_waits w set woken_at = now() from woken where w.task_seq = woken.seq returning w.task_seq`,
);

/**
 * Hands the baton of each free path to its best waiter, one in each lane: highest priority first, then oldest. A lane
 * of its own, so that a task that nobody can run does not keep the path from those that somebody can. Lanes in which
 * one is already awake are left alone. Returns whether anybody woke. The caller holds the project's lock.
 */
export async function wakeWaiters(tx: Tx, projectId: string, paths: readonly FilePath[]): Promise<boolean> {
  return paths.length > 0 && (await tx.query(WAKE, [projectId, paths])).length > 0;
}

const TAKE_FILE = statement(
  'ledger.takeFile',
  `with holder as (
     update tasks t set has_files = true, version = t.version + 1, updated_at = now()
     where t.id = $1 and t.claim_token = $2 and t.gate = ${GATE.held}
     returning t.seq, t.project_id
   ), taken as (
     insert into file_locks (project_id, path, task_seq, file_path) select h.project_id, $3, h.seq, $4 from holder h
     on conflict (project_id, path) do nothing
     returning task_seq
   )
   select h.seq, h.project_id, (select task_seq from taken) as taken_by,
     (select f.task_seq from file_locks f where f.project_id = h.project_id and f.path = $3) as held_by,
     (select o.id from file_locks f join tasks o on o.seq = f.task_seq
      where f.project_id = h.project_id and f.path = $3) as owner_id
   from holder h`,
);

/**
 * Takes one more file for a task that is held, at once or not at all. Null: the proof does not hold. Otherwise the id of
 * the path's owner after the attempt.
 */
export async function takeFile(
  tx: Tx,
  take: {
    readonly taskId: string;
    readonly claimToken: string;
    readonly path: FilePath;
    readonly name: string;
  },
): Promise<{ readonly ownerId: string } | null> {
  const [row] = await tx.query(TAKE_FILE, [take.taskId, take.claimToken, take.path, take.name]);
  if (row === undefined) return null;
  return { ownerId: textOrNull(row, 'owner_id') ?? take.taskId };
}

const PROJECT_OF = statement(
  'ledger.projectOfClaim',
  `select t.project_id from tasks t where t.id = $1 and t.claim_token = $2 and t.gate = ${GATE.held}`,
);

export async function findProjectOfClaim(db: Db, taskId: string, claimToken: string): Promise<string | null> {
  const [row] = await db.query(PROJECT_OF, [taskId, claimToken]);
  return row === undefined ? null : text(row, 'project_id');
}

const LIST_OWNERSHIP = statement(
  'ledger.listOwnership',
  `select f.project_id, f.path, f.file_path, f.claimed_at, t.id, t.claim_token
   from file_locks f join tasks t on t.seq = f.task_seq
   where (f.project_id, f.path) > ($1, $2) order by f.project_id, f.path limit $3`,
);

export interface Ownership {
  readonly projectId: string;
  readonly path: FilePath;
  readonly fileName: string;
  readonly taskId: string;
  readonly claimToken: string | null;
  readonly claimedAt: Instant;
}

/** Owned files by path, after a position. */
export async function listOwnership(
  db: Db,
  after: { readonly projectId: string; readonly path: string },
  limit: number,
): Promise<Ownership[]> {
  const rows = await db.query(LIST_OWNERSHIP, [after.projectId, after.path, limit]);
  return rows.map((row) => ({
    projectId: text(row, 'project_id'),
    path: text(row, 'path'),
    fileName: text(row, 'file_path'),
    taskId: text(row, 'id'),
    claimToken: textOrNull(row, 'claim_token'),
    claimedAt: instant(row, 'claimed_at'),
  }));
}

const ORPHANED_WAITS = statement(
  'ledger.orphanedWaits',
  `with recursive queues as (
     (select w.project_id, w.path, w.lane from file_waits w where w.woken_at is null
      order by w.project_id, w.path, w.lane limit 1)
     union all
     select next.* from queues q cross join lateral (
       select w.project_id, w.path, w.lane from file_waits w
       where w.woken_at is null and (w.project_id, w.path, w.lane) > (q.project_id, q.path, q.lane)
       order by w.project_id, w.path, w.lane limit 1) next
   )
   select q.project_id, array_agg(distinct q.path) as paths from queues q
   where not exists (select from file_locks f where f.project_id = q.project_id and f.path = q.path)
     and not exists (select from file_waits b where b.project_id = q.project_id and b.path = q.path
                       and b.lane = q.lane and b.woken_at is not null)
   group by q.project_id`,
);

/** Paths that have waiters, no owner and no baton. There must never be any; the sweep looks and says so loudly. */
export async function findOrphanedWaits(
  db: Db,
): Promise<{ readonly projectId: string; readonly paths: readonly FilePath[] }[]> {
  const rows = await db.query(ORPHANED_WAITS);
  return rows.map((row) => ({ projectId: text(row, 'project_id'), paths: texts(row, 'paths') }));
}
