import {
  type Assignment,
  type Deployment,
  isSamePlace,
  liveOf,
  type Moment,
  type Place,
} from './deployment.js';
import { hasRoom } from './offer.js';
import { failed, wentDown } from './report.js';

/** A host's word on what it runs counts against an assignment once that has stood for so long: the two may cross on their way. */
export const CROSSING_MS = 10_000;

/** What a host says that it runs of a service, made true: see {@link hasNews}. */
export function present(
  deployment: Deployment,
  hostId: string,
  active: readonly Place[],
  now: Moment,
  crossingMs = CROSSING_MS,
): Deployment {
  const isActive = (row: Assignment) => active.some((place) => isSamePlace(place, row));
  const kept = deployment.assignments.filter(
    (row) => row.hostId !== hostId || row.stop === null || isActive(row),
  );
  const revived = kept.reduce<Deployment>(
    (found, row) => (row.hostId === hostId && mayGoOn(found, row) ? goesOn(found, row, now) : found),
    { ...deployment, assignments: kept },
  );
  return liveOf(revived)
    .filter((row) => row.hostId === hostId && row.status !== 'failed' && !isActive(row))
    .filter((row) => now - row.updatedAt >= crossingMs)
    .reduce((found, row) => failed(found, row, 'the host no longer runs it', now), revived);
}

/** The daemon of a host has begun anew and does not say what it runs: all that ran there is yet to start. */
export function begunAnew(deployment: Deployment, hostId: string, now: Moment): Deployment {
  return liveOf(deployment)
    .filter((row) => row.hostId === hostId && row.status === 'running')
    .reduce((found, row) => wentDown(found, row, now), deployment);
}

/** Whether a host's word on what it runs changes anything. */
export function hasNews(...[deployment, ...rest]: Parameters<typeof present>): boolean {
  const next = present(deployment, ...rest);
  return (
    next.assignments.length !== deployment.assignments.length ||
    next.assignments.some((row) => !deployment.assignments.includes(row))
  );
}

/** A replica of a host that was lost and came back goes on if it is still missing. */
function mayGoOn(deployment: Deployment, { stop, generation, hostId }: Assignment): boolean {
  const { service } = deployment;
  return (
    stop?.isLost === true &&
    service.stoppedAt === null &&
    generation === service.generation &&
    liveOf(deployment).length < service.replicas &&
    hasRoom(deployment, hostId)
  );
}

function goesOn(deployment: Deployment, row: Assignment, now: Moment): Deployment {
  const assignments = deployment.assignments.map((other) =>
    other === row ? { ...row, stop: null, updatedAt: now } : other,
  );
  return { ...deployment, assignments };
}
