import { Inject, Injectable } from '@nestjs/common';
import { Database } from '../../platform/database/database.js';
import { ScheduleClock } from '../../platform/loops/schedule-clock.js';
import { type Logger } from '../../platform/logging/logger.js';
import { type ControlPlaneConfig } from '../config.js';
import { type ExpiredLease, HostJobs, leaseExpiredAfter, UpkeepService } from '../ledger/index.js';
import { type Host, HostsRegistry, RegistryService } from '../registry/index.js';
import { ApplicationLoop, CONFIG, HealthRegistry, LOGGER } from '../runtime/index.js';
import { ReaperMetrics } from './reaper.metrics.js';
import { reasonOf, verdictOf } from './domain/verdict.js';

const BATCH = 200;

/** Ends claims whose lease has run out, one transaction each, and mends what must never need mending. */
@Injectable()
export class ReaperLoop extends ApplicationLoop {
  constructor(
    private readonly upkeep: UpkeepService,
    private readonly registry: RegistryService,
    private readonly hosts: HostsRegistry,
    private readonly jobs: HostJobs,
    private readonly database: Database,
    private readonly metrics: ReaperMetrics,
    health: HealthRegistry,
    clock: ScheduleClock,
    @Inject(CONFIG) private readonly config: ControlPlaneConfig,
    @Inject(LOGGER) logger: Logger,
  ) {
    const intervalMs = Math.min(config.reaper.pollMs, config.skyclaw.hostTimeoutMs);
    super({ name: 'reaper', intervalMs, logger }, clock.every);
    health.register('stale_lock_reaper', () => (this.isFresh(3) ? 'ok' : 'not_running'));
  }

  override onApplicationBootstrap(): void {
    if (this.config.reaper.enabled) super.onApplicationBootstrap();
  }

  protected async runOnce(signal: AbortSignal): Promise<void> {
    for (let after = 0; !signal.aborted;) {
      const batch = await this.upkeep.listExpiredLeases(after, BATCH);
      for (const lease of batch) if (!this.isAborted(signal)) await this.judge(lease);
      const last = batch.at(-1);
      if (last === undefined || batch.length < BATCH) break;
      after = last.seq;
    }
    if (!this.isAborted(signal)) await this.takeBackFromLostHosts();
    if (!this.isAborted(signal)) await this.upkeep.sweep();
  }

  /** Hosts lose their jobs before the leases end when they have fallen silent, are revoked, or should be empty by now. */
  private async takeBackFromLostHosts(): Promise<void> {
    for (const host of await this.hosts.listUnfit(await this.jobs.listHostsWithJobs())) {
      const reason = lostReasonOf(host);
      const jobs = await this.jobs.takeBack(this.database, host.id, { reason });
      if (jobs > 0) this.logger.info({ hostId: host.id, jobs, reason }, 'Jobs were taken back from a host.');
    }
  }

  private async judge(lease: ExpiredLease): Promise<void> {
    const health = {
      worker: lease.holder !== 'worker' || (await this.registry.isWorkerHealthy(lease.lockedBy)),
      gateway: await this.registry.isGatewayHealthy(lease.gatewayId),
    };
    const reason = reasonOf(lease.lockedAt, health);
    const verdict = verdictOf(lease, health, this.config.reaper.onUnhealthy);
    const done =
      verdict === 'release'
        ? await this.upkeep.releaseExpired(lease, reason)
        : await this.upkeep.timeOutExpired(lease, reason, errorOf(lease));
    if (!done) return;
    this.metrics.expiries[verdict].inc();
    const { taskId, leaseNumber, lockedBy: holder } = lease;
    this.logger.info({ taskId, leaseNumber, holder, verdict }, 'A lease ran out.');
  }

  private isAborted(signal: AbortSignal): boolean {
    return signal.aborted;
  }
}

/** Callers of the SkyClaw routes know another text than those of the others. */
function errorOf({ holder, attempts }: ExpiredLease): string | undefined {
  return holder === 'host' ? leaseExpiredAfter(attempts) : undefined;
}

function lostReasonOf({ id, revokedAt, isOffline, lastSeenAt }: Host): string {
  if (revokedAt !== null) return `Host '${id}' was revoked.`;
  if (isOffline) return `Host '${id}' has been silent since ${lastSeenAt}.`;
  return `Host '${id}' was to be empty by now.`;
}
