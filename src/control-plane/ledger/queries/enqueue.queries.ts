import { type Db, type Tx } from '../../../platform/database/database.js';
import {
  flag,
  instant,
  type Instant,
  instantOrNull,
  integer,
  type JsonObject,
  type Row,
  text,
} from '../../../platform/database/row.js';
import { statement } from '../../../platform/database/statement.js';
import { appendEvents } from '../../events/index.js';
import { GATE } from '../domain/gate.js';
import { modeLetters } from '../domain/wanted-files.js';
import { type NewTask } from '../domain/task.js';
import { type TaskStatus } from '../domain/task-state.js';
import { laneOf } from './lane.js';
import { status } from './task-row.js';

/** What an enqueue must know of a dependency. */
export interface Parent {
  readonly seq: number;
  readonly id: string;
  readonly status: TaskStatus;
  readonly hasDependents: boolean;
}

const parentFromRow = (row: Row): Parent => ({
  seq: integer(row, 'seq'),
  id: text(row, 'id'),
  status: status(row, 'status'),
  hasDependents: flag(row, 'has_dependents'),
});

const FIND_PARENTS = statement(
  'ledger.findParents',
  'select t.seq, t.id, t.status, t.has_dependents from tasks t where t.id = any($1::text[])',
);

export async function findParents(db: Db, ids: readonly string[]): Promise<Parent[]> {
  return (await db.query(FIND_PARENTS, [ids])).map(parentFromRow);
}

const MARK_PARENTS = statement(
  'ledger.markParents',
  `with parents as (
     select t.seq from tasks t
     where t.seq = any($1::bigint[]) and not t.has_dependents order by t.seq for no key update
   )
   update tasks t set has_dependents = true from parents p where t.seq = p.seq`,
);

/**
 * Says that tasks have dependents, before an edge to them exists. A completion that does not see the mark takes the
 * short way that never looks for dependents, so this commits before {@link lockParents} looks at their states. A mark
 * whose enqueue then fails is harmless.
 */
export async function markParents(db: Db, seqs: readonly number[]): Promise<void> {
  await db.query(MARK_PARENTS, [seqs]);
}

const LOCK_PARENTS = statement(
  'ledger.lockParents',
  `select t.seq, t.id, t.status, t.has_dependents from tasks t
   where t.seq = any($1::bigint[]) order by t.seq for share`,
);

/** Holds the states of the parents still until the commit. KEY SHARE would not: a completion changes no key. */
export async function lockParents(tx: Tx, seqs: readonly number[]): Promise<Parent[]> {
  return (await tx.query(LOCK_PARENTS, [seqs])).map(parentFromRow);
}

/** Where a new task stands. */
export interface Standing {
  /** Dependencies that have not succeeded. */
  readonly pending: number;
  readonly parentSeqs: readonly number[];
  /** Dependencies that are inserted by the same call. */
  readonly parentIds: readonly string[];
  /** Whether the same call inserts a dependent. */
  readonly hasDependents: boolean;
}

/** A task without dependencies on either side. */
export const ALONE: Standing = { pending: 0, parentSeqs: [], parentIds: [], hasDependents: false };

const NEW_TASKS = `json_to_recordset($1::json) as n(
       id text, project_id text, kind text, action text, params json, priority integer, head_start bigint, delivery text, gateway_id text,
       gateway_strict boolean, required_capabilities text[], dependencies text[], required_files text[],
       file_paths text[], file_modes text, concurrency_key text, concurrency_limit integer, max_attempts integer, lease_seconds integer, submitted_by text,
       run_at timestamptz, pending integer, parent_seqs bigint[], parent_ids text[], has_dependents boolean)`;

const INSERTED = `insert into tasks (
       id, project_id, kind, action, params, priority, delivery, gateway_id, gateway_strict, required_capabilities,
       dependencies, required_files, file_paths, file_modes, concurrency_key, concurrency_limit, has_holdings,
       max_attempts, lease_seconds, submitted_by, pending_dependencies, next_attempt_at, gate, has_dependents, rank, lane)
     select n.id, n.project_id, n.kind, n.action, n.params, n.priority, n.delivery, n.gateway_id, n.gateway_strict,
       n.required_capabilities, n.dependencies, n.required_files, n.file_paths, n.file_modes, n.concurrency_key,
       coalesce(n.concurrency_limit, 1), cardinality(n.file_paths) > 0 or n.concurrency_key is not null,
       n.max_attempts, n.lease_seconds, n.submitted_by, n.pending,
       case when n.run_at > now() then n.run_at end,
       case when n.pending > 0 then ${GATE.waitsForDependencies} when n.run_at > now() then ${GATE.waitsForTime}
            else ${GATE.runnable} end, n.has_dependents,
       floor(extract(epoch from greatest(n.run_at, now())))::bigint - n.head_start,
       ${laneOf('n', 'null', 'null')}
     from ${NEW_TASKS}
     on conflict (id) do nothing
     returning seq, id, version, action, priority, gateway_id, created_at, next_attempt_at`;

