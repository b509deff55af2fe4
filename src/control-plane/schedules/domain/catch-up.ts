import { newestOccurrences, nextOccurrence, type Timing } from './occurrences.js';

export const catchUpPolicies = ['none', 'last', 'all'] as const;
/** What becomes of occurrences whose time passed while nobody was there. */
export type CatchUp = (typeof catchUpPolicies)[number];

/** Occurrences that `all` makes up for at most; older ones are dropped. */
export const MAX_CATCH_UP = 100;
/** An occurrence is late, and for `none` too late, after this long. */
export const GRACE_MS = 60_000;

/** What is to be done about a schedule that is due. */
export interface Plan {
  /** The occurrences to run, oldest first. */
  readonly run: readonly number[];
  /** The newest of those that are dropped; null when none is. */
  readonly dropped: number | null;
  /** When it is due next; null: never again. */
  readonly next: number | null;
}

/** Decides about a schedule whose stored time `dueAt` has come. */
export function planDue(timing: Timing, catchUp: CatchUp, dueAt: number, now: number): Plan {
  const most = catchUp === 'all' ? MAX_CATCH_UP : 1;
  // One more than can be run, to know what is dropped.
  const later = newestOccurrences(timing, dueAt, now, most + 1);
  const due = later.length > most ? later : [dueAt, ...later];
  const next = nextOccurrence(timing, now);
  const newest = due.at(-1) ?? dueAt;
  if (catchUp === 'none' && now - newest > GRACE_MS) return { run: [], dropped: newest, next };
  return { run: due.slice(-most), dropped: due.slice(0, -most).at(-1) ?? null, next };
}
