import { Inject, Injectable } from '@nestjs/common';
import { Database } from '../../platform/database/database.js';
import { type Logger } from '../../platform/logging/logger.js';
import { breath } from '../../platform/loops/breath.js';
import { ScheduleClock } from '../../platform/loops/schedule-clock.js';
import { type ControlPlaneConfig } from '../config.js';
import { ApplicationLoop, CONFIG, LOGGER } from '../runtime/index.js';
import { pruneDeliveries } from './deliveries.queries.js';
import { forgetPreviousSecrets, listWebhooks } from './webhooks.queries.js';

const INTERVAL_MS = 60_000;
const PAGE = 100;
const BATCH = 1_000;
const BREATH_MS = 20;
/** Deliveries that have ended, of one webhook. */
const KEPT = 10_000;

/** Forgets deliveries that are over, and secrets whose time is. */
@Injectable()
export class WebhooksUpkeepLoop extends ApplicationLoop {
  constructor(
    private readonly database: Database,
    clock: ScheduleClock,
    @Inject(CONFIG) private readonly config: ControlPlaneConfig,
    @Inject(LOGGER) logger: Logger,
  ) {
    super({ name: 'webhooks upkeep', intervalMs: INTERVAL_MS, logger }, clock.every);
  }

  protected async runOnce(signal: AbortSignal): Promise<void> {
    await forgetPreviousSecrets(this.database);
    for (let after = ''; !signal.aborted;) {
      const webhooks = await listWebhooks(this.database, after, PAGE);
      for (const { id } of webhooks) await this.prune(id, signal);
      const last = webhooks.at(-1);
      if (last === undefined) return;
      after = last.id;
    }
  }

  private async prune(webhookId: string, signal: AbortSignal): Promise<void> {
    const bounds = { days: this.config.webhooks.retentionDays, keep: KEPT, limit: BATCH };
    while (!signal.aborted && (await pruneDeliveries(this.database, webhookId, bounds)) === BATCH)
      await breath(BREATH_MS, signal);
  }
}
