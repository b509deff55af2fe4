import { type Tx } from '../../../platform/database/database.js';
import { flag, integer, type Row, text } from '../../../platform/database/row.js';
import { statement } from '../../../platform/database/statement.js';
import { appendEvents } from '../../events/index.js';
import { type ForeignJob, type StoredTask } from '../domain/foreign-job.js';
import { GATE } from '../domain/gate.js';
import { WRITER } from './writer.js';

const LOCK = statement(
  'ledger.lockStoredTasks',
  `select t.seq, t.id, t.version, t.completed_at is not null as has_ended
   from tasks t where t.id = any($1::text[]) order by t.seq for update`,
);

const storedFromRow = (row: Row): StoredTask => ({
  seq: integer(row, 'seq'),
  id: text(row, 'id'),
  version: integer(row, 'version'),
  hasEnded: flag(row, 'has_ended'),
});

/** Those of `ids` that are stored, locked until the transaction ends. */
export async function lockStoredTasks(tx: Tx, ids: readonly string[]): Promise<StoredTask[]> {
  return (await tx.query(LOCK, [ids])).map(storedFromRow);
}

const FOREIGN_JOBS = `json_to_recordset($1::json) as n(
       id text, kind text, action text, params json, priority integer, head_start bigint, required_capabilities text[],
       dependencies text[], pending integer, has_dependents boolean, max_attempts integer, lease_seconds integer,
       submitted_by text, status text, attempts integer, assigned_host_id text, leased_until timestamptz, result json,
       error text, ttl_ms bigint, created_at timestamptz, updated_at timestamptz, completed_at timestamptz,
       version bigint, updated_by text)`;

/** Nobody else is given the job while the host that had it may still be at it; $2 bounds how long that is believed. */
const RESTS_UNTIL = `(case when n.leased_until is not null
         then least(n.leased_until, now() + $2::float8 * interval '1 millisecond') end)`;
const NEXT_ATTEMPT = `case when n.status = 'queued' and ${RESTS_UNTIL} > now() then ${RESTS_UNTIL} end`;
const gateWhere = (pending: string) => `case when n.status = 'succeeded' then null
         when n.status = 'failed' then ${GATE.failed}
         when ${pending} > 0 then ${GATE.waitsForDependencies}
         when ${RESTS_UNTIL} > now() then ${GATE.waitsForTime} else ${GATE.runnable} end`;
const LANE = `task_lane(n.kind, 'any', null, null, false, null, n.required_capabilities)`;
const RANK = 'floor(extract(epoch from n.created_at))::bigint - n.head_start';
const EXPIRES_AT = `n.created_at + n.ttl_ms * interval '1 millisecond'`;
/** With which the host of the last attempt reports after all. */
const ASSIGNED_TOKEN = `case when n.assigned_host_id is not null then replace(gen_random_uuid()::text, '-', '') end`;

const enqueuedEvent = (source: string, message: string) =>
  appendEvents(source, {
    type: 'enqueued',
    version: 'enqueued_version',
    to: `'queued'`,
    message: `'${message}'`,
    payload: `json_build_object('action', action, 'priority', priority, 'gateway_id', gateway_id)`,
  });
/** The end has the last version, so the beginning gets the one before it. */
const RETURNED = `t.seq, t.id, t.version, t.version - case when t.completed_at is null then 0 else 1 end as enqueued_version,
       t.action, t.priority, t.gateway_id`;

const ADD = statement(
  'ledger.addForeignJobs',
  `with task as (
     insert into tasks as t (
       id, kind, action, params, priority, required_capabilities, dependencies, pending_dependencies, has_dependents,
       max_attempts, lease_seconds, submitted_by, status, gate, next_attempt_at, attempts, assigned_host_id,
       assigned_token, result, error, ttl_ms, expires_at, created_at, updated_at, completed_at, version, updated_by,
       rank, lane)
     select n.id, n.kind, n.action, n.params, n.priority, n.required_capabilities, n.dependencies, n.pending,
       n.has_dependents, n.max_attempts, n.lease_seconds, n.submitted_by, n.status, ${gateWhere('n.pending')},
       ${NEXT_ATTEMPT}, n.attempts, n.assigned_host_id, ${ASSIGNED_TOKEN}, n.result, n.error, n.ttl_ms, ${EXPIRES_AT},
       n.created_at, n.updated_at, n.completed_at, n.version, coalesce(n.updated_by, ${WRITER}), ${RANK}, ${LANE}
     from ${FOREIGN_JOBS}
     on conflict (id) do nothing
     returning ${RETURNED}
   ), edges as (
     insert into task_dependencies (child_seq, parent_seq)
     select child.seq, e.parent_seq from unnest($3::text[], $4::bigint[]) e(child_id, parent_seq)
       join task child on child.id = e.child_id
     union all
     select child.seq, parent.seq from unnest($5::text[], $6::text[]) e(child_id, parent_id)
       join task child on child.id = e.child_id join task parent on parent.id = e.parent_id
   ), logged as (${enqueuedEvent('task', 'Imported.')})
   select seq, id, version from task`,
);

