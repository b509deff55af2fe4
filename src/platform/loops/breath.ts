import { setTimeout as wait } from 'node:timers/promises';

/** A pause between two pieces of work, so that a large amount of it never crowds out the rest. Ends early with `signal`. */
export async function breath(ms: number, signal: AbortSignal): Promise<void> {
  await wait(ms, undefined, { signal }).catch(() => undefined);
}
