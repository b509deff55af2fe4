const MAX_ACTIONS = 120;
const WINDOW_MS = 60_000;

export const RATE_LIMIT_REFUSAL = `Rate limit exceeded: ${MAX_ACTIONS} actions per ${WINDOW_MS / 1_000}s.`;

/** At most 120 actions in any 60 seconds. */
export class ActionRateLimit {
  private readonly times: number[] = [];

  constructor(private readonly now: () => number = () => performance.now()) {}

  /** Counts an action; false when there were too many already. */
  take(): boolean {
    const now = this.now();
    while (this.times[0] !== undefined && now - this.times[0] >= WINDOW_MS) this.times.shift();
    if (this.times.length >= MAX_ACTIONS) return false;
    this.times.push(now);
    return true;
  }
}
