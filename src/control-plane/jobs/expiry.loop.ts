import { Inject, Injectable } from '@nestjs/common';
import { Wakeups } from '../../platform/database/wakeups.js';
import { type Logger } from '../../platform/logging/logger.js';
import { ScheduleClock } from '../../platform/loops/schedule-clock.js';
import { HostJobs } from '../ledger/index.js';
import { LOGGER, TOPICS, WokenLoop } from '../runtime/index.js';

const INTERVAL_MS = 15_000;

/** Fails jobs that no host has started in time, when their time is over. */
@Injectable()
export class ExpiryLoop extends WokenLoop {
  constructor(
    private readonly jobs: HostJobs,
    wakeups: Wakeups,
    clock: ScheduleClock,
    @Inject(LOGGER) logger: Logger,
  ) {
    super({ name: 'expiry', intervalMs: INTERVAL_MS, logger, topic: TOPICS.expiring }, wakeups, clock.every);
  }

  protected look(): Promise<number | null> {
    return this.jobs.expire();
  }
}
