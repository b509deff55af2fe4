/** Something that goes on for as long as it makes progress. */
export interface Watched {
  /** When it last made progress, by {@link IdleClock.nowMs}. */
  lastActiveMs: number;
  /** Where the clock keeps it; written by the clock alone. */
  clockPlace: number;
  /** Called when it has made none for too long, again and again until it is over. */
  expire(): void;
}

/** Time limits without a timer for each request: a look at all of them, at least ten times within the limit. */
export class IdleClock<T extends Watched> {
  /** Coarse, and costs nothing to read. */
  nowMs = performance.now();
  // No Set: one that changes with every request leaves a trail of dead tables that the garbage collector ages needlessly.
  private readonly watched: T[] = [];
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
    return this.watched.length;
  }

  /** All at this moment. */
  get all(): readonly T[] {
    return [...this.watched];
  }

  add(one: T): void {
    one.clockPlace = this.watched.push(one) - 1;
  }

  delete(one: T): void {
    if (this.watched[one.clockPlace] !== one) return;
    const last = this.watched.pop();
    if (last === undefined || last === one) return;
    this.watched[one.clockPlace] = last;
    last.clockPlace = one.clockPlace;
  }

  stop(): void {
    clearInterval(this.timer);
  }

  private look(): void {
    this.nowMs = performance.now();
    for (const one of this.all) if (this.nowMs - one.lastActiveMs > this.expireAfterMs) one.expire();
  }
}
