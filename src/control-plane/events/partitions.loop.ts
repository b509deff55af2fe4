import { Inject, Injectable } from '@nestjs/common';
import { ScheduleClock } from '../../platform/loops/schedule-clock.js';
import { type Logger } from '../../platform/logging/logger.js';
import { ApplicationLoop, LOGGER } from '../runtime/index.js';
import { PartitionsService } from './partitions.service.js';

/** Partitions are made days ahead: an hour that is missed is nothing. */
const INTERVAL_MS = 60 * 60_000;

/** Makes the log's partitions before they are needed. */
@Injectable()
export class PartitionsLoop extends ApplicationLoop {
  constructor(
    private readonly partitions: PartitionsService,
    clock: ScheduleClock,
    @Inject(LOGGER) logger: Logger,
  ) {
    super({ name: 'events-partitions', intervalMs: INTERVAL_MS, logger }, clock.every);
  }

  protected async runOnce(): Promise<void> {
    const made = await this.partitions.makeAhead();
    if (made > 0) this.logger.info({ made }, 'Partitions of the event log were made.');
  }
}
