import { type Db } from '../../../platform/database/database.js';
import { flag, integer, onlyRow, text } from '../../../platform/database/row.js';
import { statement } from '../../../platform/database/statement.js';
import { appendSteps } from '../../events/index.js';
import { GATE } from '../domain/gate.js';
import { roomsOf } from './host-slots.queries.js';
import { IS_JOB, type Job, jobColumns, jobFromRow } from './job-row.js';
import { RUNNING_EVENT } from './lease.queries.js';
import { WRITTEN_BY } from './writer.js';

const FIND = statement(
  'ledger.findJobs',
  `select ${jobColumns('t')} from tasks t where t.id = any($1::text[]) and ${IS_JOB}`,
  { plan: 'once' },
);

/** Those of `ids` that are jobs, in no order. */
export async function findJobs(db: Db, ids: readonly string[]): Promise<Job[]> {
  return (await db.query(FIND, [ids])).map(jobFromRow);
}

/** The index of jobs leaves out those that are held: it is found by these very words. */
const NOT_HELD_NOW = `t.gate is distinct from ${GATE.held}`;
const HELD_NOW = `t.gate = ${GATE.held}`;
const QUEUED = `${NOT_HELD_NOW} and t.gate between ${GATE.runnable} and 4`;

/** Where jobs stand, by the words of the SkyClaw routes: conditions of which each has an index that finds its newest. */
const STANDINGS = {
  any: [NOT_HELD_NOW, HELD_NOW],
  queued: [QUEUED],
  leased: [HELD_NOW],
  failed: [`${NOT_HELD_NOW} and t.gate = ${GATE.failed}`],
  completed: [`${NOT_HELD_NOW} and t.gate is null`],
  unfinished: [QUEUED, HELD_NOW],
  finished: [`${NOT_HELD_NOW} and (t.gate is null or t.gate = ${GATE.failed})`],
} as const;

export type JobStanding = keyof typeof STANDINGS;

const newest = (condition: string) =>
  `(select t.seq from tasks t where t.seq < $1 and ${IS_JOB} and ${condition}
      and ($3::text is null or t.project_id = $3) order by t.seq desc limit $2)`;

const LISTS = Object.fromEntries(
  Object.entries(STANDINGS).map(([standing, conditions]) => [
    standing,
    statement(
      `ledger.listJobs.${standing}`,
      `select ${jobColumns('t')} from tasks t
       where t.seq in (
         select n.seq from (${conditions.map(newest).join(' union all ')}) n order by n.seq desc limit $2
       )
       order by t.seq desc`,
    ),
  ]),
) as Record<JobStanding, ReturnType<typeof statement>>;

/** Jobs with a position below `beforeSeq`, newest first; those of one project if one is named. */
export async function listJobs(
  db: Db,
  standing: JobStanding,
  { beforeSeq, projectId }: { readonly beforeSeq: number; readonly projectId: string | null },
  limit: number,
): Promise<Job[]> {
  return (await db.query(LISTS[standing], [beforeSeq, limit, projectId])).map(jobFromRow);
}

/** What a host's lease may last in all, beyond the limit of its job: time to kill what runs, and to report. */
const GRACE = `interval '30 seconds'`;

const ENDS = `least(now() + t.lease_seconds * interval '1 second', t.locked_at + ${GRACE}
       + greatest(1000, coalesce((t.params ->> 'timeoutMs')::float8, $3)) * interval '1 millisecond')`;
const OF_HOST = `t.holder = 'host' and t.locked_by = $1 and ($2::text[] is null or t.id = any($2::text[]))`;

/** Leases begin anew for the rows that `which` selects with their new `ends`. */
const renew = (which: string) => `update tasks t set lease_expires_at = e.ends, version = t.version + 1,
     updated_at = now(), ${WRITTEN_BY}
   from (${which} for no key update) e where t.seq = e.seq and e.ends > t.lease_expires_at`;

const RENEW = statement(
  'ledger.renewOfHost',
  `with renewed as (
     ${renew(`select t.seq, ${ENDS} as ends from tasks t where ${OF_HOST} and t.lease_expires_at > now() order by t.seq`)}
   )
   select exists (select from tasks t where ${OF_HOST} and t.lease_expires_at <= now()) as has_lapsed`,
);

const REVIVE = statement(
  'ledger.reviveOfHost',
  `with ${roomsOf('h.host_id = $1')}
   ${renew(`select t.seq, ${ENDS} as ends from tasks t where ${OF_HOST} and t.lease_expires_at <= now()
     order by t.locked_at, t.seq limit (select greatest(r.room, 0) from rooms r)`)}`,
);

/**
 * Lets the leases of a host's jobs, or of those named, begin anew: up to the claim, the job's limit (else
 * `defaultTimeoutMs`) and 30 s. Those that have run out are revived as far as the host has room: it may have been given
 * other jobs meanwhile. Touches no index.
 */
export async function renewOfHost(
  db: Db,
  hostId: string,
  {
    jobIds,
    defaultTimeoutMs,
  }: { readonly jobIds: readonly string[] | null; readonly defaultTimeoutMs: number },
): Promise<void> {
  const values = [hostId, jobIds, defaultTimeoutMs];
  if (flag(onlyRow(await db.query(RENEW, values)), 'has_lapsed')) await db.query(REVIVE, values);
}

const IS_HELD = statement(
  'ledger.isJobHeld',
  `select exists (
     select from tasks t where t.id = $1 and t.claim_token = $2 and t.lease_expires_at > now()
   ) as is_held`,
);

/** Whether an attempt holds a job, by a lease that runs. */
export async function isHeld(
  db: Db,
  { jobId, token }: { readonly jobId: string; readonly token: string },
): Promise<boolean> {
  return flag(onlyRow(await db.query(IS_HELD, [jobId, token])), 'is_held');
}

