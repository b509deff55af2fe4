import { type Instant } from '../../../platform/database/row.js';

/** What can be paused: everything, the tasks of a project, the way through a gateway. */
export const pauseScopes = ['queue', 'gateway', 'project'] as const;

export type PauseScope = (typeof pauseScopes)[number];

/** What a pause is about. The queue has no name. */
export interface PauseTarget {
  readonly scope: PauseScope;
  /** The id of the gateway or project; empty for the queue. */
  readonly name: string;
}

/** Nothing of its target is claimed or dispatched while there is one. */
export interface Pause extends PauseTarget {
  /** What the operator said; may be empty. */
  readonly reason: string;
  readonly pausedAt: Instant;
}

/** `the queue`, `project 'x'`. */
export function nameOf({ scope, name }: PauseTarget): string {
  return scope === 'queue' ? 'the queue' : `${scope} '${name}'`;
}
