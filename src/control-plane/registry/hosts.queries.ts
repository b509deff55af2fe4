import { type Db, type Tx } from '../../platform/database/database.js';
import {
  flag,
  instant,
  type Instant,
  instantOrNull,
  integer,
  integerOrNull,
  type Row,
  text,
  textOrNull,
  texts,
} from '../../platform/database/row.js';
import { statement } from '../../platform/database/statement.js';

/** A host as it is registered. */
export interface Host {
  readonly id: string;
  readonly name: string;
  readonly capabilities: readonly string[];
  readonly maxParallel: number;
  /** What the host says of itself; never trusted. */
  readonly reportedActiveLeases: number | null;
  readonly defaultTimeoutMs: number | null;
  /** Whether it says what it runs of services. */
  readonly tellsServices: boolean;
  /** Silent for longer than it may be. */
  readonly isOffline: boolean;
  readonly revokedAt: Instant | null;
  readonly cordonedAt: Instant | null;
  readonly drainSince: Instant | null;
  readonly drainDeadline: Instant | null;
  /** Whether the drain's deadline has passed. */
  readonly isDrainOver: boolean;
  /** Why it gets no new work. */
  readonly reason: string;
  readonly registeredAt: Instant;
  readonly lastSeenAt: Instant;
  /** Grows with every registration, heartbeat and word of an operator. */
  readonly version: number;
  /** The replica that wrote it last. */
  readonly updatedBy: string;
}

const IS_SILENT = `w.last_heartbeat < now() - w.silent_after_ms * interval '1 millisecond'`;

const COLUMNS = `h.host_id, w.metadata ->> 'name' as name, w.capabilities, h.max_parallel, h.reported_active_leases,
  h.default_timeout_ms, h.tells_services, ${IS_SILENT} as is_offline, h.revoked_at, h.cordoned_at, h.drain_since, h.drain_deadline,
  coalesce(h.drain_deadline <= now(), false) as is_drain_over, h.reason, w.registered_at, w.last_heartbeat,
  w.version, w.updated_by`;
const HOSTS = 'hosts h join workers w on w.worker_id = h.host_id';

const hostFromRow = (row: Row): Host => ({
  id: text(row, 'host_id'),
  name: text(row, 'name'),
  capabilities: texts(row, 'capabilities'),
  maxParallel: integer(row, 'max_parallel'),
  reportedActiveLeases: integerOrNull(row, 'reported_active_leases'),
  defaultTimeoutMs: integerOrNull(row, 'default_timeout_ms'),
  tellsServices: flag(row, 'tells_services'),
  isOffline: flag(row, 'is_offline'),
  revokedAt: instantOrNull(row, 'revoked_at'),
  cordonedAt: instantOrNull(row, 'cordoned_at'),
  drainSince: instantOrNull(row, 'drain_since'),
  drainDeadline: instantOrNull(row, 'drain_deadline'),
  isDrainOver: flag(row, 'is_drain_over'),
  reason: text(row, 'reason'),
  registeredAt: instant(row, 'registered_at'),
  lastSeenAt: instant(row, 'last_heartbeat'),
  version: integer(row, 'version'),
  updatedBy: text(row, 'updated_by'),
});

const FIND = statement('registry.findHost', `select ${COLUMNS} from ${HOSTS} where h.host_id = $1`);

export async function findHost(db: Db, id: string): Promise<Host | null> {
  return (await db.query(FIND, [id])).map(hostFromRow)[0] ?? null;
}

const LIST = statement(
  'registry.listHosts',
  `select ${COLUMNS} from ${HOSTS}
   where $1::timestamptz is null or (w.registered_at, h.host_id collate "C") > ($1, $2::text collate "C")
   order by w.registered_at, h.host_id collate "C" limit $3`,
);

/** Up to `limit` hosts, oldest first; those after `after` if given. */
export async function listHosts(
  db: Db,
  after: Pick<Host, 'registeredAt' | 'id'> | null,
  limit: number,
): Promise<Host[]> {
  const rows = await db.query(LIST, [after?.registeredAt ?? null, after?.id ?? null, limit]);
  return rows.map(hostFromRow);
}

const LIST_BY_ID = statement(
  'registry.listHostsById',
  `select ${COLUMNS} from ${HOSTS} where h.host_id = any($1::text[])`,
);

/** Those of `ids` that are registered. */
export async function listHostsById(db: Db, ids: readonly string[]): Promise<Host[]> {
  return (await db.query(LIST_BY_ID, [ids])).map(hostFromRow);
}

const LIST_ABLE = statement(
  'registry.listAbleHosts',
  `select ${COLUMNS} from ${HOSTS} where $1::text[] <@ w.capabilities
   order by coalesce(h.revoked_at, h.drain_since, h.cordoned_at) is not null, ${IS_SILENT}, h.host_id limit $2`,
);

/** Up to `limit` hosts that have all of some capabilities, those in front that may get work and are heard of. */
export async function listAbleHosts(db: Db, capabilities: readonly string[], limit: number): Promise<Host[]> {
  return (await db.query(LIST_ABLE, [capabilities, limit])).map(hostFromRow);
}

