import { type Db } from '../../platform/database/database.js';
import {
  instant,
  type Instant,
  integer,
  type JsonObject,
  jsonObject,
  type Row,
  text,
  textOrNull,
} from '../../platform/database/row.js';
import { statement } from '../../platform/database/statement.js';

/** One entry of the log. */
export interface TaskEvent {
  readonly id: number;
  /** The transaction that wrote it, as decimal text; orders the log together with the id. */
  readonly txid: string;
  readonly taskId: string;
  readonly eventType: string;
  readonly fromStatus: string | null;
  readonly toStatus: string | null;
  readonly workerId: string | null;
  readonly claimToken: string | null;
  readonly message: string;
  readonly payload: JsonObject;
  readonly createdAt: Instant;
}

const COLUMNS = `e.id, e.txid::text as txid, e.task_id, e.event_type, e.from_status, e.to_status, e.worker_id,
  e.claim_token, e.message, e.payload, e.created_at`;

function eventFromRow(row: Row): TaskEvent {
  return {
    id: integer(row, 'id'),
    txid: text(row, 'txid'),
    taskId: text(row, 'task_id'),
    eventType: text(row, 'event_type'),
    fromStatus: textOrNull(row, 'from_status'),
    toStatus: textOrNull(row, 'to_status'),
    workerId: textOrNull(row, 'worker_id'),
    claimToken: textOrNull(row, 'claim_token'),
    message: text(row, 'message'),
    payload: jsonObject(row, 'payload'),
    createdAt: instant(row, 'created_at'),
  };
}

export interface EventFilter {
  readonly taskId: string | null;
  /** Inclusive. */
  readonly since: Instant | null;
}

const FILTER = '($1::text is null or e.task_id = $1) and ($2::timestamptz is null or e.created_at >= $2)';

const NEWEST = statement(
  'events.newest',
  `select * from (select ${COLUMNS} from events e where ${FILTER} order by e.id desc limit $3) e order by e.id`,
);

/** The newest `limit` events, oldest first. */
export async function listNewest(
  db: Db,
  { taskId, since }: EventFilter,
  limit: number,
): Promise<TaskEvent[]> {
  return (await db.query(NEWEST, [taskId, since, limit])).map(eventFromRow);
}

const AFTER_ID = statement(
  'events.afterId',
  `select ${COLUMNS} from events e where ${FILTER} and e.id > $3 order by e.id limit $4`,
);

/** The next events above an id. One whose transaction is still open is not there yet, and may come with a lower id. */
export async function listAfterId(
  db: Db,
  { taskId, since }: EventFilter,
  afterId: number,
  limit: number,
): Promise<TaskEvent[]> {
  return (await db.query(AFTER_ID, [taskId, since, afterId, limit])).map(eventFromRow);
}

const AFTER_POSITION = statement(
  'events.afterPosition',
  `select ${COLUMNS} from events e
   where ${FILTER} and (e.txid, e.id) > ($3::xid8, $4) and e.txid < pg_snapshot_xmin(pg_current_snapshot())
   order by e.txid, e.id limit $5`,
);

/** A place in the log that nothing can be written before. */
export interface Position {
  readonly txid: string;
  readonly id: number;
}

/**
 * The next events after a position, of transactions below the snapshot's horizon only: whatever is still open will come
 * after the last row returned, so a reader that follows positions misses nothing and sees nothing twice.
 */
export async function listAfterPosition(
  db: Db,
  { taskId, since }: EventFilter,
  after: Position,
  limit: number,
): Promise<TaskEvent[]> {
  return (await db.query(AFTER_POSITION, [taskId, since, after.txid, after.id, limit])).map(eventFromRow);
}

const PRUNE = statement(
  'events.prune',
  'delete from events e where e.task_id = any($1::text[]) returning e.id',
);

/** Deletes the history of tasks that are themselves deleted. */
export async function deleteEventsOf(db: Db, taskIds: readonly string[]): Promise<number> {
  return (await db.query(PRUNE, [taskIds])).length;
}
