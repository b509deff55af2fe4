import {
  type BeforeApplicationShutdown,
  Inject,
  Injectable,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { Database } from '../../platform/database/database.js';
import { type Logger } from '../../platform/logging/logger.js';
import { Loop } from '../../platform/loops/loop.js';
import { ScheduleClock } from '../../platform/loops/schedule-clock.js';
import { LOGGER } from '../runtime/index.js';
import { touchKeys } from './keys.queries.js';

const INTERVAL_MS = 15_000;
const NOTED_EVERY_MS = 60_000;

/** Writes down when keys were last used: beside the requests, and of each key once a minute. */
@Injectable()
export class KeyUseLoop extends Loop implements OnApplicationBootstrap, BeforeApplicationShutdown {
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

  onApplicationBootstrap(): void {
    this.start();
  }

  beforeApplicationShutdown(): Promise<void> {
    return this.stop();
  }

  protected async runOnce(): Promise<void> {
    if (this.used.size === 0) return;
    const ids = [...this.used];
    await touchKeys(this.database, ids);
    for (const id of ids) this.used.delete(id);
  }
}
