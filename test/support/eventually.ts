import { setTimeout as wait } from 'node:timers/promises';

/** Looks until `probe` gives a value that is not undefined, and fails after `limitMs`. For states that nobody signals. */
export async function eventually<T>(
  what: string,
  probe: () => Promise<T | undefined>,
  limitMs = 15_000,
): Promise<T> {
  const end = performance.now() + limitMs;
  for (;;) {
    const value = await probe();
    if (value !== undefined) return value;
    if (performance.now() > end) throw new Error(`Waited in vain until ${what}.`);
    await wait(10);
  }
}
