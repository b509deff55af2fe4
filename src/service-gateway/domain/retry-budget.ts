/** Retries that a service gets in any window, however few requests it has. */
const FREE_RETRIES = 10;
/** Retries beyond those, as a share of the requests. */
const SHARE = 0.2;
const WINDOW_MS = 10_000;

/**
 * How many retries a service may cause: a fifth of its requests and a few more, over the last 10 to 20 s, so that an
 * outage is not answered with twice the load.
 */
export class RetryBudget {
  private windowEndsAtMs = 0;
  private requests = 0;
  private retries = 0;
  private earlierRequests = 0;
  private earlierRetries = 0;

  /** Counts a request that is new, not one that is tried again. */
  request(nowMs: number): void {
    this.turn(nowMs);
    this.requests++;
  }

  /** Takes one retry out of the budget; false when nothing is left. */
  takeRetry(nowMs: number): boolean {
    this.turn(nowMs);
    const allowed = FREE_RETRIES + SHARE * (this.requests + this.earlierRequests);
    if (this.retries + this.earlierRetries >= allowed) return false;
    this.retries++;
    return true;
  }

  private turn(nowMs: number): void {
    if (nowMs < this.windowEndsAtMs) return;
    const isNext = nowMs < this.windowEndsAtMs + WINDOW_MS;
    this.earlierRequests = isNext ? this.requests : 0;
    this.earlierRetries = isNext ? this.retries : 0;
    this.requests = 0;
    this.retries = 0;
    this.windowEndsAtMs = nowMs + WINDOW_MS;
  }
}
