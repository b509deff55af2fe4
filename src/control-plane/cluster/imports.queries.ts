import { type Db, type Tx } from '../../platform/database/database.js';
import { integer, text } from '../../platform/database/row.js';
import { statement } from '../../platform/database/statement.js';
import { type Imported, type Stamp } from './domain/stamp.js';

export type RecordKind = 'host' | 'job' | 'service';

const LOCK = statement(
  'cluster.lockImports',
  `select pg_advisory_xact_lock(7205, hashtext('cluster.import'))`,
);

/** Holds all other imports off until the transaction ends. */
export async function lockImports(tx: Tx): Promise<void> {
  await tx.query(LOCK);
}

const FIND = statement(
  'cluster.findImported',
  `select r.id, r.version, r.updated_at, r.updated_by, r.mark from imported_records r
   where r.kind = $1 and r.id = any($2::text[])`,
);

/** What is known of those of `ids` that have been imported. */
export async function findImported(
  tx: Tx,
  kind: RecordKind,
  ids: readonly string[],
): Promise<ReadonlyMap<string, Imported>> {
  const rows = await tx.query(FIND, [kind, ids]);
  return new Map(
    rows.map((row) => [
      text(row, 'id'),
      {
        version: integer(row, 'version'),
        updatedAt: text(row, 'updated_at'),
        updatedBy: text(row, 'updated_by'),
        mark: text(row, 'mark'),
      },
    ]),
  );
}

const KEEP = statement(
  'cluster.keepImported',
  `insert into imported_records as r (kind, id, version, updated_at, updated_by, mark)
   select $1, n.id, n.version, n.updated_at, n.updated_by, n.mark
   from json_to_recordset($2::json) as n(id text, version bigint, updated_at text, updated_by text, mark text)
   on conflict (kind, id) do update set version = excluded.version, updated_at = excluded.updated_at,
     updated_by = excluded.updated_by, mark = excluded.mark, imported_at = now()`,
);

/** Remembers what has just been imported, as it was elsewhere and as it is marked here. */
export async function keepImported(
  tx: Tx,
  kind: RecordKind,
  records: readonly (Stamp & { readonly id: string; readonly mark: string })[],
): Promise<void> {
  const rows = records.map(({ id, version, updatedAt, updatedBy, mark }) => ({
    ...{ id, version, updated_at: updatedAt, updated_by: updatedBy, mark },
  }));
  await tx.query(KEEP, [kind, JSON.stringify(rows)]);
}

const PRUNE = statement(
  'cluster.pruneImported',
  `with old as (
     select r.kind, r.id from imported_records r
     where r.imported_at < now() - $1::float8 * interval '1 day' order by r.imported_at limit $2 for update skip locked
   )
   delete from imported_records r using old where r.kind = old.kind and r.id = old.id returning r.id`,
);

/** Forgets of up to `limit` records that they were imported, more than `days` ago; how many. */
export async function pruneImported(db: Db, days: number, limit: number): Promise<number> {
  return (await db.query(PRUNE, [days, limit])).length;
}
