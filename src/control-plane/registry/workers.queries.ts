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
  texts,
} from '../../platform/database/row.js';
import { statement } from '../../platform/database/statement.js';

/** A worker as it is registered; `status` is offline when it has fallen silent. */
export interface Worker {
  readonly workerId: string;
  readonly gatewayId: string | null;
  readonly capabilities: readonly string[];
  readonly status: string;
  readonly capacity: JsonObject;
  readonly metadata: JsonObject;
  readonly registeredAt: Instant;
  readonly lastHeartbeat: Instant;
}

const SHOWN_STATUS = `case when w.uses_heartbeat and w.last_heartbeat < now() - w.silent_after_ms * interval '1 millisecond'
    then 'offline' else w.status end`;

const WORKER_COLUMNS = `w.worker_id, w.gateway_id, w.capabilities, w.capacity, w.metadata, w.registered_at, w.last_heartbeat,
  ${SHOWN_STATUS} as status`;

const workerFromRow = (row: Row): Worker => ({
  workerId: text(row, 'worker_id'),
  gatewayId: textOrNull(row, 'gateway_id'),
  capabilities: texts(row, 'capabilities'),
  status: text(row, 'status'),
  capacity: jsonObject(row, 'capacity'),
  metadata: jsonObject(row, 'metadata'),
  registeredAt: instant(row, 'registered_at'),
  lastHeartbeat: instant(row, 'last_heartbeat'),
});

const UPSERT_WORKER = statement(
  'registry.upsertWorker',
  `insert into workers as w (worker_id, gateway_id, capabilities, status, capacity, metadata)
   values ($1, $2, $3, $4, $5, $6)
   on conflict (worker_id) do update set
     gateway_id = excluded.gateway_id, status = excluded.status, last_heartbeat = now(),
     capabilities = case when cardinality(excluded.capabilities) = 0 then w.capabilities else excluded.capabilities end,
     capacity = case when excluded.capacity::text = '{}' then w.capacity else excluded.capacity end,
     metadata = case when excluded.metadata::text = '{}' then w.metadata else excluded.metadata end
   where w.kind = 'worker'
   returning ${WORKER_COLUMNS}`,
);

export interface WorkerRegistration {
  readonly workerId: string;
  readonly gatewayId: string | null;
  readonly capabilities: readonly string[];
  readonly status: string;
  readonly capacity: JsonObject;
  readonly metadata: JsonObject;
}

/**
 * Registers a worker, or anew: what is empty keeps its stored value; the gateway is always replaced. Null when the id is
 * a host's.
 */
export async function upsertWorker(db: Db, worker: WorkerRegistration): Promise<Worker | null> {
  const { workerId, gatewayId, capabilities, status, capacity, metadata } = worker;
  const values = [
    workerId,
    gatewayId,
    capabilities,
    status,
    JSON.stringify(capacity),
    JSON.stringify(metadata),
  ];
  return (await db.query(UPSERT_WORKER, values)).map(workerFromRow)[0] ?? null;
}

const HEARTBEAT = statement(
  'registry.heartbeat',
  `update workers w set last_heartbeat = now(), uses_heartbeat = true, status = coalesce($2, w.status)
   where w.worker_id = $1 and w.kind = 'worker' returning ${WORKER_COLUMNS}`,
);

export async function heartbeat(db: Db, workerId: string, status: string | null): Promise<Worker | null> {
  return (await db.query(HEARTBEAT, [workerId, status])).map(workerFromRow)[0] ?? null;
}

const SEEN = statement(
  'registry.workersSeen',
  `with seen as (select w.worker_id from workers w where w.worker_id = any($1::text[]) order by w.worker_id for no key update)
   update workers w set last_heartbeat = clock_timestamp() from seen where w.worker_id = seen.worker_id`,
);

export async function markWorkersSeen(db: Db, workerIds: readonly string[]): Promise<void> {
  await db.query(SEEN, [workerIds]);
}

const LIST_WORKERS = statement(
  'registry.listWorkers',
  `select ${WORKER_COLUMNS} from workers w
   where $1::timestamptz is null or (w.registered_at, w.worker_id) > ($1, $2::text)
   order by w.registered_at, w.worker_id limit $3`,
);

/** Up to `limit` workers, oldest first; those after `after` if given. */
export async function listWorkers(
  db: Db,
  after: Pick<Worker, 'registeredAt' | 'workerId'> | null,
  limit: number,
): Promise<Worker[]> {
  const rows = await db.query(LIST_WORKERS, [after?.registeredAt ?? null, after?.workerId ?? null, limit]);
  return rows.map(workerFromRow);
}

const WORKERS_BY_ID = statement(
  'registry.workersById',
  `select ${WORKER_COLUMNS} from workers w where $1::text is null or w.worker_id collate "C" < $1 collate "C"
   order by w.worker_id collate "C" desc limit $2`,
);

/** Up to `limit` workers by id, descending; those below `before` if given. */
export async function listWorkersById(db: Db, before: string | null, limit: number): Promise<Worker[]> {
  return (await db.query(WORKERS_BY_ID, [before, limit])).map(workerFromRow);
}

const FIND_WORKERS = statement(
  'registry.findWorkers',
  `select ${WORKER_COLUMNS} from workers w where w.worker_id = any($1::text[])`,
);

export async function findWorkers(db: Db, ids: readonly string[]): Promise<Worker[]> {
  return (await db.query(FIND_WORKERS, [ids])).map(workerFromRow);
}

const FIND_WORKER = statement(
  'registry.findWorker',
  `select ${WORKER_COLUMNS} from workers w where w.worker_id = $1`,
);

export async function findWorker(db: Db, workerId: string): Promise<Worker | null> {
  return (await db.query(FIND_WORKER, [workerId])).map(workerFromRow)[0] ?? null;
}

/** Workers that are looked at to tell who there is. */
const MOST_WORKERS = 20_000;

const WORKER_CLASSES = statement(
  'registry.workerClasses',
  `select c.kind, c.gateway_id, c.capabilities, c.status, count(*) as workers, min(c.worker_id) as example
   from (
     select w.kind, w.gateway_id, w.capabilities, w.worker_id, ${SHOWN_STATUS} as status from workers w limit ${MOST_WORKERS}
   ) c
   group by c.kind, c.gateway_id, c.capabilities, c.status`,
);

/** Workers that are alike: of one kind and gateway, with the same capabilities and status. */
export interface WorkerClass {
  readonly kind: 'worker' | 'host';
  readonly gatewayId: string | null;
  readonly capabilities: readonly string[];
  readonly status: string;
  readonly workers: number;
  /** One of them. */
  readonly workerId: string;
}

/** All workers, those that are alike together. */
export async function listWorkerClasses(db: Db): Promise<WorkerClass[]> {
  return (await db.query(WORKER_CLASSES)).map((row) => ({
    kind: text(row, 'kind') as WorkerClass['kind'],
    gatewayId: textOrNull(row, 'gateway_id'),
    capabilities: texts(row, 'capabilities'),
    status: text(row, 'status'),
    workers: integer(row, 'workers'),
    workerId: text(row, 'example'),
  }));
}
