import { type Db, type Tx } from '../../platform/database/database.js';
import { flag, integer, type JsonObject, text } from '../../platform/database/row.js';
import { onlyRow } from '../../platform/database/row.js';
import { statement } from '../../platform/database/statement.js';

/** The row counts as none: it has expired, or the call that took it failed and this is another request. */
const FREE = `(k.expires_at <= now() or (k.failed and k.request_hash <> excluded.request_hash))`;

const TAKE = statement(
  'idempotency.take',
  `insert into idempotency_keys as k (scope, key, request_hash, seed, expires_at)
   values ($1, $2, $3, $4, now() + $5::float8 * interval '1 millisecond')
   on conflict (scope, key) do update set
     request_hash = case when ${FREE} then excluded.request_hash else k.request_hash end,
     body = case when ${FREE} then null else k.body end,
     seed = case when ${FREE} then excluded.seed else k.seed end,
     expires_at = case when ${FREE} then excluded.expires_at else k.expires_at end,
     failed = false
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
 * second sees the answer of the first. An expired row counts as none, as does, for another request, one whose call failed.
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

const IS_USED = statement(
  'idempotency.isUsed',
  `select exists (
     select from idempotency_keys k where k.scope = $1 and k.key = $2 and k.expires_at > now()
   ) as is_used`,
);

/** Whether a key has been used and has not expired. */
export async function keyIsUsed(
  db: Db,
  { scope, key }: { readonly scope: string; readonly key: string },
): Promise<boolean> {
  return flag(onlyRow(await db.query(IS_USED, [scope, key])), 'is_used');
}

const STORE = statement(
  'idempotency.store',
  `update idempotency_keys k set body = $3, expires_at = now() + $4::float8 * interval '1 millisecond'
   where k.scope = $1 and k.key = $2`,
);

/** Stores the answer of the request that holds the key's row. */
export async function storeAnswer(
  tx: Tx,
  key: { readonly scope: string; readonly key: string; readonly ttlMs: number },
  body: unknown,
): Promise<void> {
  await tx.query(STORE, [key.scope, key.key, JSON.stringify(body), key.ttlMs]);
}

const STORE_FIRST = statement(
  'idempotency.store_first',
  `update idempotency_keys k set body = coalesce(k.body, $4), failed = false
   where k.scope = $1 and k.key = $2 and k.request_hash = $3 returning k.body`,
);

/** Stores the answer unless a repetition of the same request was faster; returns the one that counts. */
export async function storeFirstAnswer<T>(
  db: Db,
  key: { readonly scope: string; readonly key: string; readonly requestHash: string },
  body: T,
): Promise<T> {
  const [row] = await db.query(STORE_FIRST, [key.scope, key.key, key.requestHash, JSON.stringify(body)]);
  return row === undefined ? body : (row['body'] as T);
}

const ADD_TO_SEED = statement(
  'idempotency.addToSeed',
  `update idempotency_keys k set seed = $4::jsonb || coalesce(k.seed::jsonb, '{}')
   where k.scope = $1 and k.key = $2 and k.request_hash = $3 returning k.seed`,
);

/** Adds to the seed what it does not have yet; returns what counts. Null when the key has gone to another request. */
export async function addToSeed(
  db: Db,
  key: { readonly scope: string; readonly key: string; readonly requestHash: string },
  fields: JsonObject,
): Promise<JsonObject | null> {
  const values = [key.scope, key.key, key.requestHash, JSON.stringify(fields)];
  const [row] = await db.query(ADD_TO_SEED, values);
  return row === undefined ? null : (row['seed'] as JsonObject);
}

const DROP_FROM_SEED = statement(
  'idempotency.dropFromSeed',
  `update idempotency_keys k set seed = k.seed::jsonb - $4::text
   where k.scope = $1 and k.key = $2 and k.request_hash = $3`,
);

export async function dropFromSeed(
  db: Db,
  key: { readonly scope: string; readonly key: string; readonly requestHash: string },
  field: string,
): Promise<void> {
  await db.query(DROP_FROM_SEED, [key.scope, key.key, key.requestHash, field]);
}

const FAIL = statement(
  'idempotency.fail',
  `update idempotency_keys k set failed = true
   where k.scope = $1 and k.key = $2 and k.request_hash = $3 and k.body is null`,
);

/** Notes that the call failed, so that the key is free for another request. */
export async function markFailed(
  db: Db,
  key: { readonly scope: string; readonly key: string; readonly requestHash: string },
): Promise<void> {
  await db.query(FAIL, [key.scope, key.key, key.requestHash]);
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
