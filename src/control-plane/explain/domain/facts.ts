import { type Need, type Situation } from '../../ledger/index.js';

/** A gateway, and whether it may be sent a task now. */
export interface GatewayFacts {
  readonly gatewayId: string;
  readonly host: string;
  readonly capabilities: readonly string[];
  /** The actions that it takes, and no others; null or absent: all but those that only others take. */
  readonly serves?: readonly string[] | null;
  readonly status: string;
  readonly declaredStatus: string;
  readonly statusReason: string;
  /** Whether its status lets it be sent tasks. */
  readonly isUp: boolean;
  /** Whether it is not paused either. */
  readonly isUsable: boolean;
  readonly pausedAt: string | null;
  readonly pauseReason: string | null;
  readonly inFlight: number;
  readonly maxInFlight: number;
}

/** Workers that are alike. */
export interface WorkerFacts {
  /** One of them. */
  readonly workerId: string;
  readonly workers: number;
  readonly gatewayId: string | null;
  readonly capabilities: readonly string[];
  readonly status: string;
  readonly isAlive: boolean;
}

/** A host that can do what a task requires. */
export interface HostFacts {
  readonly hostId: string;
  readonly capabilities: readonly string[];
  readonly status: string;
  /** Whether it has been heard of lately. */
  readonly isAlive: boolean;
  /** Since when an operator gives it no new work, and why; null when it may get some. */
  readonly closed: { readonly since: string; readonly reason: string } | null;
  readonly maxParallel: number;
  readonly activeLeases: number;
}

/** Somebody whose next claim was looked at, and the task that it would take. */
export interface Prospect {
  readonly claimer: string;
  readonly taskId: string | null;
}

/** All that is known of a task and of those who could run it, at one moment. */
export interface Facts {
  readonly situation: Situation;
  readonly need: Need;
  readonly gateways: readonly GatewayFacts[];
  readonly workers: readonly WorkerFacts[];
  /** All hosts, those that are alike together. */
  readonly hosts: readonly WorkerFacts[];
  /** Of those that can do what it requires as many as are looked at; none of a task that is not for hosts. */
  readonly ableHosts: readonly HostFacts[];
  /** What the next claims would take; empty when nobody may take the task. */
  readonly prospects: readonly Prospect[];
}

export const reasonCodes = [
  'paused',
  'waiting_for_dependency',
  'dependency_failed',
  'waiting_for_file',
  'waiting_for_concurrency',
  'resting',
  'scheduled',
  'open_execution',
  'missing_capability',
  'no_worker',
  'no_gateway',
  'no_host',
  'no_capacity',
  'queued_behind',
  'not_waiting',
] as const;

/** A call of this API that would change something, and what it would change. */
export interface Unblock {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body?: Readonly<Record<string, unknown>>;
  readonly why: string;
}

/** One reason why a task is not running. */
export interface Reason {
  readonly code: (typeof reasonCodes)[number];
  /** For a person. */
  readonly message: string;
  readonly since?: string;
  readonly details: Readonly<Record<string, unknown>>;
  readonly unblock: readonly Unblock[];
}

export function isWaiting({ situation }: Facts): boolean {
  const { status } = situation.task;
  return status === 'queued' || status === 'released';
}
