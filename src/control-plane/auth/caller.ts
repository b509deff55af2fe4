import { type FastifyRequest } from 'fastify';
import { type Scope } from '../../platform/http/scopes.js';
import { type RunClaim } from './run-tokens.js';

/** A key of the database that a request was sent with. */
export interface KeyCaller {
  readonly kind: 'api-key';
  readonly id: string;
  readonly label: string;
  readonly scopes: readonly Scope[];
  /** The only project that it sees and touches; null: all of them. */
  readonly projectId: string | null;
}

/** The holder of one claim. */
export interface RunCaller {
  readonly kind: 'run';
  readonly claim: RunClaim;
}

/** Who is calling, of those who have something of their own to show. */
export type Caller = KeyCaller | RunCaller;

const callers = new WeakMap<FastifyRequest, Caller>();

/** Notes who is calling. Only for what was verified. */
export function setCaller(request: FastifyRequest, caller: Caller): void {
  callers.set(request, caller);
}

/** Who is calling; undefined for whoever shows what the environment names, or nothing. */
export function callerOf(request: FastifyRequest): Caller | undefined {
  return callers.get(request);
}
