import { type FailureStatus } from './failure.js';

/** Two refusals for too many requests within this time give a provider a rest. */
const LIMITED_WITHIN_MS = 10 * 60_000;
const REST_MS = 300_000;
/** So many errors in a row put a provider behind all others. */
const ERRORS_TO_BE_LAST = 3;
const LAST_MS = 60 * 60_000;

/** How a provider has lately answered; times in milliseconds since 1970. */
export interface ProviderHealth {
  /** Errors since the last success. */
  readonly errors: number;
  /** The latest 429 since the last success. */
  readonly limitedAt: number | null;
  /** It is not chosen before this. */
  readonly coolingUntil: number | null;
  /** It is chosen after all others before this. */
  readonly lastUntil: number | null;
}

export const healthy: ProviderHealth = { errors: 0, limitedAt: null, coolingUntil: null, lastUntil: null };

/** The health after a failure that speaks about the provider, which a 400 does not. */
export function afterFailure(health: ProviderHealth, status: FailureStatus, now: number): ProviderHealth {
  const errors = health.errors + 1;
  const isLimited = status === 429;
  const isSecond = isLimited && health.limitedAt !== null && now - health.limitedAt <= LIMITED_WITHIN_MS;
  return {
    errors,
    limitedAt: isLimited ? now : health.limitedAt,
    coolingUntil: isSecond ? now + REST_MS : health.coolingUntil,
    lastUntil: errors >= ERRORS_TO_BE_LAST ? now + LAST_MS : health.lastUntil,
  };
}

/** The health after a success: nothing is counted any more. A rest that has begun goes on to its end. */
export function afterSuccess(health: ProviderHealth): ProviderHealth {
  return { ...health, errors: 0, limitedAt: null };
}

export const isCooling = ({ coolingUntil }: ProviderHealth, now: number): boolean =>
  coolingUntil !== null && coolingUntil > now;

export const isLast = ({ lastUntil }: ProviderHealth, now: number): boolean =>
  lastUntil !== null && lastUntil > now;
