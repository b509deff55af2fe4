import { type Db } from '../../../platform/database/database.js';
import { text } from '../../../platform/database/row.js';
import { statement } from '../../../platform/database/statement.js';

const ACQUIRE = statement(
  'ledger.acquireJobLock',
  `insert into job_locks (job, owner, expires_at) values ($1, $2, now() + $3::float8 * interval '1 second')
   on conflict (job) do update
     set owner = excluded.owner, acquired_at = now(), expires_at = excluded.expires_at
     where job_locks.expires_at <= now()
   returning job`,
);
const RELEASE = statement(
  'ledger.releaseJobLock',
  'delete from job_locks where job = $1 and owner = $2 returning job',
);
const EXTEND = statement(
  'ledger.extendJobLock',
  `update job_locks set expires_at = expires_at + $3::float8 * interval '1 second'
   where job = $1 and owner = $2 and expires_at > now() returning job`,
);
const CLEAN = statement(
  'ledger.cleanJobLocks',
  'delete from job_locks where expires_at <= now() returning job',
);
const OWNER = statement(
  'ledger.jobLockOwner',
  'select owner from job_locks where job = $1 and expires_at > now()',
);

export async function acquireJobLock(
  db: Db,
  job: string,
  owner: string,
  ttlSeconds: number,
): Promise<boolean> {
  return (await db.query(ACQUIRE, [job, owner, ttlSeconds])).length > 0;
}

export async function releaseJobLock(db: Db, job: string, owner: string): Promise<boolean> {
  return (await db.query(RELEASE, [job, owner])).length > 0;
}

export async function extendJobLock(db: Db, job: string, owner: string, seconds: number): Promise<boolean> {
  return (await db.query(EXTEND, [job, owner, seconds])).length > 0;
}

export async function deleteExpiredJobLocks(db: Db): Promise<number> {
  return (await db.query(CLEAN)).length;
}

export async function findJobLockOwner(db: Db, job: string): Promise<string | null> {
  const [row] = await db.query(OWNER, [job]);
  return row === undefined ? null : text(row, 'owner');
}
