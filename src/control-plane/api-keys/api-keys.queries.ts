import { type Db } from '../../platform/database/database.js';
import {
  instant,
  type Instant,
  instantOrNull,
  onlyRow,
  type Row,
  text,
  texts,
  textOrNull,
} from '../../platform/database/row.js';
import { statement } from '../../platform/database/statement.js';
import { type Scope } from '../../platform/http/scopes.js';
import { type KeyCaller } from '../auth/index.js';

/** What a key is for. */
export interface KeyTerms {
  readonly label: string;
  readonly scopes: readonly Scope[];
  /** Null: all projects. */
  readonly projectId: string | null;
  /** Null: never. */
  readonly expiresAt: Instant | null;
}

/** A key, without its secret. */
export interface ApiKey extends KeyTerms {
  readonly id: string;
  readonly prefix: string;
  readonly rotatedFrom: string | null;
  readonly createdAt: Instant;
  readonly lastUsedAt: Instant | null;
  readonly revokedAt: Instant | null;
}

const COLUMNS = `k.key_id, k.prefix, k.label, k.scopes, k.project_id, k.rotated_from, k.expires_at, k.created_at,
   k.last_used_at, k.revoked_at`;

const keyFromRow = (row: Row): ApiKey => ({
  id: text(row, 'key_id'),
  prefix: text(row, 'prefix'),
  label: text(row, 'label'),
  scopes: texts(row, 'scopes') as readonly Scope[],
  projectId: textOrNull(row, 'project_id'),
  rotatedFrom: textOrNull(row, 'rotated_from'),
  expiresAt: instantOrNull(row, 'expires_at'),
  createdAt: instant(row, 'created_at'),
  lastUsedAt: instantOrNull(row, 'last_used_at'),
  revokedAt: instantOrNull(row, 'revoked_at'),
});

/** What is made with a key. */
export interface MadeKey {
  readonly id: string;
  readonly prefix: string;
  readonly hash: string;
}

const INSERT = statement(
  'api-keys.insert',
  `insert into api_keys as k (key_id, prefix, hash, label, scopes, project_id, expires_at)
   values ($1, $2, $3, $4, $5, $6, $7) returning ${COLUMNS}`,
);

export async function insertKey(db: Db, made: MadeKey, terms: KeyTerms): Promise<ApiKey> {
  const { label, scopes, projectId, expiresAt } = terms;
  const values = [made.id, made.prefix, made.hash, label, scopes, projectId, expiresAt];
  return keyFromRow(onlyRow(await db.query(INSERT, values)));
}

/** A key that is not revoked and has not expired. */
const IS_USABLE = 'k.revoked_at is null and (k.expires_at is null or k.expires_at > now())';

const ROTATE = statement(
  'api-keys.rotate',
  `with old as (
     update api_keys k set expires_at = least(k.expires_at, now() + $5::float8 * interval '1 second')
     where k.key_id = $4 and ${IS_USABLE}
     returning k.key_id, k.label, k.scopes, k.project_id, (
       select before.expires_at from api_keys before where before.key_id = k.key_id
     ) as expires_at
   )
   insert into api_keys as k (key_id, prefix, hash, label, scopes, project_id, rotated_from, expires_at)
   select $1, $2, $3, o.label, o.scopes, o.project_id, o.key_id, o.expires_at from old o returning ${COLUMNS}`,
);

/**
 * Makes a key in place of another that can be used, which works for `overlapSeconds` more, or as long as it would have
 * anyway. Null when there is no such key.
 */
export async function rotateKey(
  db: Db,
  made: MadeKey,
  { id, overlapSeconds }: { readonly id: string; readonly overlapSeconds: number },
): Promise<ApiKey | null> {
  const rows = await db.query(ROTATE, [made.id, made.prefix, made.hash, id, overlapSeconds]);
  return rows.map(keyFromRow)[0] ?? null;
}

const LIST = statement(
  'api-keys.list',
  `select ${COLUMNS} from api_keys k
   where ($1::timestamptz is null or k.created_at < $1 or (k.created_at = $1 and k.key_id > $2::text))
     and ($3::text is null or k.project_id = $3)
   order by k.created_at desc, k.key_id limit $4`,
);

/** A place in the list of keys. */
export interface KeyPlace {
  readonly createdAt: Instant;
  readonly id: string;
}

/** Up to `limit` keys, newest first; those after `after` if given, and those of one project if one is named. */
export async function listKeys(
  db: Db,
  { after, projectId }: { readonly after: KeyPlace | null; readonly projectId: string | null },
  limit: number,
): Promise<ApiKey[]> {
  const rows = await db.query(LIST, [after?.createdAt ?? null, after?.id ?? '', projectId, limit]);
  return rows.map(keyFromRow);
}

const REVOKE = statement(
  'api-keys.revoke',
  `update api_keys k set revoked_at = coalesce(k.revoked_at, now()) where k.key_id = $1 returning ${COLUMNS}`,
);

/** Takes a key out of use, for good; the time of the first word counts. Null when there is no such key. */
export async function revokeKey(db: Db, id: string): Promise<ApiKey | null> {
  return (await db.query(REVOKE, [id])).map(keyFromRow)[0] ?? null;
}

const FIND_USABLE = statement(
  'api-keys.findUsable',
  `select k.key_id, k.label, k.scopes, k.project_id from api_keys k where k.hash = $1 and ${IS_USABLE}`,
);

/** Whose secret has this hash; null when nobody's, or the key is revoked or has expired. */
export async function findCaller(db: Db, hash: string): Promise<KeyCaller | null> {
  const [row] = await db.query(FIND_USABLE, [hash]);
  if (row === undefined) return null;
  return {
    kind: 'key',
    id: text(row, 'key_id'),
    label: `${text(row, 'label')} (${text(row, 'key_id')})`,
    scopes: texts(row, 'scopes') as readonly Scope[],
    projectId: textOrNull(row, 'project_id'),
  };
}

const TOUCH = statement(
  'api-keys.touch',
  `update api_keys k set last_used_at = now()
   where k.key_id = any($1::text[]) and (k.last_used_at is null or k.last_used_at < now() - interval '1 minute')`,
);

/** Notes that keys were used, of each once a minute at most, however many replicas say so. */
export async function touchKeys(db: Db, ids: readonly string[]): Promise<void> {
  await db.query(TOUCH, [ids]);
}
