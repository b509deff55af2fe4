/** What those who follow one output wait at. */
export class Watch {
  private followers = 0;
  private state: string | undefined;
  private moves = 0;
  private readonly waiting = new Set<() => void>();

  /** Calls `forget` when the last follower has left. */
  constructor(private readonly forget: () => void) {}

  joined(): this {
    this.followers++;
    return this;
  }

  leave(): void {
    if (--this.followers === 0) this.forget();
  }

  /** Counts how often the output has been seen in another state. */
  get version(): number {
    return this.moves;
  }

  /** Notes how the output looks; wakes everybody when it looks different. */
  saw(state: string): void {
    if (state === this.state) return;
    this.state = state;
    this.moves++;
    for (const wake of [...this.waiting]) wake();
  }

  /** Waits until the output has moved since it was at `version`, `ms` have passed, or `signal` fires. */
  async moved(version: number, ms: number, signal: AbortSignal): Promise<void> {
    if (version !== this.moves || signal.aborted || ms <= 0) return;
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
