import { untilAborted } from './until-aborted.js';

/** Lets a number of pieces of work run at once; the rest waits, first come first served. */
export class Turns {
  private readonly waiting: (() => void)[] = [];

  constructor(private free: number) {}

  /**
   * Runs `work` when it is its turn. Rejects with an {@link Aborted} when `signal` fires before; work that has begun is
   * not touched by it.
   */
  async run<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    await this.take(signal);
    try {
      return await work();
    } finally {
      // A turn is handed on, not given back, so that nobody who comes later gets in between.
      const next = this.waiting.shift();
      if (next === undefined) this.free++;
      else next();
    }
  }

  private async take(signal: AbortSignal | undefined): Promise<void> {
    if (this.free > 0) {
      this.free--;
      return;
    }
    let enter!: () => void;
    const turn = new Promise<void>((resolve) => this.waiting.push((enter = resolve)));
    if (signal === undefined) return turn;
    try {
      await untilAborted(turn, signal);
    } catch (error) {
      this.waiting.splice(this.waiting.indexOf(enter), 1);
      throw error;
    }
  }
}