const REPLACE = statement(
  'ledger.replaceForeignJobs',
  `with task as (
     update tasks t set params = n.params, kind = n.kind, action = n.action, priority = n.priority,
       required_capabilities = n.required_capabilities, submitted_by = n.submitted_by, status = n.status,
       pending_dependencies = case when n.status = 'queued' then t.pending_dependencies else 0 end,
       gate = ${gateWhere('t.pending_dependencies')}, next_attempt_at = ${NEXT_ATTEMPT}, attempts = n.attempts,
       assigned_host_id = n.assigned_host_id, assigned_token = ${ASSIGNED_TOKEN}, result = n.result, error = n.error,
       ttl_ms = n.ttl_ms, expires_at = ${EXPIRES_AT}, created_at = n.created_at, updated_at = n.updated_at,
       completed_at = n.completed_at, version = greatest(n.version, t.version + 2),
       updated_by = coalesce(n.updated_by, ${WRITER}), rank = ${RANK}, lane = ${LANE}
     from ${FOREIGN_JOBS}, tasks old
     where t.id = n.id and old.seq = t.seq and t.gate is distinct from ${GATE.held}
       and not (t.completed_at is not null and (n.completed_at is null or t.has_dependents and t.status <> n.status))
     returning ${RETURNED}, old.completed_at is null as was_open
   ), logged as (${enqueuedEvent('(select * from task where was_open) as reopened', 'Imported anew.')})
   select seq, id, version, was_open from task`,
);

const ended = (type: 'succeeded' | 'failed') =>
  statement(
    `ledger.foreign.${type}`,
    `with ended as (
       select t.id, t.version, t.error, t.assigned_host_id from tasks t
       where t.seq = any($1::bigint[]) and t.status = '${type}' order by t.seq
     )
     ${appendEvents('ended', {
       type,
       from: `'queued'`,
       to: `'${type}'`,
       worker: 'assigned_host_id',
       message: type === 'succeeded' ? `'Task finished.'` : `'Task failed.'`,
       payload: `json_build_object('success', ${type === 'succeeded'}, 'error', error)`,
     })}`,
  );
const SUCCEEDED = ended('succeeded');
const FAILED = ended('failed');

/** What the import decides of a job before it is written. */
export interface ForeignJobEntry {
  readonly job: ForeignJob;
  readonly maxAttempts: number;
  readonly leaseSeconds: number;
  readonly headStartSeconds: number;
  /** Dependencies that have not succeeded. */
  readonly pending: number;
  /** Dependencies that are stored already, and those that are written with it. */
  readonly parentSeqs: readonly number[];
  readonly parentIds: readonly string[];
  readonly hasDependents: boolean;
}

function recordOf({ job, ...entry }: ForeignJobEntry): object {
  return {
    ...{ id: job.id, kind: job.kind, action: `job:${job.kind}`, params: job.payload, priority: job.priority },
    ...{ head_start: entry.headStartSeconds, required_capabilities: job.requiredCapabilities },
    ...{ dependencies: job.dependencies, pending: entry.pending, has_dependents: entry.hasDependents },
    ...{ max_attempts: entry.maxAttempts, lease_seconds: entry.leaseSeconds },
    ...{ submitted_by: job.submittedBy, status: job.status, attempts: job.attempts },
    ...{ assigned_host_id: job.assignedHostId, leased_until: job.leasedUntil, result: job.result },
    ...{ error: job.error, ttl_ms: job.ttlMs, created_at: job.createdAt, updated_at: job.updatedAt },
    completed_at: job.completedAt,
    // The beginning of one that has ended needs a version of its own.
    version: Math.max(job.version, job.completedAt === null ? 1 : 2),
    updated_by: job.updatedBy === '' ? null : job.updatedBy,
  };
}

export interface WrittenJob {
  readonly seq: number;
  readonly id: string;
  readonly version: number;
}

const writtenFromRow = (row: Row): WrittenJob => ({
  seq: integer(row, 'seq'),
  id: text(row, 'id'),
  version: integer(row, 'version'),
});

/**
 * Writes jobs that came from elsewhere, with the events that tell so. Parents stand before their children. A lease of
 * another coordinator is believed for `leaseMs` at most. One whose id has been taken meanwhile is missing from the answer.
 */
export async function addForeignJobs(
  tx: Tx,
  entries: readonly ForeignJobEntry[],
  leaseMs: number,
): Promise<WrittenJob[]> {
  const outside = entries.flatMap(({ job, parentSeqs }) => parentSeqs.map((seq) => [job.id, seq] as const));
  const inside = entries.flatMap(({ job, parentIds }) => parentIds.map((id) => [job.id, id] as const));
  const rows = await tx.query(ADD, [
    JSON.stringify(entries.map(recordOf)),
    leaseMs,
    outside.map(([child]) => child),
    outside.map(([, parent]) => parent),
    inside.map(([child]) => child),
    inside.map(([, parent]) => parent),
  ]);
  const written = rows.map(writtenFromRow);
  await appendEnds(tx, written);
  return written;
}

/**
 * Writes jobs over those of the same ids, which the caller has locked: all but their dependencies. One that is held, that
 * would begin anew, or whose dependents have heard of another end, is left alone and missing from the answer.
 */
export async function replaceForeignJobs(
  tx: Tx,
  entries: readonly ForeignJobEntry[],
  leaseMs: number,
): Promise<(WrittenJob & { readonly hasJustEnded: boolean })[]> {
  const rows = await tx.query(REPLACE, [JSON.stringify(entries.map(recordOf)), leaseMs]);
  const statuses = new Map(entries.map(({ job }) => [job.id, job.status]));
  const written = rows.map((row) => {
    const job = writtenFromRow(row);
    return { ...job, hasJustEnded: flag(row, 'was_open') && statuses.get(job.id) !== 'queued' };
  });
  await appendEnds(
    tx,
    written.filter(({ hasJustEnded }) => hasJustEnded),
  );
  return written;
}

/** In a statement after that of the beginnings, so that each end comes behind its beginning. */
async function appendEnds(tx: Tx, written: readonly WrittenJob[]): Promise<void> {
  const seqs = written.map(({ seq }) => seq);
  if (seqs.length === 0) return;
  await tx.query(SUCCEEDED, [seqs]);
  await tx.query(FAILED, [seqs]);
}
