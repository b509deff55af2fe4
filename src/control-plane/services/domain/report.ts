import { restMs, STABLE_MS } from './backoff.js';
import { type Assignment, type Deployment, type Moment, withAssignment } from './deployment.js';

/** What a host says of one of its replicas. */
export interface Report {
  readonly hostId: string;
  /** Null: it does not say. */
  readonly slot: number | null;
  readonly generation: number | null;
  readonly status: Assignment['status'];
  readonly endpoint: string | null;
  readonly error: string | null;
}

/** What a report is about. `stale`: a process that has a successor; what it says no longer matters. */
export type Subject = { readonly row: Assignment } | 'stale' | 'unassigned';

/** Finds what a report is about. Where it leaves out slot or generation the newest process of the host is meant. */
export function subjectOf({ assignments }: Deployment, report: Report): Subject {
  const here = assignments.filter(({ hostId }) => hostId === report.hostId).sort(newestFirst);
  const slots = new Set(here.filter(({ stop }) => stop === null).map(({ slot }) => slot));
  const slot = report.slot ?? (slots.size === 1 ? [...slots][0] : 0);
  const inSlot = here.filter((row) => row.slot === slot);
  const { generation } = report;
  const row = inSlot.find((candidate) => generation === null || candidate.generation === generation);
  if (row !== undefined) {
    // A process that must end has nothing to say but that it has ended.
    return row.stop === null || report.status === 'failed' ? { row } : 'unassigned';
  }
  const isOlder = inSlot.some(
    ({ stop, generation: known }) => stop === null && generation !== null && known > generation,
  );
  return isOlder ? 'stale' : 'unassigned';
}

function newestFirst(one: Assignment, other: Assignment): number {
  const isLive = ({ stop }: Assignment) => (stop === null ? 1 : 0);
  return isLive(other) - isLive(one) || other.claimedAt - one.claimedAt || other.generation - one.generation;
}

/** The deployment once a report of one of its processes is believed. A report that says nothing new changes nothing. */
export function reported(deployment: Deployment, row: Assignment, report: Report, now: Moment): Deployment {
  if (row.stop !== null) {
    return { ...deployment, assignments: deployment.assignments.filter((other) => other !== row) };
  }
  switch (report.status) {
    case 'running':
      return cameUp(deployment, row, report.endpoint, now);
    case 'failed':
      return failed(deployment, row, report.error ?? 'the service process failed', now);
    case 'pending':
      return row.status === 'running' ? wentDown(deployment, row, now) : deployment;
  }
}

function cameUp(deployment: Deployment, row: Assignment, endpoint: string | null, now: Moment): Deployment {
  const known = row.status === 'running' ? row.endpoint : null;
  if (row.status === 'running' && (endpoint ?? known) === known) return deployment;
  const running: Assignment = {
    ...{ ...row, status: 'running', endpoint: endpoint ?? known, error: null, retryAt: null, updatedAt: now },
    startedAt: row.status === 'running' ? row.startedAt : now,
  };
  const next = withAssignment(deployment, running);
  const { service } = next;
  if (row.generation !== service.generation) return next;
  const rollout = { ...service.rollout, progressAt: now };
  return { ...next, service: { ...service, hasRun: true, rollout } };
}

/** A replica of an older generation is not started again: its place is free for the new one. */
export function failed(deployment: Deployment, row: Assignment, error: string, now: Moment): Deployment {
  if (row.status === 'failed') return deployment;
  const { service } = deployment;
  const wasSound = row.status === 'running' && row.startedAt !== null && now - row.startedAt >= STABLE_MS;
  const failures = wasSound ? 1 : row.failures + 1;
  const next = withAssignment(deployment, {
    ...{ ...row, status: 'failed', endpoint: null, error, failures, updatedAt: now },
    retryAt: now + restMs(failures),
  });
  const counts = row.generation === service.generation && service.rollout.state === 'progressing';
  if (!counts) return next;
  const rollout = { ...service.rollout, failures: service.rollout.failures + 1 };
  return { ...next, service: { ...service, rollout } };
}

/** It does not serve, and its host starts it again. */
export function wentDown(deployment: Deployment, row: Assignment, now: Moment): Deployment {
  return withAssignment(deployment, {
    ...row,
    status: 'pending',
    endpoint: null,
    claimedAt: now,
    updatedAt: now,
  });
}
