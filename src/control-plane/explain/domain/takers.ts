import {
  fits,
  isForGateways,
  isForWorkers,
  isOpenToStrangers,
  isWhereBound,
  lacking,
  type Need,
} from '../../ledger/index.js';
import { claim, heartbeat, MOST_CALLS, registerGateway, registerWorker } from './calls.js';
import { stateOf } from './ended.js';
import { gatewaysArePaused } from './pauses.js';
import { type Facts, type GatewayFacts, type Reason, type Unblock, type WorkerFacts } from './facts.js';
import { counted, listed } from './sentences.js';

/** Gateways and workers that an answer lists. */
const MOST_LISTED = 10;
const NEW_GATEWAY = { gatewayId: 'another-gateway', host: 'http://127.0.0.1:8766' };
const NEW_WORKER = 'another-worker';

export function hasRoom({ isUsable, inFlight, maxInFlight }: GatewayFacts): boolean {
  return isUsable && inFlight < maxInFlight;
}

/** Why nobody would take the task even if nothing else were in its way; empty when somebody would. */
export function nobodyTakesIt(facts: Facts): Reason[] {
  const { need, gateways, workers } = facts;
  const pull = isForWorkers(need);
  const push = isForGateways(need);
  if (pull && workers.some((worker) => worker.isAlive && fits(need, worker))) return [];
  if (push && gateways.some((gateway) => hasRoom(gateway) && fits(need, gateway))) return [];
  return [
    ...missingCapability(facts, pull, push),
    ...(pull ? noWorker(need, workers) : []),
    ...(push ? gatewaysArePaused(need, gateways) : []),
    ...(push ? noGateway(need, gateways) : []),
    ...(push ? noCapacity(need, gateways) : []),
  ];
}

/** Those that are where the task may run, when none of them can do what it requires. */
function unable<T extends WorkerFacts | GatewayFacts>(need: Need, takers: readonly T[]): readonly T[] {
  const near = takers.filter((taker) => isWhereBound(need, taker));
  return near.some((taker) => fits(need, taker)) ? [] : near;
}

function missingCapability({ need, workers, gateways }: Facts, pull: boolean, push: boolean): Reason[] {
  const unableWorkers = pull ? unable(need, workers) : [];
  const unableGateways = push ? unable(need, gateways) : [];
  if (unableWorkers.length + unableGateways.length === 0) return [];
  const byLack = <T extends { readonly capabilities: readonly string[] }>(takers: readonly T[]): T[] =>
    [...takers].sort((a, b) => lacking(need, a).length - lacking(need, b).length);
  const nearest = [...byLack(unableWorkers), ...byLack(unableGateways)];
  const closest = nearest.reduce((a, b) => (lacking(need, b).length < lacking(need, a).length ? b : a));
  const name = 'workerId' in closest ? `worker '${closest.workerId}'` : `gateway '${closest.gatewayId}'`;
  return [
    {
      code: 'missing_capability',
      message: `${kindsOf(unableWorkers.length, unableGateways.length)} can do all that it requires (${listed(need.capabilities)}); ${name} lacks ${listed(lacking(need, closest))}.`,
      details: {
        required: need.capabilities,
        workers: byLack(unableWorkers)
          .slice(0, MOST_LISTED)
          .map((worker) => ({
            ...{ worker_id: worker.workerId, alike: worker.workers, status: worker.status },
            missing: lacking(need, worker),
          })),
        gateways: byLack(unableGateways)
          .slice(0, MOST_LISTED)
          .map((gateway) => ({
            ...{ gateway_id: gateway.gatewayId, status: gateway.status },
            missing: lacking(need, gateway),
          })),
      },
      unblock: callsForCapabilities(need, byLack(unableWorkers), byLack(unableGateways)),
    },
  ];
}

function kindsOf(workers: number, gateways: number): string {
  if (gateways === 0) return 'No worker that may take it';
  return workers === 0 ? 'No gateway that may take it' : 'No worker or gateway that may take it';
}

function callsForCapabilities(
  need: Need,
  workers: readonly WorkerFacts[],
  gateways: readonly GatewayFacts[],
): Unblock[] {
  const withAll = (capabilities: readonly string[]) => [...new Set([...capabilities, ...need.capabilities])];
  return [
    ...workers
      .slice(0, 1)
      .map((worker) =>
        registerWorker(
          { ...worker, capabilities: withAll(worker.capabilities) },
          `If worker '${worker.workerId}' can do it: says so.`,
        ),
      ),
    ...workers
      .slice(0, 1)
      .map((worker) =>
        claim(worker.workerId, withAll(worker.capabilities), 'Or lets it say so in its claim, for once.'),
      ),
    ...gateways.slice(0, 1).map((gateway) =>
      registerGateway(
        {
          gatewayId: gateway.gatewayId,
          host: gateway.host,
          capabilities: withAll(gateway.capabilities),
          status: gateway.declaredStatus,
        },
        `If gateway '${gateway.gatewayId}' can do it: says so.`,
      ),
    ),
  ];
}