const CREDENTIAL_COLUMNS =
  'h.token_hash, h.previous_token_hash, h.registration_key_hash, h.revoked_at is not null as is_revoked';

const LOCK = statement(
  'registry.lockHost',
  `select ${CREDENTIAL_COLUMNS} from hosts h where h.host_id = $1 for update`,
);

/** What proves that somebody is a host. */
export interface HostCredential {
  /** Null: it has none. */
  readonly tokenHash: string | null;
  /** The one before it, until the new one has been used. */
  readonly previousTokenHash: string | null;
  /** Of the key of the last registration, until a credential has been used. */
  readonly registrationKeyHash: string | null;
  readonly isRevoked: boolean;
}

const credentialFromRow = (row: Row): HostCredential => ({
  tokenHash: textOrNull(row, 'token_hash'),
  previousTokenHash: textOrNull(row, 'previous_token_hash'),
  registrationKeyHash: textOrNull(row, 'registration_key_hash'),
  isRevoked: flag(row, 'is_revoked'),
});

/** Locks a host's row until the transaction ends; null when there is none. */
export async function lockHost(tx: Tx, id: string): Promise<HostCredential | null> {
  return (await tx.query(LOCK, [id])).map(credentialFromRow)[0] ?? null;
}

const CREDENTIAL = statement(
  'registry.hostCredential',
  `select ${CREDENTIAL_COLUMNS} from hosts h where h.host_id = $1`,
);

export async function findCredential(db: Db, id: string): Promise<HostCredential | null> {
  return (await db.query(CREDENTIAL, [id])).map(credentialFromRow)[0] ?? null;
}

const NOTE_USE = statement(
  'registry.noteUseOfCredential',
  `update hosts h set registration_key_hash = null,
     previous_token_hash = case when h.token_hash <> $2 then h.previous_token_hash end
   where h.host_id = $1 and $2 in (h.token_hash, h.previous_token_hash)`,
);

/**
 * The host has used a credential, so it has heard the answer to a registration, and the key of that proves nothing any
 * more. If it is the newest, the one before it is void from now on.
 */
export async function noteUse(db: Db, id: string, tokenHash: string): Promise<void> {
  await db.query(NOTE_USE, [id, tokenHash]);
}

export interface HostRegistration {
  readonly id: string;
  readonly name: string;
  readonly capabilities: readonly string[];
  readonly maxParallel: number;
  readonly defaultTimeoutMs: number | null;
  readonly silentAfterMs: number;
  readonly tellsServices: boolean;
  /** The replica that registers it. */
  readonly updatedBy: string;
}

const UPSERT_WORKER = statement(
  'registry.upsertHostWorker',
  `insert into workers as w (worker_id, kind, capabilities, status, capacity, metadata, uses_heartbeat, silent_after_ms,
     version, updated_by)
   values ($1, 'host', $2, 'online', json_build_object('maxParallel', $3::integer), json_build_object('name', $4::text), true, $5,
     1, $6)
   on conflict (worker_id) do update set
     capabilities = excluded.capabilities, status = 'online', capacity = excluded.capacity, metadata = excluded.metadata,
     last_heartbeat = now(), silent_after_ms = excluded.silent_after_ms, version = w.version + 1, updated_by = excluded.updated_by
   where w.kind = 'host'
   returning w.worker_id`,
);

const UPSERT_HOST = statement(
  'registry.upsertHost',
  `insert into hosts as h (host_id, max_parallel, default_timeout_ms, tells_services, token_hash, previous_token_hash,
     registration_key_hash)
   values ($1, $2, $3, $4, $5, $6, $7)
   on conflict (host_id) do update set
     max_parallel = excluded.max_parallel, default_timeout_ms = excluded.default_timeout_ms,
     tells_services = excluded.tells_services, token_hash = coalesce(excluded.token_hash, h.token_hash), previous_token_hash = excluded.previous_token_hash,
     registration_key_hash = excluded.registration_key_hash`,
);

/** Registers a host, or anew; a null `tokenHash` keeps its credential. False when the id is a worker's. */
export async function upsertHost(
  tx: Tx,
  { id, name, capabilities, maxParallel, ...host }: HostRegistration,
  { tokenHash, previousTokenHash, registrationKeyHash }: Omit<HostCredential, 'isRevoked'>,
): Promise<boolean> {
  const { silentAfterMs, updatedBy, defaultTimeoutMs, tellsServices } = host;
  const worker = [id, capabilities, maxParallel, name, silentAfterMs, updatedBy];
  const workers = await tx.query(UPSERT_WORKER, worker);
  if (workers.length === 0) return false;
  const credential = [tokenHash, previousTokenHash, registrationKeyHash];
  await tx.query(UPSERT_HOST, [id, maxParallel, defaultTimeoutMs, tellsServices, ...credential]);
  return true;
}

