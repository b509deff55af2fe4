import { type FastifyRequest } from 'fastify';
import { secretHash } from './credentials.js';

/** Who has made a request, as far as the server has made sure of it. Holds no secret, so it may be stored and shown. */
export interface Caller {
  readonly kind: 'environment key' | 'token' | 'anonymous';
  /** Tells callers of a kind apart: the setting with the beginning of the hash of what was shown. */
  readonly label: string;
}

const HASH_DIGITS = 8;
const ANONYMOUS: Caller = { kind: 'anonymous', label: 'anonymous' };

const callers = new WeakMap<FastifyRequest, Caller>();

/** Notes who has made a request. To be called by whoever has checked what it shows, and by nobody else. */
export function identify(request: FastifyRequest, caller: Caller): void {
  callers.set(request, caller);
}

/** Who has made a request; anonymous where nothing is asked for, whatever was shown. */
export function callerOf(request: FastifyRequest): Caller {
  return callers.get(request) ?? ANONYMOUS;
}

/** The caller with a secret of a setting, which he has shown. */
export function callerWith(kind: 'environment key' | 'token', setting: string, secret: string): Caller {
  return { kind, label: `${setting}#${secretHash(secret).slice(0, HASH_DIGITS)}` };
}
