import { type ExpiredLease } from '../../ledger/index.js';

export interface Health {
  readonly worker: boolean;
  readonly gateway: boolean;
}

export type Verdict = 'release' | 'time-out';

/**
 * What an expired lease leads to. A dispatcher's task always goes back, with its execution's key; a host's job while it
 * has attempts left. A worker's goes back
 * while it has attempts left; a healthy worker in a healthy fleet loses it to its own silence, so only the times that
 * its lease ran out are counted. `onUnhealthy: fail` ends the task at once when somebody is unwell.
 */
export function verdictOf(
  lease: Pick<ExpiredLease, 'holder' | 'attempts' | 'leaseExpiries' | 'maxAttempts'>,
  health: Health,
  onUnhealthy: 'release' | 'fail',
): Verdict {
  if (lease.holder === 'dispatcher') return 'release';
  if (lease.holder === 'host') return lease.attempts < lease.maxAttempts ? 'release' : 'time-out';
  if (health.worker && health.gateway)
    return lease.leaseExpiries < lease.maxAttempts ? 'release' : 'time-out';
  if (onUnhealthy === 'fail') return 'time-out';
  return lease.attempts < lease.maxAttempts ? 'release' : 'time-out';
}

/** Why, in the words that operators of the original know. */
export function reasonOf(lockedAt: string, { worker, gateway }: Health): string {
  const word = (value: boolean) => (value ? 'True' : 'False');
  return `Stale lock detected by reaper (locked_at=${lockedAt}, worker_healthy=${word(worker)}, gateway_healthy=${word(gateway)}).`;
}
