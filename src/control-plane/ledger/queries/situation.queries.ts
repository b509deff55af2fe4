import { type Db } from '../../../platform/database/database.js';
import {
  flag,
  instant,
  type Instant,
  instantOrNull,
  integer,
  integerOrNull,
  type Row,
  text,
  textOrNull,
  texts,
} from '../../../platform/database/row.js';
import { statement } from '../../../platform/database/statement.js';
import { type Use } from '../domain/use-index.js';
import { type Concurrency } from '../domain/concurrency.js';
import { GATE } from '../domain/gate.js';
import { type Delivery } from '../domain/task.js';
import { type TaskStatus } from '../domain/task-state.js';
import { storedPattern, type WantedFile } from '../domain/wanted-files.js';
import { heads, modeOf, spansOf } from './file.queries.js';
import { concurrencyFromRow, status, wantedFromRow } from './task-row.js';

/**
 * What can be said of one task and of those in its way. Every statement goes by an index and ends at a limit, so that an
 * answer costs the same however much waits.
 */
export const BOUNDS = {
  /** Unfinished dependencies that are named; a task has no more than LIMITS.dependencies. */
  parents: 20,
  /** How far back the failure of a dependency is followed. */
  blame: 200,
  /** Owned files that are compared with those of the task. */
  owners: 2_000,
  /** Different patterns, modes and lanes that others wait for and that are compared. */
  groups: 500,
  /** Tasks that come before it for one of its files, all files together. */
  rivals: 500,
  /** Those of all its files are looked at together up to about this number, and 5 of each in any case. */
  sharedAhead: 1_000,
  /** Tasks ahead that are counted. */
  ahead: 100,
} as const;

const FIND = statement(
  'ledger.situationOfTask',
  `select t.seq, t.id, t.project_id, t.kind, t.lane, t.status, t.gate, t.version, t.rank, t.delivery, t.gateway_id,
     t.gateway_strict, t.required_capabilities, t.required_files, t.file_paths, t.file_modes, t.concurrency_key,
     t.concurrency_limit, t.pending_dependencies,
     t.attempts, t.max_attempts, t.holder, t.locked_by, t.locked_at, t.lease_expires_at,
     t.lease_expires_at - t.lease_seconds * interval '1 second' as renewed_at,
     coalesce(t.lease_expires_at < now(), false) as lease_is_over,
     t.next_attempt_at, coalesce(t.next_attempt_at > now(), false) as is_resting,
     t.dispatch_key is not null as has_open_execution, t.dispatch_gateway_id, t.error,
     t.created_at, t.updated_at, t.completed_at, now() as checked_at,
     case when t.attempts = 0 and t.completed_at is null then t.expires_at end as expires_at
   from tasks t where t.id = $1`,
);

/** A task with all that decides whether it may run. */
export interface TaskFacts {
  readonly seq: number;
  readonly id: string;
  readonly projectId: string;
  readonly kind: string;
  readonly lane: string;
  readonly status: TaskStatus;
  readonly gate: number | null;
  readonly version: number;
  readonly rank: number;
  readonly delivery: Delivery;
  readonly gatewayId: string | null;
  readonly gatewayStrict: boolean;
  readonly requiredCapabilities: readonly string[];
  readonly files: readonly WantedFile[];
  readonly concurrency: Concurrency | null;
  readonly pendingDependencies: number;
  readonly attempts: number;
  readonly maxAttempts: number;
  readonly holder: string | null;
  readonly lockedBy: string | null;
  readonly lockedAt: Instant | null;
  readonly leaseExpiresAt: Instant | null;
  /** When the lease last began: with the claim, or by a renewal after it. */
  readonly renewedAt: Instant | null;
  readonly leaseIsOver: boolean;
  readonly nextAttemptAt: Instant | null;
  readonly isResting: boolean;
  /** Whether a gateway may still be executing it; no other, and no worker, may take it then. */
  readonly hasOpenExecution: boolean;
  readonly dispatchGatewayId: string | null;
  readonly error: string;
  readonly createdAt: Instant;
  readonly updatedAt: Instant;
  readonly completedAt: Instant | null;
  /** It fails when nobody has started it by then; null when it waits for as long as it takes, or has been started. */
  readonly expiresAt: Instant | null;
  readonly checkedAt: Instant;
}

