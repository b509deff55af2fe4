import { type FastifyRequest } from 'fastify';
import { type Scope } from '../../platform/http/scopes.js';
import { secretHash } from './credentials.js';
import { type RunClaim } from './run-tokens.js';

/** Whoever shows what a setting names, or nothing that was asked for. */
interface SettingCaller {
  readonly kind: 'environment key' | 'token' | 'anonymous';
  /** Tells callers of a kind apart: the setting with the beginning of the hash of what was shown. */
  readonly label: string;
}

/** Whoever shows a key of the database. */
export interface KeyCaller {
  readonly kind: 'key';
  readonly id: string;
  /** The key's name and its id. */
  readonly label: string;
  readonly scopes: readonly Scope[];
  /** The only project that it sees and touches; null: all of them. */
  readonly projectId: string | null;
}

/** The holder of one claim. */
interface RunCaller {
  readonly kind: 'run token';
  /** The task. */
  readonly label: string;
  readonly claim: RunClaim;
}

/** Who has made a request, as far as the server has made sure of it. Kind and label hold no secret: they may be stored and shown. */
export type Caller = SettingCaller | KeyCaller | RunCaller;

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
