import { type Db, type Tx } from '../../../platform/database/database.js';
import { flag, integer, onlyRow, type Row, text } from '../../../platform/database/row.js';
import { statement } from '../../../platform/database/statement.js';
import { appendEvents } from '../../events/index.js';
import { GATE } from '../domain/gate.js';
import { type NewTask, type Task } from '../domain/task.js';
import { type TaskStatus } from '../domain/task-state.js';
import { status, TASK_COLUMNS, taskFromRow } from './task-row.js';

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

const INSERT = statement(
  'ledger.insertTask',
  `with task as (
     insert into tasks (
       id, project_id, kind, action, params, priority, delivery, gateway_id, gateway_strict, required_capabilities,
       dependencies, required_files, file_paths, has_files, max_attempts, lease_seconds, submitted_by,
       pending_dependencies, gate, status, error, failed_dependency, completed_at)
     values (
       $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, cardinality($13::text[]) > 0, $14, $15, $16,
       $17, case when $18::bigint is not null then ${GATE.failed} when $17 > 0 then ${GATE.waitsForDependencies}
                 else ${GATE.runnable} end,
       case when $18::bigint is null then 'queued' else 'failed' end, $19, $18,
       case when $18::bigint is null then null else now() end)
     returning *
   ), edges as (
     insert into task_dependencies (child_seq, parent_seq) select t.seq, p.seq from task t, unnest($20::bigint[]) p(seq)
   ), logged as (
     ${appendEvents('task', {
       type: 'enqueued',
       to: `'queued'`,
       message: `'Task enqueued.'`,
       payload: `json_build_object('action', action, 'priority', priority, 'gateway_id', gateway_id)`,
     })}
   ), failed as (
     ${appendEvents(`(select id, version, error from task where status = 'failed') f`, {
       type: 'dependency_failed',
       from: `'queued'`,
       to: `'failed'`,
       message: 'error',
     })}
   )
   select ${TASK_COLUMNS} from task t`,
);

export interface Standing {
  /** Dependencies that have not succeeded yet. */
  readonly pending: number;
  readonly parentSeqs: readonly number[];
  /** A dependency that has failed for good: the task is born failed. */
  readonly failedParent: { readonly seq: number; readonly error: string } | null;
}

/** Writes a task, its edges and its first event. A taken id is a unique violation of `tasks_id_key`. */
export async function insertTask(db: Db, task: NewTask, standing: Standing): Promise<Task> {
  const rows = await db.query(INSERT, [
    task.id,
    task.projectId,
    task.kind,
    task.action,
    JSON.stringify(task.params),
    task.priority,
    task.delivery,
    task.gatewayId,
    task.gatewayStrict,
    task.requiredCapabilities,
    task.dependencies,
    task.requiredFiles,
    task.filePaths,
    task.maxAttempts,
    task.leaseSeconds,
    task.submittedBy,
    standing.failedParent === null ? standing.pending : 0,
    standing.failedParent?.seq ?? null,
    standing.failedParent?.error ?? '',
    standing.parentSeqs,
  ]);
  return taskFromRow(onlyRow(rows));
}