export async function findTaskFacts(db: Db, id: string): Promise<TaskFacts | null> {
  const [row] = await db.query(FIND, [id]);
  if (row === undefined) return null;
  return {
    seq: integer(row, 'seq'),
    id: text(row, 'id'),
    projectId: text(row, 'project_id'),
    kind: text(row, 'kind'),
    lane: text(row, 'lane'),
    status: status(row, 'status'),
    gate: integerOrNull(row, 'gate'),
    version: integer(row, 'version'),
    rank: integer(row, 'rank'),
    delivery: text(row, 'delivery') as Delivery,
    gatewayId: textOrNull(row, 'gateway_id'),
    gatewayStrict: flag(row, 'gateway_strict'),
    requiredCapabilities: texts(row, 'required_capabilities'),
    files: wantedFromRow(row),
    concurrency: concurrencyFromRow(row),
    pendingDependencies: integer(row, 'pending_dependencies'),
    attempts: integer(row, 'attempts'),
    maxAttempts: integer(row, 'max_attempts'),
    holder: textOrNull(row, 'holder'),
    lockedBy: textOrNull(row, 'locked_by'),
    lockedAt: instantOrNull(row, 'locked_at'),
    leaseExpiresAt: instantOrNull(row, 'lease_expires_at'),
    renewedAt: instantOrNull(row, 'renewed_at'),
    leaseIsOver: flag(row, 'lease_is_over'),
    nextAttemptAt: instantOrNull(row, 'next_attempt_at'),
    isResting: flag(row, 'is_resting'),
    hasOpenExecution: flag(row, 'has_open_execution'),
    dispatchGatewayId: textOrNull(row, 'dispatch_gateway_id'),
    error: text(row, 'error'),
    createdAt: instant(row, 'created_at'),
    updatedAt: instant(row, 'updated_at'),
    completedAt: instantOrNull(row, 'completed_at'),
    expiresAt: instantOrNull(row, 'expires_at'),
    checkedAt: instant(row, 'checked_at'),
  };
}

/** A task that another one has to do with. */
export interface Relative {
  readonly id: string;
  readonly kind: string;
  readonly status: TaskStatus;
  readonly error: string;
  readonly lockedBy: string | null;
}

const RELATIVE = 'p.id, p.kind, p.status, p.error, p.locked_by';
const relativeFromRow = (row: Row): Relative => ({
  id: text(row, 'id'),
  kind: text(row, 'kind'),
  status: status(row, 'status'),
  error: text(row, 'error'),
  lockedBy: textOrNull(row, 'locked_by'),
});

const PARENTS = statement(
  'ledger.unfinishedParents',
  `select ${RELATIVE} from task_dependencies d join tasks p on p.seq = d.parent_seq
   where d.child_seq = $1 and p.status <> 'succeeded' order by d.parent_seq limit ${BOUNDS.parents}`,
);

/** The first of the dependencies that have not succeeded, oldest first. */
export async function findUnfinishedParents(db: Db, seq: number): Promise<Relative[]> {
  return (await db.query(PARENTS, [seq])).map(relativeFromRow);
}

const BLAME = statement(
  'ledger.blame',
  `with recursive blame(seq, depth) as (
     select t.failed_dependency, 1 from tasks t where t.seq = $1 and t.failed_dependency is not null
     union all
     select p.failed_dependency, b.depth + 1 from blame b join tasks p on p.seq = b.seq
     where p.failed_dependency is not null and b.depth < ${BOUNDS.blame}
   )
   select ${RELATIVE} from blame b join tasks p on p.seq = b.seq order by b.depth`,
);

/** The failed dependency of a task, the one that this failed because of, and so on; the last is where it began. */
export async function findBlame(db: Db, seq: number): Promise<Relative[]> {
  return (await db.query(BLAME, [seq])).map(relativeFromRow);
}

const OWNERS = statement(
  'ledger.ownersOfFiles',
  `select f.path, f.mode, f.file_path, f.claimed_at, t.id, t.locked_by, t.lease_expires_at
   from (
     select f.* from unnest($2::text[], $3::text[]) s(lo, hi) cross join lateral (
       select f.task_seq, f.path, f.mode, f.file_path, f.claimed_at from file_locks f
       where f.project_id = $1 and f.prefix >= s.lo and f.prefix < s.hi limit ${BOUNDS.owners}
     ) f limit ${BOUNDS.owners}
   ) f join tasks t on t.seq = f.task_seq where f.task_seq <> $4 order by f.claimed_at`,
);

/** Something that a task owns, and who holds it. */
export interface OwnedFile extends Use {
  readonly name: string;
  readonly taskId: string;
  readonly lockedBy: string | null;
  readonly since: Instant;
  readonly leaseExpiresAt: Instant | null;
}

/** What others own that may overlap files of a task, those who took it first in front. */
export async function findOwners(
  db: Db,
  { seq, projectId, files }: Pick<TaskFacts, 'seq' | 'projectId' | 'files'>,
): Promise<OwnedFile[]> {
  const { from, to } = spansOf(files);
  return (await db.query(OWNERS, [projectId, from, to, seq])).map((row) => ({
    pattern: storedPattern(text(row, 'path')),
    mode: modeOf(row),
    name: text(row, 'file_path'),
    taskId: text(row, 'id'),
    lockedBy: textOrNull(row, 'locked_by'),
    since: instant(row, 'claimed_at'),
    leaseExpiresAt: instantOrNull(row, 'lease_expires_at'),
  }));
}

