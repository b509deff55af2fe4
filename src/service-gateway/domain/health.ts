/** How an endpoint does: healthy until a failure, and again after the cooldown or a good probe. */
export class Health {
  private unhealthyUntilMs = Number.NEGATIVE_INFINITY;

  isHealthy(nowMs: number): boolean {
    return nowMs >= this.unhealthyUntilMs;
  }

  /** Ejects for the cooldown, from now on. True when it was healthy until now. */
  fail(nowMs: number, cooldownMs: number): boolean {
    const wasHealthy = this.isHealthy(nowMs);
    this.unhealthyUntilMs = nowMs + cooldownMs;
    return wasHealthy;
  }

  /** Ends an ejection. True when there was one. */
  recover(nowMs: number): boolean {
    const wasHealthy = this.isHealthy(nowMs);
    this.unhealthyUntilMs = Number.NEGATIVE_INFINITY;
    return !wasHealthy;
  }
}

/** Statuses by which an endpoint says that it cannot serve anybody; other errors are about one request. */
export function isOutage(status: number): boolean {
  return status === 502 || status === 503 || status === 504;
}

/** Whether the answer to a probe is a healthy one: even 404 shows that the program answers. */
export function isHealthyAnswer(status: number): boolean {
  return status < 500;
}
