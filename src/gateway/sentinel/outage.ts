import { type Database } from '../../platform/database/database.js';
import { type Logger } from '../../platform/logging/logger.js';
import { addAlert, hasRecovered, lockComponent } from './sentinel.queries.js';

export interface OutageOptions {
  readonly database: Database;
  readonly logger: Logger;
  readonly alertEveryMs: number;
  /** Tells it over Telegram; undefined: there is no bot. Never rejects. */
  readonly tell: ((message: string) => Promise<boolean>) | undefined;
  readonly now?: () => number;
}

/**
 * The one component that cannot be written down while it is away: the database. Each gateway alerts by itself, and what it
 * has told is written down afterwards, by the first that comes to it.
 */
export class DatabaseOutage {
  private since: number | undefined;
  private alertedAt: number | undefined;
  private message: string | undefined;
  private readonly now: () => number;

  constructor(private readonly options: OutageOptions) {
    this.now = options.now ?? (() => performance.now());
  }

  /** It counts as down. */
  async down(message: string): Promise<void> {
    const { logger, tell, alertEveryMs } = this.options;
    this.since ??= this.now();
    if (this.alertedAt !== undefined && this.now() - this.alertedAt < alertEveryMs) return;
    this.alertedAt = this.now();
    this.message = message;
    logger.error(message);
    await tell?.(message);
  }

  /** It answers. Rejects, and is to be called again, when it does not after all. */
  async up(recovery: string): Promise<void> {
    const { database, logger } = this.options;
    const { since, message } = this;
    if (since === undefined) return;
    const agoMs = this.now() - since;
    if (message !== undefined) {
      const isOurs = await database.transaction(async (tx) => {
        await lockComponent(tx, 'database');
        if (await hasRecovered(tx, 'database', agoMs)) return false;
        await addAlert(tx, { component: 'database', kind: 'alert', message, agoMs, told: true });
        await addAlert(tx, { component: 'database', kind: 'recovery', message: recovery });
        return true;
      });
      if (isOurs) logger.info(recovery);
    }
    this.since = undefined;
    this.message = undefined;
  }
}
