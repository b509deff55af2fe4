import { yieldMs } from './backoff.js';
import {
  type Assignment,
  type Deployment,
  isSamePlace,
  liveOf,
  type Moment,
  without,
  withAssignment,
} from './deployment.js';
import { canRun, factsOf, type HostFacts, type HostsById } from './host-facts.js';
import { isOutgoing } from './settle.js';

/** What a host may start next of a service, and the deployment once it does. */
export interface Offer {
  /** `own`: it concerns a replica that the host has; such offers come before all others. */
  readonly kind: 'own' | 'other';
  readonly slot: number;
  readonly deployment: Deployment;
}

export interface OfferTo {
  readonly host: HostFacts;
  /** All that hold something of the service. */
  readonly hosts: HostsById;
  readonly now: Moment;
  /** Whether another host could take a replica that keeps failing on this one. */
  readonly hasRival: boolean;
  /** Whether the host says what it runs: then what it was told to start is not handed to it again. */
  readonly tellsServices: boolean;
}

/** What a host may start next of a settled deployment; null: nothing. */
export function offerTo(deployment: Deployment, to: OfferTo): Offer | null {
  const { service } = deployment;
  const { host, now } = to;
  if (service.stoppedAt !== null || !canRun(host, service.spec.requiredCapabilities)) return null;
  return (
    beginHere(deployment, to) ??
    retryHere(deployment, to) ??
    replaceHere(deployment, to) ??
    (hasRoom(deployment, host.id) ? (addShort(deployment, to) ?? moveHere(deployment, host, now)) : null) ??
    (hasRoom(deployment, host.id) ? succeedHere(deployment, to) : null)
  );
}

/** Whether a host has fewer replicas than it may; a replica and its successor in the same slot count once. */
export function hasRoom(deployment: Deployment, hostId: string): boolean {
  const here = liveOf(deployment).filter((row) => row.hostId === hostId);
  return new Set(here.map(({ slot }) => slot)).size < deployment.service.spec.maxPerHost;
}

/** When the first offer to anybody may come, if nothing changes; null: not before something does. */
export function opensAt(deployment: Deployment, hosts: HostsById, now: Moment): Moment | null {
  const { service } = deployment;
  if (service.stoppedAt !== null) return null;
  const live = liveOf(deployment);
  if (live.length < service.replicas || isTurn(deployment, hosts)) return now;
  const retries = live.flatMap(({ retryAt }) => (retryAt === null ? [] : [retryAt]));
  return retries.length === 0 ? null : Math.min(...retries);
}

/**
 * Its own replica waits to be started, and nobody knows whether the host has heard of that: an answer may have been lost,
 * or its daemon have begun anew. One that starts it already says so again.
 */
function beginHere(deployment: Deployment, { host, tellsServices }: OfferTo): Offer | null {
  if (tellsServices) return null;
  const pending = liveOf(deployment).find((row) => row.hostId === host.id && row.status === 'pending');
  return pending === undefined ? null : { kind: 'own', slot: pending.slot, deployment };
}

/** Its own replica has rested after a failure. Where it fails again and again, others go first. */
function retryHere(deployment: Deployment, { host, now, hasRival }: OfferTo): Offer | null {
  const rested = liveOf(deployment).find(
    (row) =>
      row.hostId === host.id &&
      row.retryAt !== null &&
      now >= row.retryAt + (hasRival ? yieldMs(row.failures) : 0),
  );
  if (rested === undefined) return null;
  const again = retried(rested, now);
  return { kind: 'own', slot: again.slot, deployment: withAssignment(deployment, again) };
}

/** Its replica of an older generation is the next to be replaced. */
function replaceHere(deployment: Deployment, { host, hosts, now }: OfferTo): Offer | null {
  if (!isTurn(deployment, hosts) || !mayReplaceOn(deployment, host)) return null;
  const { generation } = deployment.service;
  const old = liveOf(deployment).find((row) => row.hostId === host.id && row.generation !== generation);
  return old === undefined ? null : added(deployment, host.id, now, 'own', old.slot);
}

/** There are fewer replicas than wanted. */
function addShort(deployment: Deployment, { host, now }: OfferTo): Offer | null {
  const isShort = liveOf(deployment).length < deployment.service.replicas;
  return isShort ? added(deployment, host.id, now, 'other') : null;
}

/** A replica that failed elsewhere has rested. */
function moveHere(deployment: Deployment, host: HostFacts, now: Moment): Offer | null {
  const rested = liveOf(deployment).find((row) => row.retryAt !== null && now >= row.retryAt);
  if (rested === undefined) return null;
  const left = without(deployment, rested, now);
  const slot = freeSlot(left, host.id, rested.generation);
  const moved = { ...retried(rested, now), hostId: host.id, slot };
  return { kind: 'other', slot, deployment: withAssignment(left, moved) };
}

/** A replica that serves cannot be replaced where it is. */
function succeedHere(deployment: Deployment, { host, hosts, now }: OfferTo): Offer | null {
  if (!isTurn(deployment, hosts)) return null;
  const isStranded = liveOf(deployment).some(
    (row) => isOutgoing(deployment, row, hosts) && !mayReplaceOn(deployment, factsOf(hosts, row.hostId)),
  );
  return isStranded ? added(deployment, host.id, now, 'other') : null;
}

/** Whether a host may start the generation in place of an older replica: with the new ones it has not too many. */
function mayReplaceOn(deployment: Deployment, host: HostFacts): boolean {
  const { generation, spec } = deployment.service;
  const own = liveOf(deployment).filter((row) => row.hostId === host.id && row.generation === generation);
  return canRun(host, spec.requiredCapabilities) && own.length < spec.maxPerHost;
}

/** Whether the next successor may be started: somebody is to be replaced, and the one before runs. */
function isTurn(deployment: Deployment, hosts: HostsById): boolean {
  const live = liveOf(deployment);
  const isOut = (row: Assignment) => isOutgoing(deployment, row, hosts);
  return (
    live.length <= deployment.service.replicas &&
    live.some(isOut) &&
    live.every((row) => isOut(row) || row.status === 'running')
  );
}

function added(
  deployment: Deployment,
  hostId: string,
  now: Moment,
  kind: Offer['kind'],
  wantedSlot?: number,
): Offer {
  const { generation } = deployment.service;
  const slot = freeSlot(deployment, hostId, generation, wantedSlot);
  const assignment: Assignment = {
    ...{ hostId, slot, generation, status: 'pending', endpoint: null, error: null },
    ...{
      claimedAt: now,
      startedAt: null,
      updatedAt: now,
      restarts: 0,
      failures: 0,
      retryAt: null,
      stop: null,
    },
  };
  return { kind, slot, deployment: withAssignment(deployment, assignment) };
}

function retried(row: Assignment, now: Moment): Assignment {
  const restarts = row.restarts + 1;
  return {
    ...row,
    ...{ status: 'pending', endpoint: null, retryAt: null, claimedAt: now, updatedAt: now, restarts },
  };
}

/** The slot that a successor shares with the replica before it, or the first one that nothing is in, ending processes included. */
function freeSlot({ assignments }: Deployment, hostId: string, generation: number, wanted?: number): number {
  if (
    wanted !== undefined &&
    !assignments.some((row) => isSamePlace(row, { hostId, slot: wanted, generation }))
  ) {
    return wanted;
  }
  const taken = assignments.filter((row) => row.hostId === hostId).map(({ slot }) => slot);
  return (
    Array.from({ length: taken.length + 1 }, (_, slot) => slot).find((slot) => !taken.includes(slot)) ?? 0
  );
}
