import { type Db } from '../../platform/database/database.js';
import {
  instant,
  type Instant,
  instantOrNull,
  type Row,
  text,
  textOrNull,
  texts,
} from '../../platform/database/row.js';
import { statement } from '../../platform/database/statement.js';
import { type ApprovalRequest } from '../gateway-client/index.js';

/** Requests are forgotten after so many days. */
const KEPT_DAYS = 30;
/** Requests of one task that are shown. */
const MOST_SHOWN = 200;

export interface Approval {
  readonly taskId: string;
  readonly approvalId: string;
  readonly gatewayId: string;
  readonly command: string;
  readonly cwd: string;
  readonly decisions: readonly string[];
  readonly requestedAt: Instant;
  readonly expiresAt: Instant | null;
  /** Null while it waits; `lapsed` when nobody waits for it any more. */
  readonly decision: string | null;
}

const COLUMNS = `a.task_id, a.approval_id, a.gateway_id, a.command, a.cwd, a.decisions, a.requested_at, a.expires_at,
  a.decision`;

const approvalFromRow = (row: Row): Approval => ({
  taskId: text(row, 'task_id'),
  approvalId: text(row, 'approval_id'),
  gatewayId: text(row, 'gateway_id'),
  command: text(row, 'command'),
  cwd: text(row, 'cwd'),
  decisions: texts(row, 'decisions'),
  requestedAt: instant(row, 'requested_at'),
  expiresAt: instantOrNull(row, 'expires_at'),
  decision: textOrNull(row, 'decision'),
});

const NOTE = statement(
  'approvals.note',
  `with old as (
     delete from approvals where requested_at < now() - ${KEPT_DAYS} * interval '1 day'
   )
   insert into approvals as a (task_id, approval_id, gateway_id, command, cwd, decisions, expires_at)
   values ($1, $2, $3, $4, $5, $6, $7)
   on conflict (task_id, approval_id) do nothing
   returning ${COLUMNS}`,
);

/** Notes a request. Null when it is known already: a gateway may tell of it twice. */
export async function noteApproval(
  db: Db,
  { taskId, gatewayId }: { readonly taskId: string; readonly gatewayId: string },
  request: ApprovalRequest,
): Promise<Approval | null> {
  const { approvalId, command, cwd, decisions, expiresAt } = request;
  const values = [taskId, approvalId, gatewayId, command, cwd, decisions, expiresAt?.toISOString() ?? null];
  return (await db.query(NOTE, values)).map(approvalFromRow)[0] ?? null;
}

const DECIDE = statement(
  'approvals.decide',
  `update approvals a set decision = $3, decided_at = now()
   where a.task_id = $1 and a.approval_id = $2 and a.decision is null
   returning ${COLUMNS}`,
);

/** Notes the answer. Null when there is one, or no such request. */
export async function decideApproval(
  db: Db,
  { taskId, approvalId }: { readonly taskId: string; readonly approvalId: string },
  decision: string,
): Promise<Approval | null> {
  return (await db.query(DECIDE, [taskId, approvalId, decision])).map(approvalFromRow)[0] ?? null;
}

const FIND = statement(
  'approvals.find',
  `select ${COLUMNS} from approvals a where a.task_id = $1 and a.approval_id = $2`,
);

export async function findApproval(db: Db, taskId: string, approvalId: string): Promise<Approval | null> {
  return (await db.query(FIND, [taskId, approvalId])).map(approvalFromRow)[0] ?? null;
}

const LIST = statement(
  'approvals.list',
  `select ${COLUMNS} from approvals a where a.task_id = $1
   order by a.decision is not null, a.requested_at desc, a.approval_id limit ${MOST_SHOWN}`,
);

/** The requests of a task, those that wait first, then the newest. */
export async function listApprovals(db: Db, taskId: string): Promise<Approval[]> {
  return (await db.query(LIST, [taskId])).map(approvalFromRow);
}
