import { type ServiceSpec } from './spec.js';

/** Milliseconds since 1970 by the database's clock. */
export type Moment = number;

export type AssignmentStatus = 'pending' | 'running' | 'failed';

/** One process of a service on a host. */
export interface Assignment {
  readonly hostId: string;
  /** Tells the replicas of the service on the host apart, from 0. One that replaces another takes its slot. */
  readonly slot: number;
  readonly generation: number;
  /** `failed`: the process has ended, and is started again, here or elsewhere, from `retryAt` on. */
  readonly status: AssignmentStatus;
  readonly endpoint: string | null;
  readonly error: string | null;
  /** When a host was last told to start it. */
  readonly claimedAt: Moment;
  /** When it last came up. */
  readonly startedAt: Moment | null;
  readonly updatedAt: Moment;
  readonly restarts: number;
  /** Failures in a row. */
  readonly failures: number;
  readonly retryAt: Moment | null;
  /**
   * Set: the process must end, and no longer counts. `lost`: its host has fallen silent, so nobody knows what became of
   * it; what comes back is told to end it.
   */
  readonly stop: { readonly since: Moment; readonly isLost: boolean } | null;
}

/**
 * The way of a generation into service. `progressing` until all replicas have run it at once; `rolled-back`: the generation is an
 * earlier one, since a newer did not come up; `failed`: it did not come up and there is none to go back to.
 */
export interface RolloutRecord {
  readonly state: 'progressing' | 'complete' | 'rolled-back' | 'failed';
  /** Why it was rolled back or failed. */
  readonly reason: string;
  /** Failures of the generation so far. */
  readonly failures: number;
  readonly startedAt: Moment;
  /** When a replica of it last came up, or the beginning. */
  readonly progressAt: Moment;
  readonly finishedAt: Moment | null;
}

export interface ServiceRecord {
  readonly id: string;
  readonly name: string;
  readonly replicas: number;
  /** The generation that should run. */
  readonly generation: number;
  readonly spec: ServiceSpec;
  /** The highest generation that there has been. */
  readonly newestGeneration: number;
  /** What is gone back to when the generation does not come up. */
  readonly fallback: { readonly generation: number; readonly spec: ServiceSpec } | null;
  /** Whether a replica of the generation has run. */
  readonly hasRun: boolean;
  readonly rollout: RolloutRecord;
  readonly stoppedAt: Moment | null;
  readonly deletedAt: Moment | null;
  readonly createdAt: Moment;
  readonly updatedAt: Moment;
  readonly updatedBy: string;
  readonly version: number;
}

/** A service with all its processes: what rules look at, and what they return anew. Never changed in place. */
export interface Deployment {
  readonly service: ServiceRecord;
  readonly assignments: readonly Assignment[];
}

/** What identifies an assignment within its service. */
export type Place = Pick<Assignment, 'hostId' | 'slot' | 'generation'>;

export function isSamePlace(one: Place, other: Place): boolean {
  return one.hostId === other.hostId && one.slot === other.slot && one.generation === other.generation;
}

/** The assignments that count: those that are not told to end. */
export function liveOf({ assignments }: Deployment): Assignment[] {
  return assignments.filter(({ stop }) => stop === null);
}

/** The deployment without a process: forgotten when it is known to have ended, else told to end. */
export function without(deployment: Deployment, place: Place, now: Moment, isLost = false): Deployment {
  return {
    ...deployment,
    assignments: deployment.assignments.flatMap((row) =>
      !isSamePlace(row, place) || row.stop !== null ? [row] : ending(row, now, isLost),
    ),
  };
}

function ending(row: Assignment, now: Moment, isLost: boolean): Assignment[] {
  if (row.status === 'failed') return [];
  return [{ ...row, stop: { since: now, isLost }, updatedAt: now }];
}

/** The deployment with one assignment in place of the one at the same place. */
export function withAssignment(deployment: Deployment, assignment: Assignment): Deployment {
  const others = deployment.assignments.filter((row) => !isSamePlace(row, assignment));
  return { ...deployment, assignments: [...others, assignment] };
}
