import { setTimeout as wait } from 'node:timers/promises';

/**
 * What comes of `work`; undefined when it takes longer than `limitMs`, and it is then left to itself. Rejects as `work`
 * does, if it does so in time.
 */
export async function within<T>(limitMs: number, work: Promise<T>): Promise<T | undefined> {
  const abort = new AbortController();
  const late = wait(limitMs, undefined, { signal: abort.signal }).catch(() => undefined);
  try {
    return await Promise.race([work, late]);
  } finally {
    abort.abort();
  }
}
