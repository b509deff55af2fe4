import { Inject, Injectable } from '@nestjs/common';
import { Wakeups } from '../../platform/database/wakeups.js';
import { ScheduleClock } from '../../platform/loops/schedule-clock.js';
import { type Logger } from '../../platform/logging/logger.js';
import { type ControlPlaneConfig } from '../config.js';
import { DependentsService } from '../ledger/index.js';
import { CONFIG, LOGGER, TOPICS, WokenLoop } from '../runtime/index.js';

/** Tells dependents of ends that had too many of them to be told at once, portion by portion. */
@Injectable()
export class TellerLoop extends WokenLoop {
  constructor(
    private readonly dependents: DependentsService,
    wakeups: Wakeups,
    clock: ScheduleClock,
    @Inject(CONFIG) config: ControlPlaneConfig,
    @Inject(LOGGER) logger: Logger,
  ) {
    const intervalMs = config.scheduler.pollMs;
    super({ name: 'dependents', topic: TOPICS.untold, intervalMs, logger }, wakeups, clock.every);
  }

  protected async look(signal: AbortSignal): Promise<null> {
    while (!signal.aborted && (await this.dependents.tellMore()));
    return null;
  }
}
