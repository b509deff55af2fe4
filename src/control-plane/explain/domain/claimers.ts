import { type Claimer, fits, isForGateways, isForWorkers, isOpenToStrangers } from '../../ledger/index.js';
import { type Facts, type HostFacts, type WorkerFacts } from './facts.js';
import { mayClaim } from './hosts.js';
import { hasRoom } from './takers.js';

/** Kinds of worker whose next claim is looked at. */
const MOST_KINDS = 8;

/** Somebody whose next claim says whether a task is next, and how to name them. */
export interface NamedClaimer {
  readonly name: string;
  readonly claimer: Claimer;
}

/**
 * Whose next claims have to be looked at to know whether any claim would take a task. Of workers of one gateway, whoever
 * can do more than another has all tasks of that one before it and perhaps others: if it would take the task, so would
 * the other. So only those matter that can do the least; a stranger can do nothing.
 */
export function claimersFor({
  need,
  workers,
  gateways,
  ableHosts,
}: Pick<Facts, 'need' | 'workers' | 'gateways' | 'ableHosts'>): NamedClaimer[] {
  const claimers: NamedClaimer[] = hostsThatCanLeast(ableHosts).map(({ hostId }) => ({
    name: `host '${hostId}'`,
    claimer: { holder: 'host', id: hostId },
  }));
  if (isOpenToStrangers(need)) {
    // No registered worker has an empty id.
    claimers.push({ name: 'any worker', claimer: { holder: 'worker', id: '', capabilities: [] } });
  } else if (isForWorkers(need)) {
    const able = workers.filter((worker) => fits(need, worker));
    const least = able.filter(
      (worker, index) => !able.some((other, at) => precedes(other, at, worker, index)),
    );
    for (const { workerId } of least.slice(0, MOST_KINDS)) {
      claimers.push({
        name: `worker '${workerId}'`,
        claimer: { holder: 'worker', id: workerId, capabilities: null },
      });
    }
  }
  const withRoom = gateways.filter(hasRoom);
  if (isForGateways(need) && withRoom.some((gateway) => fits(need, gateway))) {
    claimers.push({
      name: 'the dispatcher',
      claimer: { holder: 'dispatcher', id: '', gateways: withRoom },
    });
  }
  return claimers;
}

/** Of the hosts that have room one of each kind that can do no more than it must, as many as are looked at. */
function hostsThatCanLeast(hosts: readonly HostFacts[]): HostFacts[] {
  const kinds = new Map<string, HostFacts>();
  for (const host of hosts.filter(mayClaim)) {
    const kind = JSON.stringify(host.capabilities);
    if (!kinds.has(kind)) kinds.set(kind, host);
  }
  const all = [...kinds.values()];
  const canLess = (other: HostFacts, host: HostFacts) =>
    other !== host && other.capabilities.every((capability) => host.capabilities.includes(capability));
  return all.filter((host) => !all.some((other) => canLess(other, host))).slice(0, MOST_KINDS);
}

/** Whether `other` may take nothing but what `worker` may take as well; of two that are alike the first. */
function precedes(other: WorkerFacts, at: number, worker: WorkerFacts, index: number): boolean {
  if (at === index || (other.gatewayId !== null && other.gatewayId !== worker.gatewayId)) return false;
  if (!other.capabilities.every((capability) => worker.capabilities.includes(capability))) return false;
  const isAlike =
    other.gatewayId === worker.gatewayId && other.capabilities.length === worker.capabilities.length;
  return !isAlike || at < index;
}
