import { type Db } from '../../../platform/database/database.js';
import { flag, integer, onlyRow, type Row, text } from '../../../platform/database/row.js';
import { statement } from '../../../platform/database/statement.js';

const kinds = ['agent', 'http', 'tool'] as const;
/** A turn over the WebSocket, a turn over HTTP, a call of a tool. */
type TurnKind = (typeof kinds)[number];

/** An execution that a gateway may have begun. */
export interface StoredTurn {
  readonly key: string;
  readonly kind: TurnKind;
  readonly taskId: string;
  readonly gatewayId: string;
  readonly sessionKey: string;
  /** The process of the gateway that the key was sent to last. */
  readonly bootId: string;
  readonly sentMsAgo: number;
  readonly isPastDeadline: boolean;
  /** The number of the session's last row before a turn over HTTP was sent. */
  readonly rowsBefore: number;
}

const COLUMNS = `t.execution_key, t.kind, t.task_id, t.gateway_id, t.session_key, t.boot_id,
  (extract(epoch from now() - t.sent_at) * 1000)::bigint as sent_ms_ago, t.deadline_at <= now() as is_past_deadline, t.rows_before`;

const turnFromRow = (row: Row): StoredTurn => ({
  key: text(row, 'execution_key'),
  kind: kinds.find((kind) => kind === text(row, 'kind')) ?? 'agent',
  taskId: text(row, 'task_id'),
  gatewayId: text(row, 'gateway_id'),
  sessionKey: text(row, 'session_key'),
  bootId: text(row, 'boot_id'),
  sentMsAgo: integer(row, 'sent_ms_ago'),
  isPastDeadline: flag(row, 'is_past_deadline'),
  rowsBefore: integer(row, 'rows_before'),
});

const FIND = statement(
  'gatewayClient.findTurn',
  `select ${COLUMNS} from openclaw_turns t where t.execution_key = $1`,
);

export async function findTurn(db: Db, key: string): Promise<StoredTurn | null> {
  return (await db.query(FIND, [key])).map(turnFromRow)[0] ?? null;
}

const BEGIN = statement(
  'gatewayClient.beginTurn',
  `insert into openclaw_turns as t
     (execution_key, kind, task_id, gateway_id, of_ledger, session_key, boot_id, deadline_at, rows_before)
   values ($1, $2, $3, $4, $5, $6, $7, now() + $8::float8 * interval '1 second', $9)
   on conflict (execution_key) do nothing
   returning ${COLUMNS}`,
);

/** Notes that an execution is about to be sent. Null when somebody has noted it already: it may be under way. */
export async function beginTurn(
  db: Db,
  turn: Pick<StoredTurn, 'key' | 'kind' | 'taskId' | 'gatewayId' | 'sessionKey' | 'bootId'> & {
    readonly ofLedger: boolean;
    readonly deadlineSeconds: number;
    readonly rowsBefore?: number;
  },
): Promise<StoredTurn | null> {
  const {
    key,
    kind,
    taskId,
    gatewayId,
    ofLedger,
    sessionKey,
    bootId,
    deadlineSeconds,
    rowsBefore = 0,
  } = turn;
  const values = [key, kind, taskId, gatewayId, ofLedger, sessionKey, bootId, deadlineSeconds, rowsBefore];
  return (await db.query(BEGIN, values)).map(turnFromRow)[0] ?? null;
}

const RESEND = statement(
  'gatewayClient.resendTurn',
  `update openclaw_turns t set boot_id = $2, sent_at = case when t.boot_id = $2 then t.sent_at else now() end
   where t.execution_key = $1 and t.abort_since is null
   returning ${COLUMNS}`,
);

/**
 * Notes that it is about to be sent anew, to this process of the gateway; a process that had it already goes on counting
 * from the first time, for it forgets by that. Null when it is being aborted.
 */
export async function resendTurn(db: Db, key: string, bootId: string): Promise<StoredTurn | null> {
  return (await db.query(RESEND, [key, bootId])).map(turnFromRow)[0] ?? null;
}

const END = statement('gatewayClient.endTurn', 'delete from openclaw_turns where execution_key = $1');

/** Nobody will ask for it again. */
export async function endTurn(db: Db, key: string): Promise<void> {
  await db.query(END, [key]);
}

const NOTE_ABORT = statement(
  'gatewayClient.noteAbort',
  `update openclaw_turns t set abort_since = coalesce(t.abort_since, now()) where t.execution_key = $1
   returning (extract(epoch from now() - t.abort_since) * 1000)::bigint as ms`,
);

/** Notes that it is being aborted; since how many milliseconds. */
export async function noteAbort(db: Db, key: string): Promise<number> {
  const [row] = await db.query(NOTE_ABORT, [key]);
  return row === undefined ? Number.MAX_SAFE_INTEGER : integer(row, 'ms');
}

const LIST = statement(
  'gatewayClient.listTurns',
  `select ${COLUMNS} from openclaw_turns t where t.of_ledger order by t.sent_at limit $1`,
);

/** Executions of the ledger, the oldest first. */
export async function listTurns(db: Db, limit: number): Promise<StoredTurn[]> {
  return (await db.query(LIST, [limit])).map(turnFromRow);
}

const IS_AT_WORK = statement(
  'gatewayClient.isAtWork',
  `select exists (
     select from openclaw_turns t where t.gateway_id = $1 and (t.of_ledger or t.deadline_at > now())) as is_at_work`,
);

/** Whether a gateway may be at an execution of ours. */
export async function isAtWork(db: Db, gatewayId: string): Promise<boolean> {
  return flag(onlyRow(await db.query(IS_AT_WORK, [gatewayId])), 'is_at_work');
}

const PRUNE = statement(
  'gatewayClient.pruneTurns',
  `delete from openclaw_turns where not of_ledger and deadline_at < now() - interval '1 day'`,
);

/** Forgets direct calls whose outcome was never found out, a day after they must have ended. */
export async function pruneTurns(db: Db): Promise<void> {
  await db.query(PRUNE);
}
