import { type Db, type Tx } from '../../../platform/database/database.js';
import {
  flag,
  instant,
  type Instant,
  instantOrNull,
  integer,
  type Row,
  text,
} from '../../../platform/database/row.js';
import { statement } from '../../../platform/database/statement.js';
import { appendEvents } from '../../events/index.js';
import { GATE } from '../domain/gate.js';
import { modeLetters } from '../domain/wanted-files.js';
import { type NewTask } from '../domain/task.js';
import { type TaskStatus } from '../domain/task-state.js';
import { status } from './task-row.js';
import { WRITER } from './writer.js';

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
  { plan: 'once' },
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
  { plan: 'once' },
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
  { plan: 'once' },
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

/** What most tasks leave at its default is not sent: reading it would take as long as writing the row. */
const NEW_TASKS = `json_to_recordset($1::json) as n(
       id text, project_id text, kind text, action text, params json, priority integer, head_start bigint, delivery text,
       gateway_id text, gateway_strict boolean, required_capabilities text[], dependencies text[], required_files text[],
       file_paths text[], file_modes text, concurrency_key text, concurrency_limit integer, max_attempts integer, lease_seconds integer,
       submitted_by text, run_at timestamptz, pending integer, has_dependents boolean, ttl_ms bigint,
       traceparent text, tracestate text)`;

const INSERTED = `insert into tasks (
       id, project_id, kind, action, params, priority, delivery, gateway_id, gateway_strict, required_capabilities,
       dependencies, required_files, file_paths, file_modes, concurrency_key, concurrency_limit, has_holdings,
       max_attempts, lease_seconds, submitted_by, pending_dependencies, next_attempt_at, gate, has_dependents, rank, lane, ttl_ms, expires_at, updated_by,
       traceparent, tracestate)
     select n.id, n.project_id, n.kind, n.action, n.params, n.priority, n.delivery, n.gateway_id,
       n.gateway_id is not null and coalesce(n.gateway_strict, false),
       coalesce(n.required_capabilities, '{}'), coalesce(n.dependencies, '{}'), coalesce(n.required_files, '{}'),
       coalesce(n.file_paths, '{}'), coalesce(n.file_modes, ''), n.concurrency_key,
       coalesce(n.concurrency_limit, 1), n.file_paths is not null or n.concurrency_key is not null,
       n.max_attempts, n.lease_seconds, n.submitted_by, coalesce(n.pending, 0),
       case when n.run_at > now() then n.run_at end,
       case when n.pending > 0 then ${GATE.waitsForDependencies} when n.run_at > now() then ${GATE.waitsForTime}
            else ${GATE.runnable} end, coalesce(n.has_dependents, false),
       floor(extract(epoch from greatest(n.run_at, now())))::bigint - n.head_start,
       task_lane(n.kind, n.delivery, null, null, n.gateway_strict, n.gateway_id, coalesce(n.required_capabilities, '{}')),
       n.ttl_ms, now() + n.ttl_ms * interval '1 millisecond', case when n.kind <> 'action' then ${WRITER} end,
       n.traceparent, n.tracestate
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
  { plan: 'once' },
);

/** $2, $3: children and the parents that are there already; $4, $5: children and the parents that are written with them. */
const INSERT_GRAPH = statement(
  'ledger.insertGraph',
  `with task as (${INSERTED}), edges as (
     insert into task_dependencies (child_seq, parent_seq)
     select child.seq, e.parent_seq from unnest($2::text[], $3::bigint[]) e(child_id, parent_seq)
       join task child on child.id = e.child_id
     union all
     select child.seq, parent.seq from unnest($4::text[], $5::text[]) e(child_id, parent_id)
       join task child on child.id = e.child_id join task parent on parent.id = e.parent_id
   ), logged as (${ENQUEUED_EVENT})
   select seq, id, created_at, next_attempt_at from task`,
  { plan: 'once' },
);

/** What the database gives a new task. */
export interface Inserted {
  readonly seq: number;
  readonly createdAt: Instant;
  /** When the task may be claimed; null: at once. */
  readonly nextAttemptAt: Instant | null;
}

const unlessEmpty = <T>(list: readonly T[]): readonly T[] | undefined =>
  list.length === 0 ? undefined : list;

function asRecord(task: NewTask, standing: Standing): object {
  const { files } = task;
  return {
    id: task.id,
    project_id: task.projectId,
    kind: task.kind,
    action: task.action,
    params: task.params,
    priority: task.priority,
    head_start: task.headStartSeconds,
    delivery: task.delivery,
    gateway_id: task.gatewayId ?? undefined,
    gateway_strict: task.gatewayStrict || undefined,
    required_capabilities: unlessEmpty(task.requiredCapabilities),
    dependencies: unlessEmpty(task.dependencies),
    required_files: files.length === 0 ? undefined : files.map(({ name }) => name),
    file_paths: files.length === 0 ? undefined : files.map(({ pattern }) => pattern.text),
    file_modes: files.length === 0 ? undefined : modeLetters(files),
    max_attempts: task.maxAttempts,
    lease_seconds: task.leaseSeconds,
    submitted_by: task.submittedBy ?? undefined,
    run_at: task.runAt ?? undefined,
    concurrency_key: task.concurrency?.key,
    concurrency_limit: task.concurrency?.limit,
    pending: standing.pending || undefined,
    has_dependents: standing.hasDependents || undefined,
    ttl_ms: task.ttlMs ?? undefined,
    traceparent: task.trace?.traceparent,
    tracestate: task.trace?.tracestate ?? undefined,
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
  const records = JSON.stringify(tasks.map(({ task, standing }) => asRecord(task, standing)));
  const outside = tasks.flatMap(({ task: { id }, standing }) =>
    standing.parentSeqs.map((seq) => [id, seq] as const),
  );
  const inside = tasks.flatMap(({ task: { id }, standing }) =>
    standing.parentIds.map((parent) => [id, parent] as const),
  );
  if (outside.length === 0 && inside.length === 0)
    return insertedFromRows(await tx.query(INSERT_ALONE, [records]));
  return insertedFromRows(
    await tx.query(INSERT_GRAPH, [
      records,
      outside.map(([child]) => child),
      outside.map(([, parent]) => parent),
      inside.map(([child]) => child),
      inside.map(([, parent]) => parent),
    ]),
  );
}
