import { type ActiveService, type HeartbeatRequest } from '../../contracts/skyclaw.js';
import { type Logger } from '../../platform/logging/logger.js';
import { type Every, Loop } from '../../platform/loops/loop.js';
import { type HostIdentity } from '../state/host-identity.js';
import { listOf, replicasOf, type StopReplica } from './answers.js';
import { type CoordinatorClient } from './coordinator-client.js';
import { CoordinatorRefusal } from './coordinator-errors.js';
import { needsRegistration, type Registration } from './registration.js';

export interface HeartbeatOptions {
  readonly client: CoordinatorClient;
  readonly registration: Registration;
  readonly identity: HostIdentity;
  /** Jobs whose leases this host needs: those that run, and those whose end is not delivered. */
  readonly jobIds: () => readonly string[];
  /** Every process of a service that has not ended, and those that are about to be started. */
  readonly activeServices: () => readonly ActiveService[];
  readonly capabilities: () => readonly string[];
  /** All with the moment that the heartbeat was sent: what has begun since is not meant. */
  readonly onStopJobs: (jobIds: readonly string[], sentAt: number) => void;
  readonly onStopServices: (serviceIds: readonly string[], sentAt: number) => void;
  readonly onStopReplicas: (replicas: readonly StopReplica[], sentAt: number) => void;
  readonly intervalMs: number;
  readonly logger: Logger;
  readonly every: Every;
}

/** Tells the coordinator that this host lives and what it runs, and obeys what the answer says. */
export class Heartbeat extends Loop {
  /** As the coordinator knows them. */
  private toldCapabilities: string | undefined;

  constructor(private readonly options: HeartbeatOptions) {
    super({ name: 'heartbeat', intervalMs: options.intervalMs, logger: options.logger }, options.every);
  }

  /** Takes note of what a registration has told. */
  registeredWith(capabilities: readonly string[]): void {
    this.toldCapabilities = JSON.stringify(capabilities);
  }

  protected override async runOnce(signal: AbortSignal): Promise<void> {
    const { client, registration, identity, jobIds, capabilities } = this.options;
    const { onStopJobs, onStopServices, onStopReplicas } = this.options;
    if (!registration.isRegistered) return;
    const activeJobs = jobIds();
    const offered = capabilities();
    const isChanged = JSON.stringify(offered) !== this.toldCapabilities;
    const body: HeartbeatRequest = {
      activeLeases: activeJobs.length,
      activeJobs,
      activeServices: this.options.activeServices(),
      ...(isChanged ? { capabilities: offered } : {}),
    };
    const sentAt = performance.now();
    try {
      const answer = await client.post(`/v1/hosts/${encodeURIComponent(identity.id)}/heartbeat`, body, {
        signal,
      });
      if (isChanged) this.registeredWith(offered);
      onStopJobs(listOf(answer, 'stopJobs'), sentAt);
      onStopServices(listOf(answer, 'stopServices'), sentAt);
      onStopReplicas(replicasOf(answer), sentAt);
    } catch (error) {
      if (!(error instanceof CoordinatorRefusal) || !needsRegistration(error)) throw error;
      this.logger.warn(
        { reason: error.message },
        'The coordinator does not know this host any more; registering again.',
      );
      await registration.renew(signal);
    }
  }
}
