const FIRST_SECONDS = 2;
const LONGEST_SECONDS = 60;

/** How long a task rests after its `attempts`-th claim came to nothing: 2 s, doubling, at most 60 s. */
export function backoffSeconds(attempts: number): number {
  return Math.min(LONGEST_SECONDS, FIRST_SECONDS * 2 ** Math.max(0, Math.min(attempts, 10) - 1));
}
