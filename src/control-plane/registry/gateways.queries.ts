import { type Db } from '../../platform/database/database.js';
import {
  flag,
  instant,
  type Instant,
  instantOrNull,
  integerOrNull,
  type JsonObject,
  jsonObject,
  onlyRow,
  type Row,
  text,
  textOrNull,
  texts,
} from '../../platform/database/row.js';
import { type GatewayProtocolName } from '../gateway-client/index.js';
import { statement } from '../../platform/database/statement.js';

/** A gateway as it is registered. */
export interface Gateway {
  readonly gatewayId: string;
  readonly host: string;
  readonly protocol: GatewayProtocolName;
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
  /** Since when it is to come to its end with what it has; null when it is not drained. */
  readonly drainSince: Instant | null;
  readonly drainDeadline: Instant | null;
  /** Whether the deadline has passed. */
  readonly isDrainOver: boolean;
  /** What it has said of itself; null when it has said nothing. */
  readonly version: string | null;
  /** How many tasks it wants at once. */
  readonly slots: number | null;
  /** How many actions it was running when it was last heard of. */
  readonly load: number | null;
}

const GATEWAY_COLUMNS = `g.gateway_id, g.host, g.protocol, g.capabilities, g.status, g.declared_status, g.status_reason, g.metadata,
  g.registered_at, g.last_heartbeat, g.last_used_at, g.paused_at, g.pause_reason,
  case when g.paused_at is not null then g.drain_since end as drain_since, g.drain_deadline,
  coalesce(g.drain_deadline <= now(), false) as is_drain_over, g.version, g.slots, g.load`;

const protocol = (row: Row): GatewayProtocolName =>
  text(row, 'protocol') === 'openclaw' ? 'openclaw' : 'skynet';

const gatewayFromRow = (row: Row): Gateway => ({
  gatewayId: text(row, 'gateway_id'),
  host: text(row, 'host'),
  protocol: protocol(row),
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
  drainSince: instantOrNull(row, 'drain_since'),
  drainDeadline: instantOrNull(row, 'drain_deadline'),
  isDrainOver: flag(row, 'is_drain_over'),
  version: textOrNull(row, 'version'),
  slots: integerOrNull(row, 'slots'),
  load: integerOrNull(row, 'load'),
});

const UPSERT_GATEWAY = statement(
  'registry.upsertGateway',
  `insert into gateways as g (gateway_id, host, capabilities, status, declared_status, metadata, status_reason, protocol,
     version, slots, load)
   values ($1, $2, $3, $6, $4, $5, $7, $8, $9, $10, $11)
   on conflict (gateway_id) do update set
     host = excluded.host, protocol = excluded.protocol, status = excluded.status,
     declared_status = excluded.declared_status, status_reason = excluded.status_reason,
     version = coalesce(excluded.version, g.version), slots = coalesce(excluded.slots, g.slots),
     load = coalesce(excluded.load, g.load),
     capabilities = case when cardinality(excluded.capabilities) = 0 then g.capabilities else excluded.capabilities end,
     metadata = case when excluded.metadata::text = '{}' then g.metadata else excluded.metadata end,
     last_heartbeat = now()
   returning ${GATEWAY_COLUMNS}`,
);

/** What a gateway says of itself beside its status; null is what it does not say. */
export interface GatewaySelfReport {
  readonly version: string | null;
  readonly slots: number | null;
  readonly load: number | null;
}

export interface GatewayRegistration {
  readonly gatewayId: string;
  readonly host: string;
  readonly protocol: GatewayProtocolName;
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
  { gatewayId, host, protocol, capabilities, status, metadata }: GatewayRegistration,
  found: Findings,
) => [gatewayId, host, capabilities, status, JSON.stringify(metadata), found.status, found.reason, protocol];

/** Registers a gateway, or anew: what is empty keeps its stored value, `registered_at` stays. */
export async function upsertGateway(
  db: Db,
  gateway: GatewayRegistration & GatewaySelfReport,
  found: Findings,
): Promise<Gateway> {
  const values = [...registrationValues(gateway, found), gateway.version, gateway.slots, gateway.load];
  return gatewayFromRow(onlyRow(await db.query(UPSERT_GATEWAY, values)));
}

