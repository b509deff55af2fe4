import { type Logger } from '../logging/logger.js';

export interface LoopOptions {
  readonly name: string;
  /** The longest pause between two passes; a nudge makes the next one sooner. */
  readonly intervalMs: number;
  readonly logger: Logger;
}

/** What can be seen of a loop from outside. */
export interface LoopFigures {
  readonly name: string;
  readonly intervalMs: number;
  /** How much longer than `intervalMs` ago the last good pass ended, or the start was; 0 while it keeps its time. */
  readonly lagMs: number;
  /** Passes since the process began. */
  readonly passes: { readonly good: number; readonly failed: number };
}

/**
 * Keeps the time for loops: calls `tick` every `intervalMs` until the returned function is called. `loop` is whose time it
 * is, for a clock that knows what it drives.
 */
export type Every = (name: string, intervalMs: number, tick: () => void, loop: LoopFigures) => () => void;

/**
 * A background loop: looks at the state, moves it towards the intended one, and looks again after `intervalMs` or
 * when nudged. Passes never overlap; a nudge during a pass causes one more pass right after it. A pass that fails is
 * logged and the next one is the retry. `start` and `stop` may be called twice and in any order; `stop` waits for the
 * pass that runs.
 */
export abstract class Loop implements LoopFigures {
  readonly name: string;
  readonly intervalMs: number;
  readonly passes = { good: 0, failed: 0 };
  protected readonly logger: Logger;

  private cancelClock: (() => void) | undefined;
  private abort: AbortController | undefined;
  private current: Promise<void> | undefined;
  private again = false;
  private failing = false;
  private startedAtMs: number | undefined;
  private lastSuccessMs: number | undefined;

  constructor(
    { name, intervalMs, logger }: LoopOptions,
    private readonly every: Every,
  ) {
    this.name = name;
    this.intervalMs = intervalMs;
    this.logger = logger.child({ loop: name });
  }

  /** One pass. Takes no work as input and may be run twice in a row without harm. `signal` fires when the loop stops. */
  protected abstract runOnce(signal: AbortSignal): Promise<void>;

  start(): void {
    if (this.abort !== undefined) return;
    this.abort = new AbortController();
    this.startedAtMs = performance.now();
    this.cancelClock = this.every(this.name, this.intervalMs, () => this.nudge(), this);
    this.nudge();
  }

  /** Asks for a pass now. Costs nothing when one is already asked for; ignored while stopped. */
  nudge(): void {
    if (this.abort === undefined || this.abort.signal.aborted) return;
    if (this.current === undefined) this.current = this.runPasses(this.abort.signal);
    else this.again = true;
  }

  /** Stops the clock, tells the running pass by its signal, and waits for it. */
  async stop(): Promise<void> {
    this.cancelClock?.();
    this.cancelClock = undefined;
    this.abort?.abort();
    await this.current;
    this.abort = undefined;
    this.startedAtMs = undefined;
  }

  get running(): boolean {
    return this.abort !== undefined && !this.abort.signal.aborted;
  }

  get lagMs(): number {
    if (this.startedAtMs === undefined) return 0;
    const since = Math.max(this.startedAtMs, this.lastSuccessMs ?? 0);
    return Math.max(0, performance.now() - since - this.intervalMs);
  }

  /** Whether the last good pass, or the start, is no older than `periods` intervals (and at least 3 s). */
  isFresh(periods: number): boolean {
    const since = this.lastSuccessMs ?? this.startedAtMs;
    return (
      this.running &&
      since !== undefined &&
      performance.now() - since <= Math.max(periods * this.intervalMs, 3_000)
    );
  }

  private async runPasses(signal: AbortSignal): Promise<void> {
    // The caller must see `current` set before the first pass begins.
    await Promise.resolve();
    do {
      this.again = false;
      try {
        await this.runOnce(signal);
        this.lastSuccessMs = performance.now();
        this.passes.good++;
        if (this.failing) this.logger.info('The loop works again.');
        this.failing = false;
      } catch (error) {
        if (signal.aborted) break;
        this.passes.failed++;
        // A database that is away fails every pass; one line tells it, the rest is for those who debug.
        this.logger[this.failing ? 'debug' : 'warn'](
          { err: error },
          'A pass failed; the next one tries again.',
        );
        this.failing = true;
        this.again = false;
      }
    } while (this.wanted(signal));
    this.current = undefined;
  }

  /** Asked anew each time, since a nudge may come while a pass runs. */
  private wanted(signal: AbortSignal): boolean {
    return this.again && !signal.aborted;
  }
}
