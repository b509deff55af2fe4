import { type Delivery, type Task } from './task.js';

/** Whom a task is for: what its delivery says; of jobs hosts, and nobody else. */
export type Audience = Delivery | 'hosts';

/** What a task asks of whoever takes it. */
export interface Need {
  readonly audience: Audience;
  /** The only gateway that may take it, or whose workers may; null when all may. */
  readonly boundTo: string | null;
  readonly capabilities: readonly string[];
}

/** A gateway, or a worker and the gateway that it belongs to. */
export interface Taker {
  readonly gatewayId: string | null;
  readonly capabilities: readonly string[];
  /** Of a gateway that serves only some actions: these; see {@link Claimer}. */
  readonly serves?: readonly string[] | null;
}

/** Everybody who is registered, whatever their status: what is away may come back. */
export interface Registered {
  readonly workers: readonly Taker[];
  readonly gateways: readonly Taker[];
  readonly hosts: readonly Taker[];
}

/** What kinds of taker a task is for. */
export const isForWorkers = ({ audience }: Need): boolean => audience === 'any' || audience === 'pull';
export const isForGateways = ({ audience }: Need): boolean => audience === 'any' || audience === 'push';
export const isForHosts = ({ audience }: Need): boolean => audience === 'hosts';

/** While an execution is open, only its gateway may be asked again. */
export function needOf(
  task: Pick<Task, 'kind' | 'delivery' | 'gatewayId' | 'gatewayStrict' | 'requiredCapabilities'> & {
    readonly openExecutionAt?: string | null;
  },
): Need {
  const { openExecutionAt = null } = task;
  if (task.kind !== 'action') {
    return { audience: 'hosts', boundTo: null, capabilities: task.requiredCapabilities };
  }
  return {
    audience: openExecutionAt === null ? task.delivery : 'push',
    boundTo: openExecutionAt ?? (task.gatewayStrict ? task.gatewayId : null),
    capabilities: task.requiredCapabilities,
  };
}

/** What of the required capabilities a taker lacks. */
export function lacking({ capabilities }: Need, taker: Pick<Taker, 'capabilities'>): string[] {
  return capabilities.filter((capability) => !taker.capabilities.includes(capability));
}

/** Whether it is one of those that the task is for: bound to it, or if it is bound to nobody, of what it serves. */
export function isWhereBound({ boundTo, capabilities }: Need, { gatewayId, serves }: Taker): boolean {
  if (boundTo !== null) return boundTo === gatewayId;
  return serves?.some((action) => capabilities.includes(action)) ?? true;
}

export function fits(need: Need, taker: Taker): boolean {
  return isWhereBound(need, taker) && lacking(need, taker).length === 0;
}

/** Whether a worker that has not registered, and names no capabilities, may take it. */
export function isOpenToStrangers(need: Need): boolean {
  return isForWorkers(need) && need.boundTo === null && need.capabilities.length === 0;
}

/** Why nobody who is registered could ever take a task, as a sentence; null when somebody could. */
export function neverReason(need: Need, { workers, gateways, hosts }: Registered): string | null {
  const { boundTo, capabilities } = need;
  const [pull, push] = [isForWorkers(need), isForGateways(need)];
  if (isOpenToStrangers(need)) return null;
  if (isForHosts(need)) {
    if (hosts.some((host) => fits(need, host))) return null;
    return hosts.length === 0 ? 'No host is registered.' : `No registered host has ${named(capabilities)}.`;
  }
  if (pull && workers.some((worker) => fits(need, worker))) return null;
  if (push && gateways.some((gateway) => fits(need, gateway))) return null;
  const who = pull && push ? 'worker or gateway' : pull ? 'worker' : 'gateway';
  const all = [...(pull ? workers : []), ...(push ? gateways : [])];
  const near = all.filter((taker) => isWhereBound(need, taker));
  if (near.length === 0 && boundTo !== null) {
    return push && !gateways.some(({ gatewayId }) => gatewayId === boundTo)
      ? `Gateway '${boundTo}' is not registered${pull ? ', nor is a worker of it,' : ','} and no other may take the task.`
      : `No worker of gateway '${boundTo}' is registered, and no other may take the task.`;
  }
  if (near.length === 0) return `No ${who} is registered.`;
  const place = boundTo === null ? '' : ` at gateway '${boundTo}'`;
  return `No registered ${who}${place} has ${named(capabilities)}.`;
}

function named(capabilities: readonly string[]): string {
  const quoted = capabilities.map((capability) => `'${capability}'`).join(', ');
  return capabilities.length === 1 ? `the capability ${quoted}` : `all of the capabilities ${quoted}`;
}