/** No worker is there: none is registered where the task may run, or all that could do it are silent. */
function noWorker(need: Need, workers: readonly WorkerFacts[]): Reason[] {
  const near = workers.filter((worker) => isWhereBound(need, worker));
  const able = near.filter((worker) => fits(need, worker));
  const place = need.boundTo === null ? '' : ` of gateway '${need.boundTo}'`;
  if (near.length === 0) {
    const open = isOpenToStrangers(need) ? ' One that is not may claim it all the same.' : '';
    const newcomer = { workerId: NEW_WORKER, gatewayId: need.boundTo, capabilities: need.capabilities };
    return [
      {
        code: 'no_worker',
        message: `No worker${place} is registered.${open}`,
        details: { gateway_id: need.boundTo, registered: 0, workers: [] },
        unblock: [registerWorker(newcomer, 'Registers a worker that may claim it.')],
      },
    ];
  }
  if (able.length === 0) return [];
  const total = able.reduce((sum, worker) => sum + worker.workers, 0);
  const states = able
    .slice(0, MOST_LISTED)
    .map(({ workerId, workers: alike, status }) => ({ worker_id: workerId, alike, status }));
  return [
    {
      code: 'no_worker',
      message: `${total === 1 ? 'The only worker' : `None of the ${total} workers`} that could take it ${total === 1 ? 'is not there' : 'is there'}: ${listed(able.map(({ workerId }) => workerId))} ${able[0]?.status ?? ''}.`,
      details: { gateway_id: need.boundTo, registered: total, workers: states },
      unblock: able
        .slice(0, MOST_CALLS)
        .map(({ workerId }) => heartbeat(workerId, `Says that worker '${workerId}' is there again.`)),
    },
  ];
}

/** No gateway is there: none is registered where the task may run, or none of those that could do it may be sent a task. */
function noGateway(need: Need, gateways: readonly GatewayFacts[]): Reason[] {
  const near = gateways.filter((gateway) => isWhereBound(need, gateway));
  if (near.length === 0) {
    const gatewayId = need.boundTo ?? NEW_GATEWAY.gatewayId;
    return [
      {
        code: 'no_gateway',
        message:
          need.boundTo === null
            ? 'No gateway is registered.'
            : `Gateway '${need.boundTo}', the only one that may take it, is not registered.`,
        details: { gateway_id: need.boundTo, registered: 0, gateways: [] },
        unblock: [
          registerGateway(
            { ...NEW_GATEWAY, gatewayId, capabilities: need.capabilities },
            `Registers ${need.boundTo === null ? 'a gateway' : `gateway '${gatewayId}'`}, wherever it listens.`,
          ),
        ],
      },
    ];
  }
  const able = near.filter((gateway) => fits(need, gateway));
  if (able.length === 0 || able.some(({ isUp }) => isUp)) return [];
  const [first] = able;
  const why = first === undefined || first.statusReason === '' ? '' : ` (${first.statusReason})`;
  return [
    {
      code: 'no_gateway',
      message:
        able.length === 1 && first !== undefined
          ? `Gateway '${first.gatewayId}', the only one that may take it, is ${first.status}${why}.`
          : `None of the ${able.length} gateways that may take it is usable: ${listed(able.map(({ gatewayId }) => gatewayId))}; '${first?.gatewayId ?? ''}' is ${first?.status ?? ''}${why}.`,
      details: {
        gateway_id: need.boundTo,
        registered: able.length,
        gateways: able.slice(0, MOST_LISTED).map(stateOf),
      },
      unblock: able.slice(0, MOST_CALLS).map((gateway) => comeBack(gateway)),
    },
  ];
}

/** A gateway is looked at when it registers; one that is told to be away must be told otherwise. */
function comeBack({ gatewayId, host, status, declaredStatus }: GatewayFacts): Unblock {
  const isDown = status === 'offline' || status === 'degraded';
  return registerGateway(
    {
      ...{ gatewayId, host, capabilities: [] },
      ...(isDown && declaredStatus === 'online' ? {} : { status: 'online' }),
    },
    isDown
      ? `Once it is up again: looks at '${gatewayId}' at once.`
      : `Declares '${gatewayId}' online again, if its probe is good.`,
  );
}

function noCapacity(need: Need, gateways: readonly GatewayFacts[]): Reason[] {
  const full = gateways.filter((gateway) => gateway.isUsable && fits(need, gateway));
  if (full.length === 0) return [];
  return [
    {
      code: 'no_capacity',
      message: `${full.length === 1 ? 'The gateway' : `All ${full.length} gateways`} that may take it ${full.length === 1 ? 'is' : 'are'} full: ${full
        .slice(0, 2)
        .map(
          ({ gatewayId, inFlight, maxInFlight }) =>
            `'${gatewayId}' runs ${counted(inFlight, 'task')} of ${maxInFlight}`,
        )
        .join(', ')}.`,
      details: {
        gateways: full.slice(0, MOST_LISTED).map(({ gatewayId, inFlight, maxInFlight }) => ({
          ...{ gateway_id: gatewayId, in_flight: inFlight, max_in_flight: maxInFlight },
        })),
      },
      unblock:
        need.boundTo === null
          ? [
              registerGateway(
                { ...NEW_GATEWAY, capabilities: need.capabilities },
                'Registers one more gateway, wherever it listens.',
              ),
            ]
          : [],
    },
  ];
}
