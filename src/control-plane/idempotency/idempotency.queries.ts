import { type Db } from '../../platform/database/database.js';
import { flag, integer, type JsonObject, text } from '../../platform/database/row.js';
import { onlyRow } from '../../platform/database/row.js';
import { statement } from '../../platform/database/statement.js';

const TAKE = statement(
  'idempotency.take',
  `insert into idempotency_keys as k (scope, key, request_hash, seed, expires_at)
   values ($1, $2, $3, $4, now() + $5::float8 * interval '1 millisecond')
   on conflict (scope, key) do update set
     request_hash = case when k.expires_at <= now() then excluded.request_hash else k.request_hash end,
     body = case when k.expires_at <= now() then null else k.body end,
     seed = case when k.expires_at <= now() then excluded.seed else k.seed end,
     expires_at = case when k.expires_at <= now() then excluded.expires_at else k.expires_at end
   returning k.request_hash, k.body, k.seed, k.body is not null as answered`,
);

export interface TakenKey {
  readonly requestHash: string;
  /** The stored answer, if there is one. */
  readonly body: unknown;
  readonly answered: boolean;
  readonly seed: JsonObject | null;
}

/**
 * Takes a key, or finds what it was used for. Waits for a transaction that has just taken it, so of two duplicates the
 * second sees the answer of the first. An expired row counts as none.
 */
export async function takeKey(
  db: Db,
  key: { readonly scope: string; readonly key: string; readonly requestHash: string; readonly ttlMs: number },
  seed: JsonObject | null,
): Promise<TakenKey> {
  const row = onlyRow(
    await db.query(TAKE, [
      key.scope,
      key.key,
      key.requestHash,
      seed === null ? null : JSON.stringify(seed),
      key.ttlMs,
    ]),
  );
  return {
    requestHash: text(row, 'request_hash'),
    body: row['body'],
    answered: flag(row, 'answered'),
    seed: row['seed'] as JsonObject | null,
  };
}

const STORE = statement(
  'idempotency.store',
  'update idempotency_keys set body = $3 where scope = $1 and key = $2',
);

export async function storeAnswer(db: Db, scope: string, key: string, body: unknown): Promise<void> {
  await db.query(STORE, [scope, key, JSON.stringify(body)]);
}

const PRUNE = statement(
  'idempotency.prune',
  `with old as (select k.scope, k.key from idempotency_keys k where k.expires_at < now() limit $1 for update skip locked),
   gone as (delete from idempotency_keys k using old where k.scope = old.scope and k.key = old.key returning 1)
   select count(*) as deleted from gone`,
);

export async function pruneKeys(db: Db, limit: number): Promise<number> {
  return integer(onlyRow(await db.query(PRUNE, [limit])), 'deleted');
}