const ENQUEUED_EVENT = appendEvents('task', {
  type: 'enqueued',
  to: `'queued'`,
  message: `'Task enqueued.'`,
  payload: `json_build_object('action', action, 'priority', priority, 'gateway_id', gateway_id)`,
});

const INSERT_ALONE = statement(
  'ledger.insertAlone',
  `with task as (${INSERTED}), logged as (${ENQUEUED_EVENT})
   select seq, id, created_at, next_attempt_at from task`,
);

const INSERT_GRAPH = statement(
  'ledger.insertGraph',
  `with task as (${INSERTED}), edges as (
     insert into task_dependencies (child_seq, parent_seq)
     select child.seq, p.seq from ${NEW_TASKS} join task child on child.id = n.id, unnest(n.parent_seqs) p(seq)
     union all
     select child.seq, parent.seq from ${NEW_TASKS} join task child on child.id = n.id
       cross join unnest(n.parent_ids) p(id) join task parent on parent.id = p.id
   ), logged as (${ENQUEUED_EVENT})
   select seq, id, created_at, next_attempt_at from task`,
);

/** What the database gives a new task. */
export interface Inserted {
  readonly seq: number;
  readonly createdAt: Instant;
  /** When the task may be claimed; null: at once. */
  readonly nextAttemptAt: Instant | null;
}

function asRecord(task: NewTask, standing: Standing): JsonObject {
  return {
    id: task.id,
    project_id: task.projectId,
    kind: task.kind,
    action: task.action,
    params: task.params,
    priority: task.priority,
    head_start: task.headStartSeconds,
    delivery: task.delivery,
    gateway_id: task.gatewayId,
    gateway_strict: task.gatewayStrict,
    required_capabilities: task.requiredCapabilities,
    dependencies: task.dependencies,
    required_files: task.files.map(({ name }) => name),
    file_paths: task.files.map(({ pattern }) => pattern.text),
    file_modes: modeLetters(task.files),
    max_attempts: task.maxAttempts,
    lease_seconds: task.leaseSeconds,
    submitted_by: task.submittedBy,
    // Most tasks have none, and what is undefined is not sent.
    run_at: task.runAt ?? undefined,
    concurrency_key: task.concurrency?.key,
    concurrency_limit: task.concurrency?.limit,
    pending: standing.pending,
    parent_seqs: standing.parentSeqs,
    parent_ids: standing.parentIds,
    has_dependents: standing.hasDependents,
  };
}

function insertedFromRows(rows: readonly Row[]): ReadonlyMap<string, Inserted> {
  return new Map(
    rows.map((row) => [
      text(row, 'id'),
      {
        seq: integer(row, 'seq'),
        createdAt: instant(row, 'created_at'),
        nextAttemptAt: instantOrNull(row, 'next_attempt_at'),
      },
    ]),
  );
}

/**
 * Writes tasks without dependencies, and their first events, in one commit. One whose id is taken is missing from the
 * answer; of two with one id the first is written.
 */
export async function insertAlone(db: Db, tasks: readonly NewTask[]): Promise<ReadonlyMap<string, Inserted>> {
  const records = tasks.map((task) => asRecord(task, ALONE));
  return insertedFromRows(await db.query(INSERT_ALONE, [JSON.stringify(records)]));
}

/** The same for tasks with dependencies, whose edges it writes as well. Parents stand before their children. */
export async function insertGraph(
  tx: Tx,
  tasks: readonly { readonly task: NewTask; readonly standing: Standing }[],
): Promise<ReadonlyMap<string, Inserted>> {
  const records = tasks.map(({ task, standing }) => asRecord(task, standing));
  return insertedFromRows(await tx.query(INSERT_GRAPH, [JSON.stringify(records)]));
}
