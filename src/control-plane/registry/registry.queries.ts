import { type Db } from '../../platform/database/database.js';
import {
  flag,
  instant,
  type Instant,
  instantOrNull,
  integer,
  type JsonObject,
  jsonObject,
  onlyRow,
  type Row,
  text,
  textOrNull,
  texts,
} from '../../platform/database/row.js';
import { statement } from '../../platform/database/statement.js';

/** A gateway as it is registered. */
export interface Gateway {
  readonly gatewayId: string;
  readonly host: string;
  readonly capabilities: readonly string[];
  readonly status: string;
  readonly declaredStatus: string;
  readonly statusReason: string;
  readonly metadata: JsonObject;
  readonly registeredAt: Instant;
  readonly lastHeartbeat: Instant;
  readonly lastUsedAt: Instant | null;
  /** Since when it is sent nothing new; null when it is not paused. */
  readonly pausedAt: Instant | null;
  readonly pauseReason: string | null;
}

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

const GATEWAY_COLUMNS = `g.gateway_id, g.host, g.capabilities, g.status, g.declared_status, g.status_reason, g.metadata,
  g.registered_at, g.last_heartbeat, g.last_used_at, g.paused_at, g.pause_reason`;

const gatewayFromRow = (row: Row): Gateway => ({
  gatewayId: text(row, 'gateway_id'),
  host: text(row, 'host'),
  capabilities: texts(row, 'capabilities'),
  status: text(row, 'status'),
  declaredStatus: text(row, 'declared_status'),
  statusReason: text(row, 'status_reason'),
  metadata: jsonObject(row, 'metadata'),
  registeredAt: instant(row, 'registered_at'),
  lastHeartbeat: instant(row, 'last_heartbeat'),
  lastUsedAt: instantOrNull(row, 'last_used_at'),
  pausedAt: instantOrNull(row, 'paused_at'),
  pauseReason: textOrNull(row, 'pause_reason'),
});

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

const UPSERT_GATEWAY = statement(
  'registry.upsertGateway',
  `insert into gateways as g (gateway_id, host, capabilities, status, declared_status, metadata, status_reason)
   values ($1, $2, $3, $6, $4, $5, $7)
   on conflict (gateway_id) do update set
     host = excluded.host, status = excluded.status, declared_status = excluded.declared_status,
     status_reason = excluded.status_reason,
     capabilities = case when cardinality(excluded.capabilities) = 0 then g.capabilities else excluded.capabilities end,
     metadata = case when excluded.metadata::text = '{}' then g.metadata else excluded.metadata end,
     last_heartbeat = now()
   returning ${GATEWAY_COLUMNS}`,
);

export interface GatewayRegistration {
  readonly gatewayId: string;
  readonly host: string;
  readonly capabilities: readonly string[];
  readonly status: string;
  readonly metadata: JsonObject;
}

/** What a look at a gateway has shown. */
export interface Findings {
  readonly status: string;
  readonly reason: string;
}

const registrationValues = (
  { gatewayId, host, capabilities, status, metadata }: GatewayRegistration,
  found: Findings,
) => [gatewayId, host, capabilities, status, JSON.stringify(metadata), found.status, found.reason];

/** Registers a gateway, or anew: what is empty keeps its stored value, `registered_at` stays. */
export async function upsertGateway(db: Db, gateway: GatewayRegistration, found: Findings): Promise<Gateway> {
  return gatewayFromRow(onlyRow(await db.query(UPSERT_GATEWAY, registrationValues(gateway, found))));
}

/** `g` came from the configuration, which says something else now. */
const HAS_MOVED = `g.metadata ->> 'source' = 'startup' and g.host <>`;

const IS_SEED_WANTED = statement(
  'registry.isSeedWanted',
  `select not exists (
     select from gateways g where g.gateway_id = $1 and (${HAS_MOVED} $2) is not true) as wanted`,
);

/** Whether {@link seedGateway} would write anything. */
export async function isSeedWanted(
  db: Db,
  { gatewayId, host }: Pick<GatewayRegistration, 'gatewayId' | 'host'>,
): Promise<boolean> {
  return flag(onlyRow(await db.query(IS_SEED_WANTED, [gatewayId, host])), 'wanted');
}

