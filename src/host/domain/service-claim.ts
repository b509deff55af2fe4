import { type Assignment, type Service } from '../../contracts/skyclaw.js';

/** A process of a service that runs here or starts. */
export interface Incarnation {
  readonly generation: number;
  readonly isReady: boolean;
}

/** What a claimed service means for this host. */
export type ServiceStep<T extends Incarnation> =
  /** It runs already: say so again. */
  | { readonly kind: 'report'; readonly process: T }
  /** It starts already. */
  | { readonly kind: 'wait' }
  /** It starts now; those in `abandon` have not become ready and never need to; ready ones go on until it is. */
  | { readonly kind: 'start'; readonly abandon: readonly T[] };

/** What a host is to start of a service: the generation that should run, beside which an older one may still do so. */
export function assignmentOf(service: Service, hostId: string, slot: number): Assignment | undefined {
  return service.assignments.find(
    (assignment) =>
      assignment.hostId === hostId &&
      assignment.slot === slot &&
      assignment.generation === service.generation,
  );
}

/** What to do when a replica is handed to this host in `generation`, beside what is `here` of it. Any other generation, also a newer one, is the old. */
export function stepFor<T extends Incarnation>(generation: number, here: readonly T[]): ServiceStep<T> {
  const same = here.find((process) => process.generation === generation);
  if (same !== undefined) return same.isReady ? { kind: 'report', process: same } : { kind: 'wait' };
  return { kind: 'start', abandon: here.filter((process) => !process.isReady) };
}
