import { type Db, type Tx } from '../../platform/database/database.js';
import { integer, text } from '../../platform/database/row.js';
import { statement } from '../../platform/database/statement.js';

const INSERT = statement('public-api.insertJob', `insert into public_jobs (job_id, key_id) values ($1, $2)`);

/** Notes whose a job is. */
export async function insertPublicJob(tx: Tx, jobId: string, keyId: string): Promise<void> {
  await tx.query(INSERT, [jobId, keyId]);
}

const OWNS = statement(
  'public-api.ownsJob',
  `select 1 from public_jobs j where j.job_id = $1 and j.key_id = $2`,
);

export async function ownsJob(db: Db, jobId: string, keyId: string): Promise<boolean> {
  return (await db.query(OWNS, [jobId, keyId])).length > 0;
}

/** A job's place among those that came in by keys. */
export interface PublicJob {
  readonly jobId: string;
  readonly seq: number;
}

const LIST = statement(
  'public-api.listJobs',
  `select j.job_id, j.seq from public_jobs j where j.key_id = $1 and j.seq < $2 order by j.seq desc limit $3`,
);

/** Jobs of a key below a position, newest first. */
export async function listPublicJobs(
  db: Db,
  keyId: string,
  beforeSeq: number,
  limit: number,
): Promise<PublicJob[]> {
  return (await db.query(LIST, [keyId, beforeSeq, limit])).map((row) => ({
    jobId: text(row, 'job_id'),
    seq: integer(row, 'seq'),
  }));
}

const LIST_OLD = statement(
  'public-api.listOldJobs',
  `select j.job_id, j.seq from public_jobs j
   where j.seq > $1 and j.created_at < now() - $2::float8 * interval '1 day' order by j.seq limit $3`,
);

/** Jobs that came in more than `days` ago, after a position, oldest first. */
export async function listOldPublicJobs(
  db: Db,
  afterSeq: number,
  days: number,
  limit: number,
): Promise<PublicJob[]> {
  return (await db.query(LIST_OLD, [afterSeq, days, limit])).map((row) => ({
    jobId: text(row, 'job_id'),
    seq: integer(row, 'seq'),
  }));
}

const DELETE = statement(
  'public-api.deleteJobs',
  `delete from public_jobs j where j.job_id = any($1::text[])`,
);

export async function deletePublicJobs(db: Db, jobIds: readonly string[]): Promise<void> {
  await db.query(DELETE, [jobIds]);
}
