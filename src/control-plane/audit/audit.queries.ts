import { type Db, type Tx } from '../../platform/database/database.js';
import {
  instant,
  type Instant,
  integer,
  type JsonObject,
  jsonObject,
  onlyRow,
  type Row,
  text,
} from '../../platform/database/row.js';
import { statement } from '../../platform/database/statement.js';

/** An act, as it is written down. */
export interface NewEntry {
  readonly action: string;
  readonly subject: string;
  readonly actorKind: string;
  readonly actor: string;
  readonly clientIp: string;
  readonly requestId: string;
  readonly detail: JsonObject;
}

export interface AuditEntry extends NewEntry {
  readonly id: number;
  readonly at: Instant;
}

const COLUMNS = `e.id, e.at, e.action, e.subject, e.actor_kind, e.actor, e.client_ip, e.request_id, e.detail`;

const entryFromRow = (row: Row): AuditEntry => ({
  id: integer(row, 'id'),
  at: instant(row, 'at'),
  action: text(row, 'action'),
  subject: text(row, 'subject'),
  actorKind: text(row, 'actor_kind'),
  actor: text(row, 'actor'),
  clientIp: text(row, 'client_ip'),
  requestId: text(row, 'request_id'),
  detail: jsonObject(row, 'detail'),
});

const INSERT = statement(
  'audit.insert',
  `insert into audit_entries (action, subject, actor_kind, actor, client_ip, request_id, detail)
   values ($1, $2, $3, $4, $5, $6, $7)`,
);

export async function insertEntry(tx: Tx, entry: NewEntry): Promise<void> {
  const { action, subject, actorKind, actor, clientIp, requestId, detail } = entry;
  await tx.query(INSERT, [action, subject, actorKind, actor, clientIp, requestId, JSON.stringify(detail)]);
}

/** Which entries are wanted; null means any. */
export interface EntryFilter {
  readonly actor: string | null;
  /** An action, or the beginning of some with a star behind it. */
  readonly action: string | null;
  readonly subject: string | null;
  /** Inclusive. */
  readonly since: Instant | null;
  /** Exclusive. */
  readonly until: Instant | null;
}

const WANTED = `($1::text is null or e.actor = $1 or e.actor_kind = $1)
     and ($2::text is null or e.action = $2
       or ($2 like '%*' and starts_with(e.action, left($2, -1))))
     and ($3::text is null or e.subject = $3)
     and ($4::timestamptz is null or e.at >= $4)
     and ($5::timestamptz is null or e.at < $5)`;

const valuesOf = ({ actor, action, subject, since, until }: EntryFilter) => [
  ...[actor, action, subject, since, until],
];

const LIST_NEWEST = statement(
  'audit.listNewest',
  `select ${COLUMNS} from audit_entries e
   where ${WANTED} and ($6::bigint is null or e.id < $6) order by e.id desc limit $7`,
);

/** Up to `limit` entries, newest first; those below `before` if given. */
export async function listNewest(
  db: Db,
  filter: EntryFilter,
  before: number | null,
  limit: number,
): Promise<AuditEntry[]> {
  return (await db.query(LIST_NEWEST, [...valuesOf(filter), before, limit])).map(entryFromRow);
}

const LIST_OLDEST = statement(
  'audit.listOldest',
  `select ${COLUMNS} from audit_entries e where ${WANTED} and e.id > $6::bigint order by e.id limit $7`,
);

/** Up to `limit` entries above `after`, oldest first. */
export async function listOldest(
  db: Db,
  filter: EntryFilter,
  after: number,
  limit: number,
): Promise<AuditEntry[]> {
  return (await db.query(LIST_OLDEST, [...valuesOf(filter), after, limit])).map(entryFromRow);
}

const PRUNE = statement('audit.prune', 'select prune_audit_entries($1::float8, $2::integer) as deleted');

/** Deletes up to `limit` entries that are older than `days`, one day at least; returns how many. */
export async function pruneEntries(db: Db, days: number, limit: number): Promise<number> {
  return integer(onlyRow(await db.query(PRUNE, [days, limit])), 'deleted');
}
