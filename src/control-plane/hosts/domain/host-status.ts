import { type HostStatus } from '../../../contracts/skyclaw.js';

/** What decides how a host is shown. */
export interface HostFacts {
  readonly isRevoked: boolean;
  readonly isOffline: boolean;
  readonly isDraining: boolean;
  readonly isCordoned: boolean;
  /** Jobs and replicas of services that it still has. */
  readonly holdings: number;
}

/** The one word for a host: what stops it first. */
export function hostStatus(facts: HostFacts): HostStatus {
  if (facts.isRevoked) return 'revoked';
  if (facts.isDraining && facts.holdings === 0) return 'drained';
  if (facts.isOffline) return 'offline';
  if (facts.isDraining) return 'draining';
  return facts.isCordoned ? 'cordoned' : 'online';
}
