import { type ProviderName, type ProviderTraits } from './catalogue.js';
import { isCooling, isLast, type ProviderHealth } from './health.js';
import { firstForTask, type TaskType } from './task-type.js';
import { type WantedModel } from './wanted-model.js';

/** A registered provider as a request finds it. */
export interface Candidate {
  readonly name: ProviderName;
  readonly traits: ProviderTraits;
  /** Why it cannot be called at all; null when it can. */
  readonly absence: string | null;
  readonly health: ProviderHealth;
  readonly usedToday: number;
  readonly usedThisMinute: number;
  /** The first call of the last 60 s, in milliseconds since 1970. */
  readonly firstAttemptAt: number | null;
}

export interface Demand {
  readonly wanted: WantedModel;
  readonly taskType: TaskType;
  readonly needsTools: boolean;
  readonly tokens: number;
}

/** Why a provider is not chosen. */
export type Hindrance =
  'not-allowed' | 'absent' | 'no-tools' | 'too-long' | 'day-used' | 'minute-used' | 'cooling';

/** Why a candidate cannot take a request now; null when it can. What no waiting changes is said first. */
export function hindranceOf(candidate: Candidate, demand: Demand, now: number): Hindrance | null {
  const { name, traits, absence } = candidate;
  const { wanted } = demand;
  if (wanted.kind === 'only' && wanted.provider !== name) return 'not-allowed';
  if (absence !== null) return 'absent';
  if (demand.needsTools && !traits.tools) return 'no-tools';
  if (demand.tokens > traits.contextTokens) return 'too-long';
  return momentaryHindrance(candidate, now);
}

/** Why a candidate can take nothing now, whatever is asked; null when it can. */
export function momentaryHindrance(
  { traits, health, usedToday, usedThisMinute }: Candidate,
  now: number,
): 'day-used' | 'minute-used' | 'cooling' | null {
  if (traits.perDay !== null && usedToday >= traits.perDay) return 'day-used';
  if (traits.perMinute !== null && usedThisMinute >= traits.perMinute) return 'minute-used';
  return isCooling(health, now) ? 'cooling' : null;
}

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/** The end of the UTC day of `now`. */
export const endOfDay = (now: number): number => (Math.floor(now / DAY_MS) + 1) * DAY_MS;

/** When a candidate that can take nothing now can again; null when it can already. */
export function endOfHindrance(candidate: Candidate, now: number): number | null {
  const hindrance = momentaryHindrance(candidate, now);
  switch (hindrance) {
    case null:
      return null;
    case 'day-used':
      return endOfDay(now);
    case 'minute-used':
      return (candidate.firstAttemptAt ?? now) + MINUTE_MS;
    case 'cooling':
      return candidate.health.coolingUntil;
  }
}

/**
 * Who is asked, in this order: whom the request prefers, those that its task type names, then by priority, which is the
 * order of the candidates. Those with three errors in a row come behind all others.
 */
export function choose(candidates: readonly Candidate[], demand: Demand, now: number): readonly Candidate[] {
  const { wanted, taskType } = demand;
  const preferred: readonly ProviderName[] = wanted.kind === 'auto' ? [] : [wanted.provider];
  const first = [...preferred, ...firstForTask[taskType]];
  const rankOf = ({ name, health }: Candidate) => {
    const rank = first.indexOf(name);
    return (rank < 0 ? first.length : rank) + (isLast(health, now) ? first.length + 1 : 0);
  };
  return candidates
    .filter((candidate) => hindranceOf(candidate, demand, now) === null)
    .sort((a, b) => rankOf(a) - rankOf(b));
}
