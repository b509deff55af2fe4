import { type Db } from '../../platform/database/database.js';
import {
  instant,
  type Instant,
  integer,
  type JsonObject,
  jsonObject,
  onlyRow,
  type Row,
  text,
  textOrNull,
} from '../../platform/database/row.js';
import { statement } from '../../platform/database/statement.js';
import { laterOf, type Position } from './domain/position.js';
import { type EventFilter, filterSql } from './event-filter.js';

/** One entry of the log. */
export interface TaskEvent {
  readonly id: number;
  /** The transaction that it counts as (`event_txid` in the schema), as decimal text; orders the log together with the id. */
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

const FIELDS = `e.id, e.task_id, e.event_type, e.from_status, e.to_status, e.worker_id, e.claim_token, e.message,
  e.payload, e.created_at`;
const COLUMNS = `e.txid::text as txid, ${FIELDS}`;

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

/** The newest `limit` events in the order of their transactions, shown by id. */
export async function listNewest(db: Db, filter: EventFilter, limit: number): Promise<TaskEvent[]> {
  const { kind, narrowing, sifting, values } = filterSql(filter, 2);
  const newest = statement(
    `events.newest${kind}`,
    `select ${COLUMNS} from (
       select * from events e where true${narrowing}${sifting} order by e.txid desc, e.id desc limit $1
     ) e order by e.id`,
  );
  return (await db.query(newest, [limit, ...values])).map(eventFromRow);
}

/** How many ids the first look after an id spans for each event that is wanted; each further look, so many times more. */
const ID_STRIDE = 4;

/** The next events above an id. One whose transaction is still open is not there yet, and may come with a lower id. */
export async function listAfterId(
  db: Db,
  filter: EventFilter,
  afterId: number,
  limit: number,
): Promise<TaskEvent[]> {
  const { kind, narrowing, sifting, values } = filterSql(filter, 4);
  // Ids are dense, but for lost ones, and have a block index only: a span of them is found and sorted quickly.
  const span = statement(
    `events.afterId${kind}`,
    `select ${COLUMNS} from events e where e.id > $1 and e.id <= $2${narrowing}${sifting} order by e.id limit $3`,
  );
  const events: TaskEvent[] = [];
  const newestId = await findNewestId(db);
  let width = filter.taskId === null ? limit * ID_STRIDE : newestId;
  for (let from = afterId; from < newestId && events.length < limit; width *= ID_STRIDE) {
    const to = Math.min(from + width, newestId);
    events.push(...(await db.query(span, [from, to, limit - events.length, ...values])).map(eventFromRow));
    from = to;
  }
  return events;
}

const NEWEST_ID = statement('events.newestId', 'select last_value as id from events_id_seq');

async function findNewestId(db: Db): Promise<number> {
  return integer(onlyRow(await db.query(NEWEST_ID)), 'id');
}

/** A part of the log, read by position. */
export interface LogPage {
  readonly events: readonly TaskEvent[];
  /** All that was asked for and lies before this place is in `events`, or was in an earlier page. */
  readonly end: Position;
  /** Whether there may be more already. */
  readonly more: boolean;
  /** What lies up to here may have been dropped; above it the log is whole. */
  readonly floor: Position;
  /** The transaction that will be given out next, about: no position can lie beyond it. */
  readonly nextTxid: string;
}

/** Rows that one reading looks at, at most, to find those that a filter wants. */
const WINDOW = 5_000;

/**
 * The next events after a position, at most `limit`, of transactions below the snapshot's horizon only: whatever is still
 * open will come after `end`, so a reader that follows from end to end misses nothing and sees nothing twice. The work is
 * bounded: a page may hold less than `limit`, or nothing, although there is `more`.
 */
export async function readPage(
  db: Db,
  filter: EventFilter,
  after: Position,
  limit: number,
): Promise<LogPage> {
  const { kind, narrowing, sifting, values } = filterSql(filter, 5);
  const page = statement(
    `events.page${kind}`,
    `with seen as materialized (
       select e.* from events e
       where (e.txid, e.id) > ($1::xid8, $2) and e.txid < pg_snapshot_xmin(pg_current_snapshot())${narrowing}
       order by e.txid, e.id limit $3
     ), wanted as materialized (
       select e.* from seen e where true${sifting} order by e.txid, e.id limit $4
     )
     select f.txid::text as floor_txid, f.id as floor_id,
       pg_snapshot_xmin(pg_current_snapshot())::text as horizon, pg_snapshot_xmax(pg_current_snapshot())::text as next_txid,
       s.count as seen, s.last_txid, s.last_id, e.txid::text as txid, ${FIELDS}
     from events_floor f
     cross join (
       select count(*) as count,
         (select l.txid::text from seen l order by l.txid desc, l.id desc limit 1) as last_txid,
         (select l.id from seen l order by l.txid desc, l.id desc limit 1) as last_id
       from seen e
     ) s
     left join wanted e on true
     order by e.txid, e.id`,
  );
  const window = sifting === '' ? limit + 1 : Math.max(limit + 1, WINDOW);
  const rows = await db.query(page, [after.txid, after.id, window, limit + 1, ...values]);
  return pageFromRows(rows, after, window, limit);
}

function pageFromRows(rows: readonly Row[], after: Position, window: number, limit: number): LogPage {
  const [head] = rows;
  if (head === undefined) throw new Error('The floor of the log is missing.');
  const found = rows.filter((row) => row['txid'] !== null).map(eventFromRow);
  const events = found.slice(0, limit);
  const last = events.at(-1);
  const floor = { txid: text(head, 'floor_txid'), id: integer(head, 'floor_id') };
  const nextTxid = text(head, 'next_txid');
  if (found.length > limit && last !== undefined)
    return { events, end: { txid: last.txid, id: last.id }, more: true, floor, nextTxid };
  if (integer(head, 'seen') === window) {
    const end = { txid: text(head, 'last_txid'), id: integer(head, 'last_id') };
    return { events, end, more: true, floor, nextTxid };
  }
  return {
    events,
    end: laterOf(after, { txid: text(head, 'horizon'), id: 0 }),
    more: false,
    floor,
    nextTxid,
  };
}

const END = statement('events.end', 'select pg_snapshot_xmin(pg_current_snapshot())::text as horizon');

/** Where the log ends now: all that is readable lies before it, and all that is not yet will come after it. */
export async function readEnd(db: Db): Promise<Position> {
  return { txid: text(onlyRow(await db.query(END)), 'horizon'), id: 0 };
}

const PROJECTS = statement(
  'events.projects',
  'select t.id, t.project_id from tasks t where t.id = any($1::text[])',
);

/** The projects of tasks, by the tasks' ids. */
export async function listProjects(db: Db, taskIds: readonly string[]): Promise<Map<string, string>> {
  const rows = await db.query(PROJECTS, [taskIds]);
  return new Map(rows.map((row) => [text(row, 'id'), text(row, 'project_id')]));
}
