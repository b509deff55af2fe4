import { type HaltReason } from '../../actions/index.js';

interface Running {
  readonly abort: AbortController;
  readonly ended: Promise<unknown>;
}

/** The actions that this process is about to run or runs, so that they can be told to end and be waited for. */
export class RunningActions {
  private readonly all = new Set<Running>();

  get count(): number {
    return this.all.size;
  }

  /** Those of this moment: what comes later is not told to end for what was found out about these. */
  snapshot(): ReadonlySet<AbortController> {
    return new Set([...this.all].map((running) => running.abort));
  }

  /** Runs `work` with a signal that fires when it has to end. */
  async track<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const abort = new AbortController();
    const result = work(abort.signal);
    const running = { abort, ended: result.catch(() => undefined) };
    this.all.add(running);
    try {
      return await result;
    } finally {
      this.all.delete(running);
    }
  }

  /** Tells actions to end: all, or those of a snapshot. */
  halt(reason: HaltReason, which = this.snapshot()): void {
    for (const abort of which) abort.abort(reason);
  }

  /** When those of this moment have ended. */
  async ended(): Promise<void> {
    await Promise.all([...this.all].map((running) => running.ended));
  }
}
