import { type Db } from '../../../platform/database/database.js';
import { text } from '../../../platform/database/row.js';
import { statement } from '../../../platform/database/statement.js';
import { GATE } from '../domain/gate.js';
import { type Task } from '../domain/task.js';
import { type TaskStatus } from '../domain/task-state.js';
import { status, TASK_COLUMNS, taskFromRow } from './task-row.js';

const FIND = statement('ledger.readTask', `select ${TASK_COLUMNS} from tasks t where t.id = $1`);

export async function findTaskById(db: Db, id: string): Promise<Task | null> {
  return (await db.query(FIND, [id])).map(taskFromRow)[0] ?? null;
}

const FIND_MANY = statement(
  'ledger.readTasks',
  `select ${TASK_COLUMNS} from tasks t where t.seq = any($1::bigint[])`,
);

export async function findTasksBySeq(db: Db, seqs: readonly number[]): Promise<Task[]> {
  return (await db.query(FIND_MANY, [seqs])).map(taskFromRow);
}

const STATUSES = statement(
  'ledger.statuses',
  'select t.id, t.status from tasks t where t.id = any($1::text[])',
);

/** The states of tasks; one that is not there is missing. */
export async function statusesOf(db: Db, ids: readonly string[]): Promise<ReadonlyMap<string, TaskStatus>> {
  const rows = await db.query(STATUSES, [ids]);
  return new Map(rows.map((row) => [text(row, 'id'), status(row, 'status')]));
}

const PROJECTS = statement(
  'ledger.projects',
  'select t.id, t.project_id from tasks t where t.id = any($1::text[])',
);

/** The projects of tasks; one that is not there is missing. */
export async function projectsOf(db: Db, ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const rows = await db.query(PROJECTS, [ids]);
  return new Map(rows.map((row) => [text(row, 'id'), text(row, 'project_id')]));
}

/** Which index can find the tasks of a state: the gate says where a task stands, and has an index for each place. */
const standing: Readonly<Record<TaskStatus, string>> = {
  queued: 't.gate between 0 and 4',
  released: 't.gate between 0 and 4',
  claimed: `t.gate = ${GATE.held}`,
  running: `t.gate = ${GATE.held}`,
  failed: `t.gate = ${GATE.failed}`,
  failed_timeout: `t.gate = ${GATE.failed}`,
  succeeded: 't.gate is null',
};

const listStatement = (name: string, condition: string) =>
  statement(
    `ledger.list.${name}`,
    `select ${TASK_COLUMNS} from tasks t
     where t.seq < $1 and ($2::text is null or t.kind = $2)
       and ($4::text is null or t.project_id = $4) and ${condition}
     order by t.seq desc limit $3`,
  );

const LIST_ALL = listStatement('all', 'true');
const LIST_BY_STATUS = Object.fromEntries(
  Object.entries(standing).map(([state, place]) => [
    state,
    listStatement(state, `${place} and t.status = '${state}'`),
  ]),
) as Record<TaskStatus, ReturnType<typeof statement>>;

export interface TaskFilter {
  readonly status: TaskStatus | null;
  readonly kind: string | null;
  readonly projectId: string | null;
}

/** Tasks with a position below `beforeSeq`, newest first. */
export async function listTasks(
  db: Db,
  filter: TaskFilter,
  beforeSeq: number,
  limit: number,
): Promise<Task[]> {
  const list = filter.status === null ? LIST_ALL : LIST_BY_STATUS[filter.status];
  return (await db.query(list, [beforeSeq, filter.kind, limit, filter.projectId])).map(taskFromRow);
}
