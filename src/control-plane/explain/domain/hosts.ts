import { fits, isForHosts, lacking, type Need } from '../../ledger/index.js';
import { admitHost, heartbeatOfHost, MOST_CALLS, registerHost } from './calls.js';
import { because } from './ended.js';
import { type Facts, type HostFacts, type Reason, type WorkerFacts } from './facts.js';
import { counted, listed } from './sentences.js';

/** Hosts that an answer lists. */
const MOST_LISTED = 10;
const NEW_HOST = 'another-host';

/** Whether a claim of the host could take a task, heard of lately or not: who claims is there. */
export function mayClaim({ closed, activeLeases, maxParallel }: HostFacts): boolean {
  return closed === null && activeLeases < maxParallel;
}

/** Why no host would take a job even if nothing else were in its way; empty when one would. */
export function noHostTakesIt({ need, hosts, ableHosts }: Facts): Reason[] {
  if (!isForHosts(need) || ableHosts.some((host) => host.isAlive && mayClaim(host))) return [];
  return [
    ...missingCapability(need, hosts),
    ...areClosed(ableHosts),
    ...noHost(need, hosts, ableHosts),
    ...areFull(need, ableHosts),
  ];
}

function missingCapability(need: Need, hosts: readonly WorkerFacts[]): Reason[] {
  if (hosts.some((host) => fits(need, host))) return [];
  const nearest = [...hosts].sort((a, b) => lacking(need, a).length - lacking(need, b).length);
  const [closest] = nearest;
  if (closest === undefined) return [];
  return [
    {
      code: 'missing_capability',
      message: `No host can do all that it requires (${listed(need.capabilities)}); host '${closest.workerId}' lacks ${listed(lacking(need, closest))}.`,
      details: {
        required: need.capabilities,
        hosts: nearest.slice(0, MOST_LISTED).map((host) => ({
          ...{ host_id: host.workerId, alike: host.workers, status: host.status },
          missing: lacking(need, host),
        })),
      },
      unblock: [
        heartbeatOfHost(
          closest.workerId,
          [...new Set([...closest.capabilities, ...need.capabilities])],
          `If host '${closest.workerId}' can do it: says so, until it says something else.`,
        ),
        registerHost(NEW_HOST, need.capabilities, 'Registers a host that can do it.'),
      ],
    },
  ];
}

/** An operator gives some of those that could do it no new work. */
function areClosed(able: readonly HostFacts[]): Reason[] {
  const closed = able.flatMap(({ hostId, status, closed: order }) =>
    order === null ? [] : [{ hostId, status, ...order }],
  );
  // The one that was closed last: until then it might have gone there.
  const [last] = closed.toSorted((a, b) => (a.since < b.since ? 1 : -1));
  if (last === undefined) return [];
  return [
    {
      code: 'paused',
      message:
        closed.length === 1
          ? `Host '${last.hostId}', which could take it, is ${last.status} since ${last.since}${because(last.reason)}`
          : `Hosts that could take it get no new work: ${listed(closed.map(({ hostId }) => hostId))}; '${last.hostId}' is ${last.status} since ${last.since}${because(last.reason)}`,
      since: last.since,
      details: {
        ...{ scope: 'host', name: last.hostId, reason: last.reason, total: closed.length },
        hosts: closed
          .slice(0, MOST_LISTED)
          .map(({ hostId, status, since, reason }) => ({ host_id: hostId, status, since, reason })),
      },
      unblock: closed
        .slice(0, MOST_CALLS)
        .map(({ hostId, status }) =>
          status === 'revoked'
            ? admitHost(hostId, 'readmit', `Lets host '${hostId}' register again.`)
            : admitHost(hostId, 'uncordon', `Gives host '${hostId}' work again.`),
        ),
    },
  ];
}

/** No host is there: none is registered, or all that may take it are silent. */
function noHost(need: Need, hosts: readonly WorkerFacts[], able: readonly HostFacts[]): Reason[] {
  if (hosts.length === 0) {
    return [
      {
        code: 'no_host',
        message: 'No host is registered.',
        details: { registered: 0, hosts: [] },
        unblock: [registerHost(NEW_HOST, need.capabilities, 'Registers a host that takes it.')],
      },
    ];
  }
  const open = able.filter(({ closed }) => closed === null);
  if (open.length === 0 || open.some(({ isAlive }) => isAlive)) return [];
  const names = listed(open.map(({ hostId }) => hostId));
  return [
    {
      code: 'no_host',
      message:
        open.length === 1
          ? `Host ${names}, the only one that may take it, is offline.`
          : `All ${open.length} hosts that may take it are offline: ${names}.`,
      details: {
        registered: open.length,
        hosts: open.slice(0, MOST_LISTED).map(({ hostId, status }) => ({ host_id: hostId, status })),
      },
      unblock: open
        .slice(0, MOST_CALLS)
        .map(({ hostId }) => heartbeatOfHost(hostId, null, `Says that host '${hostId}' is there again.`)),
    },
  ];
}

function areFull(need: Need, able: readonly HostFacts[]): Reason[] {
  const full = able.filter(({ isAlive, closed }) => isAlive && closed === null);
  if (full.length === 0) return [];
  const shown = full
    .slice(0, 2)
    .map((host) => `'${host.hostId}' runs ${counted(host.activeLeases, 'job')} of ${host.maxParallel}`);
  return [
    {
      code: 'no_capacity',
      message: `${full.length === 1 ? 'The host' : `All ${full.length} hosts`} that may take it ${full.length === 1 ? 'is' : 'are'} full: ${shown.join(', ')}.`,
      details: {
        hosts: full.slice(0, MOST_LISTED).map(({ hostId, activeLeases, maxParallel }) => ({
          ...{ host_id: hostId, active_leases: activeLeases, max_parallel: maxParallel },
        })),
      },
      unblock: [registerHost(NEW_HOST, need.capabilities, 'Registers one more host.')],
    },
  ];
}
