const MOST_MS = 120_000;

/** When to try again: after a pause that doubles from failure to failure. */
export interface Backoff {
  readonly pauseMs: number;
  /** The pause after the next failure, unless it comes late. */
  readonly nextPauseMs: number;
}

/**
 * The pause after a connection that has lasted `lastedMs`. One that lasted longer than the pause that is due was stable:
 * the pauses begin anew at `firstMs`.
 */
export function backoffAfter(lastedMs: number, dueMs: number, firstMs: number): Backoff {
  const pauseMs = lastedMs > dueMs ? firstMs : dueMs;
  return { pauseMs, nextPauseMs: Math.min(MOST_MS, pauseMs * 2) };
}
