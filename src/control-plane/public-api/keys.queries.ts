import { type Db } from '../../platform/database/database.js';
import {
  flag,
  instant,
  type Instant,
  instantOrNull,
  integer,
  integerOrNull,
  onlyRow,
  type Row,
  text,
  texts,
} from '../../platform/database/row.js';
import { statement } from '../../platform/database/statement.js';
import { type Price } from './domain/price.js';
import { type PublicKey } from './domain/public-key.js';

/** What an operator says of a key that he makes. */
export interface NewKey {
  readonly label: string;
  readonly capabilities: readonly string[];
  readonly shell: boolean;
  readonly image: boolean;
  readonly network: boolean;
  readonly expiresAt: Instant | null;
  readonly ratePerMinute: number | null;
  readonly monthlyJobs: number | null;
  readonly price: Price | null;
}

/** A key of the database, as operators see it. */
export interface StoredKey extends NewKey {
  readonly id: string;
  readonly prefix: string;
  readonly usedThisMonth: number;
  readonly createdAt: Instant;
  readonly lastUsedAt: Instant | null;
  readonly revokedAt: Instant | null;
}

/** Months are those of UTC, by the database's clock. */
export const THIS_MONTH = `date_trunc('month', now() at time zone 'utc')::date`;

const RIGHTS = `k.key_id, k.label, k.capabilities, k.may_shell, k.may_image, k.may_network, k.rate_per_minute,
   k.monthly_jobs, k.price`;
const COLUMNS = `${RIGHTS}, k.prefix, k.expires_at, k.created_at, k.last_used_at, k.revoked_at,
   coalesce((select m.jobs from public_months m where m.key_id = k.key_id and m.month = ${THIS_MONTH}), 0)
     as used_this_month`;

const rightsFromRow = (row: Row) => ({
  id: text(row, 'key_id'),
  label: text(row, 'label'),
  capabilities: texts(row, 'capabilities'),
  shell: flag(row, 'may_shell'),
  image: flag(row, 'may_image'),
  network: flag(row, 'may_network'),
  ratePerMinute: integerOrNull(row, 'rate_per_minute'),
  monthlyJobs: integerOrNull(row, 'monthly_jobs'),
  // Written by this module alone, after it was read as a price.
  price: row['price'] as Price | null,
});

const keyFromRow = (row: Row): StoredKey => ({
  ...rightsFromRow(row),
  prefix: text(row, 'prefix'),
  expiresAt: instantOrNull(row, 'expires_at'),
  usedThisMonth: integer(row, 'used_this_month'),
  createdAt: instant(row, 'created_at'),
  lastUsedAt: instantOrNull(row, 'last_used_at'),
  revokedAt: instantOrNull(row, 'revoked_at'),
});

const INSERT = statement(
  'public-api.insertKey',
  `insert into public_keys as k (key_id, prefix, hash, label, capabilities, may_shell, may_image, may_network, expires_at,
     rate_per_minute, monthly_jobs, price)
   values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) returning ${COLUMNS}`,
);

export async function insertKey(
  db: Db,
  made: { readonly id: string; readonly prefix: string; readonly hash: string },
  key: NewKey,
): Promise<StoredKey> {
  const { price } = key;
  return keyFromRow(
    onlyRow(
      await db.query(INSERT, [
        ...[made.id, made.prefix, made.hash, key.label, key.capabilities, key.shell, key.image, key.network],
        ...[key.expiresAt, key.ratePerMinute, key.monthlyJobs, price === null ? null : JSON.stringify(price)],
      ]),
    ),
  );
}

const LIST = statement(
  'public-api.listKeys',
  `select ${COLUMNS} from public_keys k
   where $1::timestamptz is null or k.created_at < $1 or (k.created_at = $1 and k.key_id > $2::text)
   order by k.created_at desc, k.key_id limit $3`,
);

/** Up to `limit` keys, newest first; those after `after` if given. */
export async function listKeys(
  db: Db,
  after: { readonly createdAt: Instant; readonly id: string } | null,
  limit: number,
): Promise<StoredKey[]> {
  return (await db.query(LIST, [after?.createdAt ?? null, after?.id ?? '', limit])).map(keyFromRow);
}

const REVOKE = statement(
  'public-api.revokeKey',
  `update public_keys k set revoked_at = coalesce(k.revoked_at, now()) where k.key_id = $1 returning ${COLUMNS}`,
);

/** Takes a key out of use, for good; the time of the first word counts. Null when there is no such key. */
export async function revokeKey(db: Db, id: string): Promise<StoredKey | null> {
  return (await db.query(REVOKE, [id])).map(keyFromRow)[0] ?? null;
}

const FIND_USABLE = statement(
  'public-api.findUsableKey',
  `select ${RIGHTS} from public_keys k
   where k.hash = $1 and k.revoked_at is null and (k.expires_at is null or k.expires_at > now())`,
);

/** The key with a secret of this hash; null when there is none, or it is revoked or has expired. */
export async function findUsableKey(db: Db, hash: string): Promise<PublicKey | null> {
  const [row] = await db.query(FIND_USABLE, [hash]);
  return row === undefined ? null : { ...rightsFromRow(row), isCounted: true };
}

const ANY = statement('public-api.anyKey', `select exists (select from public_keys) as is_there`);

/** Whether a key was ever made. */
export async function isAnyKeyThere(db: Db): Promise<boolean> {
  return flag(onlyRow(await db.query(ANY)), 'is_there');
}

const TOUCH = statement(
  'public-api.touchKeys',
  `update public_keys k set last_used_at = now()
   where k.key_id = any($1::text[]) and (k.last_used_at is null or k.last_used_at < now() - interval '1 minute')`,
);

/** Notes that keys were used, of each once a minute at most, however many replicas say so. */
export async function touchKeys(db: Db, ids: readonly string[]): Promise<void> {
  await db.query(TOUCH, [ids]);
}
