import { type ActionContext } from './machine-action.js';

type Limits = Pick<ActionContext, 'signal' | 'deadlineMs' | 'limitSeconds'>;

/** An action that runs in this process had to end before it was done; the message is what its result says. */
export class EndedEarlyError extends Error {}

/** What a result says of an action whose time was over. */
export function timeoutText(limitSeconds: number): string {
  return `Process timed out after ${limitSeconds}s and was killed.`;
}

/** What a result says of an action that was told to end; the signal's reason is a `HaltReason`. */
export function haltText(signal: AbortSignal): string {
  return `Process was killed by the ${String(signal.reason)}.`;
}

/** Throws when an action has to end. */
export function throwIfOver({ signal, deadlineMs, limitSeconds }: Limits): void {
  if (signal.aborted) throw new EndedEarlyError(haltText(signal));
  if (performance.now() >= deadlineMs) throw new EndedEarlyError(timeoutText(limitSeconds));
}

/** Does something that heeds the signal that it is given, which fires when the action has to end. */
export async function withinLimit<T>(limits: Limits, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const { signal, deadlineMs } = limits;
  const timeIsUp = AbortSignal.timeout(Math.max(1, Math.ceil(deadlineMs - performance.now())));
  try {
    return await work(AbortSignal.any([signal, timeIsUp]));
  } catch (error) {
    if (signal.aborted) throw new EndedEarlyError(haltText(signal));
    if (timeIsUp.aborted) throw new EndedEarlyError(timeoutText(limits.limitSeconds));
    throw error;
  }
}