const SEED_GATEWAY = statement(
  'registry.seedGateway',
  `insert into gateways as g (gateway_id, host, capabilities, status, declared_status, metadata, status_reason)
   values ($1, $2, $3, $6, $4, $5, $7)
   on conflict (gateway_id) do update set
     host = excluded.host, status = excluded.status, declared_status = excluded.declared_status,
     status_reason = excluded.status_reason, last_heartbeat = now()
   where ${HAS_MOVED} excluded.host
   returning ${GATEWAY_COLUMNS}`,
);

/** Registers a gateway of the configuration: if its id is free, or if it came from there and has moved. Null otherwise. */
export async function seedGateway(
  db: Db,
  gateway: GatewayRegistration,
  found: Findings,
): Promise<Gateway | null> {
  return (await db.query(SEED_GATEWAY, registrationValues(gateway, found))).map(gatewayFromRow)[0] ?? null;
}

const SET_STATUS = statement(
  'registry.setGatewayStatus',
  `update gateways g set status = $3, status_reason = $4, last_heartbeat = case when $5::boolean then now() else g.last_heartbeat end
   where g.gateway_id = $1 and g.host = $2 and (g.status <> $3 or g.status_reason <> $4)
     and g.declared_status = coalesce($6::text, g.declared_status)
   returning ${GATEWAY_COLUMNS}`,
);

/**
 * Notes what a probe or a call found, if the gateway still has that host and, unless it is null, that declared status.
 * Writes nothing when nothing changed, and returns null then.
 */
export async function setGatewayStatus(
  db: Db,
  found: {
    readonly gatewayId: string;
    readonly host: string;
    readonly declaredStatus: string | null;
    readonly status: string;
    readonly reason: string;
    readonly answered: boolean;
  },
): Promise<Gateway | null> {
  const rows = await db.query(SET_STATUS, [
    found.gatewayId,
    found.host,
    found.status,
    found.reason,
    found.answered,
    found.declaredStatus,
  ]);
  return rows.map(gatewayFromRow)[0] ?? null;
}

const LIST_GATEWAYS = statement(
  'registry.listGateways',
  `select ${GATEWAY_COLUMNS} from gateways g order by g.registered_at, g.gateway_id collate "C"`,
);

/** All gateways, oldest first: a fleet has hundreds, and who routes or probes needs all of them. */
export async function listGateways(db: Db): Promise<Gateway[]> {
  return (await db.query(LIST_GATEWAYS)).map(gatewayFromRow);
}

const MARK_USED = statement(
  'registry.markGatewaysUsed',
  'update gateways g set last_used_at = clock_timestamp() where g.gateway_id = any($1::text[])',
);

export async function markGatewaysUsed(db: Db, gatewayIds: readonly string[]): Promise<void> {
  await db.query(MARK_USED, [gatewayIds]);
}

const PAUSE = statement(
  'registry.pauseGateway',
  `update gateways g set paused_at = coalesce(g.paused_at, now()), pause_reason = coalesce(nullif($2, ''), g.pause_reason, '')
   where g.gateway_id = $1 returning ${GATEWAY_COLUMNS}`,
);

/** What is paused stays so since then, and takes over a reason that is given anew. Null when it is not registered. */
export async function pauseGateway(db: Db, gatewayId: string, reason: string): Promise<Gateway | null> {
  return (await db.query(PAUSE, [gatewayId, reason])).map(gatewayFromRow)[0] ?? null;
}

const RESUME = statement(
  'registry.resumeGateway',
  `update gateways g set paused_at = null, pause_reason = null where g.gateway_id = $1 returning ${GATEWAY_COLUMNS}`,
);

export async function resumeGateway(db: Db, gatewayId: string): Promise<Gateway | null> {
  return (await db.query(RESUME, [gatewayId])).map(gatewayFromRow)[0] ?? null;
}

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

const COUNTS = statement(
  'registry.counts',
  'select (select count(*) from gateways) as gateways, (select count(*) from workers) as workers',
);

export async function countAll(db: Db): Promise<{ readonly gateways: number; readonly workers: number }> {
  const row = onlyRow(await db.query(COUNTS));
  return { gateways: integer(row, 'gateways'), workers: integer(row, 'workers') };
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
