import { type PauseTarget } from '../../ledger/index.js';
import { type Unblock } from './facts.js';

/** Calls that are named for one reason at most. */
export const MOST_CALLS = 5;

/** A task or a job: each has its own routes, which may ask for different keys. */
export interface Callee {
  readonly id: string;
  readonly kind: string;
}

/** Jobs own no files and have no keys: whoever does is no job. */
export const action = (id: string): Callee => ({ id, kind: 'action' });

const taskPath = (id: string, verb: string) => `/v1/tasks/${encodeURIComponent(id)}/${verb}`;
const pathOf = ({ id, kind }: Callee, verb: string) =>
  kind === 'action' ? taskPath(id, verb) : `/v1/jobs/${encodeURIComponent(id)}/${verb}`;

export const explain = (task: Callee, why: string): Unblock => ({
  ...{ method: 'GET', path: pathOf(task, 'explain'), why },
});

export const retry = (id: string, why: string): Unblock => ({
  ...{ method: 'POST', path: taskPath(id, 'retry'), body: { reason: 'Tried again.' }, why },
});

export const cancel = (task: Callee, why: string): Unblock => ({
  ...{ method: 'POST', path: pathOf(task, 'cancel'), body: { reason: 'No longer needed.' }, why },
});

export const resume = ({ scope, name }: PauseTarget, why: string): Unblock => ({
  method: 'POST',
  path: scope === 'queue' ? '/v1/queue/resume' : `/v1/${scope}s/${encodeURIComponent(name)}/resume`,
  why,
});

export const claim = (workerId: string, capabilities: readonly string[], why: string): Unblock => ({
  ...{ method: 'POST', path: '/v1/tasks/claim', body: { worker_id: workerId, capabilities }, why },
});

export const heartbeat = (workerId: string, why: string): Unblock => ({
  method: 'POST',
  path: `/v1/workers/${encodeURIComponent(workerId)}/heartbeat`,
  body: { status: 'online' },
  why,
});

export const admitHost = (hostId: string, verb: 'uncordon' | 'readmit', why: string): Unblock => ({
  ...{ method: 'POST', path: `/v1/hosts/${encodeURIComponent(hostId)}/${verb}`, why },
});

export const heartbeatOfHost = (
  hostId: string,
  capabilities: readonly string[] | null,
  why: string,
): Unblock => ({
  method: 'POST',
  path: `/v1/hosts/${encodeURIComponent(hostId)}/heartbeat`,
  body: capabilities === null ? {} : { capabilities },
  why,
});

export const registerHost = (hostId: string, capabilities: readonly string[], why: string): Unblock => ({
  method: 'POST',
  path: '/v1/hosts/register',
  body: { hostId, name: hostId, ...(capabilities.length === 0 ? {} : { capabilities }) },
  why,
});

export const registerWorker = (
  worker: {
    readonly workerId: string;
    readonly gatewayId: string | null;
    readonly capabilities: readonly string[];
  },
  why: string,
): Unblock => ({
  method: 'POST',
  path: '/v1/register-worker',
  body: {
    worker_id: worker.workerId,
    ...(worker.gatewayId === null ? {} : { gateway_id: worker.gatewayId }),
    ...(worker.capabilities.length === 0 ? {} : { capabilities: worker.capabilities }),
  },
  why,
});

export const registerGateway = (
  gateway: {
    readonly gatewayId: string;
    readonly host: string;
    readonly capabilities: readonly string[];
    readonly status?: string;
  },
  why: string,
): Unblock => ({
  method: 'POST',
  path: '/v1/register-gateway',
  body: {
    gateway_id: gateway.gatewayId,
    host: gateway.host,
    ...(gateway.capabilities.length === 0 ? {} : { capabilities: gateway.capabilities }),
    ...(gateway.status === undefined ? {} : { status: gateway.status }),
  },
  why,
});
