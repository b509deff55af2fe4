/** Lets work under one key run one after the other, in the order of arrival; work under different keys side by side. */
export class KeyedLock {
  private readonly tails = new Map<string, Promise<unknown>>();

  /** Runs `work` when all earlier work under any of the keys is done; at once when there are none. */
  run<T>(keys: readonly string[], work: () => Promise<T>): Promise<T> {
    // All take theirs in the same order, so nobody waits for somebody who waits for him.
    const sorted = [...new Set(keys)].sort();
    return sorted.reduceRight((inner, key) => () => this.runUnder(key, inner), work)();
  }

  private async runUnder<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.tails.get(key) ?? Promise.resolve();
    const mine = before.then(work, work);
    const tail = mine.catch(() => undefined);
    this.tails.set(key, tail);
    try {
      return await mine;
    } finally {
      if (this.tails.get(key) === tail) this.tails.delete(key);
    }
  }
}
