import { Inject, Injectable } from '@nestjs/common';
import { Database } from '../../platform/database/database.js';
import { type Logger } from '../../platform/logging/logger.js';
import { ScheduleClock } from '../../platform/loops/schedule-clock.js';
import { ApplicationLoop, LOGGER } from '../runtime/index.js';
import { touchKeys } from './keys.queries.js';

const INTERVAL_MS = 15_000;
const NOTED_EVERY_MS = 60_000;

/** Writes down when keys were last used: beside the requests, and of each key once a minute. */
@Injectable()
export class KeyUseLoop extends ApplicationLoop {
  private readonly used = new Set<string>();
  private readonly notedAtMs = new Map<string, number>();

  constructor(
    private readonly database: Database,
    clock: ScheduleClock,
    @Inject(LOGGER) logger: Logger,
  ) {
    super({ name: 'public key use', intervalMs: INTERVAL_MS, logger }, clock.every);
  }

  /** A key is used now. */
  note(keyId: string): void {
    const now = performance.now();
    if (now - (this.notedAtMs.get(keyId) ?? -NOTED_EVERY_MS) < NOTED_EVERY_MS) return;
    this.notedAtMs.set(keyId, now);
    this.used.add(keyId);
    this.nudge();
  }

  protected async runOnce(): Promise<void> {
    if (this.used.size === 0) return;
    const ids = [...this.used];
    await touchKeys(this.database, ids);
    for (const id of ids) this.used.delete(id);
  }
}
