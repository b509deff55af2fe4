import {
  type BeforeApplicationShutdown,
  Inject,
  Injectable,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { Loop } from '../../platform/loops/loop.js';
import { ScheduleClock } from '../../platform/loops/schedule-clock.js';
import { type Logger } from '../../platform/logging/logger.js';
import { type ControlPlaneConfig } from '../config.js';
import { type ExpiredLease, UpkeepService } from '../ledger/index.js';
import { RegistryService } from '../registry/index.js';
import { CONFIG, HealthRegistry, LOGGER } from '../runtime/index.js';
import { reasonOf, verdictOf } from './domain/verdict.js';

const BATCH = 200;

/** Ends claims whose lease has run out, one transaction each, and mends what must never need mending. */
@Injectable()
export class ReaperLoop extends Loop implements OnApplicationBootstrap, BeforeApplicationShutdown {
  constructor(
    private readonly upkeep: UpkeepService,
    private readonly registry: RegistryService,
    health: HealthRegistry,
    clock: ScheduleClock,
    @Inject(CONFIG) private readonly config: ControlPlaneConfig,
    @Inject(LOGGER) logger: Logger,
  ) {
    super({ name: 'reaper', intervalMs: config.reaper.pollMs, logger }, clock.every);
    health.register('stale_lock_reaper', () => (this.isFresh(3) ? 'ok' : 'not_running'));
  }

  onApplicationBootstrap(): void {
    if (this.config.reaper.enabled) this.start();
  }

  beforeApplicationShutdown(): Promise<void> {
    return this.stop();
  }

  protected async runOnce(signal: AbortSignal): Promise<void> {
    for (let after = 0; !signal.aborted;) {
      const batch = await this.upkeep.listExpiredLeases(after, BATCH);
      for (const lease of batch) if (!this.isAborted(signal)) await this.judge(lease);
      const last = batch.at(-1);
      if (last === undefined || batch.length < BATCH) break;
      after = last.seq;
    }
    if (!this.isAborted(signal)) await this.upkeep.sweep();
  }

  private async judge(lease: ExpiredLease): Promise<void> {
    const health = {
      worker: lease.holder === 'dispatcher' || (await this.registry.isWorkerHealthy(lease.lockedBy)),
      gateway: await this.registry.isGatewayHealthy(lease.gatewayId),
    };
    const reason = reasonOf(lease.lockedAt, health);
    const verdict = verdictOf(lease, health, this.config.reaper.onUnhealthy);
    const done =
      verdict === 'release'
        ? await this.upkeep.releaseExpired(lease, reason)
        : await this.upkeep.timeOutExpired(lease, reason);
    if (done) this.logger.info({ taskId: lease.taskId, holder: lease.lockedBy, verdict }, 'A lease ran out.');
  }

  private isAborted(signal: AbortSignal): boolean {
    return signal.aborted;
  }
}
