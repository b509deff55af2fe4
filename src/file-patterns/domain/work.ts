/** What a comparison may still cost. One unit is one look at a pair of positions. */
export interface Work {
  left: number;
}

/** Enough for all patterns that people write, and a few milliseconds for those made to be slow. */
export const WORK_LIMIT = 50_000;
