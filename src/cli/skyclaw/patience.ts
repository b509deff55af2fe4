import { setTimeout as wait } from 'node:timers/promises';
import { ApiError, UnreachableError } from '../api/api-error.js';
import { note } from '../terminal.js';

const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 5_000;

/**
 * How long a command that waits bears a coordinator that does not answer. Says once an outage that it has gone and once
 * that it is back, pauses ever longer in between, and gives up after `limitMs` without a sign of life.
 */
export class Patience {
  private lostAtMs: number | undefined;
  private pauseMs = FIRST_PAUSE_MS;

  constructor(private readonly limitMs: number) {}

  /** The coordinator has given a sign of life. */
  worked(): void {
    if (this.lostAtMs !== undefined) note('The coordinator is back.');
    this.lostAtMs = undefined;
    this.pauseMs = FIRST_PAUSE_MS;
  }

  /** Pauses before the next try, or throws `error` when there is no use in one. */
  async failed(error: unknown, atLeastMs = 0): Promise<void> {
    if (!isTemporary(error)) throw error;
    const isNew = this.lostAtMs === undefined;
    this.lostAtMs ??= performance.now();
    if (performance.now() - this.lostAtMs >= this.limitMs) throw error;
    if (isNew) note(`The coordinator does not answer; trying for ${Math.round(this.limitMs / 1_000)} s.`);
    await wait(Math.min(LONGEST_PAUSE_MS, Math.max(atLeastMs, this.pauseMs)));
    this.pauseMs *= 2;
  }

  /** Calls until there is an answer. */
  async until<T>(call: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        const value = await call();
        this.worked();
        return value;
      } catch (error) {
        await this.failed(error);
      }
    }
  }
}

function isTemporary(error: unknown): boolean {
  return (
    error instanceof UnreachableError ||
    (error instanceof ApiError && (error.status >= 500 || error.status === 429))
  );
}
