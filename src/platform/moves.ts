/** Something that grows or changes, and those who wait until it has. */
export class Moves {
  private count = 0;
  private readonly waiting = new Set<() => void>();

  /** Counts how often it has moved. */
  get version(): number {
    return this.count;
  }

  /** It has moved: wakes everybody. */
  note(): void {
    this.count++;
    for (const wake of [...this.waiting]) wake();
  }

  /** Waits until it has moved since it was at `version`, `ms` have passed, or `signal` fires. */
  async moved(version: number, ms: number, signal: AbortSignal): Promise<void> {
    if (version !== this.count || signal.aborted || ms <= 0) return;
    await new Promise<void>((resolve) => {
      const done = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        this.waiting.delete(done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      signal.addEventListener('abort', done);
      this.waiting.add(done);
    });
  }
}
