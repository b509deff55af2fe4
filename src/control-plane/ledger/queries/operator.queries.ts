import { type Db, type Tx } from '../../../platform/database/database.js';
import {
  flag,
  integer,
  integerOrNull,
  onlyRow,
  type Row,
  text,
  textOrNull,
} from '../../../platform/database/row.js';
import { statement } from '../../../platform/database/statement.js';
import { appendEvents } from '../../events/index.js';
import { type Concurrency } from '../domain/concurrency.js';
import { GATE } from '../domain/gate.js';
import { type TaskStatus, verbs } from '../domain/task-state.js';
import { laneOf } from './lane.js';
import { inStates } from './states.js';
import { concurrencyFromRow, status } from './task-row.js';
import { isPending } from './untold.queries.js';
import { WRITTEN_BY } from './writer.js';

/** A task as an operator's command finds it. */
export interface Found {
  readonly seq: number;
  readonly id: string;
  readonly status: TaskStatus;
  readonly gate: number | null;
  readonly projectId: string;
  readonly hasHoldings: boolean;
  readonly concurrency: Concurrency | null;
  readonly hasDependents: boolean;
  readonly failedDependencyId: string | null;
  readonly failedDependencySeq: number | null;
  readonly error: string;
}

const foundFromRow = (row: Row): Found => ({
  seq: integer(row, 'seq'),
  id: text(row, 'id'),
  status: status(row, 'status'),
  gate: integerOrNull(row, 'gate'),
  projectId: text(row, 'project_id'),
  hasHoldings: flag(row, 'has_holdings'),
  concurrency: concurrencyFromRow(row),
  hasDependents: flag(row, 'has_dependents'),
  failedDependencyId: textOrNull(row, 'failed_dependency_id'),
  failedDependencySeq: integerOrNull(row, 'failed_dependency'),
  error: text(row, 'error'),
});

const FOUND = `t.seq, t.id, t.status, t.gate, t.project_id, t.has_holdings, t.concurrency_key,
   t.concurrency_limit, t.has_dependents, t.failed_dependency, t.error,
   (select p.id from tasks p where p.seq = t.failed_dependency) as failed_dependency_id`;

const FIND = statement('ledger.findTask', `select ${FOUND} from tasks t where t.id = $1`);
const LOCK = statement(
  'ledger.lockTask',
  `select ${FOUND} from tasks t where t.id = $1 for no key update of t`,
);

export async function findTask(db: Db, id: string): Promise<Found | null> {
  return (await db.query(FIND, [id])).map(foundFromRow)[0] ?? null;
}

/** Locks the row until the commit. The caller already holds the project's lock if the task has holdings. */
export async function lockTask(tx: Tx, id: string): Promise<Found | null> {
  return (await tx.query(LOCK, [id])).map(foundFromRow)[0] ?? null;
}

const CANCEL = statement(
  'ledger.cancel',
  `with cancelled as (
     update tasks t set status = 'failed', gate = ${GATE.failed}, error = $2, completed_at = now(),
       pending_dependencies = 0, next_attempt_at = null, dispatch_key = null, dispatch_gateway_id = null,
       holder = null, locked_by = null, claim_token = null, locked_at = null, lease_expires_at = null,
       version = t.version + 1, updated_at = now(), ${WRITTEN_BY}
     from tasks old where t.seq = $1 and old.seq = t.seq
     returning t.id, t.version, t.error, old.status as from_status, old.locked_by as was_locked_by,
       old.claim_token as was_claim_token
   ), logged as (
     ${appendEvents('cancelled', {
       type: 'cancelled',
       from: 'from_status',
       to: `'failed'`,
       worker: 'was_locked_by',
       token: 'was_claim_token',
       message: 'error',
     })}
   )
   select id from cancelled`,
);

/** Ends a locked task that has not ended; whoever held it finds its token void. */
export async function cancel(tx: Tx, seq: number, reason: string): Promise<void> {
  onlyRow(await tx.query(CANCEL, [seq, reason]));
}

const EXPIRE = statement(
  'ledger.expire',
  `with expired as (
     update tasks t set status = 'failed', gate = ${GATE.failed}, completed_at = now(), pending_dependencies = 0,
       next_attempt_at = null, error = 'expired: not started within ' || t.ttl_ms || ' ms (ttlMs)',
       version = t.version + 1, updated_at = now(), ${WRITTEN_BY}
     from tasks old
     where t.seq = $1 and old.seq = t.seq and ${inStates('t.status', verbs.expire.from)} and t.attempts = 0
       and t.expires_at <= now()
     returning t.id, t.version, t.error, old.status as from_status
   ), logged as (
     ${appendEvents('expired', {
       type: 'failed',
       from: 'from_status',
       to: `'failed'`,
       message: 'error',
       payload: `json_build_object('success', false, 'error', error)`,
     })}
   )
   select id from expired`,
);

/** Ends a locked task whose time to be started is over; false when it has been started, or has more time. */
export async function expire(tx: Tx, seq: number): Promise<boolean> {
  return (await tx.query(EXPIRE, [seq])).length > 0;
}

const RETRY = statement(
  'ledger.retry',
  `with retried as (
     update tasks t set status = 'queued', error = '', result = '{}', completed_at = null,
       gate = case when $3::integer > 0 then ${GATE.waitsForDependencies} else ${GATE.runnable} end,
       assigned_host_id = null, assigned_token = null,
       pending_dependencies = $3, failed_dependency = null, attempts = 0, lease_expiries = 0, next_attempt_at = null, dispatch_key = null,
       lane = ${laneOf('t', 'null', 'null')},
       dispatch_gateway_id = null, expires_at = now() + t.ttl_ms * interval '1 millisecond',
       version = t.version + 1, updated_at = now(), ${WRITTEN_BY}
     from tasks old where t.seq = $1 and old.seq = t.seq
     returning t.id, t.version, old.status as from_status
   ), logged as (
     ${appendEvents('retried', { type: 'retried', from: 'from_status', to: `'queued'`, message: '$2::text' })}
   )
   select id from retried`,
);

/**
 * Puts a locked, failed task back for a new execution with a new key and all of its attempts. `pending` counts those of
 * its dependencies that have not succeeded; the caller holds their states still.
 */
export async function retry(tx: Tx, seq: number, message: string, pending: number): Promise<void> {
  onlyRow(await tx.query(RETRY, [seq, message, pending]));
}

const HOLD_PARENTS_OF = statement(
  'ledger.holdParentsOf',
  `select p.seq from tasks p join task_dependencies d on d.parent_seq = p.seq
   where d.child_seq = $1 order by p.seq for share of p`,
);

const PARENTS_OF = statement(
  'ledger.parentsOf',
  `select p.id, p.status, ${isPending('p', 'c')} as is_pending
   from tasks c join task_dependencies d on d.child_seq = c.seq join tasks p on p.seq = d.parent_seq
   where c.seq = $1 order by p.seq`,
);

/** The dependencies of a task, held still until the commit. The caller keeps {@link holdTelling}. */
export async function lockParentsOf(
  tx: Tx,
  childSeq: number,
): Promise<{ readonly id: string; readonly status: TaskStatus; readonly isPending: boolean }[]> {
  // In a statement of its own: one of them may be completing, and the look below must see how that ended.
  await tx.query(HOLD_PARENTS_OF, [childSeq]);
  const rows = await tx.query(PARENTS_OF, [childSeq]);
  return rows.map((row) => ({
    id: text(row, 'id'),
    status: status(row, 'status'),
    isPending: flag(row, 'is_pending'),
  }));
}