const COMES_FIRST = (alias: string) => `(${alias}.rank, ${alias}.task_seq) < ($5, $6)`;

const AHEAD_FOR_FILES = statement(
  'ledger.aheadForFiles',
  `with recursive ${heads('')}, groups as materialized (
     select h.prefix, h.path, h.mode, h.lane, h.rank, h.task_seq from heads h limit ${BOUNDS.groups}
   ), places as (
     select distinct g.prefix, g.path, g.mode from groups g where g.lane = $4 and ${COMES_FIRST('g')}
   ), share as materialized (
     select least(${BOUNDS.ahead}, greatest(5, ${BOUNDS.sharedAhead} / greatest(count(*), 1))) as tasks from places
   ), ahead as (
     select a.task_seq, a.rank, a.path, a.mode, false as awake from places p cross join lateral (
       select w.task_seq, w.rank, w.path, w.mode from file_waits w
       where w.project_id = $1 and w.prefix = p.prefix and w.path = p.path and w.mode = p.mode and w.lane = $4
         and w.woken_at is null
       order by w.rank, w.task_seq limit (select s.tasks from share s)
     ) a where ${COMES_FIRST('a')} limit ${BOUNDS.rivals}
   ), awake as (
     select w.task_seq, w.rank, w.path, w.mode, true from spans s cross join lateral (
       select w.task_seq, w.rank, w.path, w.mode, w.lane from file_waits w
       where w.project_id = $1 and w.prefix >= s.lo and w.prefix < s.hi and w.woken_at is not null limit ${BOUNDS.groups}
     ) w where w.lane = $4 and ${COMES_FIRST('w')} limit ${BOUNDS.groups}
   )
   select a.task_seq, t.priority, a.path, a.mode, a.awake, t.id, (select count(*) from groups) >= ${BOUNDS.groups}
       or (select s.tasks from share s) < ${BOUNDS.ahead} as is_cut
   from (select * from ahead union all select * from awake) a join tasks t on t.seq = a.task_seq
   order by a.rank, a.task_seq`,
);

/** A task that comes first for something that it waits for. */
export interface Rival extends Use {
  readonly taskId: string;
  readonly taskSeq: number;
  readonly priority: number;
  /** It has been woken for it: the next claim may take it. */
  readonly awake: boolean;
}

export interface Rivals {
  readonly rivals: readonly Rival[];
  /** There are more than were looked at. */
  readonly areCut: boolean;
}

/** Who waits for what may overlap files of a task, is alike to a claimer and comes before it, in the order of service. */
export async function findRivals(
  db: Db,
  { seq, projectId, files, lane, rank }: Pick<TaskFacts, 'seq' | 'projectId' | 'files' | 'lane' | 'rank'>,
): Promise<Rivals> {
  const { from, to } = spansOf(files);
  const rows = await db.query(AHEAD_FOR_FILES, [projectId, from, to, lane, rank, seq]);
  const rivals = rows.map((row) => ({
    taskId: text(row, 'id'),
    taskSeq: integer(row, 'task_seq'),
    priority: integer(row, 'priority'),
    awake: flag(row, 'awake'),
    pattern: storedPattern(text(row, 'path')),
    mode: modeOf(row),
  }));
  return { rivals, areCut: rows.length >= BOUNDS.rivals || rows[0]?.['is_cut'] === true };
}

// From the head of the lane on, and not back from the task: asked for what is older, PostgreSQL may look for it by age
// alone, among all that waits.
const AHEAD = statement(
  'ledger.aheadInLane',
  `select h.id from (
     select t.id, t.seq, t.rank from tasks t where t.gate = ${GATE.runnable} and t.lane = $1 and t.project_id = $2
     order by t.rank, t.seq limit ${BOUNDS.ahead}
   ) h where (h.rank, h.seq) < ($3, $4) order by h.rank, h.seq`,
);

/** The ids of ready tasks of the same lane and project that come before a task, in the order of service, as many as are counted. */
export async function findAheadInLane(
  db: Db,
  { lane, projectId, rank, seq }: Pick<TaskFacts, 'lane' | 'projectId' | 'rank' | 'seq'>,
): Promise<string[]> {
  return (await db.query(AHEAD, [lane, projectId, rank, seq])).map((row) => text(row, 'id'));
}

/** The texts of the statements above, for those who want to see their plans. */
export const SITUATION_SQL = { FIND, PARENTS, BLAME, OWNERS, AHEAD_FOR_FILES, AHEAD } as const;
