import {
  type BeforeApplicationShutdown,
  Inject,
  Injectable,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { Wakeups } from '../../platform/database/wakeups.js';
import { Loop } from '../../platform/loops/loop.js';
import { ScheduleClock } from '../../platform/loops/schedule-clock.js';
import { type Logger } from '../../platform/logging/logger.js';
import { type ControlPlaneConfig } from '../config.js';
import { UpkeepService } from '../ledger/index.js';
import { CONFIG, HealthRegistry, LOGGER, TOPICS } from '../runtime/index.js';

/** Makes resting tasks runnable when their time has come: at the moment, as far as it is known, else at the next poll. */
@Injectable()
export class DueLoop extends Loop implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private alarm: NodeJS.Timeout | undefined;
  private unsubscribe: (() => void) | undefined;

  constructor(
    private readonly upkeep: UpkeepService,
    private readonly wakeups: Wakeups,
    health: HealthRegistry,
    clock: ScheduleClock,
    @Inject(CONFIG) config: ControlPlaneConfig,
    @Inject(LOGGER) logger: Logger,
  ) {
    super({ name: 'due-tasks', intervalMs: config.scheduler.pollMs, logger }, clock.every);
    // Every pass reads the ledger, so its freshness is the ledger's.
    health.register('task_queue', () => (this.isFresh(3) ? 'ok' : 'not_initialized'));
    health.register('control_registry', () => (this.isFresh(3) ? 'ok' : 'not_initialized'));
  }

  onApplicationBootstrap(): void {
    this.unsubscribe = this.wakeups.subscribe(TOPICS.due, () => this.nudge());
    this.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.unsubscribe?.();
    await this.stop();
    clearTimeout(this.alarm);
  }

  protected async runOnce(): Promise<void> {
    clearTimeout(this.alarm);
    const inMs = await this.upkeep.promoteDue();
    if (inMs !== null && inMs < this.intervalMs) {
      this.alarm = setTimeout(() => this.nudge(), Math.max(1, inMs));
    }
  }
}
