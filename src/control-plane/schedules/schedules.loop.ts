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
import { LOGGER, TOPICS } from '../runtime/index.js';
import { OccurrencesService } from './occurrences.service.js';

/** The longest sleep: for a change that nobody was told of. */
const POLL_MS = 15_000;
/** All replicas wake at the same moment; those that find the work locked look again after this, and not all the time. */
const BUSY_MS = 50;

/** Runs schedules when they are due: sleeps until the next one, or until one is changed. */
@Injectable()
export class SchedulesLoop extends Loop implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private alarm: NodeJS.Timeout | undefined;
  private unsubscribe: (() => void) | undefined;

  constructor(
    private readonly occurrences: OccurrencesService,
    private readonly wakeups: Wakeups,
    clock: ScheduleClock,
    @Inject(LOGGER) logger: Logger,
  ) {
    super({ name: 'schedules', intervalMs: POLL_MS, logger }, clock.every);
  }

  onApplicationBootstrap(): void {
    this.unsubscribe = this.wakeups.subscribe(TOPICS.schedules, () => this.nudge());
    this.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.unsubscribe?.();
    await this.stop();
    clearTimeout(this.alarm);
  }

  protected async runOnce(signal: AbortSignal): Promise<void> {
    clearTimeout(this.alarm);
    const inMs = await this.occurrences.runDue(signal);
    if (inMs !== null && inMs < this.intervalMs) {
      this.alarm = setTimeout(() => this.nudge(), Math.max(BUSY_MS, inMs));
    }
  }
}
