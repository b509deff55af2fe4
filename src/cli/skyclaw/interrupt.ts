import { ApiError, UnreachableError } from '../api/api-error.js';
import { note } from '../terminal.js';

const SIGNALS = { SIGINT: 2, SIGTERM: 15 } as const;

/**
 * Waits for `work`, which goes on elsewhere whether this process looks or not. A signal ends the looking with `advice`,
 * and the process with the code that a shell gives a program that was ended so. Losing sight of it gives the advice too.
 * What `work` says first is said when a signal is already heard.
 */
export async function whenInterrupted<T>(advice: string, work: () => Promise<T>): Promise<T> {
  const onSignal = (signal: keyof typeof SIGNALS) => {
    note(advice);
    process.exit(128 + SIGNALS[signal]);
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  try {
    return await work();
  } catch (error) {
    if (error instanceof UnreachableError || error instanceof ApiError) note(advice);
    throw error;
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  }
}
