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
import { DependentsService } from '../ledger/index.js';
import { CONFIG, LOGGER, TOPICS } from '../runtime/index.js';

/** Tells dependents of ends that had too many of them to be told at once, portion by portion. */
@Injectable()
export class TellerLoop extends Loop implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private unsubscribe: (() => void) | undefined;

  constructor(
    private readonly dependents: DependentsService,
    private readonly wakeups: Wakeups,
    clock: ScheduleClock,
    @Inject(CONFIG) config: ControlPlaneConfig,
    @Inject(LOGGER) logger: Logger,
  ) {
    super({ name: 'dependents', intervalMs: config.scheduler.pollMs, logger }, clock.every);
  }

  onApplicationBootstrap(): void {
    this.unsubscribe = this.wakeups.subscribe(TOPICS.untold, () => this.nudge());
    this.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.unsubscribe?.();
    await this.stop();
  }

  protected async runOnce(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && (await this.dependents.tellMore()));
  }
}
