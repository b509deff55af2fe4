import { type Db } from '../../platform/database/database.js';
import { instant, type Instant, type Row, text } from '../../platform/database/row.js';
import { statement } from '../../platform/database/statement.js';
import { type Subject } from './domain/subject.js';

const OLD_JOBS = statement(
  'logs.oldJobOutputs',
  `select o.subject_id, o.began_at from outputs o
   where o.kind = 'job' and o.began_at < now() - $1::float8 * interval '1 day'
     and ($2::timestamptz is null or (o.began_at, o.subject_id) > ($2, $3::text collate "C"))
   order by o.began_at, o.subject_id limit $4`,
);

/** The output of a job, by when it began. */
export interface OldOutput {
  readonly id: string;
  readonly beganAt: Instant;
}

const oldFromRow = (row: Row): OldOutput => ({
  id: text(row, 'subject_id'),
  beganAt: instant(row, 'began_at'),
});

/** Up to `limit` outputs of jobs that began more than `days` ago, oldest first; those behind `after` if given. */
export async function listOldJobOutputs(
  db: Db,
  days: number,
  after: OldOutput | null,
  limit: number,
): Promise<OldOutput[]> {
  return (await db.query(OLD_JOBS, [days, after?.beganAt ?? null, after?.id ?? null, limit])).map(oldFromRow);
}

const OF_SERVICES = statement(
  'logs.serviceOutputs',
  `select o.subject_id from outputs o where o.kind = 'service' and o.subject_id > $1 order by o.subject_id limit $2`,
);

/** The ids of up to `limit` services that have output, behind `after`. */
export async function listServicesWithOutput(db: Db, after: string, limit: number): Promise<string[]> {
  return (await db.query(OF_SERVICES, [after, limit])).map((row) => text(row, 'subject_id'));
}

const DROP = statement(
  'logs.dropOutputs',
  `with entries as (delete from output_entries e where e.kind = $1 and e.subject_id = any($2::text[]))
   delete from outputs o where o.kind = $1 and o.subject_id = any($2::text[]) returning o.subject_id`,
);

/** Deletes outputs with all that is in them; returns how many there were. */
export async function dropOutputs(db: Db, kind: Subject['kind'], ids: readonly string[]): Promise<number> {
  return ids.length === 0 ? 0 : (await db.query(DROP, [kind, ids])).length;
}

const DROP_OLD = statement(
  'logs.dropOldEntries',
  `with first as (
     select e.position, e.at from output_entries e
     where e.kind = 'service' and e.subject_id = $1 order by e.position limit $3
   )
   delete from output_entries e using first f
   where e.kind = 'service' and e.subject_id = $1 and e.position = f.position
     and f.at < now() - $2::float8 * interval '1 day'
   returning e.position`,
);

/** Deletes those of the first `limit` entries of a service that are older than `days`; returns how many. */
export async function dropOldEntries(
  db: Db,
  serviceId: string,
  days: number,
  limit: number,
): Promise<number> {
  return (await db.query(DROP_OLD, [serviceId, days, limit])).length;
}
