import { Inject, Injectable } from '@nestjs/common';
import { Database } from '../../platform/database/database.js';
import { type Logger } from '../../platform/logging/logger.js';
import { ScheduleClock } from '../../platform/loops/schedule-clock.js';
import { type ControlPlaneConfig } from '../config.js';
import { HostJobs } from '../ledger/index.js';
import { ApplicationLoop, CONFIG, LOGGER } from '../runtime/index.js';
import { prunePayments } from './payments.queries.js';
import { deletePublicJobs, listOldPublicJobs } from './public-jobs.queries.js';
import { pruneCounts } from './usage.queries.js';

const INTERVAL_MS = 10 * 60_000;
const BATCH = 500;
/** Payments are remembered for so long that nobody's authorization is still good. */
const PAYMENT_DAYS = 400;

/** Forgets what is over: counts of past minutes and months, whose jobs those were that are gone, old payments. */
@Injectable()
export class PublicApiUpkeepLoop extends ApplicationLoop {
  constructor(
    private readonly database: Database,
    private readonly jobs: HostJobs,
    clock: ScheduleClock,
    @Inject(CONFIG) private readonly config: ControlPlaneConfig,
    @Inject(LOGGER) logger: Logger,
  ) {
    super({ name: 'public api upkeep', intervalMs: INTERVAL_MS, logger }, clock.every);
  }

  protected async runOnce(signal: AbortSignal): Promise<void> {
    await pruneCounts(this.database);
    await this.pruneJobs(signal);
    await prunePayments(this.database, PAYMENT_DAYS, BATCH);
  }

  /** A job that is old enough to be pruned, and was, belongs to nobody any more. */
  private async pruneJobs(signal: AbortSignal): Promise<void> {
    const { retentionDays } = this.config.ledger;
    if (retentionDays === 0) return;
    let after = 0;
    for (let looked = BATCH; looked === BATCH && !signal.aborted;) {
      const old = await listOldPublicJobs(this.database, after, retentionDays, BATCH);
      const kept = await this.jobs.findAll(old.map(({ jobId }) => jobId));
      const there = new Set(kept.map(({ id }) => id));
      const gone = old.map(({ jobId }) => jobId).filter((id) => !there.has(id));
      if (gone.length > 0) await deletePublicJobs(this.database, gone);
      after = old.at(-1)?.seq ?? after;
      looked = old.length;
    }
  }
}
