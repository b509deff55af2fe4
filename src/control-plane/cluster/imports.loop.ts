import { Inject, Injectable } from '@nestjs/common';
import { Database } from '../../platform/database/database.js';
import { type Logger } from '../../platform/logging/logger.js';
import { breath } from '../../platform/loops/breath.js';
import { ScheduleClock } from '../../platform/loops/schedule-clock.js';
import { type ControlPlaneConfig } from '../config.js';
import { ApplicationLoop, CONFIG, LOGGER } from '../runtime/index.js';
import { pruneImported } from './imports.queries.js';

const INTERVAL_MS = 10 * 60_000;
const BATCH = 500;
const BREATH_MS = 50;
/** A move from one coordinator to another does not take longer. */
const LEAST_DAYS = 30;

/**
 * Forgets that records were imported once that was as long ago as finished jobs are kept. The records themselves stay; a
 * snapshot that has something newer of them changes nothing from then on, as if they had been made here.
 */
@Injectable()
export class ImportsLoop extends ApplicationLoop {
  constructor(
    private readonly database: Database,
    clock: ScheduleClock,
    @Inject(CONFIG) private readonly config: ControlPlaneConfig,
    @Inject(LOGGER) logger: Logger,
  ) {
    super({ name: 'imports', intervalMs: INTERVAL_MS, logger }, clock.every);
  }

  protected async runOnce(signal: AbortSignal): Promise<void> {
    const { retentionDays } = this.config.ledger;
    if (retentionDays === 0) return;
    for (let forgotten = BATCH; forgotten === BATCH && !signal.aborted;) {
      forgotten = await pruneImported(this.database, Math.max(retentionDays, LEAST_DAYS), BATCH);
      if (forgotten === BATCH) await breath(BREATH_MS, signal);
    }
  }
}
