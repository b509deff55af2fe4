/** The rest after the first failure in a row, and the longest. It doubles in between. */
const FIRST_MS = 1_000;
const LONGEST_MS = 60_000;

/** A replica that ran for so long counts as sound: its next failure is a first one again. */
export const STABLE_MS = 60_000;

/** How long a replica rests after so many failures in a row. */
export function restMs(failures: number): number {
  return Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(16, Math.max(0, failures - 1)));
}

/** A host on which a replica failed so often in a row lets others go first. */
const YIELDS_FROM = 2;
const YIELD_MS = 5_000;

/** How much longer the host on which a replica failed waits for it, while another host could take it. */
export function yieldMs(failures: number): number {
  return failures < YIELDS_FROM ? 0 : Math.min(YIELD_MS, restMs(failures));
}
