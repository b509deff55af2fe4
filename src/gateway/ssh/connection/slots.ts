import { untilAborted } from './until-aborted.js';

/** A number of places; who finds none free waits for one, in the order of arrival. */
export class Slots {
  private readonly waiting: (() => void)[] = [];

  constructor(private free: number) {}

  /** Runs `work` in a place. Rejects with the reason of `signal` when that fires before there is one. */
  async run<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    await this.take(signal);
    try {
      return await work();
    } finally {
      const next = this.waiting.shift();
      if (next === undefined) this.free++;
      else next();
    }
  }

  private async take(signal: AbortSignal): Promise<void> {
    if (this.free > 0) {
      this.free--;
      return;
    }
    let enter!: () => void;
    const turn = new Promise<void>((resolve) => {
      enter = resolve;
      this.waiting.push(enter);
    });
    try {
      await untilAborted(turn, signal);
    } catch (error) {
      this.waiting.splice(this.waiting.indexOf(enter), 1);
      throw error;
    }
  }
}
