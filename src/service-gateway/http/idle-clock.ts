/** Something that goes on for as long as it makes progress. */
export interface Watched {
  /** When it last made progress, by {@link IdleClock.nowMs}. */
  lastActiveMs: number;
  /** Called when it has made none for too long, again and again until it is over. */
  expire(): void;
}

/** Time limits without a timer for each request: a look at all of them, at least ten times within the limit. */
export class IdleClock<T extends Watched> {
  /** Coarse, and costs nothing to read. */
  nowMs = performance.now();
  private readonly watched = new Set<T>();
  private readonly timer: NodeJS.Timeout;
  private readonly expireAfterMs: number;

  constructor(limitMs: number) {
    const lookEveryMs = Math.min(1_000, Math.max(10, limitMs / 10));
    // What is noted as the last progress may be a look older than it is; nobody's time ends early.
    this.expireAfterMs = limitMs + lookEveryMs;
    this.timer = setInterval(() => this.look(), lookEveryMs);
    this.timer.unref();
  }

  get size(): number {
    return this.watched.size;
  }

  get all(): Iterable<T> {
    return this.watched;
  }

  add(one: T): void {
    this.watched.add(one);
  }

  delete(one: T): void {
    this.watched.delete(one);
  }

  stop(): void {
    clearInterval(this.timer);
  }

  private look(): void {
    this.nowMs = performance.now();
    for (const one of this.watched) if (this.nowMs - one.lastActiveMs > this.expireAfterMs) one.expire();
  }
}