const HEARTBEAT = statement(
  'registry.gatewayHeartbeat',
  `update gateways g set last_heartbeat = now(), version = coalesce($2, g.version), slots = coalesce($3, g.slots),
     load = coalesce($4, g.load), declared_status = coalesce($5, g.declared_status),
     status = case when g.status = g.declared_status and g.status_reason = '' then coalesce($5, g.status) else g.status end
   where g.gateway_id = $1 returning ${GATEWAY_COLUMNS}`,
);

/**
 * A gateway's own sign of life. A new declared status is shown at once if the last probe was good; else a probe decides.
 * Null when it is not registered.
 */
export async function heartbeatOfGateway(
  db: Db,
  gatewayId: string,
  { version, slots, load, status }: GatewaySelfReport & { readonly status: string | null },
): Promise<Gateway | null> {
  return (
    (await db.query(HEARTBEAT, [gatewayId, version, slots, load, status])).map(gatewayFromRow)[0] ?? null
  );
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
  `insert into gateways as g (gateway_id, host, capabilities, status, declared_status, metadata, status_reason, protocol)
   values ($1, $2, $3, $6, $4, $5, $7, $8)
   on conflict (gateway_id) do update set
     host = excluded.host, protocol = excluded.protocol, status = excluded.status,
     declared_status = excluded.declared_status, status_reason = excluded.status_reason, last_heartbeat = now()
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

const FIND_GATEWAY = statement(
  'registry.findGateway',
  `select ${GATEWAY_COLUMNS} from gateways g where g.gateway_id = $1`,
);

export async function findGateway(db: Db, gatewayId: string): Promise<Gateway | null> {
  return (await db.query(FIND_GATEWAY, [gatewayId])).map(gatewayFromRow)[0] ?? null;
}

const MARK_USED = statement(
  'registry.markGatewaysUsed',
  'update gateways g set last_used_at = clock_timestamp() where g.gateway_id = any($1::text[])',
);

export async function markGatewaysUsed(db: Db, gatewayIds: readonly string[]): Promise<void> {
  await db.query(MARK_USED, [gatewayIds]);
}

const PAUSED = `paused_at = coalesce(g.paused_at, now()), pause_reason = coalesce(nullif($2, ''), g.pause_reason, '')`;
/** Of a drain that is under way; one that ended with an earlier pause is over. */
const ongoing = (column: string) => `case when g.paused_at is not null then g.${column} end`;

const PAUSE = statement(
  'registry.pauseGateway',
  `update gateways g set ${PAUSED}, drain_since = ${ongoing('drain_since')}, drain_deadline = ${ongoing('drain_deadline')}
   where g.gateway_id = $1 returning ${GATEWAY_COLUMNS}`,
);

/** What is paused stays so since then, and takes over a reason that is given anew. Null when it is not registered. */
export async function pauseGateway(db: Db, gatewayId: string, reason: string): Promise<Gateway | null> {
  return (await db.query(PAUSE, [gatewayId, reason])).map(gatewayFromRow)[0] ?? null;
}

const DRAIN = statement(
  'registry.drainGateway',
  `update gateways g set ${PAUSED}, drain_since = coalesce(${ongoing('drain_since')}, now()),
     drain_deadline = now() + $3::float8 * interval '1 second'
   where g.gateway_id = $1 returning ${GATEWAY_COLUMNS}`,
);

/**
 * Pauses it and notes that it is to come to its end, by a deadline unless that is null. A drain that is under way goes on,
 * by the deadline that is given now. Null when it is not registered.
 */
export async function drainGateway(
  db: Db,
  gatewayId: string,
  { reason, deadlineSeconds }: { readonly reason: string; readonly deadlineSeconds: number | null },
): Promise<Gateway | null> {
  return (await db.query(DRAIN, [gatewayId, reason, deadlineSeconds])).map(gatewayFromRow)[0] ?? null;
}

const RESUME = statement(
  'registry.resumeGateway',
  `update gateways g set paused_at = null, pause_reason = null, drain_since = null, drain_deadline = null where g.gateway_id = $1 returning ${GATEWAY_COLUMNS}`,
);

export async function resumeGateway(db: Db, gatewayId: string): Promise<Gateway | null> {
  return (await db.query(RESUME, [gatewayId])).map(gatewayFromRow)[0] ?? null;
}