const HEARTBEAT = statement(
  'registry.hostHeartbeat',
  `update workers w set last_heartbeat = now(), status = 'online', silent_after_ms = $3,
     capabilities = coalesce($2::text[], w.capabilities), version = w.version + 1, updated_by = $4
   where w.worker_id = $1 and w.kind = 'host' returning w.worker_id`,
);

const REPORTED = statement(
  'registry.hostReported',
  `update hosts h set reported_active_leases = $2
   where h.host_id = $1 and h.reported_active_leases is distinct from $2`,
);

/** A sign of life of a host, and what it says of itself. False when there is no such host. */
export async function hostHeartbeat(
  db: Db,
  id: string,
  {
    capabilities,
    reportedActiveLeases,
    silentAfterMs,
    updatedBy,
  }: {
    readonly capabilities: readonly string[] | null;
    readonly reportedActiveLeases: number | null;
    readonly silentAfterMs: number;
    readonly updatedBy: string;
  },
): Promise<boolean> {
  if ((await db.query(HEARTBEAT, [id, capabilities, silentAfterMs, updatedBy])).length === 0) return false;
  if (reportedActiveLeases !== null) await db.query(REPORTED, [id, reportedActiveLeases]);
  return true;
}

const WRITTEN = statement(
  'registry.hostWritten',
  `update workers w set version = w.version + 1, updated_by = $2 where w.worker_id = $1 and w.kind = 'host'`,
);

/** Counts a write of a host, and notes who has made it. */
export async function countWrite(tx: Tx, id: string, updatedBy: string): Promise<void> {
  await tx.query(WRITTEN, [id, updatedBy]);
}

const TELLING = statement(
  'registry.hostTelling',
  `update hosts h set tells_services = true where h.host_id = $1`,
);

/** Notes that a host says what it runs of services. */
export async function noteTelling(db: Db, id: string): Promise<void> {
  await db.query(TELLING, [id]);
}

const CORDON = statement(
  'registry.cordonHost',
  `update hosts h set orders = h.orders + 1, cordoned_at = coalesce(h.cordoned_at, now()), reason = $2 where h.host_id = $1`,
);
const DRAIN = statement(
  'registry.drainHost',
  `update hosts h set orders = h.orders + 1, drain_since = coalesce(h.drain_since, now()), reason = $2,
     drain_deadline = now() + $3::float8 * interval '1 millisecond'
   where h.host_id = $1`,
);
const UNCORDON = statement(
  'registry.uncordonHost',
  `update hosts h set orders = h.orders + 1, cordoned_at = null, drain_since = null, drain_deadline = null, reason = '' where h.host_id = $1`,
);
const REVOKE = statement(
  'registry.revokeHost',
  `update hosts h set orders = h.orders + 1, revoked_at = coalesce(h.revoked_at, now()), token_hash = null, previous_token_hash = null, reason = $2 where h.host_id = $1`,
);
const READMIT = statement(
  'registry.readmitHost',
  `update hosts h set orders = h.orders + 1, revoked_at = null, reason = '' where h.host_id = $1`,
);

/** An operator's word about a host; see {@link Host}. A drain without a deadline waits for as long as it takes. */
export type HostOrder =
  | { readonly verb: 'cordon' | 'revoke'; readonly reason: string }
  | { readonly verb: 'drain'; readonly reason: string; readonly deadlineMs: number | null }
  | { readonly verb: 'uncordon' | 'readmit' };

export async function orderHost(tx: Tx, id: string, order: HostOrder): Promise<void> {
  switch (order.verb) {
    case 'cordon':
      await tx.query(CORDON, [id, order.reason]);
      return;
    case 'drain':
      await tx.query(DRAIN, [id, order.reason, order.deadlineMs]);
      return;
    case 'uncordon':
      await tx.query(UNCORDON, [id]);
      return;
    case 'revoke':
      await tx.query(REVOKE, [id, order.reason]);
      return;
    case 'readmit':
      await tx.query(READMIT, [id]);
  }
}

const UNFIT = statement(
  'registry.unfitHosts',
  `select ${COLUMNS} from ${HOSTS}
   where h.host_id = any($1::text[]) and (${IS_SILENT} or h.drain_deadline <= now() or h.revoked_at is not null)`,
);

/** Those of `ids` that should hold nothing: silent for too long, revoked, or past the deadline of their drain. */
export async function listUnfitHosts(db: Db, ids: readonly string[]): Promise<Host[]> {
  return (await db.query(UNFIT, [ids])).map(hostFromRow);
}

const PRUNE = statement(
  'registry.pruneHosts',
  `with old as (
     select w.worker_id from workers w
     where w.kind = 'host' and w.last_heartbeat < now() - $1::float8 * interval '1 day'
     limit $2 for update skip locked
   )
   delete from workers w using old where w.worker_id = old.worker_id returning w.worker_id`,
);

/** Forgets up to `limit` hosts that have been silent for `days`; returns their ids. */
export async function pruneHosts(db: Db, days: number, limit: number): Promise<string[]> {
  return (await db.query(PRUNE, [days, limit])).map((row) => text(row, 'worker_id'));
}
