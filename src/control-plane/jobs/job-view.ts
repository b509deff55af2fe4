import {
  type Job as JobView,
  type JobPayload,
  type JobResult,
  type JobStatus,
} from '../../contracts/skyclaw.js';
import { type Instant } from '../../platform/database/row.js';
import { type Job, type TaskStatus } from '../ledger/index.js';

const STATUS: Readonly<Record<TaskStatus, JobStatus>> = {
  queued: 'queued',
  released: 'queued',
  claimed: 'leased',
  running: 'leased',
  succeeded: 'completed',
  failed: 'failed',
  failed_timeout: 'failed',
};

export function jobStatus(status: TaskStatus): JobStatus {
  return STATUS[status];
}

const TO_MILLISECONDS = '2026-01-31T10:00:00.000'.length;

/** An instant as the SkyClaw routes write it, which is as `Date#toISOString` does. */
export function isoTime(instant: Instant): string {
  return `${instant.slice(0, TO_MILLISECONDS)}Z`;
}

/**
 * A job as callers see it. The values of its environment are shown to whoever handed it in, in the answer to that, and to
 * the host that claims it; `leaseToken` to the latter alone.
 */
export function jobView(
  job: Job,
  { showEnv = false, leaseToken }: { readonly showEnv?: boolean; readonly leaseToken?: string } = {},
): JobView {
  const status = STATUS[job.status];
  const payload = job.params as unknown as JobPayload;
  const hasEnded = status === 'completed' || status === 'failed';
  return {
    id: job.id,
    payload: showEnv ? payload : masked(payload),
    requirement: { requiredCapabilities: job.requiredCapabilities },
    status,
    priority: job.priority,
    dependencies: job.dependencies,
    ...(job.submittedBy === null ? {} : { submittedBy: job.submittedBy }),
    ...(job.assignedHostId === null || status === 'queued' ? {} : { assignedHostId: job.assignedHostId }),
    ...(status === 'leased' && job.leaseExpiresAt !== null
      ? { leaseExpiresAt: isoTime(job.leaseExpiresAt) }
      : {}),
    ...(leaseToken === undefined ? {} : { leaseToken }),
    attempts: job.attempts,
    ...('finishedAt' in job.result ? { result: job.result as unknown as JobResult } : {}),
    ...(hasEnded && job.error !== '' ? { error: job.error } : {}),
    ...(job.ttlMs === null ? {} : { ttlMs: job.ttlMs }),
    createdAt: isoTime(job.createdAt),
    updatedAt: isoTime(job.updatedAt),
    updatedBy: job.updatedBy,
    version: job.version,
  };
}

function masked(payload: JobPayload): JobPayload {
  if (payload.env === undefined) return payload;
  return { ...payload, env: Object.fromEntries(Object.keys(payload.env).map((name) => [name, '***'])) };
}
