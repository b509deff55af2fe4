import { type DispatchOutcome } from '../../gateway-client/index.js';
import { backoffSeconds } from '../../ledger/index.js';

/** How an execution stands when an attempt has come back. */
export interface Attempt {
  /** Whether an earlier attempt with the same key may have run. */
  readonly keyMayHaveRun: boolean;
  /** Whether the time that the action may take is over. */
  readonly timeIsUp: boolean;
  /** Claims of the task so far, this one included. */
  readonly attempts: number;
  readonly maxAttempts: number;
  readonly host: string;
}

/** What to do about a task after an attempt. */
export type Verdict =
  | {
      readonly do: 'complete';
      readonly success: boolean;
      readonly result: Record<string, unknown>;
      readonly error: string;
    }
  | {
      readonly do: 'release';
      readonly reason: string;
      readonly restSeconds: number;
      readonly keepKey: boolean;
    }
  /** The outcome is open and there is time: ask again with the same key. */
  | { readonly do: 'ask-again' };

/**
 * One execution has one key until its outcome is definite. "Did not run" is definite only if no earlier attempt with the
 * key may have run, or if the gateway says so of the key itself.
 */
export function verdictOf(outcome: DispatchOutcome, attempt: Attempt): Verdict {
  switch (outcome.kind) {
    case 'succeeded':
      return { do: 'complete', success: true, result: outcome.result, error: '' };
    case 'failed':
      return { do: 'complete', success: false, result: outcome.result, error: outcome.error };
    case 'not-executed':
      return attempt.keyMayHaveRun && !outcome.ofKey
        ? stillOpen(outcome.error, attempt)
        : notExecuted(outcome.error, outcome.retryAfterMs, attempt);
    case 'unknown':
      return stillOpen(outcome.error, attempt);
  }
}

function notExecuted(error: string, retryAfterMs: number | null, attempt: Attempt): Verdict {
  const reason = `Gateway execution failed (${attempt.host}): ${error}`;
  if (attempt.attempts >= attempt.maxAttempts)
    return { do: 'complete', success: false, result: {}, error: reason };
  const restSeconds = Math.max(
    backoffSeconds(attempt.attempts),
    Math.min((retryAfterMs ?? 0) / 1_000, 3_600),
  );
  return { do: 'release', reason, restSeconds, keepKey: false };
}

function stillOpen(error: string, attempt: Attempt): Verdict {
  if (!attempt.timeIsUp) return { do: 'ask-again' };
  const reason = `Gateway execution failed (${attempt.host}): outcome unknown: ${error}`;
  if (attempt.attempts >= attempt.maxAttempts)
    return { do: 'complete', success: false, result: {}, error: reason };
  return { do: 'release', reason, restSeconds: backoffSeconds(attempt.attempts), keepKey: true };
}
