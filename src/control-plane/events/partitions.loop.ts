import {
  type BeforeApplicationShutdown,
  Inject,
  Injectable,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { Loop } from '../../platform/loops/loop.js';
import { ScheduleClock } from '../../platform/loops/schedule-clock.js';
import { type Logger } from '../../platform/logging/logger.js';
import { LOGGER } from '../runtime/index.js';
import { PartitionsService } from './partitions.service.js';

/** Partitions are made days ahead: an hour that is missed is nothing. */
const INTERVAL_MS = 60 * 60_000;

/** Makes the log's partitions before they are needed. */
@Injectable()
export class PartitionsLoop extends Loop implements OnApplicationBootstrap, BeforeApplicationShutdown {
  constructor(
    private readonly partitions: PartitionsService,
    clock: ScheduleClock,
    @Inject(LOGGER) logger: Logger,
  ) {
    super({ name: 'events-partitions', intervalMs: INTERVAL_MS, logger }, clock.every);
  }

  onApplicationBootstrap(): void {
    this.start();
  }

  beforeApplicationShutdown(): Promise<void> {
    return this.stop();
  }

  protected async runOnce(): Promise<void> {
    const made = await this.partitions.makeAhead();
    if (made > 0) this.logger.info({ made }, 'Partitions of the event log were made.');
  }
}
