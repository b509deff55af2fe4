import { Inject, Injectable } from '@nestjs/common';
import { Wakeups } from '../../platform/database/wakeups.js';
import { ScheduleClock } from '../../platform/loops/schedule-clock.js';
import { type Logger } from '../../platform/logging/logger.js';
import { LOGGER, TOPICS, WokenLoop } from '../runtime/index.js';
import { OccurrencesService } from './occurrences.service.js';

/** The longest sleep: for a change that nobody was told of. */
const POLL_MS = 15_000;
/** All replicas wake at the same moment; those that find the work locked look again after this, and not all the time. */
const BUSY_MS = 50;

/** Runs schedules when they are due: sleeps until the next one, or until one is changed. */
@Injectable()
export class SchedulesLoop extends WokenLoop {
  constructor(
    private readonly occurrences: OccurrencesService,
    wakeups: Wakeups,
    clock: ScheduleClock,
    @Inject(LOGGER) logger: Logger,
  ) {
    const times = { intervalMs: POLL_MS, shortestMs: BUSY_MS };
    super({ name: 'schedules', topic: TOPICS.schedules, ...times, logger }, wakeups, clock.every);
  }

  protected look(signal: AbortSignal): Promise<number | null> {
    return this.occurrences.runDue(signal);
  }
}
