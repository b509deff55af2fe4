import { type Logger } from '../../platform/logging/logger.js';
import { type ScheduleClock } from '../../platform/loops/schedule-clock.js';
import { ApplicationLoop } from './application-loop.js';

const INTERVAL_MS = 15_000;
const NOTED_EVERY_MS = 60_000;

/** Writes down when credentials were last used: beside the requests, and of each once a minute. */
export abstract class LastUseLoop extends ApplicationLoop {
  private readonly used = new Set<string>();
  private readonly notedAtMs = new Map<string, number>();

  protected constructor(name: string, clock: ScheduleClock, logger: Logger) {
    super({ name, intervalMs: INTERVAL_MS, logger }, clock.every);
  }

  /** A credential is used now. */
  note(id: string): void {
    const now = performance.now();
    if (now - (this.notedAtMs.get(id) ?? -NOTED_EVERY_MS) < NOTED_EVERY_MS) return;
    this.notedAtMs.set(id, now);
    this.used.add(id);
    this.nudge();
  }

  /** Stores that these were used now. */
  protected abstract store(ids: readonly string[]): Promise<void>;

  protected async runOnce(): Promise<void> {
    if (this.used.size === 0) return;
    const ids = [...this.used];
    await this.store(ids);
    for (const id of ids) this.used.delete(id);
  }
}