const NOT_HELD = statement(
  'ledger.notHeldBy',
  `select a.id from unnest($2::text[]) with ordinality a(id, n)
   where not exists (select from tasks t where t.id = a.id and t.holder = 'host' and t.locked_by = $1)
   order by a.n`,
);

/** Those of `jobIds` that a host does not hold, whatever the reason. */
export async function notHeldBy(db: Db, hostId: string, jobIds: readonly string[]): Promise<string[]> {
  return (await db.query(NOT_HELD, [hostId, jobIds])).map((row) => text(row, 'id'));
}

const HELD = statement(
  'ledger.heldByHost',
  `select t.id, t.claim_token, t.attempts, t.max_attempts from tasks t
   where t.holder = 'host' and t.locked_by = $1 order by t.seq`,
);

/** A job that a host holds, as far as its end needs to know. */
export interface HeldJob {
  readonly id: string;
  readonly claimToken: string;
  readonly attempts: number;
  readonly maxAttempts: number;
}

export async function listHeldBy(db: Db, hostId: string): Promise<HeldJob[]> {
  return (await db.query(HELD, [hostId])).map((row) => ({
    id: text(row, 'id'),
    claimToken: text(row, 'claim_token'),
    attempts: integer(row, 'attempts'),
    maxAttempts: integer(row, 'max_attempts'),
  }));
}

const HOSTS_WITH_JOBS = statement(
  'ledger.hostsWithJobs',
  `select distinct t.locked_by from tasks t where t.holder = 'host'`,
);

/** Hosts that hold jobs, with leases that run or not. */
export async function listHostsWithJobs(db: Db): Promise<string[]> {
  return (await db.query(HOSTS_WITH_JOBS)).map((row) => text(row, 'locked_by'));
}

const RESUME = statement(
  'ledger.resumeJob',
  `with resumed as (
     update tasks t set status = 'running', gate = ${GATE.held}, holder = 'host', locked_by = t.assigned_host_id,
       claim_token = t.assigned_token, locked_at = now(), lease_expires_at = now() + ${GRACE}, next_attempt_at = null,
       lease_number = t.lease_number + 1, version = t.version + 2, updated_at = now(), ${WRITTEN_BY}
     from tasks old
     where t.id = $1 and old.seq = t.seq and old.version = t.version and ${IS_JOB}
       and t.gate in (${GATE.runnable}, ${GATE.waitsForTime}) and t.assigned_host_id = $2
       and ($3::text is null or t.assigned_token = $3)
     returning t.id, t.version, t.locked_by, t.claim_token, t.attempts, t.lease_number, old.status as from_status
   ), logged as (
     ${appendSteps(
       [
         'resumed',
         {
           type: 'claimed',
           version: 'version - 1',
           from: 'from_status',
           to: `'claimed'`,
           worker: 'locked_by',
           token: 'claim_token',
           message: `'The lease was over, but nobody else had taken the task: its last attempt goes on.'`,
           payload: `json_build_object('attempt', attempts, 'lease_number', lease_number)`,
         },
       ],
       ['resumed', RUNNING_EVENT],
     )}
   )
   select claim_token from resumed`,
);

/**
 * Gives a job back to the host of its last attempt, which has been silent for too long and reports after all. The token
 * of that attempt; null when somebody else has the job, it has ended, or `token` is not that attempt's.
 */
export async function resumeJob(
  db: Db,
  {
    jobId,
    hostId,
    token,
  }: { readonly jobId: string; readonly hostId: string; readonly token: string | null },
): Promise<string | null> {
  const [row] = await db.query(RESUME, [jobId, hostId, token]);
  return row === undefined ? null : text(row, 'claim_token');
}

/** Never started, and not to be started any more some day. */
const EXPIRING = `t.gate between ${GATE.runnable} and 4 and t.attempts = 0`;

const NEXT_EXPIRY = statement(
  'ledger.nextExpiry',
  `select ceil(extract(epoch from min(t.expires_at) - now()) * 1000)::float8 as in_ms
   from tasks t where t.expires_at is not null and ${EXPIRING}`,
);

/** Milliseconds until the next job fails that nobody starts; zero or less when one should have, null when none will. */
export async function msUntilNextExpiry(db: Db): Promise<number | null> {
  const [row] = await db.query(NEXT_EXPIRY);
  const inMs = row?.['in_ms'];
  return typeof inMs === 'number' ? inMs : null;
}

const LIST_EXPIRED = statement(
  'ledger.listExpired',
  `select t.id from tasks t where t.expires_at <= now() and ${EXPIRING} order by t.expires_at limit $1`,
);

/** Jobs that were not started in time. */
export async function listExpired(db: Db, limit: number): Promise<string[]> {
  return (await db.query(LIST_EXPIRED, [limit])).map((row) => text(row, 'id'));
}

const ENDED = statement(
  'ledger.endedAmongJobs',
  `select a.id from unnest($1::text[]) a(id)
   where not exists (select from tasks t where t.id = a.id and t.completed_at is null)`,
);

/** Those of `jobIds` that have ended, or are not there. */
export async function endedAmong(db: Db, jobIds: readonly string[]): Promise<string[]> {
  return (await db.query(ENDED, [jobIds])).map((row) => text(row, 'id'));
}

const GONE = statement(
  'ledger.goneAmongJobs',
  `select a.id from unnest($1::text[]) a(id) where not exists (select from tasks t where t.id = a.id)`,
);

/** Those of `jobIds` that are not there. */
export async function goneAmong(db: Db, jobIds: readonly string[]): Promise<string[]> {
  return (await db.query(GONE, [jobIds])).map((row) => text(row, 'id'));
}
