const FIRST_MS = 5_000;
const FACTOR = 3;
const LONGEST_MS = 4 * 3_600_000;

/**
 * How long to wait after so many attempts that have failed: 5 s, 15 s, 45 s, … up to four hours, give or take a fifth by
 * `random` (0 to 1), so that what failed together does not come back together. What the receiver asks for in its answer
 * counts when it is longer, up to the same four hours.
 */
export function backOffMs(attempts: number, random: number, askedMs: number | null): number {
  const planned = Math.min(FIRST_MS * FACTOR ** Math.max(0, attempts - 1), LONGEST_MS);
  return Math.round(Math.max(planned * (0.8 + 0.4 * random), Math.min(askedMs ?? 0, LONGEST_MS)));
}
