import { type Tx } from '../../platform/database/database.js';
import { type Instant, text } from '../../platform/database/row.js';
import { statement } from '../../platform/database/statement.js';

/** A host as it was registered elsewhere. */
export interface ForeignHost {
  readonly id: string;
  readonly name: string;
  /** Trimmed, unique, sorted. */
  readonly capabilities: readonly string[];
  readonly maxParallel: number;
  readonly registeredAt: Instant;
  readonly lastSeenAt: Instant;
  readonly version: number;
  readonly updatedBy: string;
}

const LOCK_STANDINGS = statement(
  'registry.lockHostStandings',
  `select w.worker_id, case when w.kind = 'host'
     then format('%s/%s', h.orders, (extract(epoch from w.last_heartbeat) * 1000000)::bigint) else 'worker' end as mark
   from workers w left join hosts h on h.host_id = w.worker_id
   where w.worker_id = any($1::text[]) order by w.worker_id for update of w`,
);

/**
 * A text for each of `ids` that is registered, which changes with every sign of life and every word of an operator. Locks
 * them until the transaction ends.
 */
export async function lockHostStandings(
  tx: Tx,
  ids: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const rows = await tx.query(LOCK_STANDINGS, [ids]);
  return new Map(rows.map((row) => [text(row, 'worker_id'), text(row, 'mark')]));
}

/** A silence of one millisecond is too long, until the first sign of life says what the host's measure is. */
const IMPORT_WORKERS = statement(
  'registry.importHostWorkers',
  `insert into workers as w (worker_id, kind, capabilities, status, capacity, metadata, uses_heartbeat, silent_after_ms,
     registered_at, last_heartbeat, version, updated_by)
   select n.id, 'host', n.capabilities, 'online', json_build_object('maxParallel', n.max_parallel),
     json_build_object('name', n.name), true, 1, n.registered_at, least(n.last_seen_at, now() - interval '1 second'),
     n.version, n.updated_by
   from json_to_recordset($1::json) as n(id text, name text, capabilities text[], max_parallel integer,
     registered_at timestamptz, last_seen_at timestamptz, version bigint, updated_by text)
   order by n.id
   on conflict (worker_id) do update set
     capabilities = excluded.capabilities, status = 'online', capacity = excluded.capacity, metadata = excluded.metadata,
     silent_after_ms = 1, registered_at = excluded.registered_at, last_heartbeat = excluded.last_heartbeat,
     version = excluded.version, updated_by = excluded.updated_by
   where w.kind = 'host'`,
);

const IMPORT_HOSTS = statement(
  'registry.importHosts',
  `insert into hosts as h (host_id, max_parallel)
   select n.id, n.max_parallel from json_to_recordset($1::json) as n(id text, max_parallel integer)
   join workers w on w.worker_id = n.id and w.kind = 'host'
   order by n.id
   on conflict (host_id) do update set max_parallel = excluded.max_parallel`,
);

/** Registers hosts as they were elsewhere: offline, whenever they were heard of there. */
export async function importHosts(tx: Tx, hosts: readonly ForeignHost[]): Promise<void> {
  const records = JSON.stringify(
    hosts.map(({ id, name, capabilities, maxParallel, registeredAt, lastSeenAt, version, updatedBy }) => ({
      ...{ id, name, capabilities, max_parallel: maxParallel },
      ...{ registered_at: registeredAt, last_seen_at: lastSeenAt, version, updated_by: updatedBy },
    })),
  );
  await tx.query(IMPORT_WORKERS, [records]);
  await tx.query(IMPORT_HOSTS, [records]);
}
