import { Inject, Injectable } from '@nestjs/common';
import { Wakeups } from '../../platform/database/wakeups.js';
import { ScheduleClock } from '../../platform/loops/schedule-clock.js';
import { type Logger } from '../../platform/logging/logger.js';
import { type ControlPlaneConfig } from '../config.js';
import { UpkeepService } from '../ledger/index.js';
import { CONFIG, HealthRegistry, LOGGER, TOPICS, WokenLoop } from '../runtime/index.js';

/** Makes resting tasks runnable when their time has come: at the moment, as far as it is known, else at the next poll. */
@Injectable()
export class DueLoop extends WokenLoop {
  constructor(
    private readonly upkeep: UpkeepService,
    wakeups: Wakeups,
    health: HealthRegistry,
    clock: ScheduleClock,
    @Inject(CONFIG) config: ControlPlaneConfig,
    @Inject(LOGGER) logger: Logger,
  ) {
    const intervalMs = config.scheduler.pollMs;
    super({ name: 'due-tasks', topic: TOPICS.due, intervalMs, logger }, wakeups, clock.every);
    // Every pass reads the ledger, so its freshness is the ledger's.
    health.register('task_queue', () => (this.isFresh(3) ? 'ok' : 'not_initialized'));
    health.register('control_registry', () => (this.isFresh(3) ? 'ok' : 'not_initialized'));
  }

  protected look(): Promise<number | null> {
    return this.upkeep.promoteDue();
  }
}
