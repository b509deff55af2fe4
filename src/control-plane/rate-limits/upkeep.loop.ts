import { Inject, Injectable } from '@nestjs/common';
import { Database } from '../../platform/database/database.js';
import { type Logger } from '../../platform/logging/logger.js';
import { ScheduleClock } from '../../platform/loops/schedule-clock.js';
import { ApplicationLoop, LOGGER } from '../runtime/index.js';
import { pruneMinutes } from './rate-limits.queries.js';

const INTERVAL_MS = 5 * 60_000;

/** Forgets how often clients called in minutes that are over. */
@Injectable()
export class RateLimitsUpkeepLoop extends ApplicationLoop {
  constructor(
    private readonly database: Database,
    clock: ScheduleClock,
    @Inject(LOGGER) logger: Logger,
  ) {
    super({ name: 'rate limits upkeep', intervalMs: INTERVAL_MS, logger }, clock.every);
  }

  protected runOnce(): Promise<void> {
    return pruneMinutes(this.database);
  }
}
