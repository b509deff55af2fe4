import { type EndReason } from './run-command.js';

/** What an action's work is bounded by: its own time, and a word from above. */
export interface Limits {
  /** Fires when the work must end; its reason is an {@link EndReason}. */
  readonly signal: AbortSignal;
  readonly limitSeconds: number;
  /** Fires on a word from above alone. */
  readonly halt: AbortSignal;
}

/** Runs `work` with a signal that fires with `signal`, or after `limitSeconds` from now. */
export async function withinLimit<T>(
  signal: AbortSignal,
  limitSeconds: number,
  work: (limits: Limits) => Promise<T>,
): Promise<T> {
  const time = new AbortController();
  const timer = setTimeout(() => time.abort('time limit' satisfies EndReason), limitSeconds * 1_000);
  try {
    return await work({ limitSeconds, signal: AbortSignal.any([signal, time.signal]), halt: signal });
  } finally {
    clearTimeout(timer);
  }
}
