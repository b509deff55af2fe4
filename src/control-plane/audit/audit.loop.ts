import { Inject, Injectable } from '@nestjs/common';
import { Database } from '../../platform/database/database.js';
import { type Logger } from '../../platform/logging/logger.js';
import { breath } from '../../platform/loops/breath.js';
import { ScheduleClock } from '../../platform/loops/schedule-clock.js';
import { type ControlPlaneConfig } from '../config.js';
import { ApplicationLoop, CONFIG, LOGGER } from '../runtime/index.js';
import { pruneEntries } from './audit.queries.js';

const INTERVAL_MS = 10 * 60_000;
const BATCH = 1_000;
const BREATH_MS = 20;

/** Forgets entries whose time is over. */
@Injectable()
export class AuditRetentionLoop extends ApplicationLoop {
  constructor(
    private readonly database: Database,
    clock: ScheduleClock,
    @Inject(CONFIG) private readonly config: ControlPlaneConfig,
    @Inject(LOGGER) logger: Logger,
  ) {
    super({ name: 'audit retention', intervalMs: INTERVAL_MS, logger }, clock.every);
  }

  protected async runOnce(signal: AbortSignal): Promise<void> {
    const { retentionDays } = this.config.audit;
    if (retentionDays === 0) return;
    while (!signal.aborted && (await pruneEntries(this.database, retentionDays, BATCH)) === BATCH)
      await breath(BREATH_MS, signal);
  }
}
