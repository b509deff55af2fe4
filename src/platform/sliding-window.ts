/** At most `most` of something in any `windowMs`. */
export class SlidingWindow {
  private readonly times: number[] = [];

  constructor(
    private readonly most: number,
    private readonly windowMs: number,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** Counts one more; false, and nothing is counted, when there were too many already. */
  take(): boolean {
    const now = this.now();
    while (this.times[0] !== undefined && now - this.times[0] >= this.windowMs) this.times.shift();
    if (this.times.length >= this.most) return false;
    this.times.push(now);
    return true;
  }
}
