import { type Db } from '../../../platform/database/database.js';
import { instantOrNull, integer, type Instant, text } from '../../../platform/database/row.js';
import { statement } from '../../../platform/database/statement.js';
import { GATE } from '../domain/gate.js';
import { type TaskStatus } from '../domain/task-state.js';
import { status } from './task-row.js';

/** Open executions that are named, and that are counted. */
export const OPEN_BOUNDS = { named: 100, counted: 10_000 } as const;

const COLUMNS = 't.seq, t.id, t.status, t.locked_at';

const LIST = statement(
  'ledger.openExecutionsAt',
  `with open as (
     (select ${COLUMNS} from tasks t where t.dispatch_gateway_id = $1 and t.gate = ${GATE.held} limit ${OPEN_BOUNDS.counted})
     union all
     (select ${COLUMNS} from tasks t
      where t.dispatch_gateway_id = $1 and t.gate between ${GATE.runnable} and 4 limit ${OPEN_BOUNDS.counted})
   )
   select o.id, o.status, o.locked_at, count(*) over () as total from open o order by o.seq limit ${OPEN_BOUNDS.named}`,
);

/** A task that a gateway may be executing. */
export interface OpenExecution {
  readonly taskId: string;
  /** Held by a dispatcher, or given back since its outcome is not known. */
  readonly status: TaskStatus;
  readonly lockedAt: Instant | null;
}

/** What a gateway may be executing: the oldest of it, and how much it is, up to the bound. */
export async function openExecutionsAt(
  db: Db,
  gatewayId: string,
): Promise<{ readonly first: readonly OpenExecution[]; readonly total: number }> {
  const rows = await db.query(LIST, [gatewayId]);
  const first = rows.map((row) => ({
    taskId: text(row, 'id'),
    status: status(row, 'status'),
    lockedAt: instantOrNull(row, 'locked_at'),
  }));
  return { first, total: rows[0] === undefined ? 0 : integer(rows[0], 'total') };
}

const KEYS = statement(
  'ledger.openKeysAmong',
  `select t.dispatch_key from unnest($1::text[], $2::text[]) e(task_id, key)
   join tasks t on t.id = e.task_id and t.dispatch_key = e.key`,
);

/** Those of some executions that are still open: their tasks wait for how they end. */
export async function openKeysAmong(
  db: Db,
  executions: readonly { readonly taskId: string; readonly key: string }[],
): Promise<ReadonlySet<string>> {
  if (executions.length === 0) return new Set();
  const columns = [executions.map(({ taskId }) => taskId), executions.map(({ key }) => key)];
  return new Set((await db.query(KEYS, columns)).map((row) => text(row, 'dispatch_key')));
}
