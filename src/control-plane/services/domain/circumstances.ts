import { type Moment } from './deployment.js';
import { type HostsById } from './host-facts.js';

export interface RolloutLimits {
  /** A replica that is not up so long after its claim, or a rollout without progress for so long, is given up. */
  readonly timeoutMs: number;
  /** Failures of a generation after which it is given up. */
  readonly maxFailures: number;
}

/** What rules know beside the deployment. */
export interface Circumstances {
  /** At least those that hold something of the service. */
  readonly hosts: HostsById;
  readonly now: Moment;
  readonly limits: RolloutLimits;
}
